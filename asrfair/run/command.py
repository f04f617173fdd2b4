"""``asrfair run`` and ``asrfair score``: options to plan, progress while working, the report at the end."""

import sys
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.console import Console

from asrfair.backend.registry import parse_backend
from asrfair.errors import EXIT_DONE, EXIT_GATE, InputError, safe
from asrfair.report.progress import progress
from asrfair.report.text import counted
from asrfair.results import Results
from asrfair.run.analysis import exit_code
from asrfair.run.engine import Done
from asrfair.run.evaluate import complete, prepare
from asrfair.run.plan import CorpusPlan, Plan, load_plan, override
from asrfair.run.published import load_score_plan, scoring_keys, show_published
from asrfair.run.report import console, show
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan


def run(options: Mapping[str, Any]) -> int:
    """Run a plan file, options, or both (options win); print the report; return the exit code."""
    given = _planned(options)
    if options.get("plan"):
        plan = override(given, load_plan(Path(options["plan"])))
    else:
        for key, option in (("corpus", "--corpus CARD=ROOT"), ("backends", "--backend NAME")):
            if key not in given:
                raise InputError(f"run: found no plan file and no {option.split()[0]}; expected PLAN.toml or {option}")
        plan = override(given, Plan(corpus=given["corpus"], backends=given["backends"]))
    return finish(run_plan(plan), Path(plan.out))


def run_plan(plan: Plan) -> Results:
    """Run a plan with a progress bar on standard error, once the plan is known to be good."""
    job = prepare(plan)
    for line in job.estimates:
        print(f"asrfair: {safe(line)}", file=sys.stderr)
    last: list[Done] = []
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("transcribing", total=len(job.utterances))

        started = time.monotonic()

        def update(done: Done) -> None:
            text = _told(done, seconds=time.monotonic() - started)
            bar.update(task, completed=done.utterances, total=done.total, description=text)
            last[:] = [done]

        results = complete(job, progress=update)
    for done in last:
        _tell_cache(done)
    return results


def _tell_cache(done: Done) -> None:
    """Say what the cache spared this start, and what is wrong with it."""
    if done.cached:
        told = f"{done.cached:,} of {counted(done.transcripts, 'transcription')} came from the cache"
        print(f"asrfair: {told} (--no-cache makes them again)", file=sys.stderr)
    if done.trouble:
        print(f"asrfair: {safe(done.trouble)}", file=sys.stderr)


def _told(done: Done, *, seconds: float) -> str:
    """Say what the bar is of: hours of audio since the start, how much faster than it is long, failures."""
    text = "transcribing"
    if done.audio_s > 0 and seconds > 0:
        text += f" {done.audio_s / 3600:.2f} h of audio, {done.audio_s / seconds:.1f}× real time"
    return text + (f", {counted(done.failures, 'failure')}" if done.failures else "")


def _planned(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given under the plan's keys."""
    given = {key: value for key, value in options.items() if value is not None}
    if "corpus" in given:
        (card, root), *_ = given["corpus"].items()
        given["corpus"] = CorpusPlan(card=card, root=root, split=given.pop("split", ""))
    if "split" in given:
        raise InputError(f"--split {given['split']}: found no --corpus; expected --corpus CARD=ROOT with it")
    if "condition" in given:
        given["conditions"] = given.pop("condition")
    if "backend" in given:
        given["backends"] = _backends(given.pop("backend"))
    return given


def _backends(texts: list[str]) -> dict[str, dict[str, Any]]:
    backends: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, kind, argument = parse_backend(text)
        if name in backends:
            raise InputError(f"--backend {text}: found the name '{name}' twice; expected names: --backend A:{kind}=…")
        backends[name] = {"type": kind} | ({} if argument is None else {"argument": argument})
    return backends


def score(options: Mapping[str, Any]) -> int:
    """Score tables, or what a plan names, and print the report; return the exit code."""
    names = {item.name for item in fields(ScorePlan)}
    given = {key: value for key, value in options.items() if key in names and value is not None}
    planned = options["tables"][0].endswith(".toml")
    if planned and len(options["tables"]) > 1:
        raise InputError(f"score {' '.join(options['tables'])}: found more than one; expected one plan, or tables")
    root = options.get("root")
    if not planned:
        if root:
            raise InputError(f"--root {root}: found no plan; expected --root with score PLAN.toml")
        plan = ScorePlan(**given)
        return finish(score_tables(plan), Path(plan.out))
    whole = load_score_plan(Path(options["tables"][0]), Path(root) if root else None)
    plan = ScorePlan(**{**scoring_keys(whole), **given, "tables": whole.tables})
    results = score_tables(plan)
    code = finish(results, Path(plan.out))
    wrong = show_published(results, whole.published, console())
    for line in wrong:
        print(f"asrfair: published figure {safe(line)}", file=sys.stderr)
    return EXIT_GATE if wrong and code == EXIT_DONE else code


def finish(results: Results, folder: Path) -> int:
    """Say where the results are kept, print the report and, if the run is incomplete, why; return the exit code."""
    print(f"Saved in {folder} (asrfair report {folder}; asrfair card {folder})", file=sys.stderr)
    show(results)
    code, reason = exit_code(results)
    if reason:
        print(f"asrfair: {safe(reason)}", file=sys.stderr)
    return code
