"""Two runs as one analysis: the same utterances by an old and a new recogniser, paired by speaker.

How utterances are treated
--------------------------
Compared are the utterances that both runs have. One that a run does not have is left out on the other side, and one
that a recogniser failed on has no errors to pair and is left out of the pair; both are counted by group. Rates are
over all that a side has transcribed of the shared utterances.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.errors import InputError, expected
from asrfair.report.text import label
from asrfair.results import Results
from asrfair.run.again import question_of
from asrfair.run.differences import SYNTHETIC, Common, Difference, common, differences, is_synthetic
from asrfair.run.pairing import SIDES, Pair, failed, gaps, identical, left_out, recognisers, tables
from asrfair.run.signature import short_signature
from asrfair.stats import FAMILY, Question
from asrfair.stats.methods import DEFAULT
from asrfair.stats.versus import versus
from asrfair.tables import (
    CONDITIONS,
    HANDICAPS,
    MEASUREMENTS,
    SENSITIVITY,
    TIMINGS,
    with_intersections,
)


def joined(
    old: Results, new: Results, *, level: float | None = None, insist: bool = False, by: Sequence[str] = ()
) -> Results:
    """Return both runs' counts as one analysis, the old run the baseline; ``signature["comparison"]`` says the rest.

    ``level`` is the old run's unless given, ``by`` some of the axes that both have (default: all). Backends are named
    ``NAME (old)`` and ``NAME (new)``. Of the disparities there are ``backend_…``: the new recogniser against the old
    one by group, and against its reference group. Metrics, models, handicaps and timings are empty. Raises InputError
    where nothing can be paired, and where the runs differ in ways that matter, naming all of them, unless told to
    ``insist``: speakers, references and labels are then the old run's.
    """
    shared = _chosen(old, new, by)
    pairs = recognisers(old, new)
    found = differences(old, new, shared)
    refuse([each for each in found if each.matters], insist=insist)
    question = _question(old, new, shared, level)
    rows = tables(old, new, shared, pairs)
    counts, failures = rows["counts"], rows["failures"]
    analysis = versus(
        with_intersections(counts, shared.axes),
        with_intersections(failures, shared.axes),
        question,
        pairs=[(pair.side("old"), pair.side("new")) for pair in pairs],
    )
    comparison = {
        "pairs": [{"name": pair.name} | {side: pair.side(side) for side in SIDES} for pair in pairs],
        "differences": [asdict(each) for each in found],
        "insisted": any(each.matters for each in found),
        "identical": identical(old, new, counts, failures, pairs),
        "shared": len(shared.utterances),
        "left_out": list(left_out(old, new, shared)),
        "gaps": list(gaps(analysis.rates, question.reference_groups, pairs)),
        "failures": list(failed(counts, failures, shared, pairs)),
        "signatures": {"old": old.signature.get("signature"), "new": new.signature.get("signature")},
    }
    return Results(
        **rows,
        rates=analysis.rates,
        disparities=analysis.disparities,
        metrics=analysis.metrics,
        tests=analysis.tests,
        models=analysis.models,
        sensitivity=pl.DataFrame(schema=SENSITIVITY),
        conditions=old.conditions.filter(pl.col("condition").is_in(shared.conditions)).select(CONDITIONS.keys()),
        measurements=pl.DataFrame(schema=MEASUREMENTS),
        handicaps=pl.DataFrame(schema=HANDICAPS),
        timings=pl.DataFrame(schema=TIMINGS),
        signature=_signature(old, new, rows, shared, pairs, question) | {"comparison": comparison},
    )


def _chosen(old: Results, new: Results, by: Sequence[str]) -> Common:
    """Return what both runs have, of the axes those asked for."""
    shared = common(old, new)
    for axis in by:
        if axis not in shared.axes:
            raise InputError(expected("--by", f"the axis '{label(axis)}', not in both runs", map(label, shared.axes)))
    if shared.utterances.is_empty():
        ids = [run.utterances["utterance_id"][:1].to_list() for run in (old, new)]
        shown = [f"'{label(some[0])}'" if some else "none" for some in ids]
        raise InputError(f"compare: found no utterance in both runs (ids such as {' and '.join(shown)}); expected some")
    if not shared.conditions:
        there = [", ".join(map(label, run.signature.get("conditions") or {})) or "none" for run in (old, new)]
        raise InputError(f"compare: found no condition in both runs ({there[0]}; {there[1]}); expected one at least")
    return replace(shared, axes=tuple(by) or shared.axes)


def refuse(matters: Sequence[Difference], *, insist: bool) -> None:
    """Raise InputError naming every difference that matters, unless told to go on."""
    if matters and not insist:
        raise InputError(
            f"compare: the runs differ in ways that matter: {'; '.join(map(str, matters))}; expected runs made alike "
            "(to go on all the same, with these differences printed: --even-so)"
        )


def _question(old: Results, new: Results, shared: Common, level: float | None) -> Question:
    """Return the old run's question on what is shared; what only one of the runs settled so is at its default."""
    asked, other = question_of(old, level=level), question_of(new)
    return Question(
        axes=shared.axes,
        reference_groups={axis: group for axis, group in asked.reference_groups.items() if axis in shared.axes},
        baseline_condition=asked.baseline_condition
        if asked.baseline_condition in shared.conditions
        else shared.conditions[0],
        level=asked.level,
        independent_utterances=asked.independent_utterances and other.independent_utterances,
        family=asked.family if asked.family == other.family else FAMILY,
        interval=asked.interval if asked.interval == other.interval else DEFAULT,
        replicates=asked.replicates,
        seed=asked.seed,
    )


def _signature(
    old: Results,
    new: Results,
    rows: Mapping[str, pl.DataFrame],
    shared: Common,
    pairs: Sequence[Pair],
    question: Question,
) -> dict[str, Any]:
    """Return the joint signature: the old run's facts of what is shared, and both runs' recognisers.

    Where either run is of synthetic voices both are told as such: what they show is not about people.
    """
    facts = {"old": old.signature["backends"], "new": new.signature["backends"]}
    speakers = rows["utterances"]["speaker_id"].drop_nulls().n_unique()
    whole = {
        **old.signature,
        "asrfair": __version__,
        "kind": "comparison",
        "corpus": {
            **(old.signature.get("corpus") or {}),
            **({"kind": SYNTHETIC} if any(map(is_synthetic, (old, new))) else {}),
            "utterances": len(rows["utterances"]),
            "speakers": speakers or None,
            "hours": None,
        },
        "axes": {axis: old.signature["axes"][axis] for axis in shared.axes},
        "conditions": {name: old.signature["conditions"][name] for name in shared.conditions},
        "backends": {pair.side(side): facts[side][getattr(pair, side)] for pair in pairs for side in SIDES},
        "level": question.level,
        "method": None,
        "baseline_condition": question.baseline_condition,
        "baseline_backend": pairs[0].side("old"),
        "independent_utterances": question.independent_utterances,
        "family": list(question.family),
        "confirm": [],
        "interval": question.interval,
        "covariates": [],
        "notes": [],
    }
    return {**whole, "signature": short_signature(whole)}
