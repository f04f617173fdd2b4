"""A gate's verdicts in words, for the terminal, JUnit and Markdown alike.

A bound is told with the level that it holds at; a lower bound that can raise an alarm holds together with all others.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from asrfair.report.gate.verdicts import FAILED, KNOWN, OUTCOMES, PASSED, UNJUDGED, Cell, Limit, Outcome, Rule, Verdicts
from asrfair.report.text import UNKNOWN, counted, factor, label, listed, number, percent, points, safe
from asrfair.report.view import is_few, voiced
from asrfair.tables import OVERALL

SHORT: dict[Outcome, str] = {PASSED: "passed", FAILED: "failed", UNJUDGED: "not judged"}
FULL: dict[Outcome, str] = {PASSED: "passed", FAILED: "failed", UNJUDGED: "could not be judged"}
COUNTS_AS = {
    "fail": "counts as failed",
    "pass": "counts as passed",
    "report": "keeps the gate from passing (exit code 3)",
}
GAP = "gap"
MANY = 30


def who(found: Verdicts, text: str) -> str:
    """Return the text with voices for speakers where they are synthetic."""
    return voiced(text) if found.synthetic else text


def is_known(rule: Rule) -> bool:
    """Return whether a rule asks what was counted in this run, and no bound."""
    return rule.asked in KNOWN


def passed(cells: Sequence[Cell]) -> str:
    """Say what the cells that passed were found to be: «passed: 2 proved good, 28 not proved worse»."""
    found = Counter(cell.verdict for cell in cells if cell.outcome == PASSED)
    return f"passed: {', '.join(f'{number(times)} {verdict}' for verdict, times in found.items())}" if found else ""


def size(value: float | None, limit: Limit) -> str:
    """Return a value with its unit: «31.2 %», «+3.0 points», «1.25 x», «8 speakers», «+2.0 dB»."""
    if value is None:
        return UNKNOWN
    return f"{bare(value, limit)} {unit(limit)}"


def bare(value: float | None, limit: Limit) -> str:
    """Return a value without its unit, «-» where there is none."""
    if value is None:
        return "-"
    if limit.unit == "count":
        return number(int(value))
    if limit.unit == "steps":
        return f"{value:+.1f}"
    return {"rate": percent, "points": points, "ratio": factor}[limit.unit](value)


def unit(limit: Limit) -> str:
    """Return the unit that `bare` leaves out."""
    return {"rate": "%", "points": "points", "ratio": "x"}.get(limit.unit, label(limit.name))


def asks(rule: Rule) -> str:
    """Say what a rule asks: «fails where proved worse than 30 % (lower bound beyond it)»."""
    limit = label(rule.limit.written)
    lower, upper = ("upper", "lower") if rule.least else ("lower", "upper")
    if rule.asked == "proved worse":
        return f"fails where proved worse than {limit} ({lower} bound beyond it)"
    if rule.asked == "proved good":
        return (
            f"passes where proved good: {'no less' if rule.least else 'no more'} than {limit} ({upper} bound within it)"
        )
    return f"{rule.asked} {limit}, as counted in this run"


def about(found: Verdicts, rule: Rule) -> str:
    """Say what a rule is about: «WER by accent: passes where …; what could not be judged counts as failed»."""
    by = f" by {label(rule.axis)}" if rule.axis not in ("", OVERALL) else ""
    return who(found, f"{rule.means}{by}: {asks(rule)}; what could not be judged {COUNTS_AS[rule.unjudged]}")


def place(rule: Rule, cell: Cell) -> str:
    """Say which cell: «Scottish against US, telephone against clean, in-domain»."""
    group = None if not rule.axis else label(cell.group)
    if rule.axis == OVERALL:
        group = "all together"
    if not rule.of_group and rule.axis:
        group = f"by {label(rule.axis)}"
    parts = [
        _against(group, cell.reference_group if rule.of_group else None),
        _against(cell.condition and label(cell.condition), cell.reference_condition),
        _against(cell.backend and label(cell.backend), cell.reference_backend),
        cell.ladder and f"ladder {label(cell.ladder)}",
    ]
    return ", ".join(part for part in parts if part)


def _against(name: str | None, other: str | None) -> str | None:
    return f"{name} against {label(other)}" if name and other else name


def level(share: float) -> str:
    """Say a level, two digits of what is missing: «one-sided 95 %», «one-sided 99.17 %»."""
    missing = 100 * (1 - share)
    decimals = max(1 - math.floor(math.log10(missing)), 0) if missing > 0 else 0
    return f"one-sided {float(f'{100 * share:.{decimals}f}'):.15g} %"


def bounds(rule: Rule, cell: Cell) -> str:
    """Say the bounds with their levels: «at least 24.1 % (one-sided 99.2 %), at most 40.3 % (one-sided 95 %)»."""
    told = [
        f"{words} {size(end, rule.limit)} ({level(share)})"
        for words, end, share in (("at least", cell.low, cell.low_level), ("at most", cell.high, cell.high_level))
        if end is not None and share is not None
    ]
    return ", ".join(told) or "no bound"


def evidence(found: Verdicts, cell: Cell) -> str:
    """Say on how much a cell rests: «8 speakers against 14, 320 words»."""
    people = ""
    if cell.speakers is not None:
        people = counted(cell.speakers, "speaker")
        if cell.reference_group is not None and cell.reference_speakers is not None:
            people += f" against {number(cell.reference_speakers)}"
    words = "" if cell.reference_words is None else counted(cell.reference_words, "word")
    few = "" if words or cell.utterances is None else counted(cell.utterances, "utterance")
    failed = f"{counted(cell.failures, 'transcription')} failed" if cell.failures else ""
    return who(found, ", ".join(part for part in (people, words, few, failed) if part))


def failed(rule: Rule, cells: Sequence[Cell]) -> str:
    """Say where transcriptions failed: «failed transcriptions, in no WER: 120 (b, clean)»; «» where none did."""
    named = [f"{number(cell.failures)} ({place(rule, cell)})" for cell in cells if cell.failures]
    return f"failed transcriptions, in no WER: {listed(named, most=6)}" if named else ""


def why(found: Verdicts, cell: Cell) -> str:
    """Say why a cell did not pass, and how many more speakers might do; «» where it passed or the bound says it."""
    needed = ""
    if cell.speakers_needed is not None:
        needed = f"; about {counted(cell.speakers_needed, 'speaker')} would do if the estimate stayed"
    elif cell.times_the_speakers is not None:
        times = math.ceil(10 * cell.times_the_speakers) / 10
        where = "on both sides" if cell.reference_group is not None else "in every group"
        needed = f"; about {times:g} times the speakers {where} would do if the estimate stayed"
    return who(found, f"{safe(cell.reason)}{needed}") if cell.reason else ""


def sentence(found: Verdicts, cell: Cell) -> str:
    """Say all about a cell on one line."""
    rule = found.rules[cell.rule]
    rests = evidence(found, cell)
    parts = [
        f"{FULL[cell.outcome]}: {cell.verdict}",
        f"{rule.means} {size(cell.estimate, rule.limit)}",
        *([] if is_known(rule) else [bounds(rule, cell)]),
        f"limit {label(rule.limit.written)}",
        *([rests] if rests else []),
        *([why(found, cell)] if cell.reason else []),
        *([cell.method] if cell.method else []),
    ]
    return "; ".join(parts)


def tally(counts: Mapping[Outcome, int]) -> str:
    """Return «1 failed, 2 could not be judged, 5 passed»."""
    return ", ".join(f"{number(counts[outcome])} {FULL[outcome]}" for outcome in OUTCOMES if counts.get(outcome))


def conclusion(found: Verdicts) -> str:
    """Say how the gate ended, in one word or two, and its exit code."""
    return f"{found.ended} (exit code {found.exit_code})"


def how(found: Verdicts) -> list[str]:
    """Say how the bounds were made."""
    alpha = 1 - found.level
    asked = {rule.asked for rule in found.rules}
    told = []
    if asked - set(KNOWN):
        told.append(
            f"Bounds are {level(found.level)}: each is an end of the {100 * (1 - 2 * alpha):.4g} % interval, with "
            "speakers as the sample."
        )
        told.append(
            f"Proved worse: Holm (1979) over the policy's {counted(found.alarms, 'comparison')} together, so that any "
            f"false alarm has a chance of at most {100 * alpha:.4g} %; the bound is at the level of its step. "
            "Proved good, each at its own level: that all are proved good while one is not needs no correction."
        )
    if any(rule.measure in (GAP, "between_group_sd") for rule in found.rules):
        told.append(
            "The lower bound of a gap or spread over groups leaves out twice as little: with groups alike, chance on "
            "both sides can only widen it."
        )
    if any(rule.measure in (GAP, "worst_group_wer") for rule in found.rules):
        told.append(
            "What is found of a worst group or a gap is a plug-in value, biased upward: the group was picked for being "
            "highest. The bounds allow for that."
        )
    if any(_is_small(found.rules[cell.rule], cell) for cell in found.cells):
        told.append(
            f"A rate's bound on fewer than {MANY} speakers may be wrong more often: where one speaker in ten errs four "
            "times as much as the others, who are alike, a rate at its limit passes in up to 23 % of runs (simulated)."
        )
    if any(is_few(cell.speakers) for cell in found.cells):
        told.append("*: fewer than 10 speakers, who may not be like the others of their group.")
    return [who(found, line) for line in told]


def _is_small(rule: Rule, cell: Cell) -> bool:
    """Return whether a rate is bounded from so few speakers that outliers among them are easily missed."""
    bounded = rule.limit.unit == "rate" and not is_known(rule) and cell.high is not None
    return bounded and cell.speakers is not None and cell.speakers < MANY


def levels(cells: Iterable[Cell]) -> str:
    """Say at which levels the bounds of some cells hold: «at least: one-sided 99.2 %; at most: one-sided 95 %»."""
    cells = list(cells)
    told = []
    for words, shares in (
        ("at least", [cell.low_level for cell in cells]),
        ("at most", [cell.high_level for cell in cells]),
    ):
        found = Counter(share for share in shares if share is not None)
        if found:
            told.append(f"{words}: {_several(found)}")
    return "; ".join(told)


def _several(found: Counter[float]) -> str:
    if len(found) == 1:
        return level(next(iter(found)))
    return ", ".join(f"{level(share)} ({number(times)})" for share, times in sorted(found.items(), reverse=True))


def methods(cells: Sequence[Cell]) -> str:
    """Return the methods of some cells, each once."""
    return "; ".join(dict.fromkeys(cell.method for cell in cells if cell.method))
