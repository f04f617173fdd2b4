"""Ladders: WER by rung and group, its curve in characters, and the handicap against the reference group.

A handicap above zero is served worse (`asrfair.stats.handicap`).
"""

import math
from collections.abc import Sequence

import polars as pl
from rich.cells import cell_len
from rich.text import Text

from asrfair.report.footnotes import footnotes
from asrfair.report.forest import cell
from asrfair.report.page import ASCII, GAP, QUIET, Column, Page
from asrfair.report.rates import FEW
from asrfair.report.rungs import Ladder, found_ladders
from asrfair.report.text import Row, counted, label, percent, percent_interval
from asrfair.report.view import View, is_few, speakers
from asrfair.tables import OVERALL

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-:=+*#"
ONE_BY_ONE = "Served worse or better: the interval lies wholly above or below zero; the groups are taken one by one."
INTERVAL, NARROWEST = 12, 12
BEYOND = "?  an end beyond the ladder"


def ladders(page: Page, view: View, *, top: int) -> None:
    """Write a section for each ladder, if there is one."""
    for ladder in found_ladders(view):
        page.heading(f"Ladder {label(ladder.name)}: WER in per cent by {label(ladder.what)}")
        for axis in view.axes or (OVERALL,):
            for backend in view.backends:
                _ladder(page, view, ladder, axis=axis, backend=backend, top=top)


def _ladder(page: Page, view: View, ladder: Ladder, *, axis: str, backend: str, top: int) -> None:
    own = _cells(view, ladder, axis=axis, backend=backend)
    if not own:
        return
    everybody = {} if axis == OVERALL else _cells(view, ladder, axis=OVERALL, backend=backend)
    headlines = _headlines(view, ladder, axis=axis, backend=backend)
    reference = view.axis(axis).get("reference_group")
    groups = sorted(own, key=lambda group: _order(group, own[group], headlines.get(group), reference))
    shown = groups[:top]
    page.gap()
    where = label(backend) if axis == OVERALL else f"{view.provenance(axis)}, {label(backend)}"
    page.line(where, style="bold", indent=2)
    for sentence in largest_handicap(view, ladder, axis=axis, backend=backend):
        page.line(sentence, indent=2, hang=2)
    named = [(_named(view, group, axis=axis, reference=reference), own[group]) for group in shown]
    named += [(view.who("all speakers"), row) for row in everybody.values()]
    _curves(page, view, ladder, named)
    if len(groups) > top:
        page.line(f"and {counted(len(groups) - top, 'more group')}", indent=2)
    _handicaps(page, view, ladder, [headlines[group] for group in shown if group in headlines])


def _cells(view: View, ladder: Ladder, *, axis: str, backend: str) -> dict[str | None, list[Row | None]]:
    """Return the ``rates`` rows of each group, rung by rung."""
    place = {condition: k for k, (_, condition) in enumerate(ladder.rungs)}
    found: dict[str | None, list[Row | None]] = {}
    rows = view.whole.rates.filter(
        pl.col("axis") == axis, pl.col("backend") == backend, pl.col("condition").is_in(list(place))
    )
    for row in rows.iter_rows(named=True):
        found.setdefault(row["group"], [None] * len(place))[place[row["condition"]]] = row
    return found


def _headlines(view: View, ladder: Ladder, *, axis: str, backend: str) -> dict[str | None, Row]:
    rows = view.whole.handicaps.filter(
        pl.col("ladder") == ladder.name, pl.col("axis") == axis, pl.col("backend") == backend, pl.col("at").is_null()
    )
    return {row["group"]: row for row in rows.iter_rows(named=True)}


def _order(
    group: str | None, rows: Sequence[Row | None], headline: Row | None, reference: str | None
) -> tuple[bool, bool, float, float, str]:
    """Order groups: the reference first, then by falling handicap and WER; the unlabelled last."""
    rates = [row["wer"] for row in rows if row is not None and row["wer"] is not None]
    mean = sum(rates) / len(rates) if rates else 0.0
    return group != reference or group is None, group is None, -_size(headline), -mean, group or ""


