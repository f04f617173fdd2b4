"""From a policy and a run to verdicts: Holm's steps over all alarms, then each cell against its limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asrfair.report.gate.verdicts import FAILED, KNOWN, PASSED, UNJUDGED, Cell, Outcome
from asrfair.report.text import counted, label, listed
from asrfair.run.gate_cells import Key, Row, Source, counts_of, rows_of, wanted
from asrfair.run.policy import Checked
from asrfair.stats.alarms import Alarms, step_down, times_the_speakers

_MOST_TIMES = 50
STRADDLES = "the bounds lie on both sides of the limit"
BEYOND = "the estimate itself is beyond the limit, though that is not proved: more speakers would settle it"


@dataclass(frozen=True)
class Asked:
    """A rule with the source that it asks and its cells."""

    number: int
    checked: Checked
    source: Source
    keys: tuple[Key, ...]
    _kept: dict[float, dict[Key, Row]] = field(default_factory=dict)

    def rows(self, error: float) -> dict[Key, Row]:
        """Return the rule's rows, each end at error probability ``error``, by cell."""
        if error not in self._kept:
            self._kept[error] = rows_of(self.checked, self.source, error)
        return self._kept[error]

    @property
    def is_count(self) -> bool:
        """Whether the rule asks what was counted, and no bound."""
        return self.checked.rule.asked in KNOWN


@dataclass(frozen=True)
class Judged:
    """All cells of all rules, and how many of them could raise an alarm."""

    cells: tuple[Cell, ...]
    alarms: int


def judge(rules: Sequence[Checked], run: Source, regression: Source | None, *, level: float) -> Judged:
    """Return the cells of every rule, judged at a one-sided ``level`` for the policy as a whole.

    Raises InputError for names that the run does not have.
    """
    error = 1 - level
    asked = []
    for number, checked in enumerate(rules):
        source = regression if checked.measure.regression and regression is not None else run
        asked.append(Asked(number, checked, source, tuple(wanted(checked, source))))
    alarms = _alarms(asked, error)
    found = step_down(len(alarms), error=error, beyond=lambda e: _beyond(asked, alarms, e))
    at = {alarms[number]: now for number, now in found.raised.items()}
    cells = []
    for each in asked:
        known = counts_of(each.checked, each.source, error)
        together = each.checked.measure.groups == "all"
        for cell in _cells(each, error, found, at, alarms):
            words, failed = known.get(Key(cell.group, cell.condition, cell.backend), (cell.reference_words, None))
            if together:
                # The words are those of the group that is worst; any group's failures may have kept it from being so.
                _, failed = known.get(Key(None, cell.condition, cell.backend), (None, None))
            cells.append(replace(cell, reference_words=words, failures=failed))
    return Judged(tuple(cells), len(alarms))


Place = tuple[int, Key]


def _alarms(asked: Sequence[Asked], error: float) -> list[Place]:
    """Return the cells that may be proved worse: those whose speakers allow a bound, whatever their errors."""
    found = []
    for each in asked:
        if each.is_count:
            continue
        rows = each.rows(error)
        for key in each.keys:
            row = rows.get(key)
            sides = [] if row is None else [row["speakers"], row["reference_speakers"]]
            if row is not None and all(people is None or people >= 2 for people in sides):
                found.append((each.number, key))
    return found


def _beyond(asked: Sequence[Asked], alarms: Sequence[Place], error: float) -> set[int]:
    """Return the numbers of the alarms whose bound at ``error`` is beyond the limit."""
    rules = {number for number, _ in alarms}
    rows = {each.number: each.rows(error) for each in asked if each.number in rules}
    return {
        k
        for k, (number, key) in enumerate(alarms)
        if key in rows[number] and _is_beyond(asked[number].checked, rows[number][key])
    }


def _ends(checked: Checked, row: Row) -> tuple[float | None, float | None]:
    """Return the end that can prove a cell worse and the one that can prove it good."""
    low, high = row["low"], row["high"]
    return (high, low) if checked.measure.least else (low, high)


def _is_beyond(checked: Checked, row: Row) -> bool:
    worse, _ = _ends(checked, row)
    return worse is not None and not _within(checked, worse)


def _within(checked: Checked, value: float) -> bool:
    limit = checked.limit.value
    return value >= limit if checked.measure.least else value <= limit


def _cells(each: Asked, error: float, alarms: Alarms, at: dict[Place, float], places: Sequence[Place]) -> list[Cell]:
    policy = each.rows(error)
    tested, cells = set(places), []
    for key in each.keys:
        row = policy.get(key)
        place = (each.number, key)
        if each.is_count:
            cells.append(_counted(each, key, row))
            continue
        now = at.get(place, alarms.last if place in tested else error)
        stepped = each.rows(now).get(key)
        cells.append(_bounded(each, key, row, stepped, error=error, now=now, raised=place in at))
    return cells


