"""The whole report as data, for programs: what `asrfair report RUN --json` prints.

Keys, of version 1: a key may be added without a new version, none goes or changes its meaning.

``asrfair_report``  the version of this form
``asrfair``         the version of asrfair that wrote it
``overview``        ``condition`` it speaks of, ``level``, ``findings`` about groups joined over recognisers, each with
                    axis, group, verdict (``worse``, ``better``), ``than``, and ``shown_with``: recogniser, measure,
                    estimate, low, high, p_adjusted, exploratory; ``elsewhere`` likewise, with the ``condition``: what
                    other conditions show and this one does not
``statements``      the findings in sentences, as the service card has them
``tables``          rows of the tables ``rates``, ``disparities``, ``metrics``, ``tests``, ``models``, ``sensitivity``,
                    ``conditions``, ``handicaps``, ``calibration`` and ``failures``, whole, as `asrfair.schemas` lists
                    their columns
``timing``          rows of `asrfair.stats.timing.TIMING`: of one machine; empty where nothing was timed
``shareable``       of the form made with ``--shareable``: ``least_speakers``, ``cells``, ``cells_withheld`` and so
                    on; null for a run as it is, which names speakers and files
                    of it ``failures`` has counts by condition, backend, stage and reason, null of few speakers
``left_out``        tables with a row per utterance, and how many rows each has in the run folder
``card``            the measured parts of the service card, a form of their own (``asrfair_card``)
``signature``       the record of how the numbers were made

Rates are fractions; unknown is null; no number is infinite.
"""

from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.report.card.data import metrics_card
from asrfair.report.findings import standing
from asrfair.report.lead import Shown, elsewhere, shown
from asrfair.report.shareable import failed
from asrfair.report.text import Row
from asrfair.report.view import View
from asrfair.results import Results, plain

VERSION = 1
TABLES = (
    *("rates", "disparities", "metrics", "tests", "models", "sensitivity", "conditions", "handicaps", "calibration"),
    "failures",
)
LEFT_OUT = (
    *("utterances", "hypotheses", "counts", "measurements", "timings"),
    *("recognised", "alternatives", "probes", "repeats"),
)
FINDING = ("measure", "estimate", "low", "high", "p_adjusted", "exploratory")


def report_data(results: Results, *, timings: pl.DataFrame | None = None) -> dict[str, Any]:
    """Return the whole report, ready for JSON; nothing is cut to a number of groups."""
    view = View.of(results)
    card = metrics_card(results)
    data = {
        "asrfair_report": VERSION,
        "asrfair": __version__,
        "overview": _overview(view),
        "statements": card["statements"],
        "tables": {name: getattr(results, name).to_dicts() for name in TABLES} | {"failures": failed(view)},
        "shareable": view.signature.get("shareable"),
        "timing": [] if timings is None else timings.to_dicts(),
        "left_out": {name: getattr(results, name).height for name in LEFT_OUT},
        "signature": dict(results.signature),
    }
    # The card is plain already.
    return {**plain(data), "card": card}


def _overview(view: View) -> dict[str, Any]:
    condition = view.condition
    standings = [
        standing(view, axis=axis, backend=backend, condition=condition)
        for axis in view.axes
        for backend in view.backends
        if condition is not None
    ]
    return {
        "condition": condition,
        "level": view.signature.get("level"),
        "findings": [_finding(finding) for finding in shown(view, standings)],
        "elsewhere": [_finding(finding, "condition") for finding in elsewhere(view, standings)],
    }


def _finding(finding: Shown, *more: str) -> dict[str, Any]:
    return {
        "axis": finding.axis,
        "group": finding.group,
        "verdict": finding.verdict,
        "than": finding.other,
        "shown_with": [{"recogniser": backend, **_picked(contrast.row, *more)} for backend, contrast in finding.found],
    }


def _picked(row: Row, *more: str) -> dict[str, Any]:
    return {name: row[name] for name in (*more, *FINDING)}
