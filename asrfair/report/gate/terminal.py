"""A gate's verdicts on a terminal, in a pipe or in a log."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from asrfair.report.gate import text as words
from asrfair.report.gate.verdicts import FAILED, PASSED, UNJUDGED, Cell, Outcome, Rule, Verdicts
from asrfair.report.page import QUIET, WARNING, Column, Page
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.text import counted, label, number, safe
from asrfair.report.view import speakers
from asrfair.tables import OVERALL

STYLES: dict[Outcome, str] = {PASSED: "green", FAILED: "bold red", UNJUDGED: "bold yellow"}
MOST_REASONS = 12
PASSED_SHARE = 4
"""One in so many of the cells shown may be one that passed."""


def render_gate(found: Verdicts, console: Console, *, top: int = 20) -> None:
    """Write verdicts to a console: each rule with its cells, failed first; of more than ``top`` the rest is counted."""
    page = Page(console)
    if found.synthetic:
        page.line(SYNTHETIC, style=WARNING)
        page.gap()
    page.line(f"Gate: {safe(found.title)}", style="bold")
    page.line(f"run {label(found.run)} of {label(found.corpus)}", indent=2, hang=2)
    if found.baseline is not None:
        page.line(f"regressions against {label(found.baseline)}", indent=2, hang=2)
    asked = f"{counted(len(found.rules), 'rule')}, {counted(len(found.cells), 'comparison')}"
    page.line(f"{asked}: {words.tally(dict(found.counted()))}", indent=2, hang=2)
    if not all(map(words.is_known, found.rules)):
        bounds = f"bounds {words.level(found.level)}; alarms at the level of their Holm step"
        page.line(bounds, indent=2, hang=2)
    for number_of, rule in enumerate(found.rules):
        _rule(page, found, number_of, rule, top=top)
    page.heading("How the bounds were made")
    for line in (*words.how(found), *found.notes, f"policy {label(found.policy)}"):
        page.line(line, indent=2, hang=2)
    page.line(str(found.signature.get("signature") or "unsigned"), style=QUIET, indent=2)
    page.gap()
    if found.synthetic:
        page.line(SYNTHETIC, style=WARNING)
    outcome = {0: PASSED, 1: FAILED, 3: UNJUDGED}[found.exit_code]
    page.line(f"Gate {words.conclusion(found)}", style=STYLES[outcome])


def _rule(page: Page, found: Verdicts, place: int, rule: Rule, *, top: int) -> None:
    cells = found.of(place)
    page.heading(f"{safe(rule.name)}: {words.FULL[found.outcome(place)]}")
    page.line(words.about(found, rule), indent=2, hang=2)
    shown = _shown(cells, top)
    page.table(_columns(found, rule, shown), [_row(rule, cell, shown) for cell in shown])
    if len(cells) > len(shown):
        rest = Counter(cell.outcome for cell in cells) - Counter(cell.outcome for cell in shown)
        page.line(f"and {number(len(cells) - len(shown))} more: {words.tally(rest)}", indent=2)
    page.line(words.passed(cells), indent=2, hang=2)
    page.line(words.failed(rule, cells), style=WARNING, indent=2, hang=2)
    _reasons(page, found, rule, cells)
    for line in (words.levels(cells), words.methods(cells)):
        page.line(line, style=QUIET, indent=2, hang=2)


def _shown(cells: Sequence[Cell], top: int) -> list[Cell]:
    """Return up to ``top`` cells that did not pass, and a few that did."""
    passed = [cell for cell in cells if cell.outcome == PASSED]
    others = [cell for cell in cells if cell.outcome != PASSED][:top]
    return [*others, *passed[: max(min(top - len(others), top // PASSED_SHARE), 0 if others else 1)]]


def _columns(found: Verdicts, rule: Rule, cells: Sequence[Cell]) -> list[Column]:
    bounds = [] if words.is_known(rule) else [Column("at\nleast", align="right"), Column("at\nmost", align="right")]
    unit = words.who(found, words.unit(rule.limit))
    evidence = [
        Column(words.who(found, "speakers"), align="right", drop=1),
        Column("words", align="right", drop=2),
    ]
    return [
        *(Column(title, wraps=True, narrowest=9) for title, _ in _names(rule, cells)),
        Column(f"found\n{unit}" if len(unit) < 12 else "found", align="right"),
        *bounds,
        *([] if rule.limit.unit == "count" else evidence),
        Column("outcome"),
    ]


def _names(rule: Rule, cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return the columns that name a cell: title and attribute; one that says nothing is left out."""
    every = (("group", "group"), ("condition", "condition"), ("recog-\nniser", "backend"), ("ladder", "ladder"))
    return [(title, name) for title, name in every if any(getattr(cell, name) is not None for cell in cells)]


def _row(rule: Rule, cell: Cell, cells: Sequence[Cell]) -> list[str]:
    names = [getattr(cell, name) for _, name in _names(rule, cells)]
    bounds = [] if words.is_known(rule) else [words.bare(cell.low, rule.limit), words.bare(cell.high, rule.limit)]
    evidence = [
        "-" if cell.speakers is None else speakers(cell.speakers),
        "-" if cell.reference_words is None else number(cell.reference_words),
    ]
    return [
        *("all" if name == OVERALL else _name(name) for name in names),
        words.bare(cell.estimate, rule.limit),
        *bounds,
        *([] if rule.limit.unit == "count" else evidence),
        words.SHORT[cell.outcome],
    ]


def _name(value: str | None) -> str:
    return "-" if value is None else label(value)


def _reasons(page: Page, found: Verdicts, rule: Rule, cells: Sequence[Cell]) -> None:
    told = [cell for cell in cells if cell.outcome == FAILED or cell.reason]
    places: dict[str, list[str]] = {}
    for cell in told:
        places.setdefault(_reason(found, rule, cell), []).append(words.place(rule, cell))
    for why, where in list(places.items())[:MOST_REASONS]:
        named = where[0] if len(where) == 1 else counted(len(where), "comparison")
        page.line(f"{named}: {why}", indent=2, hang=2)
    if len(places) > MOST_REASONS:
        page.line(f"and {number(len(places) - MOST_REASONS)} more reasons: see --json", indent=2)


def _reason(found: Verdicts, rule: Rule, cell: Cell) -> str:
    if words.is_known(rule) and cell.outcome == FAILED:
        return f"{cell.verdict}: {words.size(cell.estimate, rule.limit)}"
    return words.why(found, cell) or f"{cell.verdict}, {words.bounds(rule, cell)}"
