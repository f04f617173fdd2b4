"""What a run shows and what it cannot: one reading of the tables for the terminal and for the card.

A disparity is *shown* when its adjusted p is below one minus the level of the intervals; without a p it could
not be judged. Nothing is estimated here: estimates, intervals and p-values are the tables' own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from asrfair.report.text import Row, label
from asrfair.report.view import View
from asrfair.tables import OVERALL

Verdict = Literal["worse", "better", "not shown", "not judged"]
Key = tuple[str | None, ...]
# Family name to the stem of its two measures, «stem_difference» and «stem_ratio».
MEASURES = {
    "reference": ("difference", "ratio"),
    "overall": ("difference_to_overall", "ratio_to_overall"),
    "interaction": ("interaction_difference", "interaction_ratio"),
    "condition": ("condition_difference", "condition_ratio"),
    "backend": ("backend_difference", "backend_ratio"),
}


@dataclass(frozen=True)
class Contrast:
    """A comparison told on both scales: the rows of its difference and its ratio."""

    difference: Row | None
    ratio: Row | None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows there are, the ratio first."""
        return tuple(row for row in (self.ratio, self.difference) if row is not None)

    @property
    def row(self) -> Row:
        """The row that decides: the ratio, or the difference where a ratio does not exist."""
        return next((row for row in self.rows if row["estimate"] is not None), self.rows[0])

    @property
    def group(self) -> str | None:
        """The group compared."""
        group: str | None = self.row["group"]
        return group

    @property
    def p(self) -> float | None:
        """The adjusted p of the deciding row."""
        p: float | None = self.row["p_adjusted"]
        return p

    @property
    def size(self) -> float:
        """How far the group is on the worse side, for ordering; unknown counts least."""
        return -1e9 if self.row["estimate"] is None else float(self.row["estimate"])

    def verdict(self, alpha: float) -> Verdict:
        """Return what could be shown at error rate ``alpha``."""
        row = self.row
        if row["estimate"] is None or row["low"] is None or self.p is None:
            return "not judged"
        if self.p >= alpha:
            return "not shown"
        even = 1.0 if row is self.ratio else 0.0
        return "worse" if row["estimate"] > even else "better"


@dataclass(frozen=True)
class Standing:
    """How the groups of an axis stand with one backend under one condition.

    ``contrasts`` are the groups against the reference group, or against all speakers where none is named; ``other``
    names that side in words.
    """

    axis: str
    backend: str
    condition: str
    reference: str | None
    other: str
    judged: tuple[Row, ...]
    not_judged: tuple[Row, ...]
    unlabelled: Row | None
    contrasts: tuple[Contrast, ...]

    @property
    def worst(self) -> Row | None:
        """The judged group with the highest WER."""
        return self.judged[0] if self.judged else None

    def contrast(self, group: str) -> Contrast | None:
        """Return a group's contrast."""
        return next((contrast for contrast in self.contrasts if contrast.group == group), None)

    def with_verdict(self, verdict: Verdict, alpha: float) -> list[Contrast]:
        """Return the contrasts of one verdict, largest first."""
        return [contrast for contrast in self.contrasts if contrast.verdict(alpha) == verdict]

    def widest(self) -> Contrast | None:
        """Return the judged contrast whose interval leaves the largest factor open, in either direction."""
        ratios = [c for c in self.contrasts if c.ratio is not None and open_factor(c) is not None]
        return max(ratios, key=lambda contrast: open_factor(contrast) or 0.0, default=None)


def standing(view: View, *, axis: str, backend: str, condition: str) -> Standing:
    """Read the rates and the reference contrasts of an axis."""
    rows = view.rates(axis=axis, backend=backend, condition=condition)
    named = [row for row in rows if row["group"] is not None]
    reference = view.axis(axis).get("reference_group")
    family = "overall" if reference is None else "reference"
    found = contrasts(view, family, axis=axis, backend=backend, condition=condition)
    return Standing(
        axis=axis,
        backend=backend,
        condition=condition,
        reference=reference,
        other="all speakers" if reference is None else label(reference),
        judged=tuple(row for row in named if row["low"] is not None),
        not_judged=tuple(row for row in named if row["low"] is None),
        unlabelled=next((row for row in rows if row["group"] is None), None),
        contrasts=tuple(c for c in found if c.group is not None and c.group != c.row["reference_group"]),
    )


def contrasts(view: View, family: str, *, axis: str, backend: str, condition: str | None = None) -> list[Contrast]:
    """Pair the difference and the ratio of each comparison of a family in ``MEASURES``; largest first."""
    difference, ratio = (
        {_key(row): row for row in view.disparities(measure, axis=axis, backend=backend, condition=condition)}
        for measure in MEASURES[family]
    )
    keys = dict.fromkeys([*difference, *ratio])
    found = [Contrast(difference=difference.get(key), ratio=ratio.get(key)) for key in keys]
    return sorted(found, key=_largest_first)


def _largest_first(contrast: Contrast) -> tuple[bool, bool, float, str]:
    row = contrast.row
    return row["group"] is None, row["low"] is None, -contrast.size, row["group"] or ""


def open_factor(contrast: Contrast) -> float | None:
    """Return the largest factor, in either direction, that the ratio's interval does not rule out."""
    row = contrast.ratio
    if row is None or row["low"] is None or row["high"] is None or row["low"] <= 0:
        return None
    return max(float(row["high"]), 1 / float(row["low"]))


def largest_cost(view: View, *, backend: str) -> Contrast | None:
    """Return the condition that costs all speakers together most."""
    found = contrasts(view, "condition", axis=OVERALL, backend=backend)
    return _largest(contrast for contrast in found if _is_other_condition(contrast))


def largest_extra_cost(view: View, *, backend: str) -> Contrast | None:
    """Return the group and condition whose cost exceeds the reference group's most."""
    return _largest(
        contrast
        for axis in view.axes
        for contrast in contrasts(view, "interaction", axis=axis, backend=backend)
        if contrast.group is not None
    )


def _largest(found: Iterable[Contrast]) -> Contrast | None:
    costs = [c for c in found if c.difference is not None and c.difference["estimate"] is not None]
    judged = [c for c in costs if c.difference is not None and c.difference["low"] is not None]
    return max(judged or costs, key=lambda c: c.difference["estimate"] if c.difference else 0.0, default=None)


def _is_other_condition(contrast: Contrast) -> bool:
    return bool(contrast.row["condition"] != contrast.row["reference_condition"])


def _key(row: Row) -> Key:
    names = ("group", "reference_group", "condition", "reference_condition", "reference_backend")
    return tuple(row[name] for name in names)
