"""The card's sentences on disparities: against the reference group, against all speakers, under every condition."""

from collections.abc import Sequence

from asrfair.report import sentences
from asrfair.report.card.statements_groups import place, rate_told, where
from asrfair.report.findings import SHOWN, Contrast, Standing, contrasts
from asrfair.report.text import Row, counted, label
from asrfair.report.unshown import no_disparity
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST = 10
"""How many contrasts of one kind are sentences; the rest are counted and in the tables."""


def about_contrasts(view: View, found: Standing) -> list[str]:
    """Return what is shown under one condition against the reference group, or that nothing is; then against all."""
    told = []
    for verdict in SHOWN:
        shown = found.with_verdict(verdict, view.alpha)
        told += _told(view, shown, lead=where(view, found), to=found.other)
    if found.contrasts and not told:
        sentence = no_disparity(view, found)
        told.append(f"{where(view, found)}: {sentence[0].lower()}{sentence[1:]}")
    if found.reference is None:
        return told
    everybody = contrasts(view, "overall", axis=found.axis, backend=found.backend, condition=found.condition)
    shown = _shown(view, everybody)
    return told + _told(view, shown, lead=where(view, found), to=view.who("all speakers"))


def under_other_conditions(view: View, *, axis: str, backend: str) -> list[str]:
    """Return what is shown against the reference group, or all speakers, under the other conditions: largest first."""
    reference = view.axis(axis).get("reference_group")
    family = "overall" if reference is None else "reference"
    found = _shown(view, contrasts(view, family, axis=axis, backend=backend))
    found = [contrast for contrast in found if contrast.row["condition"] != view.condition]
    other = view.who("all speakers") if reference is None else label(reference)
    told = [
        sentence
        for contrast in found[:MOST]
        for lead in [place(view, axis=axis, backend=backend, condition=contrast.row["condition"])]
        for sentence in _told(view, [contrast], lead=lead, to=other)
    ]
    if len(found) > MOST:
        rest = counted(len(found) - MOST, "more disparity", plural="more disparities")
        lead = place(view, axis=axis, backend=backend, condition=None)
        told.append(f"{lead}, {rest} with {other} shown under other conditions: see the tables.")
    return told


def _shown(view: View, found: Sequence[Contrast]) -> list[Contrast]:
    """Return the contrasts that show something, the worse before the better, the largest first."""
    kept = [c for c in found if c.verdict(view.alpha) in SHOWN and c.group != c.row["reference_group"]]
    return sorted(kept, key=lambda c: (c.verdict(view.alpha) != "worse", -abs(c.size or 0.0)))


def _told(view: View, shown: Sequence[Contrast], *, lead: str, to: str) -> list[str]:
    told = [f"{lead}, {_contrast(view, contrast, to=to)}." for contrast in shown[:MOST]]
    if len(shown) > MOST:
        rest = counted(len(shown) - MOST, "more group is", plural="more groups are")
        sides = " or ".join(dict.fromkeys(contrast.verdict(view.alpha) for contrast in shown[MOST:]))
        told.append(f"{lead}, {rest} served {sides} than {to}: see the tables.")
    return told


def _contrast(view: View, contrast: Contrast, *, to: str) -> str:
    row = contrast.row
    cell = {"backend": row["backend"], "condition": row["condition"]}
    groups = {rate["group"]: rate for rate in view.rows("rates", axis=row["axis"], **cell)}
    other = view.overall(**cell) if row["reference_group"] == OVERALL else groups.get(row["reference_group"])
    sides: list[Row | None] = [groups.get(contrast.group), other]
    rates = " against ".join(rate_told(view, side) for side in sides if side is not None)
    return (
        f"{label(contrast.group)} is {sentences.verdict(view, contrast, to=to)}: {rates}; "
        f"{sentences.size(contrast, to=to)}"
    )
