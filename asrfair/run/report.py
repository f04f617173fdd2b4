"""Reports from a run folder alone: on a terminal, as JSON, as a page."""

import os
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.errors import InputError
from asrfair.report import render
from asrfair.report.data import report_data
from asrfair.report.terminal import TOP
from asrfair.results import Results, json_text
from asrfair.run.shareable import Share, shared
from asrfair.run.told import spoken
from asrfair.stats.timing import timing_rows
from asrfair.tables import INTERSECTION

NARROWEST, WIDEST = 40, 400


def show(
    results: Results | Path,
    *,
    width: int | None = None,
    top: int = TOP,
    every: bool = False,
    share: Share | None = None,
) -> None:
    """Print the terminal report, ``width`` columns wide (default: the terminal's, or 80).

    Of more than ``top`` groups the rest is counted; so are recognisers beyond a few, unless ``every`` one is asked for.
    With ``share`` it is of the shareable form. Raises InputError for a width or a number of groups that nothing can be
    shown in.
    """
    check_shown(width=width, top=top)
    run = shared(results, share)
    render(run, console(width=width), top=top, every=every, timings=run_timings(run))


def check_shown(*, width: int | None = None, top: int = TOP) -> None:
    """Raise InputError unless a report can be as wide, and show as many groups."""
    if width is not None and not NARROWEST <= width <= WIDEST:
        raise InputError(f"--width {width}: expected {NARROWEST} to {WIDEST} columns")
    if top < 1:
        raise InputError(f"--top {top}: expected 1 or more groups")


def report_json(results: Results | Path, *, share: Share | None = None) -> str:
    """Return the whole report as one line of JSON; what it holds is in `asrfair.report.data`."""
    run = shared(results, share)
    return json_text(report_data(run, timings=run_timings(run)), indent=None)


def run_timings(results: Results) -> pl.DataFrame:
    """Return how long recognisers took by group, as `asrfair.stats.timing.TIMING`; no rows where nothing was timed."""
    there = results.utterances.columns
    axes = [
        axis for axis in results.signature.get("axes") or () if all(part in there for part in axis.split(INTERSECTION))
    ]
    said = spoken(results.timings, results.signature.get("probes") or {})
    return timing_rows(said, results.utterances, axes, failures=results.failures)


class _Output(Console):
    """A console whose closed pipe is told to the command line; Rich would end with the code of a failed gate."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, width: int | None = None) -> Console:
    """Return a console on standard output that leaves plain text alone, and is plain text itself with NO_COLOR."""
    colours: Any = None if os.environ.get("NO_COLOR") else "auto"
    return _Output(highlight=False, soft_wrap=False, width=width, color_system=colours)
