"""Whether findings depend on how texts were normalised: differences of spelling are not differences in recognition."""

from collections.abc import Sequence

import polars as pl

from asrfair.report.findings import MEASURES, SHOWN
from asrfair.report.page import QUIET, Page
from asrfair.report.text import Row, counted, factor, label, listed, number, points
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST_CHANGES = 12
Rows = Sequence[Row]
"""One disparity under each normaliser, the run's own first."""


def sensitivity(page: Page, view: View) -> None:
    """Write which findings change with the normaliser and how far disparities move, if that was asked for."""
    table = view.results.sensitivity
    if table.is_empty():
        return
    page.heading("Do findings depend on how texts are normalised?")
    page.line(f"Computed under {listed(_normalizers(table), most=20)}.", indent=2, hang=2)
    page.gap()
    changed = changes(view)
    for line in changed[:MOST_CHANGES]:
        page.line(f"{line}.", indent=2, hang=2)
    if len(changed) > MOST_CHANGES:
        page.line(f"and {counted(len(changed) - MOST_CHANGES, 'more finding')}", indent=2)
    for axis in view.axes:
        moved = list(filter(None, (_moved(view, axis, backend) for backend in view.backends)))
        page.line("" if not moved else f"By {label(axis)}, what moves most: {'; '.join(moved)}.", indent=2, hang=2)
    own = table.filter(pl.col("normalizer") == table["normalizer"][0])
    count = f"{number(int(own['changes'].sum()))} of {number(own.height)}"
    page.line(
        f"Of all disparities computed, {count} change from shown to not shown, or in whether they can be judged; see "
        "the table sensitivity.",
        style=QUIET,
        indent=2,
        hang=2,
    )


def _normalizers(table: pl.DataFrame) -> list[str]:
    return [label(name) for name in table["normalizer"].unique(maintain_order=True)]


def changes(view: View) -> list[str]:
    """Say which findings of groups, under the main condition, are not shown alike under every normaliser."""
    table = view.results.sensitivity
    if table.is_empty():
        return []
    found = [rows for axis in view.axes for backend in view.backends for rows in _disparities(view, axis, backend)]
    told = [_change(view, rows) for rows in found if _changes(rows)]
    return told or [f"No finding about a group changes under {listed(_normalizers(table), most=20)}"]


def _disparities(view: View, axis: str, backend: str) -> list[Rows]:
    """Return the disparities of an axis on the scale that decides: the ratio, or the difference where it has none."""
    family = "overall" if view.axis(axis).get("reference_group") is None else "reference"
    by_group: dict[tuple[str | None, str], list[Row]] = {}
    difference, ratio = MEASURES[family]
    for measure in (difference, ratio):
        where = {"axis": axis, "backend": backend, "condition": view.condition}
        for row in view.rows("sensitivity", measure=measure, **where):
            by_group.setdefault((row["group"], measure), []).append(row)
    groups = dict.fromkeys(group for group, _ in by_group)
    found = [(by_group.get((group, ratio), []), by_group.get((group, difference), [])) for group in groups]
    return [ratios if any(map(_judged, ratios)) or not differences else differences for ratios, differences in found]


def _judged(row: Row) -> bool:
    return bool(row["verdict"] != "not judged")


def _changes(rows: Rows) -> bool:
    verdicts = {row["verdict"] for row in rows}
    return len(verdicts) > 1 and not verdicts.isdisjoint(SHOWN)


def _change(view: View, rows: Rows) -> str:
    under: dict[str, list[str]] = {}
    for row in rows:
        under.setdefault(row["verdict"], []).append(label(row["normalizer"]))
    verdicts = "; ".join(f"{verdict} under {listed(names, most=20)}" for verdict, names in under.items())
    row = rows[0]
    other = view.who("all speakers") if row["reference_group"] == OVERALL else label(row["reference_group"])
    return f"{label(row['group'])} against {other}, {label(row['backend'])}: {verdicts} ({_range(rows)})"


def _range(rows: Rows) -> str:
    estimates = [row["estimate"] for row in rows if row["estimate"] is not None]
    if "difference" in rows[0]["measure"]:
        return f"{points(min(estimates))} to {points(max(estimates))} points"
    return f"ratio {factor(min(estimates))} to {factor(max(estimates))}"


def _moved(view: View, axis: str, backend: str) -> str:
    """Say which disparity that was judged under every normaliser moves furthest, ratios before differences."""
    judged = [rows for rows in _disparities(view, axis, backend) if all(map(_judged, rows))]
    if not judged:
        return ""
    furthest = max(judged, key=_width)
    return f"{label(furthest[0]['group'])} with {label(backend)} ({_range(furthest)})"


def _width(rows: Rows) -> tuple[bool, float]:
    low, high = (end(float(row["estimate"]) for row in rows) for end in (min, max))
    on_ratio = "ratio" in rows[0]["measure"] and low > 0
    return on_ratio, high / low if on_ratio else high - low
