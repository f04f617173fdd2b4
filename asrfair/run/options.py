"""From parsed options to a plan's values."""

import argparse
from collections.abc import Sequence
from typing import Any

from asrfair.errors import InputError
from asrfair.run.measuring import SENSITIVITY


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options as a plan's values: pairs split, lists as tuples; None where not given."""
    values = {key: value for key, value in vars(options).items() if key != "handler"}
    values["reference_groups"] = pairs("--reference-group AXIS=GROUP", values.pop("reference_group"))
    if "assigned_by" in values:
        values["assigned_by"] = pairs("--assigned-by AXIS=WHO", values["assigned_by"])
    if values.get("corpus"):
        values["corpus"] = pairs("--corpus CARD=ROOT", [values["corpus"]])
    if values["family"]:
        values["family"] = tuple(column.strip() for column in values["family"].split(","))
    values["by"] = axes(values["by"])
    if values["above"]:
        values["above"] = numbers("--above", values["above"])
    if values.get("bands"):
        values["bands"] = {
            axis: numbers(f"--bands {axis}", edges)
            for axis, edges in (pairs("--bands AXIS=N,N", values["bands"]) or {}).items()
        }
    if values["sensitivity"]:
        values["sensitivity"] = SENSITIVITY
    values["covariates"] = values.pop("covariate")
    for key in ("allow_imputed", "condition", "confirm", "covariates", "null"):
        if isinstance(values.get(key), list):
            values[key] = tuple(values[key])
    return values


def axes(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """Split the axes of ``--by``, which may be repeated and may hold several; None where not given."""
    return tuple(axis.strip() for text in texts for axis in text.split(",") if axis.strip()) if texts else None


def pairs(form: str, texts: Sequence[str] | None) -> dict[str, str] | None:
    """Split options like AXIS=GROUP; raises InputError showing the form."""
    found = {}
    for text in texts or ():
        left, sign, right = card_and_root(text) if "CARD=ROOT" in form else text.partition("=")
        if not (left and sign and right):
            raise InputError(f"{form.split()[0]} {text}: found no pair; expected {form}")
        if left in found:
            raise InputError(f"{form.split()[0]} {text}: found {left} twice; expected it once")
        found[left] = right
    return found or None


def card_and_root(text: str) -> tuple[str, str, str]:
    """Split CARD=ROOT as `str.partition` would, after a card's ``.toml``: a card's path may hold an equals sign."""
    place = text.find(CARD_ENDS)
    cut = text.find("=") if place < 0 else place + len(CARD_ENDS) - 1
    return text.partition("=") if cut < 0 else (text[:cut], "=", text[cut + 1 :])


CARD_ENDS = ".toml="


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Split an option's numbers at commas; raises InputError naming the one that is none."""
    found = []
    for part in text.split(","):
        try:
            found.append(float(part))
        except ValueError:
            raise InputError(f"{option}: found '{part.strip()}'; expected numbers, such as 0.5,1") from None
    return tuple(found)
