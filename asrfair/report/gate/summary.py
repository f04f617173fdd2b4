"""A gate's verdicts as Markdown for the step summary of a GitHub workflow: every label escaped, the length bounded."""

import html

from asrfair.report.gate import text as words
from asrfair.report.gate.verdicts import FAILED, PASSED, UNJUDGED, Cell, Outcome, Rule, Verdicts
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.text import label, number, safe

MOST_CELLS = 20
"""Cells of a rule that are shown; GitHub drops a summary of more than a mebibyte whole."""
MOST_RULES = 50
_SPECIAL = "\\`*_<>|&~$[]#"
MARKS: dict[Outcome, str] = {PASSED: "✅", FAILED: "❌", UNJUDGED: "❔"}


def step_summary(found: Verdicts) -> str:
    """Return the Markdown: the outcome, a table of rules, and each rule's cells, those that did not pass first."""
    lines = [f"## Gate {words.conclusion(found)}: {_escape(label(found.title))}", ""]
    if found.synthetic:
        lines += [f"**{_escape(SYNTHETIC)}**", ""]
    lines += [f"{_escape(label(found.corpus))}: {words.tally(dict(found.counted()))}.", ""]
    lines += ["| rule | asks | outcome |", "| --- | --- | --- |"]
    for place, rule in enumerate(found.rules[:MOST_RULES]):
        lines.append(_line(label(rule.name), words.about(found, rule), _shown(found.outcome(place))))
    lines.append("")
    for place, rule in enumerate(found.rules[:MOST_RULES]):
        lines += _rule(found, place, rule)
    if len(found.rules) > MOST_RULES:
        lines += [f"and {number(len(found.rules) - MOST_RULES)} more rules: see the JSON.", ""]
    lines += [*(f"- {_escape(line)}" for line in (*words.how(found), *found.notes)), ""]
    lines += [f"Policy {_escape(label(found.policy))}.", "", f"    {_code(found)}", ""]
    return "\n".join(lines)


def _code(found: Verdicts) -> str:
    return safe(str(found.signature.get("signature") or "unsigned"))


def _shown(outcome: Outcome) -> str:
    return f"{MARKS[outcome]} {words.FULL[outcome]}"


def _rule(found: Verdicts, place: int, rule: Rule) -> list[str]:
    cells = found.of(place)
    told = [cell for cell in cells if cell.outcome != PASSED] or cells
    rows = [_line(*_cell(found, rule, cell)) for cell in told[:MOST_CELLS]]
    rest = len(cells) - len(rows)
    is_open = " open" if found.outcome(place) != PASSED else ""
    return [
        f"<details{is_open}><summary>{_html(label(rule.name))}: {words.tally(dict(found.counted(place)))}</summary>",
        "",
        f"| where | found | bounds | {words.who(found, 'speakers')} | outcome |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        *([f"and {number(rest)} more.", ""] if rest else []),
        f"Made by: {_escape(words.methods(cells) or 'no method')}.",
        "",
        "</details>",
        "",
    ]


def _cell(found: Verdicts, rule: Rule, cell: Cell) -> tuple[str, ...]:
    why = words.why(found, cell)
    return (
        words.place(rule, cell),
        words.size(cell.estimate, rule.limit),
        "counted" if words.is_known(rule) else words.bounds(rule, cell),
        words.evidence(found, cell),
        f"{_shown(cell.outcome)}: {cell.verdict}{f' ({why})' if why else ''}",
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(_escape(cell) for cell in cells)} |"


def _html(text: str) -> str:
    return html.escape(text)


def _escape(text: str) -> str:
    """Return a text in which Markdown reads nothing: no markup, no link, no cell's end."""
    shown = "".join(f"\\{character}" if character in _SPECIAL else character for character in safe(text))
    return shown.replace("://", ":\\/\\/").replace("www.", "www\\.")
