"""``asrfair compare``: two run folders, or many, from folders to text and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from asrfair.errors import InputError
from asrfair.report.compare.data import comparison_data
from asrfair.report.compare.matrix import render_matrix
from asrfair.report.compare.terminal import render_comparison
from asrfair.results import Results, json_text, write_text
from asrfair.run.compare import joined
from asrfair.run.matrix import matrix
from asrfair.run.report import check_shown
from asrfair.stats.leaderboard import LEAST_SPEAKERS

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class ComparePlan:
    """What to compare and how to tell it.

    ``many`` makes a leaderboard, under ``condition`` (default: the first run's baseline) and on
    groups of ``least_speakers``. ``level`` is the first run's
    unless given. ``insist`` goes on where runs differ in ways that matter. ``json`` is a file to write besides the
    text, or «-» for standard output in place of it.
    """

    runs: tuple[str, ...]
    many: bool = False
    by: tuple[str, ...] = ()
    condition: str = ""
    level: float | None = None
    insist: bool = False
    top: int = 20
    least_speakers: int = LEAST_SPEAKERS
    json: str = ""


def compare(plan: ComparePlan, console: Console) -> None:
    """Compare run folders, print what is found, and keep it as JSON if asked to.

    Raises InputError for a plan that makes no sense, RunFolderError for a folder that cannot be read, and what
    `asrfair.run.compare.joined` and `asrfair.run.matrix.matrix` raise.
    """
    _check(plan)
    names = run_names(plan.runs, many=plan.many)
    runs = [Results.load(Path(run)) for run in plan.runs]
    if plan.many:
        named = dict(zip(names, runs, strict=True))
        board = matrix(
            named,
            by=plan.by,
            condition=plan.condition,
            level=plan.level,
            insist=plan.insist,
            least_speakers=plan.least_speakers,
        )
        _keep(board, plan)
        if plan.json != STANDARD_OUTPUT:
            render_matrix(board, console)
        return
    old, new = names
    results = joined(*runs, level=plan.level, insist=plan.insist, by=plan.by)
    if plan.json:
        _keep(comparison_data(results, old=old, new=new), plan)
    if plan.json != STANDARD_OUTPUT:
        render_comparison(results, console, old=old, new=new, top=plan.top)


def _check(plan: ComparePlan) -> None:
    if not plan.many and len(plan.runs) != 2:
        raise InputError(f"compare: found {len(plan.runs)} run folders; expected two, or --matrix with any number")
    if plan.condition and not plan.many:
        raise InputError(
            f"--condition {plan.condition}: found no --matrix; expected it there (two runs are compared in all)"
        )
    if plan.level is not None and not 0.5 <= plan.level < 1:
        raise InputError(f"--level {plan.level}: expected a confidence level from 0.5 to below 1, such as 0.95")
    if plan.least_speakers < 2:
        raise InputError(f"--least-speakers {plan.least_speakers}: expected 2 or more")
    check_shown(top=plan.top)


def run_names(runs: Sequence[str], *, many: bool) -> list[str]:
    """Return what to call run folders: their last part, or the path where two would be called the same.

    Raises InputError for a folder given twice to a leaderboard of many.
    """
    last = [Path(run).resolve().name for run in runs]
    names = [name if last.count(name) == 1 else str(Path(run)) for name, run in zip(last, runs, strict=True)]
    if many and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"--matrix: found {twice} twice; expected each run once")
    return names


def _keep(data: dict[str, Any], plan: ComparePlan) -> None:
    text = json_text(data)
    if plan.json == STANDARD_OUTPUT:
        print(text, end="")
    elif plan.json:
        write_text(Path(plan.json), text)
