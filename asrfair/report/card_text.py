"""A metrics card as Markdown: every label escaped, every table with speakers and words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
    safe,
)
from asrfair.report.view import voiced
from asrfair.tables import OVERALL

Table = list[Sequence[str]]
SPECIAL = "\\`*_<>|&~$"
INDICES = ("generalised_entropy", "theil", "gini")
OVER_ALL_GROUPS = (
    "The gap from the highest to the lowest group is a plug-in value, biased upward when groups are alike; the "
    "standard deviation between groups is corrected for the spread of speakers. Theil and Gini are positive by "
    "construction: read them beside it. Equality: speakers permuted over the groups; adjusted over conditions."
)
ADJUSTED = (
    "Ratios of error rates: raw, then with the covariates held equal (pooled rates, or the median speaker's). They say "
    "nothing about causes."
)
METRICS = "Published tables often show the mean of utterances' WERs; the headline is the pooled WER above."


def markdown(card: Mapping[str, Any]) -> str:
    """Return the Markdown of a card made by `metrics_card`, from its data alone."""
    measured = card["what_was_measured"]
    said = str if measured["about_people"] else voiced
    who = said("speakers")
    corpus = measured["corpus"]
    lines = ["# Service card: measured parts", ""]
    if card["notice"]:
        lines += [f"**{_escape(card['notice'])}**", ""]
    title = corpus.get("title") or corpus.get("card") or "unknown"
    date = measured["created"] or "an unknown date"
    lines += [f"Corpus: {_escape(str(title))}. Measured on {_escape(str(date))}.", ""]
    lines += ["## What was found", "", *(f"- {_escape(sentence)}" for sentence in card["statements"]), ""]
    lines += _section("What was measured", _about(measured, who))
    lines += _section(f"All {who}", _rates(card["overall"], who, named=False))
    for axis in measured["axes"]:
        rows = [row for row in card["groups"] if row["axis"] == axis["axis"]]
        lines += _section(f"By {_provenance(axis)}", _rates(rows, who, named=True))
    lines += _section("Over all groups", _over_all_groups(card["over_all_groups"]), said(OVER_ALL_GROUPS))
    left = card["disparities_left_out"]
    rest = (
        f"In the table disparities alone: {number(left)} comparisons of pairs of groups, of groups and the rest, and "
    )
    rest += "on common prompts too few to judge."
    lines += _section("Disparities", _comparisons(card["disparities"], who), rest if left else "")
    lines += _section("Robustness", _comparisons(card["robustness"], who))
    lines += _section("Adjusted for covariates", _adjusted(card["adjusted"], who), said(ADJUSTED))
    lines += _section(f"Other measures of all {who}", _metrics(card["metrics"], said), METRICS)
    lines += _section("Not judged", _not_judged(card["not_judged"], who))
    lines += _section("Failures", _failures(card["failures"]))
    lines += ["## Signature", "", f"    {safe(str(card['signature']))}", ""]
    if card["notice"]:
        lines += [f"**{_escape(card['notice'])}**", ""]
    return "\n".join(lines)


def _escape(content: str) -> str:
    shown = "".join(f"\\{character}" if character in SPECIAL else character for character in safe(content))
    for open_link in ("](", "][", "]:"):
        shown = shown.replace(open_link, f"\\{open_link}")
    return shown


def _section(title: str, table: Table, below: str = "") -> list[str]:
    if len(table) < 2:
        return []
    head, *rows = table
    lines = [f"| {' | '.join(_escape(cell) for cell in row)} |" for row in rows]
    told = [_escape(below), ""] if below else []
    return [f"## {_escape(title)}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines, "", *told]


def _provenance(axis: Mapping[str, Any]) -> str:
    origin = str(axis["assigned_by"] or "origin of labels unknown")
    imputed = "; imputed labels" if axis["imputed"] and "imputed" not in origin else ""
    return f"{label(axis['axis'])} ({origin}{imputed})"


def _about(measured: Mapping[str, Any], who: str) -> Table:
    corpus, normalizer = measured["corpus"], measured["normalizer"] or {}
    facts = {
        "kind of speech": corpus.get("kind"),
        who: number(corpus.get("speakers")),
        "utterances": number(corpus.get("utterances")),
        "hours": corpus.get("hours"),
        "licence": corpus.get("licence"),
        "citation": corpus.get("citation"),
        "conditions": ", ".join(measured["conditions"]),
        "recognisers": ", ".join(measured["backends"]),
        "text normalised by": f"{normalizer.get('name')}, version {normalizer.get('version')}" if normalizer else None,
        "intervals": measured["method"],
        "level": measured["level"],
        "seed": measured["seed"],
        "labels": "; ".join(_provenance(axis) for axis in measured["axes"]),
        "first utterances only": measured["limit"],
        "utterances treated as independent": "yes" if measured["independent_utterances"] else None,
    }
    return [("what", "value"), *((name, str(value)) for name, value in facts.items() if value not in (None, ""))]


def _rates(rows: Sequence[Row], who: str, *, named: bool) -> Table:
    head = ["group"] if named else []
    table: Table = [(*head, "condition", "recogniser", who, "words", "WER %", "interval", "note")]
    for row in rows:
        name = [label(row["group"])] if named else []
        counts = (number(row["speakers"]), number(row["reference_words"]))
        rate = (percent(row["wer"]), percent_interval(row), row["note"] or "")
        table.append((*name, label(row["condition"]), label(row["backend"]), *counts, *rate))
    return table


def _comparisons(rows: Sequence[Row], who: str) -> Table:
    head = ("measure", "group", "against", "condition", "recogniser", who, "words", "estimate")
    table: Table = [(*head, "interval", "adjusted p", "could find", "note")]
    for row in rows:
        on_points = "difference" in row["measure"]
        shown = (points if on_points else factor)(row["estimate"])
        interval = (points_interval if on_points else factor_interval)(row)
        table.append(
            (
                str(row["measure"]).replace("_", " ") + (", points" if on_points else ""),
                f"{label(row['axis'])}: {label(row['group'])}",
                _against(row),
                label(row["condition"]),
                label(row["backend"]),
                f"{number(row['speakers'])} / {number(row['reference_speakers'])}",
                _words(row),
                shown,
                interval,
                chance(row["p_adjusted"]),
                _findable(row["detectable"], on_points=on_points),
                row["note"] or "",
            )
        )
    return table


def _findable(least: float | None, *, on_points: bool) -> str:
    return "" if least is None else f"{100 * least:.1f}" if on_points else factor(least)


def _over_all_groups(rows: Sequence[Row]) -> Table:
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
                "-" if equality is None or equality["p_adjusted"] is None else chance(equality["p_adjusted"]),
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


def _adjusted(rows: Sequence[Row], who: str) -> Table:
    table: Table = [("model", "term", "against", "condition", "recogniser", who, "raw", "adjusted", "interval", "note")]
    for row in rows:
        where = (label(row["condition"]), label(row["backend"]), number(row["speakers"]))
        against = "" if row["reference_group"] is None else label(row["reference_group"])
        ratios = ["-" if ratio is None else factor(ratio) for ratio in (row["raw_ratio"], row["estimate"])]
        model = f"{row['model'].replace('_', ' ')} of {row['covariates']}"
        table.append((model, label(row["term"]), against, *where, *ratios, factor_interval(row), row["note"] or ""))
    return table


def _metrics(rows: Sequence[Row], said: Callable[[str], str]) -> Table:
    table: Table = [("measure", "recogniser", "%", "interval", "note")]
    for row in rows:
        if row["axis"] == OVERALL:
            values = (label(row["backend"]), percent(row["estimate"]), percent_interval(row), row["note"] or "")
            table.append((said(metric_name(row["metric"])), *values))
    return table


def _words(row: Row) -> str:
    both = row["words"], row["reference_words"]
    return number(None) if both == (None, None) else " / ".join(map(number, both))


def _against(row: Row) -> str:
    parts = [] if row["reference_group"] == row["group"] else [label(row["reference_group"])]
    for key in ("condition", "backend"):
        if row[f"reference_{key}"] not in (None, row[key]):
            parts.append(label(row[f"reference_{key}"]))
    return ", ".join(parts) or "itself"


def _not_judged(rows: Sequence[Row], who: str) -> Table:
    table: Table = [("axis", "group", "condition", "recogniser", who, "words", "why")]
    for row in rows:
        counts = (number(row["speakers"]), number(row["reference_words"]))
        where = (label(row["axis"]), label(row["group"]), label(row["condition"]), label(row["backend"]))
        table.append((*where, *counts, row["why"]))
    return table


def _failures(rows: Sequence[Row]) -> Table:
    table: Table = [("axis", "group", "condition", "recogniser", "failed", "counted utterances")]
    for row in rows:
        where = (label(row["axis"]), label(row["group"]), label(row["condition"]), label(row["backend"]))
        table.append((*where, number(row["failures"]), number(row["utterances"])))
    return table
