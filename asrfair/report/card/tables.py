"""The tables of a card, cell by cell as text: every row with its speakers and words.

A table is a list of rows, the first its head. Of many rows the first are shown and the rest counted: ``card.json``
has all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from asrfair.report.made_up import APART, shown_as
from asrfair.report.metrics import metric_name
from asrfair.report.text import (
    Row,
    chance,
    factor,
    factor_interval,
    label,
    number,
    percent,
    percent_interval,
    points,
    points_interval,
    sized,
)
from asrfair.tables import OVERALL

Table = list[Sequence[str]]
INDICES = ("generalised_entropy", "theil", "gini")


def provenance(axis: Mapping[str, Any]) -> str:
    """Return an axis with who assigned its labels, imputed ones named as such."""
    origin = str(axis["assigned_by"] or "origin of labels unknown")
    # Cards of before have no dates, and rows about one group need none.
    origin += f", {axis['date']}" if axis.get("date") else ""
    imputed = "; imputed labels" if axis["imputed"] and "imputed" not in origin else ""
    return f"{label(axis['axis'])} ({origin}{imputed})"


def first_of_each(rows: Iterable[Row], keys: Sequence[str], *, most: int) -> list[Row]:
    """Return the first ``most`` rows of each combination of values of ``keys``, in their order."""
    seen: dict[tuple[Any, ...], int] = {}
    kept = []
    for row in rows:
        key = tuple(row[name] for name in keys)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= most:
            kept.append(row)
    return kept


def rates(rows: Sequence[Row], who: str, *, named: bool) -> Table:
    """Return rates with their intervals, by group where ``named``."""
    head = ["group"] if named else []
    table: Table = [(*head, "condition", "recogniser", who, "words", "WER %", "interval", "note")]
    for row in rows:
        name = [label(row["group"])] if named else []
        counts = (number(row["speakers"]), sized(row, "reference_words"))
        rate = (percent(row["wer"]), percent_interval(row), row["note"] or "")
        table.append((*name, label(row["condition"]), label(row["backend"]), *counts, *rate))
    return table


def about(measured: Mapping[str, Any], who: str) -> Table:
    """Return what was measured, a fact a row."""
    corpus, normalizer = measured["corpus"], measured["normalizer"] or {}
    facts = {
        "kind of speech": corpus.get("kind"),
        who: number(corpus.get("speakers")),
        "utterances": number(corpus.get("utterances")),
        "hours": corpus.get("hours"),
        "languages": ", ".join(map(label, measured["languages"])),
        "licence": corpus.get("licence"),
        "citation": corpus.get("citation"),
        "conditions": ", ".join(measured["conditions"]),
        "recognisers": ", ".join(measured["backends"]),
        "text normalised by": f"{normalizer.get('name')}, version {normalizer.get('version')}" if normalizer else None,
        "intervals": measured["method"],
        "level": None if measured["level"] is None else f"{100 * measured['level']:g} %",
        "seed": measured["seed"],
        "measured by": f"asrfair {measured['asrfair']}" if measured["asrfair"] else None,
        **{f"labels, {label(axis['axis'])}": _labels(axis) for axis in measured["axes"]},
        "first utterances only": measured["limit"],
        "sample, utterances per group": measured.get("sample"),
        "utterances treated as independent": "yes" if measured["independent_utterances"] else None,
    }
    return [("what", "value"), *((name, str(value)) for name, value in facts.items() if value not in (None, ""))]


def _labels(axis: Mapping[str, Any]) -> str:
    """Return who assigned an axis's labels, when and how; cards of before tell less."""
    told = "; ".join(str(axis[key]) for key in ("instrument", "note") if axis.get(key))
    return f"{provenance(axis)}: {told}" if told else provenance(axis)


def comparisons(rows: Sequence[Row], who: str) -> Table:
    """Return comparisons: both sides, estimate, interval, adjusted p, and what could have been found."""
    head = ("measure", "group", "against", "condition", "recogniser", who, "words", "estimate")
    table: Table = [(*head, "interval", "adjusted p", "could find", "note")]
    for row in rows:
        on_points = "difference" in row["measure"]
        shown = (points if on_points else factor)(row["estimate"])
        interval = (points_interval if on_points else factor_interval)(row)
        table.append(
            (
                str(row["measure"]).replace("_", " ") + (", points" if on_points else ""),
                _whose(row, who),
                _against(row, who),
                label(row["condition"]),
                label(row["backend"]),
                f"{number(row['speakers'])} / {number(row['reference_speakers'])}",
                _words(row),
                shown,
                interval,
                p_cell(row["p_adjusted"]),
                _findable(row["detectable"], on_points=on_points),
                row["note"] or "",
            )
        )
    return table


def _findable(least: float | None, *, on_points: bool) -> str:
    return "" if least is None else f"{100 * least:.1f}" if on_points else factor(least)


def over_all_groups(rows: Sequence[Row]) -> Table:
    """Return the measures over all groups of an axis with the test of equality."""
    head = ("axis", "condition", "recogniser", "gap, points", "between", "sd between groups, points")
    table: Table = [(*head, "generalised entropy, Theil, Gini", "equality, adjusted p", "note")]
    for row in rows:
        gap, spread, equality = row.get("gap"), row.get("between_group_sd"), row.get("equality")
        between = "" if gap is None or gap["reference_group"] is None else _between(gap)
        indices = " / ".join("-" if (index := _estimate(row.get(name))) is None else f"{index:.3f}" for name in INDICES)
        notes = dict.fromkeys(
            part for entry in (gap, spread, equality) if entry for part in (entry["note"] or "").split("; ") if part
        )
        table.append(
            (
                label(row["axis"]),
                label(row["condition"]),
                label(row["backend"]),
                _points(gap),
                between,
                _points(spread),
                indices,
                p_cell(None if equality is None else equality["p_adjusted"]),
                "; ".join(notes),
            )
        )
    return table