def _size(headline: Row | None) -> float:
    """Return how large a handicap is, or how large it is at least."""
    if headline is None:
        return -math.inf
    sizes = (headline[name] for name in ("estimate", "low", "high"))
    return next((float(size) for size in sizes if size is not None), -math.inf)


def _named(view: View, group: str | None, *, axis: str, reference: str | None) -> str:
    if axis == OVERALL:
        return view.who("all speakers")
    return f"{label(group)}{' (reference)' if group is not None and group == reference else ''}"


def _curves(page: Page, view: View, ladder: Ladder, named: Sequence[tuple[str, list[Row | None]]]) -> None:
    """Write WER by rung, with intervals where there is room for all, and the curve of each row."""
    tops = [row["wer"] for _, rows in named for row in rows if row is not None and row["wer"] is not None]
    top = max(tops, default=0.0)
    steps = len(ladder.rungs)
    names = [f"{name} ({speakers(_most_speakers(rows))})" for name, rows in named]
    wide = page.width >= max(map(len, names)) + 4 + steps * (INTERVAL + GAP) + steps
    columns = [Column(view.who("group (speakers)"), wraps=True, narrowest=NARROWEST)]
    columns += [
        Column(f"{value:g}", align="right", drop=drop)
        for (value, _), drop in zip(ladder.rungs, _drops(steps), strict=True)
    ]
    columns.append(Column("curve"))
    body: list[list[str | Text]] = [
        [name, *(_rate(view, row, wide=wide) for row in rows), _curve(page, rows, top=top)]
        for name, (_, rows) in zip(names, named, strict=True)
    ]
    page.table(columns, body)
    if any(is_few(_most_speakers(rows)) for _, rows in named):
        page.line(view.who(FEW), style=QUIET, indent=2, hang=3)
    least = sum(max(cell_len(str(row[k + 1])) for row in body) + GAP for k in range(steps))
    if not wide:
        left_out = " and the rungs left out here" if NARROWEST + 2 * GAP + least + steps > page.width else ""
        page.line(f"intervals{left_out}: table rates", style=QUIET, indent=2, hang=2)


def _most_speakers(rows: Sequence[Row | None]) -> int | None:
    return max((row["speakers"] for row in rows if row is not None and row["speakers"] is not None), default=None)


def _rate(view: View, row: Row | None, *, wide: bool) -> Text:
    errors = None if row is None or row["wer"] is not None else view.errors(row)
    rate = Text(cell(row, errors), style="bold")
    if not wide or row is None or row["low"] is None:
        return rate
    return Text.assemble(rate, "\n", (percent_interval(row), QUIET))


