"""What a gate found: rules, the cells that each judges, their bounds and outcomes.

Conventions: rates, shares and differences are fractions; a ratio is a number of times; a handicap has its ladder's
unit; a count is a count. ``low`` and ``high`` are one-sided bounds, each with the level that it holds at; None is
unknown. A cell is a group under one condition with one recogniser, or what a measure has in its place.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from asrfair.errors import EXIT_DONE, EXIT_GATE, EXIT_INCOMPLETE
from asrfair.report.text import corpus_title

Outcome = Literal["passed", "failed", "could not be judged"]
Unjudged = Literal["fail", "pass", "report"]
Unit = Literal["rate", "points", "ratio", "count", "steps"]
PASSED: Outcome = "passed"
FAILED: Outcome = "failed"
UNJUDGED: Outcome = "could not be judged"
OUTCOMES = (FAILED, UNJUDGED, PASSED)
KNOWN = ("at least", "at most")
"""What a rule may ask that was counted, and needs no bound."""


@dataclass(frozen=True)
class Limit:
    """A limit as written and as a number in the measure's unit; ``name`` is the unit of counts and steps."""

    written: str
    value: float
    unit: Unit
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule as its outcomes need it.

    ``means`` says the measure in words, ``asked`` is «proved good», «proved worse», «at least» or «at most», and
    ``unjudged`` what a cell counts as that could not be judged. ``of_group`` says whether cells are of single groups;
    ``least`` whether the limit is a least, as of word recall and of speakers.
    """

    name: str
    measure: str
    means: str
    limit: Limit
    asked: str
    unjudged: Unjudged
    axis: str
    of_group: bool
    least: bool


@dataclass(frozen=True)
class Cell:
    """One cell of a rule; ``verdict`` is what was found and ``reason`` why it did not pass, for people.

    ``utterances`` are those counted, ``failures`` the transcriptions that failed beside them and are in no WER.
    ``speakers_needed`` in the group, or ``times_the_speakers`` on both sides, would put the bound at its limit if the
    estimate stayed.
    """

    rule: int
    outcome: Outcome
    verdict: str
    group: str | None
    condition: str | None
    backend: str | None
    reference_group: str | None = None
    reference_condition: str | None = None
    reference_backend: str | None = None
    ladder: str | None = None
    estimate: float | None = None
    low: float | None = None
    low_level: float | None = None
    high: float | None = None
    high_level: float | None = None
    speakers: int | None = None
    reference_speakers: int | None = None
    reference_words: int | None = None
    utterances: int | None = None
    failures: int | None = None
    method: str | None = None
    note: str | None = None
    reason: str | None = None
    speakers_needed: int | None = None
    times_the_speakers: float | None = None


@dataclass(frozen=True)
class Verdicts:
    """A policy held against a run: the rules in the policy's order, the cells of all, and how they were judged.

    ``alarms`` is how many cells could raise an alarm, which Holm's steps share ``level``.
    """

    title: str
    policy: str
    run: str
    baseline: str | None
    level: float
    alarms: int
    rules: Sequence[Rule]
    cells: Sequence[Cell]
    signature: Mapping[str, Any]
    notes: Sequence[str] = ()

    @property
    def synthetic(self) -> bool:
        """Whether the voices are not people's."""
        return (self.signature.get("corpus") or {}).get("kind") == "synthetic"

    @property
    def corpus(self) -> str:
        """What the corpus is called."""
        return corpus_title(self.signature.get("corpus") or {})

    def of(self, rule: int) -> list[Cell]:
        """Return a rule's cells: failed, then not judged, then passed, each the worst first."""
        way = -1 if self.rules[rule].least else 1
        return sorted(
            (cell for cell in self.cells if cell.rule == rule),
            key=lambda cell: (
                OUTCOMES.index(cell.outcome),
                cell.estimate is None,
                0.0 if cell.estimate is None else -way * cell.estimate,
            ),
        )

    def outcome(self, rule: int | None = None) -> Outcome:
        """Return the worst outcome of a rule's cells, or of all."""
        found = {cell.outcome for cell in self.cells if rule is None or cell.rule == rule}
        return next(outcome for outcome in OUTCOMES if outcome in found)

    def counted(self, rule: int | None = None) -> Mapping[Outcome, int]:
        """Return how many cells there are of each outcome."""
        return Counter(cell.outcome for cell in self.cells if rule is None or cell.rule == rule)

    def counts_as(self, cell: Cell) -> Unjudged:
        """Return what a cell counts as: «pass», «fail», or «report» where it keeps the gate from being judged."""
        if cell.outcome == UNJUDGED:
            return self.rules[cell.rule].unjudged
        return "pass" if cell.outcome == PASSED else "fail"

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 could not be judged; a failure wins over what could not be judged."""
        found = {self.counts_as(cell) for cell in self.cells}
        return EXIT_GATE if "fail" in found else EXIT_INCOMPLETE if "report" in found else EXIT_DONE

    @property
    def ended(self) -> Outcome:
        """The gate's outcome in words, as its exit code has it: cells that could not be judged count as asked."""
        return {EXIT_DONE: PASSED, EXIT_GATE: FAILED, EXIT_INCOMPLETE: UNJUDGED}[self.exit_code]
