"""What the intervals of a whole axis support: the range over its groups, the median, the worst case over conditions.

Conventions: rates are fractions; a group is judged where its rate has an interval; the unlabelled are no group.
``bound`` is the group with the largest upper end and ``floor`` the one with the smallest lower end: the only ends at
which something may be claimed of every group. Such a claim needs no adjustment for the number of groups: it fails only
where the interval of the worst (or best) group itself does (intersection–union; Berger 1982). The median over groups
has the medians of the groups' lower and upper ends, between which it lies wherever the groups' own rates lie between
theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from asrfair.report.text import Row
from asrfair.report.view import View, is_few
from asrfair.tables import INTERSECTION

CELL_KEYS = ("axis", "group", "condition", "speakers", "reference_words", "wer", "low", "high")


@dataclass(frozen=True)
class Bounds:
    """The groups of one axis, or of all where ``axis`` is None, under one condition, or all where that is None."""

    axis: str | None
    backend: str
    condition: str | None
    judged: tuple[Row, ...]
    not_judged: tuple[Row, ...]

    @property
    def highest(self) -> Row:
        """The judged group with the highest WER."""
        return max(self.judged, key=lambda row: float(row["wer"]))

    @property
    def lowest(self) -> Row:
        """The judged group with the lowest WER."""
        return min(self.judged, key=lambda row: float(row["wer"]))

    @property
    def bound(self) -> Row:
        """The judged group with the largest upper end."""
        return max(self.judged, key=lambda row: float(row["high"]))

    @property
    def floor(self) -> Row:
        """The judged group with the smallest lower end."""
        return min(self.judged, key=lambda row: float(row["low"]))

    @property
    def median(self) -> dict[str, float] | None:
        """The median rate with the medians of the lower and the upper ends; None under three judged groups."""
        if len(self.judged) < 3:
            return None
        return {key: float(median(row[key] for row in self.judged)) for key in ("wer", "low", "high")}

    @property
    def not_few(self) -> "Bounds":
        """The same with the judged groups of ten speakers or more alone."""
        return replace(self, judged=tuple(row for row in self.judged if not is_few(row["speakers"])))

    def as_data(self, view: View) -> dict[str, Any]:
        """Return the entry of the card's ``bounds``."""
        about = {} if self.axis is None else view.axis(self.axis)
        ends: dict[str, Any] = dict.fromkeys(("highest", "lowest", "bound", "floor", "median"))
        if self.judged:
            ends = {name: _cell(getattr(self, name)) for name in ("highest", "lowest", "bound", "floor")}
            ends["median"] = self.median
        return {
            "axis": self.axis,
            "assigned_by": about.get("assigned_by"),
            "imputed": bool(about.get("imputed")),
            "condition": self.condition,
            "backend": self.backend,
            "judged": len(self.judged),
            "not_judged": len(self.not_judged),
            **ends,
        }


def _cell(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in CELL_KEYS}


def is_product(axis: str) -> bool:
    """Return whether an axis is an intersection of others."""
    return INTERSECTION in axis


def all_bounds(view: View) -> list[Bounds]:
    """Return the bounds of each axis, recogniser and condition; then over all axes; then over all conditions as well.

    Over several axes and over several conditions only where there are several.
    """
    found = [one for backend in view.backends for one in _of_backend(view, backend)]
    return [one for one in found if one.judged or one.not_judged]


def find_bounds(found: Sequence[Bounds], *, axis: str | None, backend: str, condition: str | None) -> Bounds | None:
    """Return the one of these bounds, None where there is none."""
    wanted = (axis, backend, condition)
    return next((one for one in found if (one.axis, one.backend, one.condition) == wanted), None)


def _of_backend(view: View, backend: str) -> Iterator[Bounds]:
    cells = {
        (axis, condition): _bounds(view, axis=axis, backend=backend, condition=condition)
        for axis in view.axes
        for condition in view.conditions
    }
    yield from cells.values()
    if len(view.axes) > 1:
        for condition in view.conditions:
            yield _joined([cells[axis, condition] for axis in view.axes], axis=None, condition=condition)
    if len(view.conditions) > 1:
        for axis in view.axes:
            yield _joined([cells[axis, condition] for condition in view.conditions], axis=axis, condition=None)
        if len(view.axes) > 1:
            yield _joined(list(cells.values()), axis=None, condition=None)


def _bounds(view: View, *, axis: str, backend: str, condition: str) -> Bounds:
    rows = view.rates(axis=axis, backend=backend, condition=condition)
    absent = view.absent(axis=axis, backend=backend, condition=condition)
    return Bounds(
        axis=axis,
        backend=backend,
        condition=condition,
        judged=tuple(row for row in rows if _is_judged(row) and row["group"] is not None),
        not_judged=(*(row for row in rows if not _is_judged(row) and row["group"] is not None), *absent),
    )


def _is_judged(row: Row) -> bool:
    return None not in (row["wer"], row["low"], row["high"])


def _joined(parts: Sequence[Bounds], *, axis: str | None, condition: str | None) -> Bounds:
    return Bounds(
        axis=axis,
        backend=parts[0].backend,
        condition=condition,
        judged=tuple(row for part in parts for row in part.judged),
        not_judged=tuple(row for part in parts for row in part.not_judged),
    )
