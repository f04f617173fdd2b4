"""Many runs on the same utterances, ranked by how badly each serves the group it serves worst."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.report.text import label, listed
from asrfair.results import Results
from asrfair.run.again import question_of
from asrfair.run.compare import refuse
from asrfair.run.differences import Common, Difference, common, differences, is_synthetic
from asrfair.stats import Question
from asrfair.stats.leaderboard import LEAST_SPEAKERS, leaderboard
from asrfair.tables import COUNTS, INTERSECTION, conform, with_intersections

FORMAT = "asrfair-leaderboard-1"


def matrix(
    runs: Mapping[str, Results],
    *,
    by: Sequence[str] = (),
    condition: str = "",
    level: float | None = None,
    insist: bool = False,
    least_speakers: int = LEAST_SPEAKERS,
) -> dict[str, Any]:
    """Return, as JSON holds it, the leaderboard of all recognisers of all ``runs`` (by name) under one condition.

    The condition is the first run's baseline unless given, the level the first run's. A recogniser is named by its run
    where that has no other, else ``RUN: RECOGNISER``. Compared are the utterances that all of them transcribed;
    ``left_out`` says how many utterances each run has that not all runs have, ``failed`` how many of those that all
    runs have each did not transcribe. Groups of fewer than ``least_speakers`` are not ranked on. Raises InputError
    where there are fewer than two, where nothing is shared, and as `asrfair.run.compare.joined` does where runs differ
    in ways that matter.
    """
    for name, run in runs.items():
        if not run.signature.get("backends"):
            raise InputError(f"--matrix: found no recogniser in {label(name)}'s signature; expected one at least")
    (first_name, first), *others = runs.items()
    shared = _shared(list(runs.values()), by)
    found = [(name, each) for name, other in others for each in differences(first, other, shared)]
    named = [Difference(f"{first_name} and {name}: {d.what}", d.old, d.new, d.matters) for name, d in found]
    refuse([each for each in named if each.matters], insist=insist)
    asked = question_of(first, level=level)
    chosen = condition or (
        asked.baseline_condition if asked.baseline_condition in shared.conditions else shared.conditions[0]
    )
    if chosen not in shared.conditions:
        raise InputError(expected("--condition", f"'{label(chosen)}', not in all runs", map(label, shared.conditions)))
    counts = _counts(runs, shared, chosen)
    systems = [_called(name, run, each) for name, run in runs.items() for each in run.signature["backends"]]
    silent = [name for name in systems if name not in counts["backend"]]
    if silent:
        raise InputError(
            f"--matrix: found no transcript by {label(silent[0])} in {label(chosen)}; expected some of each"
        )
    if len(systems) < 2:
        raise InputError(f"--matrix: found one recogniser ({listed(map(label, systems))}); expected two or more")
    kept = counts.filter(pl.len().over("utterance_id") == len(systems))
    if kept.is_empty():
        raise InputError("--matrix: found no utterance that all recognisers transcribed; expected some")
    question = Question(
        axes=shared.axes,
        level=asked.level,
        independent_utterances=all(question_of(run).independent_utterances for run in runs.values()),
    )
    counted = dict(counts.group_by("backend").len().iter_rows())
    return {
        "format": FORMAT,
        "runs": {name: run.signature.get("signature") for name, run in runs.items()},
        "systems": systems,
        "condition": chosen,
        "level": asked.level,
        "axes": {axis: str(first.signature["axes"][axis].get("assigned_by") or "unknown") for axis in shared.axes},
        "shared_utterances": len(shared.utterances),
        "utterances": kept["utterance_id"].n_unique(),
        "speakers": kept["speaker_id"].drop_nulls().n_unique() or None,
        "left_out": {
            name: run.utterances["utterance_id"].n_unique() - len(shared.utterances) for name, run in runs.items()
        },
        "failed": {name: len(shared.utterances) - counted[name] for name in systems},
        "differences": [asdict(each) for each in named],
        "synthetic_voices": any(map(is_synthetic, runs.values())),
        "least_speakers": least_speakers,
        "standings": [
            asdict(row)
            for row in leaderboard(with_intersections(kept, shared.axes), question, least_speakers=least_speakers)
        ],
    }


def _called(name: str, run: Results, backend: str) -> str:
    return name if len(run.signature["backends"]) == 1 else f"{name}: {backend}"


def _shared(runs: Sequence[Results], by: Sequence[str]) -> Common:
    """Return what all runs have."""
    first = runs[0]
    names: dict[str, Any] = {key: list(first.signature.get(key) or {}) for key in ("conditions", "axes")}
    ids = first.utterances["utterance_id"]
    for other in runs[1:]:
        both = common(first, other)
        ids = ids.filter(ids.is_in(both.utterances.implode()))
        for key in names:
            names[key] = [name for name in names[key] if name in getattr(both, key)]
    for axis in by:
        if axis not in names["axes"]:
            raise InputError(expected("--by", f"the axis '{label(axis)}', not in all runs", map(label, names["axes"])))
    if ids.is_empty() or not names["conditions"]:
        what = "utterance" if ids.is_empty() else "condition"
        raise InputError(f"--matrix: found no {what} that all runs have; expected one at least")
    return Common(ids, tuple(names["conditions"]), tuple(by) or tuple(names["axes"]))


def _counts(runs: Mapping[str, Results], shared: Common, condition: str) -> pl.DataFrame:
    """Return the counts of the shared utterances by every recogniser, with the first run's speakers and labels."""
    parts = tuple(dict.fromkeys(part for axis in shared.axes for part in axis.split(INTERSECTION)))
    facts = next(iter(runs.values())).utterances.select("utterance_id", "speaker_id", *parts)
    found = []
    for name, run in runs.items():
        rows = run.counts.filter(
            pl.col("condition") == condition, pl.col("utterance_id").is_in(shared.utterances.implode())
        )
        called = {each: _called(name, run, each) for each in run.signature["backends"]}
        named = pl.col("backend").replace_strict(called, return_dtype=pl.String)
        own = [column for column in rows.columns if column in ("speaker_id", *parts)]
        rows = rows.with_columns(backend=named, normalizer=pl.lit("")).drop(own)
        found.append(conform(rows.join(facts, on="utterance_id"), COUNTS, axes=parts))
    return pl.concat(found)
