"""A metrics card as Markdown: every label escaped, every table with speakers and words."""

from collections.abc import Mapping, Sequence
from typing import Any

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

Table = list[Sequence[str]]
SPECIAL = "\\`*_<>|&~$"


def markdown(card: Mapping[str, Any]) -> str:
    """Return the Markdown of a card made by `metrics_card`, from its data alone."""
    measured = card["what_was_measured"]
    who = "speakers" if measured["about_people"] else "voices"
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
    lines += _section("Disparities", _comparisons(card["disparities"], who))
    lines += _section("Robustness", _comparisons(card["robustness"], who))
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


def _section(title: str, table: Table) -> list[str]:
    if len(table) < 2:
        return []
    head, *rows = table
    lines = [f"| {' | '.join(_escape(cell) for cell in row)} |" for row in rows]
    return [f"## {_escape(title)}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines, ""]


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
    table: Table = [(*head, "interval", "adjusted p", "note")]
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
                row["note"] or "",
            )
        )
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
