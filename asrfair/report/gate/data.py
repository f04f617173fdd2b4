"""A gate's verdicts as data for machines: plain JSON types, fractions, nothing rounded."""

from dataclasses import asdict
from typing import Any

from asrfair.report.gate import text as words
from asrfair.report.gate.verdicts import Cell, Rule, Verdicts
from asrfair.report.sentences import SYNTHETIC

FORMAT = 1


def gate_data(found: Verdicts) -> dict[str, Any]:
    """Return the verdicts; rates, shares and differences are fractions, a ratio is a number of times, null is unknown.

    ``exit_code`` is 0 passed, 1 failed, 3 could not be judged. Every cell says what it ``counts_as``.
    """
    return {
        "format": FORMAT,
        "notice": SYNTHETIC if found.synthetic else None,
        "title": found.title,
        "policy": found.policy,
        "run": found.run,
        "baseline": found.baseline,
        "corpus": found.corpus,
        "outcome": found.ended,
        "exit_code": found.exit_code,
        "level": found.level,
        "one_sided": True,
        "alarms_held_together": found.alarms,
        "how": [*words.how(found), *found.notes],
        "signature": found.signature.get("signature"),
        "counts": {outcome: found.counted().get(outcome, 0) for outcome in words.FULL},
        "rules": [_rule(found, number, rule) for number, rule in enumerate(found.rules)],
    }


def _rule(found: Verdicts, number: int, rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "outcome": found.outcome(number),
        "measure": rule.measure,
        "means": rule.means,
        "axis": rule.axis or None,
        "asked": rule.asked,
        "limit": {"written": rule.limit.written, "value": rule.limit.value, "unit": rule.limit.unit},
        "least": rule.least,
        "unjudged": rule.unjudged,
        "cells": [_cell(found, cell) for cell in found.of(number)],
    }


def _cell(found: Verdicts, cell: Cell) -> dict[str, Any]:
    values = asdict(cell)
    values.pop("rule")
    return {**values, "counts_as": found.counts_as(cell), "sentence": words.sentence(found, cell)}
