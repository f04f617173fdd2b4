"""What a run shows and what it cannot: one reading of the tables for the terminal and for the card.

A disparity is *shown* when its adjusted p is below one minus the level of the intervals; without a p it could
not be judged. The extra cost of a condition is judged on each scale by that scale's own p, because the two may
point in opposite directions. Nothing is estimated here: estimates, intervals and p-values are the tables' own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from asrfair.report.text import Row, label
from asrfair.report.view import View
from asrfair.tables import OVERALL

Verdict = Literal["worse", "better", "not shown", "not judged"]
Key = tuple[str | None, ...]
SHOWN: tuple[Verdict, ...] = ("worse", "better")
# Family name to the stem of its two measures, «stem_difference» and «stem_ratio».
MEASURES = {
    "reference": ("difference", "ratio"),
    "overall": ("difference_to_overall", "ratio_to_overall"),
    "interaction": ("interaction_difference", "interaction_ratio"),
    "condition": ("condition_difference", "condition_ratio"),
    "backend": ("backend_difference", "backend_ratio"),
    "backend_interaction": ("backend_interaction_difference", "backend_interaction_ratio"),
    "matched": ("matched_difference", "matched_ratio"),
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
        """The row that decides: the ratio, or the difference where a ratio does not exist or was not judged."""
        judged = next((row for row in self.rows if _judged(row)), None)
        return judged or next((row for row in self.rows if row["estimate"] is not None), self.rows[0])

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
    def size(self) -> float | None:
        """How far the group is on the worse side, in rate; None where there is no difference."""
        size: float | None = None if self.difference is None else self.difference["estimate"]
        return size

    @property
    def judged(self) -> bool:
        """Whether either scale could be judged."""
        return any(_judged(row) for row in self.rows)

    def verdict(self, alpha: float) -> Verdict:
        """Return what the deciding row shows at error rate ``alpha``."""
        row = self.row
        return _verdict(row, even=1.0 if row is self.ratio else 0.0, alpha=alpha)

    def on_points(self, alpha: float) -> Verdict:
        """Return what the difference shows by its own p."""
        return _verdict(self.difference, even=0.0, alpha=alpha)

    def on_ratio(self, alpha: float) -> Verdict:
        """Return what the ratio shows by its own p."""
        return _verdict(self.ratio, even=1.0, alpha=alpha)

    def shown(self, alpha: float) -> bool:
        """Whether anything is shown on either scale."""
        return bool(self.shown_rows(alpha))

    def shown_rows(self, alpha: float) -> list[Row]:
        """Return the rows that show something by their own p."""
        scales = (self.difference, self.on_points(alpha)), (self.ratio, self.on_ratio(alpha))
        return [row for row, verdict in scales if row is not None and verdict in SHOWN]


def _judged(row: Row | None) -> bool:
    return row is not None and None not in (row["estimate"], row["low"], row["p_adjusted"])


def _verdict(row: Row | None, *, even: float, alpha: float) -> Verdict:
    if row is None or not _judged(row):
        return "not judged"
    if row["p_adjusted"] >= alpha:
        return "not shown"
    return "worse" if row["estimate"] > even else "better"


def extra_parts(contrast: Contrast, alpha: float) -> tuple[str, str]:
    """Return what is shown of an extra cost in points and as a factor; a scale that shows nothing has no words."""
    on_points = {"worse": "more points", "better": "fewer points"}.get(contrast.on_points(alpha), "")
    on_ratio = {"worse": "larger factor", "better": "smaller factor"}.get(contrast.on_ratio(alpha), "")
    return on_points, on_ratio


def extra_finding(contrast: Contrast, alpha: float, *, words: tuple[str, str] = ("costs more", "costs less")) -> str:
    """Return the finding on an extra cost; one of the ``words`` only where both scales show the same sign."""
    both = contrast.on_points(alpha), contrast.on_ratio(alpha)
    if both == ("worse", "worse"):
        return words[0]
    if both == ("better", "better"):
        return words[1]
    return ", ".join(filter(None, extra_parts(contrast, alpha))) or ("not shown" if contrast.judged else "not judged")


@dataclass(frozen=True)
class Standing:
    """How the groups of an axis stand with one backend under one condition.

    ``judged`` are by falling WER, the unlabelled among them where they have an interval; ``unlabelled`` is their row
    where they have none. ``contrasts`` are the groups against the reference group, or against all speakers where none
    is named; ``other`` names that side in words.
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

    @property
    def unjudged(self) -> tuple[Row, ...]:
        """Every row without an interval, the unlabelled last."""
        return self.not_judged if self.unlabelled is None else (*self.not_judged, self.unlabelled)

    def contrast(self, group: str | None) -> Contrast | None:
        """Return a group's contrast."""
        return next((contrast for contrast in self.contrasts if contrast.group == group), None)

    def with_verdict(self, verdict: Verdict, alpha: float) -> list[Contrast]:
        """Return the contrasts of one verdict, the largest in either direction first."""
        found = [contrast for contrast in self.contrasts if contrast.verdict(alpha) == verdict]
        return sorted(found, key=lambda contrast: -abs(contrast.size or 0.0))

    def widest(self) -> Contrast | None:
        """Return the judged contrast whose interval leaves the largest factor open to the worse side."""
        ratios = [c for c in self._of_groups() if open_factor(c) is not None]
        return max(ratios, key=lambda contrast: open_factor(contrast) or 0.0, default=None)

    def widest_in_points(self) -> Contrast | None:
        """Return, of the judged contrasts without a factor, the one that leaves the largest difference open."""
        rest = [c for c in self._of_groups() if open_factor(c) is None and open_points(c) is not None]
        return max(rest, key=lambda contrast: open_points(contrast) or 0.0, default=None)

    def _of_groups(self) -> list[Contrast]:
        """Return the judged contrasts of groups: the unlabelled are none."""
        return [contrast for contrast in self.contrasts if contrast.judged and contrast.group is not None]


