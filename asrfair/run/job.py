"""A plan made ready to be done, and what is said of it once it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.condition import Condition
from asrfair.corpus import Corpus
from asrfair.run.cache_keys import System
from asrfair.run.measuring import normalizer_facts
from asrfair.run.plan import Plan
from asrfair.run.signature import audio_notes, axis_facts, backend_notes, blank_notes
from asrfair.run.work import Work
from asrfair.scoring import Normalizer
from asrfair.tables import with_intersections


@dataclass(frozen=True)
class Job:
    """A plan made ready: everything loaded and checked, the run folder claimed, nothing decoded yet.

    ``systems`` are the recognisers that hear audio; ``estimates`` say what a run costs, where a recogniser can tell.
    """

    plan: Plan
    corpus: Corpus
    axes: tuple[str, ...]
    conditions: tuple[Condition, ...]
    utterances: pl.DataFrame
    work: Work
    identities: Mapping[str, Mapping[str, str]]
    default_workers: int
    systems: Mapping[str, System]
    estimates: tuple[str, ...] = ()


def reference_groups(job: Job) -> tuple[dict[str, str], list[str]]:
    """Return the planned reference groups (or else the card's) that are there, and notes on those a limit cut off."""
    axes = job.corpus.card.axes
    planned = {name: axes[name].reference_group for name in job.axes if name in axes} | job.plan.reference_groups
    labels = with_intersections(job.utterances, job.axes)
    groups = {axis: group for axis, group in planned.items() if group and (labels[axis] == group).any()}
    cuts = {"within the limit": job.plan.limit, "within the sample": job.plan.sample, "in this corpus": 1}
    where = next(where for where, cut in cuts.items() if cut)
    missing = [axis for axis, group in planned.items() if group and axis not in groups]
    return groups, [f"{axis}: no utterance of the reference group {planned[axis]} {where}" for axis in missing]


def _facts(conditions: Iterable[Condition]) -> dict[str, dict[str, str | None]]:
    return {item.name: {"summary": item.summary, "digest": item.digest, "source": item.source} for item in conditions}


def job_signature(
    job: Job, outcomes: pl.DataFrame, *, normalizer: Normalizer, references: Mapping[str, str], notes: list[str]
) -> dict[str, Any]:
    """Return what a run's numbers were made of, as far as a run knows it."""
    plan, corpus = job.plan, job.corpus
    card = corpus.card
    seconds = outcomes.group_by("utterance_id").agg(pl.col("audio_s").max())["audio_s"]
    speakers = job.utterances["speaker_id"].drop_nulls().n_unique()
    return {
        "kind": "run",
        "seed": plan.seed,
        "sample_rate": plan.sample_rate,
        "device": plan.device_kind or None,
        "normalizer": normalizer_facts(plan, normalizer),
        "corpus": {
            "card": card.name,
            "card_digest": card.digest,
            "title": card.title,
            "kind": card.kind,
            "licence": card.licence,
            "citation": card.citation,
            "utterances": len(job.utterances),
            "speakers": speakers or None,
            "hours": round(seconds.sum() / 3600, 3) if seconds.null_count() < len(seconds) else None,
            "digest": corpus.digest,
        },
        "axes": axis_facts(job.axes, card.axes, references, corpus.unmapped),
        "conditions": _facts(condition for condition in job.conditions if not condition.probe),
        **({"probes": probes} if (probes := _facts(item for item in job.conditions if item.probe)) else {}),
        "backends": {name: {"type": plan.backends[name]["type"], **job.identities[name]} for name in plan.backends},
        "limit": plan.limit,
        "sample": plan.sample,
        "failure_limit": plan.failure_limit,
        "notes": [*corpus.notes, *notes, *audio_notes(outcomes), *backend_notes(outcomes), *blank_notes(outcomes)],
    }
