"""What a card says of the run as a whole: how it was measured, its axes, and its ladders; ready for JSON."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from asrfair.report.card.bounds import is_product
from asrfair.report.rungs import found_ladders
from asrfair.report.text import Row
from asrfair.report.view import View

LADDER_KEYS = (
    "axis",
    "group",
    "reference_group",
    "backend",
    "speakers",
    "reference_speakers",
    "wer",
    "estimate",
    "low",
    "high",
    "note",
)


def pick(row: Row, keys: Sequence[str]) -> dict[str, Any]:
    """Return some columns of a row."""
    return {key: row[key] for key in keys}


def origin(view: View, axis: str) -> dict[str, Any]:
    """Return who assigned an axis's labels, and whether they are imputed."""
    about = view.axis(axis)
    return {"assigned_by": about.get("assigned_by"), "imputed": bool(about.get("imputed"))}


def measured(view: View) -> dict[str, Any]:
    """Return how the numbers were made: corpus, axes, conditions, recognisers, normaliser, versions, date."""
    signature, corpus = view.signature, view.corpus
    keys = ("asrfair", "kind", "created", "python", "libraries", "seed", "sample_rate", "normalizer", "level", "method")
    plan = ("confirm", "family", "covariates")
    return {
        **{key: signature.get(key) for key in keys},
        "corpus": dict(corpus),
        "languages": sorted(view.results.utterances["language"].drop_nulls().unique()),
        "about_people": not view.synthetic,
        "axes": [_axis(view, axis) for axis in view.axes],
        "conditions": signature.get("conditions") or {},
        "baseline_condition": signature.get("baseline_condition"),
        "backends": signature.get("backends") or {},
        "baseline_backend": signature.get("baseline_backend"),
        "independent_utterances": bool(signature.get("independent_utterances")),
        **{key: list(signature.get(key) or ()) for key in plan},
        "limit": signature.get("limit"),
        "sample": signature.get("sample"),
        "better": "lower",
        "notes": list(signature.get("notes") or ()),
    }


def _axis(view: View, axis: str) -> dict[str, Any]:
    about = view.axis(axis)
    groups = view.results.rates.filter(pl.col("axis") == axis)["group"].drop_nulls().n_unique()
    return {
        "axis": axis,
        "assigned_by": about.get("assigned_by"),
        "imputed": bool(about.get("imputed")),
        "note": about.get("note"),
        "instrument": about.get("instrument") or None,
        "date": about.get("date") or None,
        "reference_group": about.get("reference_group"),
        "groups": groups,
        "intersection": is_product(axis),
        "unmapped": dict(about.get("unmapped") or {}),
    }


def ladders(view: View) -> list[dict[str, Any]]:
    """Return each ladder with its rungs, the most favourable first, and the handicaps of groups."""
    found = []
    for ladder in found_ladders(view):
        rows = view.whole.handicaps.filter(pl.col("ladder") == ladder.name, pl.col("at").is_null())
        found.append(
            {
                "ladder": ladder.name,
                "parameter": ladder.parameter,
                "unit": ladder.unit or None,
                "wanted": ladder.wanted,
                "rungs": [{"value": value, "condition": condition} for value, condition in ladder.rungs],
                "handicaps": [
                    {**pick(row, LADDER_KEYS), **origin(view, row["axis"])} for row in rows.iter_rows(named=True)
                ],
            }
        )
    return found
