"""The main job: corpus → conditions → backends → counts → rates and disparities, saved as it goes."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import tomli_w

from asrfair.condition import Condition, check_device, check_ready, condition_rows, load_conditions
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import InputError, expected
from asrfair.results import PLAN, Results, write_text
from asrfair.run.analysis import check_axes, check_reference_groups, summarise
from asrfair.run.answers import wanted_size
from asrfair.run.cache import Cache, cache_folder
from asrfair.run.cache_keys import System
from asrfair.run.cached import Transcripts
from asrfair.run.cluster import Cluster
from asrfair.run.covariates import check_covariates
from asrfair.run.decode import open_backends
from asrfair.run.engine import Progress, decode_all
from asrfair.run.estimates import estimates
from asrfair.run.folder import claim
from asrfair.run.identity import backend_facts, run_identity
from asrfair.run.job import Job, job_signature, reference_groups
from asrfair.run.materials import Materials
from asrfair.run.measuring import ask, check_confirm, other_normalizers
from asrfair.run.plan import Plan, load_plan
from asrfair.run.repeat import check_repeats
from asrfair.run.sampling import cut
from asrfair.run.signature import imputed_notes, wordless_notes
from asrfair.run.synthetic import without_synthetic
from asrfair.run.work import Decoded, Work
from asrfair.scoring import find_normalizer, score
from asrfair.tables import (
    ALTERNATIVES,
    FAILURES,
    HYPOTHESES,
    INTERSECTION,
    RECOGNISED,
    TIMINGS,
    UTTERANCES,
    conform,
    with_intersections,
)

CLEAN = "clean"


def evaluate(plan: Plan | str | Path, *, progress: Progress | None = None) -> Results:
    """Run a plan and return its results, which are also in the plan's ``out`` folder.

    ``progress`` is told how far it is (`asrfair.run.engine.Done`). Interrupted and started again, finished batches
    are not done again. Worker processes are spawned: call this under ``if __name__ == "__main__"``. Raises
    AsrfairError (`asrfair.errors`) for input that cannot be used.
    """
    if not isinstance(plan, Plan):
        plan = load_plan(Path(plan))
    return complete(prepare(plan), progress=progress or (lambda done: None))


def prepare(plan: Plan) -> Job:
    """Load and check all that a run needs, and claim its folder; raises AsrfairError before any work is done."""
    normalizer = find_normalizer(plan.normalizer)
    loaded = load_corpus(plan.corpus.card, Path(plan.corpus.root), split=plan.corpus.split)
    corpus = without_synthetic(loaded, include=plan.include_synthetic)
    axes = choose_axes(plan, corpus)
    conditions = load_conditions(plan.conditions)
    utterances = cut(corpus.utterances, limit=plan.limit, sample=plan.sample, axes=axes, seed=plan.seed)
    backends = open_backends(plan.backends)
    needs_audio = any(backend.needs_audio for backend in backends.values())
    waits = any(getattr(backend, "waits", False) for backend in backends.values())
    identities = {name: dict(backend.identity()) for name, backend in backends.items()}
    systems = {
        name: System(backend_facts(plan.backends[name], identities[name]), backend.sample_rate)
        for name, backend in backends.items()
        if backend.needs_audio
    }
    costs = estimates(
        backends,
        utterances,
        audio_root=corpus.audio_root,
        conditions=len(conditions),
        cached=cache_folder(plan.cache) is not None,
    )
    for backend in backends.values():
        backend.close()
    _check_audio(corpus, needs_audio=needs_audio)
    if needs_audio:
        check_ready(conditions, sample_rate=plan.sample_rate)
        if plan.device:
            check_device(plan.device)
        Materials(corpus.utterances, audio_root=corpus.audio_root, sample_rate=plan.sample_rate, seed=plan.seed).check(
            conditions
        )
    _check_baselines(plan, conditions)
    check_confirm(plan, axes=axes, conditions=_said(conditions), backends=list(plan.backends))
    check_covariates(plan.covariates, [*corpus.card.axes, *corpus.card.covariates], measured=needs_audio)
    check_reference_groups(plan.reference_groups, with_intersections(corpus.utterances, axes), axes)
    identity = run_identity(
        plan,
        corpus=corpus,
        conditions=conditions,
        backends=identities,
        normalizer=normalizer.label,
        needs_audio=needs_audio,
    )
    claim(Path(plan.out), identity)
    write_text(Path(plan.out) / PLAN, tomli_w.dumps(plan.record()))
    work = Work(
        utterances=corpus.utterances,
        audio_root=corpus.audio_root,
        conditions=conditions,
        backends=plan.backends,
        seed=plan.seed,
        sample_rate=plan.sample_rate,
        language=plan.language,
        device=plan.device,
        batch=max(wanted_size(backend) for backend in backends.values()),
        waits=waits,
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A second process would hold a second model on the same accelerator, or ask the same service at the same time.
    workers = cores if needs_audio and not waits else 1
    return Job(plan, corpus, axes, conditions, utterances, work, identities, workers, systems, costs)


def complete(job: Job, *, progress: Progress) -> Results:
    """Do what is not done yet of a prepared plan, save the results and return them."""
    folder = Path(job.plan.out)
    decoded = decode(job, progress=progress)
    results = _summarise(job, decoded)
    results.save(folder)
    return results


def decode(job: Job, *, progress: Progress) -> Decoded:
    """Hear, measure and transcribe what is neither done yet nor in the cache; return it with what is."""
    with _transcripts(job) as cache:
        return decode_all(
            job.work,
            job.utterances,
            Path(job.plan.out),
            workers=job.plan.workers or job.default_workers,
            cluster=_cluster(job.plan),
            cache=cache,
            progress=progress,
        )


@contextmanager
def _transcripts(job: Job) -> Iterator[Transcripts | None]:
    """Open the cache for a run; None where it is to have none, or where no recogniser hears audio."""
    folder = cache_folder(job.plan.cache)
    if folder is None or not job.systems:
        yield None
        return
    with closing(Cache(folder)) as cache:
        yield Transcripts(cache, job.work, job.systems)


def _cluster(plan: Plan) -> Cluster | None:
    if plan.engine != "ray":
        return None
    return Cluster(plan.address, workers=plan.workers, gpus=plan.gpus_per_worker)


def told_besides(outcomes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables of what recognisers told besides hypotheses: words, in order, and alternatives, best first."""
    key = ("utterance_id", "condition", "backend")
    words, others = (
        outcomes.select(*key, pl.col(name)).filter(pl.col(name).list.len() > 0).sort("backend", "condition", key[0])
        for name in ("words", "alternatives")
    )
    place = pl.int_range(1, pl.len() + 1).over(key)
    recognised = words.explode("words").with_columns(place.alias("position")).unnest("words").rename({"text": "word"})
    alternatives = others.explode("alternatives").with_columns(place.alias("rank")).unnest("alternatives")
    return conform(recognised, RECOGNISED), conform(alternatives, ALTERNATIVES)


