"""Two runs compared, as data: every group, none cut off, for programs."""

from collections.abc import Iterator
from typing import Any

from asrfair.report.compare.changes import Pairing, gap_finding, gap_sizes, pairings, view_of
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.text import Row
from asrfair.report.view import View
from asrfair.results import Results
from asrfair.tables import OVERALL

SCHEMA = "asrfair-comparison-1"
KINDS = {"better": "gained", "worse": "lost", "not shown": "no change shown", "not judged": "could not be judged"}


def comparison_data(results: Results, *, old: str, new: str) -> dict[str, Any]:
    """Return a joint analysis as JSON holds it; rates are fractions, an unknown number is null.

    ``changes`` are each group's, the new recogniser less (or over) the old one; ``gaps`` are how far a group's change
    is from its reference group's. ``finding`` is by the adjusted p at the ``level``.
    """
    view = view_of(results)
    facts = view.signature["comparison"]
    return {
        "format": SCHEMA,
        "old": {"run": old, "signature": facts["signatures"]["old"]},
        "new": {"run": new, "signature": facts["signatures"]["new"]},
        "level": view.signature["level"],
        "family": view.signature["family"],
        "normalizer": (view.signature.get("normalizer") or {}).get("label"),
        "identical": facts["identical"],
        "differences": facts["differences"],
        "compared_in_spite_of_differences": facts["insisted"],
        "utterances": facts["shared"],
        "speakers": view.corpus.get("speakers"),
        "synthetic_voices": view.synthetic,
        "recognisers": facts["pairs"],
        "conditions": list(view.conditions),
        "left_out": facts["left_out"],
        "failures": facts["failures"],
        "changes": [row for pair in pairings(view) for row in _changes(view, pair)],
        "gaps": [row for pair in pairings(view) for row in _gaps(view, pair)],
    }


def _changes(view: View, pair: Pairing) -> Iterator[dict[str, Any]]:
    for axis in (OVERALL, *view.axes):
        rates = {
            (row["backend"], row["group"], row["condition"]): row
            for name in (pair.old, pair.new)
            for row in view.rates(axis=axis, backend=name)
        }
        for contrast in contrasts(view, "backend", axis=axis, backend=pair.new):
            row = contrast.row
            sides = {
                side: _rate(rates.get((getattr(pair, side), row["group"], row["condition"]))) for side in ("old", "new")
            }
            yield (
                _named(view, pair, contrast)
                | sides
                | _scales(contrast)
                | {"finding": KINDS[contrast.verdict(view.alpha)]}
            )


def _gaps(view: View, pair: Pairing) -> Iterator[dict[str, Any]]:
    sizes = gap_sizes(view)
    for axis in view.axes:
        for contrast in contrasts(view, "backend_interaction", axis=axis, backend=pair.new):
            row = contrast.row
            gap = sizes.get((pair.name, axis, row["group"], row["condition"]), (None, None))
            finding = gap_finding(contrast, view.alpha, gap)
            yield _named(view, pair, contrast) | {
                "reference_group": row["reference_group"],
                "reference_speakers": row["reference_speakers"],
                "old_gap": gap[0],
                "new_gap": gap[1],
                **_scales(contrast),
                "finding": KINDS.get(finding, finding),
            }


def _named(view: View, pair: Pairing, contrast: Contrast) -> dict[str, Any]:
    row = contrast.row
    return {
        "recogniser": pair.name,
        "axis": row["axis"],
        "assigned_by": view.axis(row["axis"]).get("assigned_by"),
        "group": row["group"],
        "condition": row["condition"],
        "speakers": row["speakers"],
    }


def _rate(row: Row | None) -> dict[str, Any] | None:
    names = ("wer", "low", "high", "speakers", "utterances", "failures", "reference_words")
    return None if row is None else {name: row[name] for name in names}


def _scales(contrast: Contrast) -> dict[str, Any]:
    names = ("estimate", "low", "high", "p", "p_adjusted", "method", "note")
    scales = {"difference": contrast.difference, "ratio": contrast.ratio}
    return {scale: None if row is None else {name: row[name] for name in names} for scale, row in scales.items()}
