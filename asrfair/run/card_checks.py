"""Whether a card read from JSON holds what a comparison reads of it: the right kinds of values, and finite numbers."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from asrfair.errors import InputError

Card = dict[str, Any]
_PARTS = {"what_was_measured": dict, "overall": list, "groups": list}
_MEASURED = {"backends": dict, "conditions": dict, "axes": list, "corpus": dict, "about_people": bool}
_RATES = ("wer", "low", "high")
_COUNTS = ("speakers", "reference_words", "failures")
_TEXTS = ("created", "asrfair", "kind")
_ROUNDING = 1e-9


def checked(card: Card, *, where: Path) -> Card:
    """Return the card; raises InputError naming the first part that is not as asrfair writes it."""
    for path, found, wanted in _problems(card):
        raise InputError(f"{where}: '{path}': found {found}; expected {wanted}, as asrfair card writes it")
    return card


def _problems(card: Card) -> Iterator[tuple[str, str, str]]:
    yield from _kinds(card, _PARTS, "")
    measured = card["what_was_measured"]
    yield from _texts(card, ("signature",), "")
    yield from _kinds(measured, _MEASURED, "what_was_measured.")
    yield from _texts(measured, _TEXTS, "what_was_measured.")
    yield from _texts(measured["corpus"], ("card", "kind", "digest"), "what_was_measured.corpus.")
    if not isinstance(measured.get("normalizer", {}), dict | None):
        yield "what_was_measured.normalizer", _shown(measured["normalizer"]), "a table or null"
    for key in ("backends", "conditions"):
        for name, facts in measured[key].items():
            yield from _kinds({name: facts}, {name: dict}, f"what_was_measured.{key}.")
    for number, axis in enumerate(measured["axes"]):
        if not isinstance(axis, dict) or not isinstance(axis.get("axis"), str):
            yield f"what_was_measured.axes[{number}]", _shown(axis), "an axis with its name"
    level = measured.get("level")
    if "level" not in measured or (level is not None and not (_is_number(level) and 0 < level < 1)):
        yield "what_was_measured.level", _shown(level), "a number between 0 and 1"
    for part, names in (("overall", ()), ("groups", ("axis", "group"))):
        for number, row in enumerate(card[part]):
            yield from _row(row, names, f"{part}[{number}]")


def _kinds(found: Mapping[str, Any], wanted: Mapping[str, type], path: str) -> Iterator[tuple[str, str, str]]:
    for key, kind in wanted.items():
        if not isinstance(found.get(key), kind):
            yield f"{path}{key}", _shown(found.get(key)), kind.__name__


def _texts(found: Mapping[str, Any], names: tuple[str, ...], path: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is neither a text nor null; what is not there is unknown, as null is."""
    for key in names:
        if not isinstance(found.get(key), str | None):
            yield f"{path}{key}", _shown(found[key]), "a text or null"


def _row(row: Any, names: tuple[str, ...], path: str) -> Iterator[tuple[str, str, str]]:
    if not isinstance(row, dict):
        yield path, _shown(row), "a rate"
        return
    for key in ("condition", "backend", *names):
        if key not in row or not (row[key] is None or isinstance(row[key], str)):
            yield f"{path}.{key}", _shown(row.get(key)), "a text"
    for key in _RATES:
        if key not in row or not (row[key] is None or (_is_number(row[key]) and row[key] >= 0)):
            yield f"{path}.{key}", _shown(row.get(key)), "a number from 0 up, or null"
    for key in _COUNTS:
        if key not in row or not (row[key] is None or (_is_whole(row[key]) and row[key] >= 0)):
            yield f"{path}.{key}", _shown(row.get(key)), "a whole number from 0 up, or null"
    known = [row[key] for key in ("low", "wer", "high") if row[key] is not None]
    if any(later < earlier - _ROUNDING for earlier, later in pairwise(known)):
        yield path, ", ".join(f"{key} {row[key]}" for key in ("low", "wer", "high")), "low <= wer <= high"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"{value:g}" if _is_number(value) else type(value).__name__