def _between(gap: Row) -> str:
    return f"{label(gap['group'])}, {label(gap['reference_group'])}"


def _estimate(entry: Row | None) -> float | None:
    estimate: float | None = None if entry is None else entry["estimate"]
    return estimate


def _points(entry: Row | None) -> str:
    """Return a size with its interval, or with its lower end alone where the upper one is unknown."""
    size = _estimate(entry)
    if entry is None or size is None:
        return "-"
    if entry["high"] is None:
        return percent(size) if entry["low"] is None else f"{percent(size)}, at least {percent(entry['low'])}"
    return f"{percent(size)} {percent_interval(entry)}"


def adjusted(rows: Sequence[Row], who: str) -> Table:
    """Return ratios as they are and with the covariates held equal."""
    table: Table = [("model", "term", "against", "condition", "recogniser", who, "raw", "adjusted", "interval", "note")]
    for row in rows:
        where = (label(row["condition"]), label(row["backend"]), number(row["speakers"]))
        against = "" if row["reference_group"] is None else label(row["reference_group"])
        ratios = ["-" if ratio is None else factor(ratio) for ratio in (row["raw_ratio"], row["estimate"])]
        model = f"{row['model'].replace('_', ' ')} of {row['covariates']}"
        table.append((model, label(row["term"]), against, *where, *ratios, factor_interval(row), row["note"] or ""))
    return table


def metrics(rows: Sequence[Row], said: Callable[[str], str]) -> Table:
    """Return the other measures of all together; ``said`` puts voices for speakers."""
    table: Table = [("measure", "recogniser", "%", "interval", "note")]
    for row in rows:
        if row["axis"] == OVERALL and row["metric"] not in APART:
            values = (label(row["backend"]), percent(row["estimate"]), percent_interval(row), row["note"] or "")
            table.append((said(metric_name(row["metric"])), *values))
    return table


TOLD = {
    "probe_words_per_minute": "words per minute where nothing is said",
    "probe_utterances_with_words_share": "utterances with words where nothing is said, %",
    "insertions_per_minute": "insertions per minute of speech",
    "words_without_speech_per_minute": "wrong words in pauses, per minute of speech",
    "utterances_with_loops_share": "utterances with words repeated in a loop, %",
    "overconfidence": "confidence of words minus share of right words, points",
    "calibration_error": "calibration error (root mean square), points",
    "expected_calibration_error": "expected calibration error, points",
    "repeat_differing_share": "transcripts that differ when made again, %",
    "repeat_changed_words_share": "words that change when transcribed again, %",
    "repeat_sd_wer": "standard deviation of the WER from run to run, points",
}


def told(rows: Sequence[Row]) -> Table:
    """Return what recognisers make up, how sure they say they are, and whether they repeat themselves."""
    table: Table = [("measure", "condition", "recogniser", "value", "interval", "note")]
    for row in rows:
        if row["axis"] == OVERALL and row["metric"] in TOLD:
            shown = shown_as(row["metric"])
            ends = row["low"], row["high"]
            interval = "not judged" if None in ends else f"[{shown(ends[0])}, {shown(ends[1])}]"
            value = number(None) if row["estimate"] is None else shown(row["estimate"])
            where = "all" if row["condition"] is None else label(row["condition"])
            table.append((TOLD[row["metric"]], where, label(row["backend"]), value, interval, row["note"] or ""))
    return table


def _words(row: Row) -> str:
    both = row["words"], row["reference_words"]
    return number(None) if both == (None, None) else " / ".join(map(number, both))


def p_cell(p: float | None) -> str:
    """Return an adjusted p for a table, «-» where there is none."""
    return "-" if p is None else chance(p)


def _whose(row: Row, who: str) -> str:
    """Say whose comparison it is: a group's, that of all together, or of all groups of an axis against each other."""
    if _over_groups(row):
        return f"{label(row['axis'])}: all groups"
    return f"all {who}" if row["axis"] == OVERALL else f"{label(row['axis'])}: {label(row['group'])}"


def _over_groups(row: Row) -> bool:
    """Whether a measure is of an axis's groups together and so has no reference group."""
    return row["axis"] != OVERALL and row["group"] == OVERALL and row["reference_group"] is None


def _against(row: Row, who: str) -> str:
    if _over_groups(row):
        return "each other"
    other = f"all {who}" if row["reference_group"] == OVERALL else label(row["reference_group"])
    parts = [] if row["reference_group"] == row["group"] else [other]
    for key in ("condition", "backend"):
        if row[f"reference_{key}"] not in (None, row[key]):
            parts.append(label(row[f"reference_{key}"]))
    return ", ".join(parts) or "itself"


def not_judged(rows: Sequence[Row], who: str) -> Table:
    """Return what has no interval, and why."""
    table: Table = [("axis", "group", "condition", "recogniser", who, "words", "why")]
    for row in rows:
        counts = (number(row["speakers"]), sized(row, "reference_words"))
        where = (label(row["axis"]), label(row["group"]), label(row["condition"]), label(row["backend"]))
        table.append((*where, *counts, row["why"]))
    return table


def failures(rows: Sequence[Row]) -> Table:
    """Return the transcriptions that failed, by group."""
    table: Table = [("axis", "group", "condition", "recogniser", "failed", "counted utterances")]
    for row in rows:
        where = (label(row["axis"]), label(row["group"]), label(row["condition"]), label(row["backend"]))
        table.append((*where, number(row["failures"]), number(row["utterances"])))
    return table