def choose_axes(plan: Plan, corpus: Corpus) -> tuple[str, ...]:
    """Return the planned axes (all usable ones by default); raises InputError for an imputed one not allowed."""
    axes = corpus.card.axes
    for name in plan.allow_imputed:
        if name not in axes:
            raise InputError(expected("allow_imputed", f"the axis '{name}'", axes))
    usable = [name for name, axis in axes.items() if axis.assigned_by != "imputed" or name in plan.allow_imputed]
    chosen = plan.by or tuple(usable)
    check_axes(chosen, list(axes), where=f"corpus '{corpus.card.name}'")
    for axis in chosen:
        for part in axis.split(INTERSECTION):
            if part not in usable:
                raise InputError(
                    f"axis '{part}': found imputed labels; expected labels that speakers or annotators gave "
                    f"(to use them all the same, marked: --allow-imputed {part})"
                )
    return chosen


def _check_audio(corpus: Corpus, *, needs_audio: bool) -> None:
    if needs_audio and corpus.utterances["audio"].null_count() == len(corpus.utterances):
        raise InputError(
            f"{corpus.audio_root}: found a corpus without audio; expected audio for a recogniser "
            "(stored hypotheses: --backend replay=TABLE)"
        )


def _said(conditions: Sequence[Condition]) -> list[str]:
    """Return the names of the conditions under which somebody speaks: all but the probes."""
    return [condition.name for condition in conditions if not condition.probe]


def _check_baselines(plan: Plan, conditions: Sequence[Condition]) -> None:
    names = _said(conditions)
    if not names:
        raise InputError("conditions: found probes alone; expected one under which somebody speaks, such as clean")
    if plan.baseline_condition and plan.baseline_condition not in names:
        raise InputError(expected("baseline_condition", f"'{plan.baseline_condition}'", names))
    if plan.baseline_backend and plan.baseline_backend not in plan.backends:
        raise InputError(expected("baseline_backend", f"'{plan.baseline_backend}'", plan.backends))


def _summarise(job: Job, decoded: Decoded) -> Results:
    plan, corpus, outcomes = job.plan, job.corpus, decoded.outcomes
    spoken = outcomes.filter(pl.col("reason").is_null())
    failed = outcomes.filter(pl.col("reason").is_not_null()).join(
        corpus.utterances.select("utterance_id", "speaker_id"), on="utterance_id", how="left"
    )
    hypotheses = conform(spoken, HYPOTHESES)
    normalizer = find_normalizer(plan.normalizer)
    labels = list(corpus.card.axes)
    names = _said(job.conditions)
    probes = [condition.name for condition in job.conditions if condition.probe]
    said = hypotheses.filter(pl.col("condition").is_in(names))
    counts, unscored = score(corpus.utterances, said, axes=labels, normalizer=normalizer)
    recognised, alternatives = told_besides(outcomes)
    cells = plan.repeat_check
    repeats = (
        check_repeats(job.work, outcomes, cells=cells, seed=plan.seed, probes=probes, normalizer=normalizer)
        if cells
        else None
    )
    baseline = plan.baseline_condition or (CLEAN if CLEAN in names else names[0])
    references, notes = reference_groups(job)
    # An axis that was asked for by name and is imputed ended the run before it began.
    left = [] if plan.by else imputed_notes(corpus.card.axes, corpus.card.axes, allowed=plan.allow_imputed)
    notes = [*left, *notes, *wordless_notes(counts)]
    results = summarise(
        ask(
            plan,
            axes=job.axes,
            reference_groups=references,
            baseline_condition=baseline,
            baseline_backend=plan.baseline_backend or next(iter(plan.backends)),
            units={name: covariate.unit for name, covariate in corpus.card.covariates.items()},
        ),
        utterances=conform(job.utterances, UTTERANCES, axes=labels).with_columns(
            job.utterances[name] for name in corpus.card.covariates
        ),
        hypotheses=hypotheses,
        failures=pl.concat([conform(failed, FAILURES), unscored]),
        counts=counts,
        conditions=condition_rows(job.conditions),
        timings=conform(outcomes, TIMINGS),
        measurements=decoded.measurements,
        signature=job_signature(job, outcomes, normalizer=normalizer, references=references, notes=notes),
        normalizer=normalizer,
        others=[
            score(corpus.utterances, said, axes=labels, normalizer=other)[0]
            for other in other_normalizers(plan, normalizer)
        ],
        probes=probes,
        recognised=recognised,
        repeats=repeats,
    )
    return replace(results, alternatives=alternatives)
