"""The tables that stand beside a card's sentences: groups, conditions, the worst case, ladders."""

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.report.card.tables import Table, p_cell
from asrfair.report.text import (
    Row,
    factor,
    factor_interval,
    is_withheld,
    label,
    number,
    percent,
    percent_interval,
    points,
    points_interval,
    sized,
)
from asrfair.tables import OVERALL

Card = Mapping[str, Any]
Key = tuple[str | None, ...]
SCALES = ("difference", "ratio")
EVERY = "all"


def errors(card: Card, who: str) -> Table:
    """Return the errors by kind of each recogniser under the main condition."""
    table: Table = [("recogniser", who, "words", "WER %", "interval", "substitutions %", "deletions %", "insertions %")]
    for row in card["overall"]:
        if row["condition"] == _main(card):
            kinds = [percent(row[f"{kind}_rate"]) for kind in ("substitution", "deletion", "insertion")]
            counts = (number(row["speakers"]), sized(row, "reference_words"))
            table.append((label(row["backend"]), *counts, percent(row["wer"]), percent_interval(row), *kinds))
    return table


def _main(card: Card) -> str | None:
    """Return the condition that the card's sentences on groups speak of."""
    measured = card["what_was_measured"]
    main: str | None = measured["baseline_condition"] or next(iter(measured["conditions"]), None)
    return main


def over_groups(card: Card) -> Table:
    """Return what the intervals support of all groups of an axis, and of all axes, under each condition."""
    head = ("groups by", "condition", "recogniser", "judged", "not judged", "highest", "lowest", "median")
    table: Table = [(*head, "largest upper bound", "smallest lower bound")]
    every = f"{EVERY} outside ladders" if card["ladders"] else EVERY
    for entry in card["bounds"]:
        where = (
            EVERY if entry["axis"] is None else label(entry["axis"]),
            every if entry["condition"] is None else label(entry["condition"]),
        )
        counts = (number(entry["judged"]), number(entry["not_judged"]))
        cells = [_rate(entry[name], entry) for name in ("highest", "lowest")]
        middle = entry["median"]
        median = "-" if middle is None else f"{percent(middle['wer'])} {percent_interval(middle)}"
        ends = [
            "-" if entry[name] is None else f"{percent(entry[name][end])} ({_named(entry[name], entry)})"
            for name, end in (("bound", "high"), ("floor", "low"))
        ]
        table.append((*where, label(entry["backend"]), *counts, *cells, median, *ends))
    return table


def _rate(cell: Row | None, entry: Row) -> str:
    return "-" if cell is None else f"{percent(cell['wer'])} {percent_interval(cell)} ({_named(cell, entry)})"


def _named(cell: Row, entry: Row) -> str:
    axis = f" by {label(cell['axis'])}" if entry["axis"] is None else ""
    condition = f" in {label(cell['condition'])}" if entry["condition"] is None else ""
    return f"{label(cell['group'])}{axis}{condition}"


def contrasts(card: Card, axis: Mapping[str, Any], who: str, *, top: int) -> tuple[Table, int]:
    """Return an axis's groups under the main condition against the reference, worst first, and how many are left."""
    name, reference, main = axis["axis"], axis["reference_group"], _main(card)
    other = f"all {who}" if reference is None else label(reference)
    stem = "{}_to_overall" if reference is None else "{}"
    compared = _by_cell(card["disparities"], name, {stem.format(scale): scale for scale in SCALES})
    head = ("group", "recogniser", who, "words", "WER %", "interval")
    table: Table = [(*head, f"points against {other}", f"times {other}", "adjusted p", "note")]
    left = 0
    for backend in card["what_was_measured"]["backends"]:
        rows = [
            row
            for row in card["groups"]
            if (row["axis"], row["condition"], row["backend"]) == (name, main, backend) and not is_withheld(row)
        ]
        left += max(len(rows) - top, 0)
        table += [_contrast(row, compared, reference) for row in rows[:top]]
    return table, left


def _contrast(row: Row, compared: Mapping[Key, Mapping[str, Row]], reference: str | None) -> Sequence[str]:
    own = compared.get((row["group"], row["condition"], row["backend"]), {})
    name = label(row["group"]) + (" (reference)" if reference is not None and row["group"] == reference else "")
    counts = (number(row["speakers"]), sized(row, "reference_words"))
    return (
        name,
        label(row["backend"]),
        *counts,
        percent(row["wer"]),
        percent_interval(row),
        *_both(own),
        _chance(own),
        row["note"] or "",
    )