def _drops(rungs: int) -> list[int]:
    """Return which rungs give way first, the highest first: every second one, then every fourth; the ends never."""
    drops = [2 + rungs // (k & -k) if k else 0 for k in range(rungs)]
    return [*drops[:-1], 0]


def _curve(page: Page, rows: Sequence[Row | None], *, top: float) -> str:
    """Return a character per rung that rises with WER up to ``top``; blank where it is unknown."""
    bars = ASCII_BARS if page.glyphs is ASCII else BARS
    rates = [None if row is None else row["wer"] for row in rows]
    return "".join(
        " " if rate is None or top <= 0 else bars[min(int(rate / top * len(bars)), len(bars) - 1)] for rate in rates
    )


def _handicaps(page: Page, view: View, ladder: Ladder, rows: Sequence[Row]) -> None:
    if not rows:
        return
    page.gap()
    columns = [
        Column("group", wraps=True, narrowest=12),
        Column(f"handicap{', ' + ladder.unit if ladder.unit else ''}", align="right"),
        Column(view.level),
        Column("finding", drop=1),
    ]
    body: list[list[str | Text]] = []
    for row in rows:
        verdict = _verdict(row)
        style = "bold" if verdict.startswith("served") else QUIET
        body.append(
            [label(row["group"]), _signed(ladder, row["estimate"]), _interval(ladder, row), Text(verdict, style)]
        )
    page.table(columns, body)
    if any((row["low"] is None) != (row["high"] is None) for row in rows):
        page.line(BEYOND, style=QUIET, indent=2, hang=3)
    footnotes(page, view, [(label(row["group"]), row) for row in rows])
    page.line(ONE_BY_ONE, style=QUIET, indent=2, hang=2)


def _verdict(row: Row) -> str:
    if row["low"] is not None and row["low"] > 0:
        return "served worse"
    if row["high"] is not None and row["high"] < 0:
        return "served better"
    return "not shown" if row["low"] is not None or row["high"] is not None else "not judged"


def _signed(ladder: Ladder, value: float | None) -> str:
    # Adding zero takes the sign off a rounded −0.
    return "-" if value is None else f"{round(value, ladder.decimals) + 0.0:+.{ladder.decimals}f}"


def _interval(ladder: Ladder, row: Row) -> str:
    """Return «[+1.1, +7.9]», «[+1.1, ?]» where an end lies beyond the ladder, «not judged» without either."""
    if row["low"] is None and row["high"] is None:
        return "not judged"
    low, high = ("?" if row[end] is None else _signed(ladder, row[end]) for end in ("low", "high"))
    return f"[{low}, {high}]"


def largest_handicap(view: View, ladder: Ladder, *, axis: str, backend: str) -> list[str]:
    """Say what the group with the largest handicap needs, or that no handicap could be judged."""
    rows = list(_headlines(view, ladder, axis=axis, backend=backend).values())
    if not rows:
        return []
    worst = max(rows, key=lambda row: (_verdict(row) != "not judged", _size(row)))
    if _verdict(worst) == "not judged":
        return ["No handicap could be judged."]
    told, at = _needs(ladder, worst), f"(at WER {percent(worst['wer'])} %)"
    sentence = f"{label(worst['group'])} needs {told} than {label(worst['reference_group'])} to be served as well {at}"
    if _verdict(worst) == "served worse":
        return [f"{sentence}."]
    if (worst["estimate"] or worst["high"] or 0.0) <= 0:
        return [f"No group was found to need {ladder.wanted} than {label(worst['reference_group'])}."]
    return [f"{sentence}: a handicap could not be shown."]


def from_to(view: View, ladder: Ladder, *, backend: str) -> str:
    """Say the WER of all speakers at both ends of a ladder; nothing where either is unknown."""
    rows = next(iter(_cells(view, ladder, axis=OVERALL, backend=backend).values()), [])
    known = [(value, row) for (value, _), row in zip(ladder.rungs, rows, strict=False) if row is not None]
    if len(known) < 2 or None in (known[0][1]["wer"], known[-1][1]["wer"]):
        return ""
    first, last = (
        f"WER {percent(row['wer'])} % {percent_interval(row)} at {value:g}{' ' + ladder.unit if ladder.unit else ''}"
        for value, row in (known[0], known[-1])
    )
    return f"{label(backend)}, along the ladder {label(ladder.name)}: {first}, {last}."


def _needs(ladder: Ladder, row: Row) -> str:
    """Say «4.2 dB [+1.1, +7.9] less noise»; without an estimate, what the interval says."""
    unit = {"%": "points", "": ""}.get(ladder.unit, ladder.unit)
    if row["estimate"] is not None:
        return " ".join(
            f"{row['estimate']:.{ladder.decimals}f} {unit} {_interval(ladder, row)} {ladder.wanted}".split()
        )
    if row["low"] is not None:
        return " ".join(f"at least {row['low']:.{ladder.decimals}f} {unit} {ladder.wanted}".split())
    return " ".join(f"at most {row['high']:.{ladder.decimals}f} {unit} {ladder.wanted}".split())
