"""``asrfair check``: a run held to a policy, and what was found written for people and for machines."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from asrfair.errors import InputError
from asrfair.report import sentences
from asrfair.report.gate.data import gate_data
from asrfair.report.gate.junit import junit
from asrfair.report.gate.summary import step_summary
from asrfair.report.gate.terminal import render_gate
from asrfair.report.gate.verdicts import Rule, Verdicts
from asrfair.results import Results, json_text, write_text
from asrfair.run.gate_cells import Source
from asrfair.run.gate_judging import judge
from asrfair.run.gate_missing import failed_note
from asrfair.run.policy import Checked, LoadedPolicy, load_policy
from asrfair.run.report import check_shown, console
from asrfair.run.streams import discard_output

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
STDOUT = Path("-")


@dataclass(frozen=True)
class Outputs:
    """Where verdicts go besides the terminal: files, and with ``github`` the step summary of a GitHub workflow."""

    junit: Path | None = None
    json: Path | None = None
    summary: Path | None = None
    github: bool = False
    width: int | None = None
    top: int = 20


def check(folder: Path, policy: Path, *, baseline: Path | None = None) -> Verdicts:
    """Return what a policy finds in a run; ``baseline`` is a run folder, in place of the policy's own.

    Raises CardError for a policy and InputError for names that cannot be used, RunFolderError for half a run.
    """
    loaded = load_policy(policy)
    results = Results.load(folder)
    against = baseline or loaded.baseline
    regressions = [checked for checked in loaded.rules if checked.measure.regression]
    if regressions and against is None:
        raise InputError(
            f"{regressions[0].where}: found {regressions[0].rule.measure} without a baseline run; "
            'expected baseline = "RUN" in the policy, or --baseline RUN'
        )
    if baseline is not None and not regressions:
        raise InputError(f"--baseline {baseline}: found no rule about a regression; expected one, or no baseline")
    regression = None
    if regressions and against is not None:
        allow = loaded.policy.missing == "allow"
        regression = Source.against(Results.load(against), results, allow_missing=allow)
    found = judge(loaded.rules, Source.of(results), regression, level=loaded.policy.level)
    return Verdicts(
        title=loaded.policy.title or policy.name,
        policy=f"{policy.name}+{loaded.digest}",
        run=str(folder),
        baseline=None if regression is None else str(against),
        level=loaded.policy.level,
        alarms=found.alarms,
        rules=tuple(_rule(checked, loaded) for checked in loaded.rules),
        cells=found.cells,
        signature=results.signature,
        notes=tuple(_notes(results, regression)),
    )


def _rule(checked: Checked, loaded: LoadedPolicy) -> Rule:
    rule, measure = checked.rule, checked.measure
    return Rule(
        name=rule.name,
        measure=rule.measure,
        means=measure.means,
        limit=checked.limit,
        asked=rule.asked,
        unjudged=rule.unjudged or loaded.policy.unjudged,
        axis=rule.axis,
        of_group=measure.groups in ("each", "others"),
        least=measure.least,
    )


def _notes(results: Results, regression: Source | None) -> list[str]:
    """Return what a reader of any bound must know of the run."""
    cut = sentences.cut(results.signature, article=True)
    notes = [] if cut is None else [f"Measured on {cut}."]
    if results.signature.get("independent_utterances"):
        notes.append("Utterances are treated as independent: the bounds may be far too narrow.")
    notes += failed_note(results)
    lacks = None if regression is None else regression.missing.note()
    return notes if lacks is None else [*notes, lacks]


def check_and_tell(folder: Path, policy: Path, outputs: Outputs, *, baseline: Path | None = None) -> int:
    """Hold a run to a policy, tell everywhere it was asked for, and return the exit code.

    With JSON on standard output nothing else is printed there. Nothing is written to a workflow's summary unless asked.
    """
    check_shown(width=outputs.width, top=outputs.top)
    where = _step_summary() if outputs.github else None
    found = check(folder, policy, baseline=baseline)
    if outputs.junit is not None:
        write_text(outputs.junit, junit(found))
    if outputs.summary is not None:
        write_text(outputs.summary, step_summary(found))
    if where is not None:
        with where.open("a", encoding="utf-8") as file:
            file.write(step_summary(found))
    text = "" if outputs.json is None else json_text(gate_data(found))
    if outputs.json is not None and outputs.json != STDOUT:
        write_text(outputs.json, text)
    try:
        if outputs.json == STDOUT:
            sys.stdout.write(text)
        else:
            render_gate(found, console(width=outputs.width), top=outputs.top)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough, but the gate's outcome stands.
        discard_output()
    return found.exit_code


def _step_summary() -> Path:
    path = os.environ.get(STEP_SUMMARY)
    if not path:
        raise InputError(f"--github: found no {STEP_SUMMARY} in the environment; expected a step of a GitHub workflow")
    return Path(path)