def _by_cell(rows: Sequence[Row], axis: str, scales: Mapping[str, str]) -> dict[Key, dict[str, Row]]:
    found: dict[Key, dict[str, Row]] = {}
    for row in rows:
        if row["axis"] == axis and row["measure"] in scales:
            key = (row["group"], row["condition"], row["backend"])
            found.setdefault(key, {})[scales[row["measure"]]] = row
    return found


def _both(own: Mapping[str, Row]) -> tuple[str, str]:
    """Return a comparison on both scales, without a size where there is none."""
    difference, ratio = (own.get(scale) for scale in SCALES)
    on_points = "" if difference is None else f"{points(difference['estimate'])} {points_interval(difference)}"
    times = "" if ratio is None else f"{factor(ratio['estimate'])} {factor_interval(ratio)}"
    return on_points, times


def _chance(own: Mapping[str, Row]) -> str:
    """Return the adjusted p of the factor, or of the points where there is no factor."""
    p = next((row["p_adjusted"] for scale in ("ratio", "difference") if (row := own.get(scale)) is not None), None)
    return "" if not own else p_cell(p)


def conditions(card: Card, who: str) -> Table:
    """Return the rates of all together under each condition, and what it costs."""
    compared = _by_cell(card["robustness"], OVERALL, {f"condition_{scale}": scale for scale in SCALES})
    base = card["what_was_measured"]["baseline_condition"]
    against = f" against {label(base)}" if base is not None else ""
    head = ("condition", "recogniser", who, "words", "WER %", "interval")
    table: Table = [(*head, f"points{against}", f"times{against}", "adjusted p")]
    for row in card["overall"]:
        own = compared.get((OVERALL, row["condition"], row["backend"]), {})
        counts = (number(row["speakers"]), sized(row, "reference_words"))
        rate = (percent(row["wer"]), percent_interval(row))
        table.append((label(row["condition"]), label(row["backend"]), *counts, *rate, *_both(own), _chance(own)))
    return table if len({row["condition"] for row in card["overall"]}) > 1 else []


def worst_by_condition(card: Card, who: str) -> Table:
    """Return the group with the highest rate and the largest upper bound of each axis under each condition."""
    table: Table = [
        (
            "axis",
            "condition",
            "recogniser",
            "worst group",
            who,
            "words",
            "WER %",
            "interval",
            "largest upper bound of the judged, %",
            "not judged",
        )
    ]
    for entry in card["bounds"]:
        cell = entry["highest"]
        if None not in (entry["axis"], entry["condition"], cell):
            where = (label(entry["axis"]), label(entry["condition"]), label(entry["backend"]), label(cell["group"]))
            counts = (number(cell["speakers"]), sized(cell, "reference_words"))
            top = f"{percent(entry['bound']['high'])} ({label(entry['bound']['group'])})"
            rate = (percent(cell["wer"]), percent_interval(cell))
            table.append((*where, *counts, *rate, top, number(entry["not_judged"])))
    return table if len({row[1] for row in table[1:]}) > 1 else []


def handicaps(ladder: Mapping[str, Any], who: str, *, top: int) -> tuple[Table, int]:
    """Return the handicaps of groups along a ladder, and how many are left out."""
    unit = f", {ladder['unit']}" if ladder["unit"] else ""
    head = ("ladder", "group", "against", "recogniser", who, "at WER %", f"handicap{unit}", "interval", "note")
    table: Table = [head]
    for row in ladder["handicaps"][:top]:
        ends = ["?" if row[end] is None else f"{row[end]:+.2f}" for end in ("low", "high")]
        unknown = row["low"] is None and row["high"] is None
        table.append(
            (
                label(ladder["ladder"]),
                f"{label(row['axis'])}: {label(row['group'])}",
                label(row["reference_group"]),
                label(row["backend"]),
                f"{number(row['speakers'])} / {number(row['reference_speakers'])}",
                percent(row["wer"]),
                "-" if row["estimate"] is None else f"{row['estimate']:+.2f}",
                "not judged" if unknown else f"[{', '.join(ends)}]",
                row["note"] or "",
            )
        )
    return table, max(len(ladder["handicaps"]) - top, 0)