def _counted(each: Asked, key: Key, row: Row | None) -> Cell:
    """Judge what was counted in this run against its limit: known, so that no bound is needed."""
    checked = each.checked
    if row is None and checked.measure.unit == "count":
        row = {"estimate": 0.0}
    value = None if row is None else row["estimate"]
    cell = replace(_cell(each, key, row), method="counted")
    if value is None:
        missing = "not measured" if checked.measure.table == "misses" else "unknown"
        return replace(cell, outcome=UNJUDGED, verdict="unknown", reason=(row or {}).get("note") or missing)
    if _within(checked, value):
        return replace(cell, outcome=PASSED, verdict="enough" if checked.measure.least else "within the limit")
    return replace(cell, outcome=FAILED, verdict="too few" if checked.measure.least else "beyond the limit")


def _bounded(
    each: Asked, key: Key, row: Row | None, stepped: Row | None, *, error: float, now: float, raised: bool
) -> Cell:
    checked = each.checked
    cell = _cell(each, key, row)
    if row is None:
        return replace(cell, outcome=UNJUDGED, verdict="no bound", reason=_lacks(each, key) or "no utterance counted")
    worse, good = _ends(checked, row)
    at_step = None if stepped is None else _ends(checked, stepped)[0]
    cell = _with_bounds(cell, (at_step, 1 - now), (good, 1 - error), least=checked.measure.least)
    left_out = each.source.left_out(checked.rule.axis, key) if checked.measure.groups == "all" else []
    lacks = _lacks(each, key)
    outcome, verdict, reason = _outcome(checked, row, worse, good, raised=raised, left_out=left_out)
    if lacks is not None and outcome != FAILED:
        return replace(cell, outcome=UNJUDGED, verdict="not comparable", reason=lacks)
    if reason != STRADDLES:
        return replace(cell, outcome=outcome, verdict=verdict, reason=reason)
    return replace(cell, outcome=outcome, verdict=verdict, reason=reason, **_needed(each, key, row))


def _lacks(each: Asked, key: Key) -> str | None:
    """Say what a cell of a regression lacks of the baseline run; None where nothing is, or there is none."""
    checked = each.checked
    if not checked.measure.regression:
        return None
    axis = checked.rule.axis
    reference = each.source.question.reference_groups.get(axis) if checked.measure.groups == "others" else None
    return each.source.lacks(axis, key, reference)


def _with_bounds(
    cell: Cell, worse: tuple[float | None, float], good: tuple[float | None, float], *, least: bool
) -> Cell:
    """Return the cell with its bounds, each with the level that it holds at."""
    (low, low_level), (high, high_level) = (good, worse) if least else (worse, good)
    return replace(
        cell,
        low=low,
        low_level=None if low is None else low_level,
        high=high,
        high_level=None if high is None else high_level,
    )


def _outcome(
    checked: Checked, row: Row, worse: float | None, good: float | None, *, raised: bool, left_out: Sequence[str]
) -> tuple[Outcome, str, str | None]:
    """Return a cell's outcome, what was found, and why it could not be judged."""
    if raised:
        return FAILED, "proved worse", None
    if left_out:
        names = listed(map(label, left_out))
        return UNJUDGED, "no bound", f"{counted(len(left_out), 'group')} could not be judged: {names}"
    if good is not None and _within(checked, good):
        return PASSED, "proved good", None
    if worse is None and good is None:
        return UNJUDGED, "no bound", row["note"] or "no interval"
    if checked.rule.fail_if:
        if worse is None:
            return UNJUDGED, "no bound", row["note"] or "no bound on this side"
        return PASSED, "not proved worse", None
    if good is None:
        return UNJUDGED, "not proved", row["note"] or "no bound on this side"
    beyond = row["estimate"] is not None and not _within(checked, row["estimate"])
    return UNJUDGED, "not proved", BEYOND if beyond else STRADDLES


def _cell(each: Asked, key: Key, row: Row | None) -> Cell:
    known: dict[str, Any] = {}
    if row is not None:
        names = (
            *("reference_group", "reference_condition", "reference_backend", "estimate", "speakers"),
            *("reference_speakers", "reference_words", "utterances", "method", "note"),
        )
        known = {name: row.get(name) for name in names}
    group = key.group if row is None or each.checked.measure.groups != "all" else row["group"]
    same = [name for name in ("group", "condition", "backend") if known.get(f"reference_{name}") == getattr(key, name)]
    known |= {f"reference_{name}": None for name in same}
    return Cell(
        rule=each.number,
        outcome=UNJUDGED,
        verdict="",
        group=group,
        condition=key.condition,
        backend=key.backend,
        ladder=key.ladder,
        **known,
    )


def _needed(each: Asked, key: Key, row: Row) -> dict[str, Any]:
    """Return how many speakers would put the bound at its limit if the estimate stayed; nothing where that is far."""
    checked = each.checked
    _, good = _ends(checked, row)
    if good is None or row["estimate"] is None:
        return {}
    sign = -1 if checked.measure.least else 1
    log = checked.measure.unit in ("rate", "ratio") and not checked.measure.least
    times = times_the_speakers(sign * row["estimate"], sign * good, sign * checked.limit.value, log=log)
    people = row["speakers"]
    if times is None or people is None or times > _MOST_TIMES:
        return {}
    alone = checked.measure.groups == "each" and row["reference_group"] in (None, key.group)
    return {"speakers_needed": math.ceil(times * people)} if alone else {"times_the_speakers": times}
