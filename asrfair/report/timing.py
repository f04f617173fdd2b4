"""How long recognisers took, where that was measured: per recogniser and condition, and for groups that differ."""

from collections.abc import Sequence

import polars as pl

from asrfair.report.page import QUIET, Column, Page
from asrfair.report.text import Row, counted, label, listed, number
from asrfair.report.view import View
from asrfair.tables import OVERALL

APART = 0.1
"""The share of everybody's real-time factor by which a group's must depart to be named."""
MOST_NAMED = 3


def timing(page: Page, view: View, rows: pl.DataFrame | None) -> None:
    """Write the real-time factor and the seconds per utterance; ``rows`` as `asrfair.stats.timing` makes them.

    Writes nothing where nothing was timed.
    """
    everybody = [] if rows is None else _everybody(view, rows)
    if rows is None or not everybody:
        return
    page.heading("Time taken")
    several = len(view.backends) > 1
    columns = [
        *([Column("recogniser", wraps=True, narrowest=10)] if several else []),
        Column("condition", wraps=True, narrowest=10),
        Column("utter-\nances", align="right", drop=4),
        Column("real-time\nfactor", align="right"),
        Column("seconds:\nhalf", align="right", drop=1),
        Column("95 %", align="right", drop=3),
        Column("longest", align="right", drop=2),
    ]
    page.table(columns, [[*([label(row["backend"])] if several else []), *_cells(row)] for row in everybody])
    for axis in view.axes:
        for row in everybody:
            told = _apart(view, rows, row, axis=axis) if row["condition"] == view.condition else ""
            page.line(told, indent=2, hang=2)
    page.line(
        "Of this run on its machine, without intervals: another machine, or more at once, gives other numbers. "
        "Real-time factor: seconds of work per second of speech. Seconds of an utterance are the mean of the batch "
        "that it was handed over in: half and 95 % of the utterances took no longer.",
        style=QUIET,
        indent=2,
        hang=2,
    )


def _everybody(view: View, rows: pl.DataFrame) -> list[Row]:
    found = rows.filter(
        pl.col("axis") == OVERALL,
        pl.col("condition").is_in(view.conditions),
        pl.col("backend").is_in(view.backends),
    )
    places = {name: k for k, name in enumerate(view.backends)}
    return sorted(found.iter_rows(named=True), key=lambda row: (places[row["backend"]], view.place(row["condition"])))


def _cells(row: Row) -> list[str]:
    times = [seconds(row[name]) for name in ("p50_s", "p95_s", "longest_s")]
    return [label(row["condition"]), number(row["utterances"]), factor_of_time(row["real_time_factor"]), *times]


def factor_of_time(value: float | None) -> str:
    """Return a real-time factor with two digits, or three decimals below 0.1; «-» where the speech has no length."""
    return "-" if value is None else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """Return a time in seconds, to the hundredth; «-» where unknown."""
    return "-" if value is None else f"{value:,.2f}"


def _apart(view: View, rows: pl.DataFrame, everybody: Row, *, axis: str) -> str:
    """Name the groups whose real-time factor is not everybody's, the furthest first; nothing where there is none."""
    whole = everybody["real_time_factor"]
    cell = [pl.col(name) == everybody[name] for name in ("condition", "backend")]
    found = rows.filter(pl.col("axis") == axis, pl.col("real_time_factor").is_not_null(), *cell)
    groups: Sequence[Row] = [] if not whole else list(found.iter_rows(named=True))
    apart = [row for row in groups if abs(row["real_time_factor"] / whole - 1) > APART]
    if not apart:
        return ""
    apart.sort(key=lambda row: -abs(row["real_time_factor"] / whole - 1))
    named = listed(
        (f"{label(row['group'])} {factor_of_time(row['real_time_factor'])}" for row in apart), most=MOST_NAMED
    )
    who = f" with {label(everybody['backend'])}" if len(view.backends) > 1 else ""
    return (
        f"By {label(axis)}{who}, in {label(everybody['condition'])}: {counted(len(apart), 'group')} more than "
        f"{APART:.0%} off the factor of all, {factor_of_time(whole)}: {named}"
    )