def standing(view: View, *, axis: str, backend: str, condition: str) -> Standing:
    """Read the rates and the reference contrasts of an axis."""
    rows = view.rates(axis=axis, backend=backend, condition=condition)
    reference = view.axis(axis).get("reference_group")
    family = "overall" if reference is None else "reference"
    found = contrasts(view, family, axis=axis, backend=backend, condition=condition)
    judged = [row for row in rows if row["low"] is not None]
    absent = view.absent(axis=axis, backend=backend, condition=condition)
    return Standing(
        axis=axis,
        backend=backend,
        condition=condition,
        reference=reference,
        other=view.who("all speakers") if reference is None else label(reference),
        judged=tuple(sorted(judged, key=lambda row: -row["wer"])),
        not_judged=(*(row for row in rows if row["low"] is None and row["group"] is not None), *absent),
        unlabelled=next((row for row in rows if row["low"] is None and row["group"] is None), None),
        contrasts=tuple(c for c in found if c.group != c.row["reference_group"]),
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


def _largest_first(contrast: Contrast) -> tuple[bool, bool, bool, float, str]:
    row, size = contrast.row, contrast.size
    order = row["estimate"] if size is None else size
    return row["group"] is None, not contrast.judged, size is None, -(order or 0.0), row["group"] or ""


def open_factor(contrast: Contrast) -> float | None:
    """Return the largest factor to the worse side that the ratio's interval does not rule out."""
    row = contrast.ratio
    return None if row is None or row["low"] is None or row["high"] is None else float(row["high"])


def open_points(contrast: Contrast) -> float | None:
    """Return the largest difference of rates to the worse side that its interval does not rule out."""
    row = contrast.difference
    return None if row is None or row["low"] is None or row["high"] is None else float(row["high"])


@dataclass(frozen=True)
class Costs:
    """The costs of conditions, or the extra costs for groups: the judged, how many there are in all, the raised."""

    compared: int
    judged: tuple[Contrast, ...]
    raised: tuple[Contrast, ...]

    @property
    def complete(self) -> bool:
        """Whether every comparison could be judged."""
        return len(self.judged) == self.compared

    @property
    def highest(self) -> Contrast | None:
        """The judged comparison whose difference has the highest upper end."""
        ends = [c for c in self.judged if c.difference is not None and c.difference["high"] is not None]
        return max(ends, key=lambda c: float(c.difference["high"]) if c.difference else 0.0, default=None)

    @property
    def largest(self) -> Contrast | None:
        """The largest judged cost; None where nothing judged costs anything."""
        return max(self.raised, key=_cost, default=None)

    def largest_shown(self, alpha: float) -> Contrast | None:
        """The largest cost shown in points; None where none is."""
        return max((c for c in self.raised if c.on_points(alpha) == "worse"), key=_cost, default=None)


def condition_costs(view: View, *, backend: str) -> Costs:
    """Return what the conditions cost all speakers together."""
    found = contrasts(view, "condition", axis=OVERALL, backend=backend)
    others = [c for c in found if c.row["condition"] != c.row["reference_condition"]]
    return _costs(others, [c for c in others if c.judged])


def extra_costs(view: View, *, backend: str) -> Costs:
    """Return by how many points conditions cost groups more than they cost the reference groups, over all axes."""
    found = [c for axis in view.axes for c in contrasts(view, "interaction", axis=axis, backend=backend)]
    return _costs(found, [c for c in found if _judged(c.difference)])


def _costs(compared: Sequence[Contrast], judged: Sequence[Contrast]) -> Costs:
    raised = tuple(contrast for contrast in judged if _cost(contrast) > 0)
    return Costs(compared=len(compared), judged=tuple(judged), raised=raised)


def _cost(contrast: Contrast) -> float:
    return contrast.size or 0.0


def _key(row: Row) -> Key:
    names = ("group", "reference_group", "condition", "reference_condition", "reference_backend")
    return tuple(row[name] for name in names)
