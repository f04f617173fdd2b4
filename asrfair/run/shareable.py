"""Results that may leave the house: pseudonyms, no transcripts unless asked for, no cell of few speakers.

A run folder keeps ids, paths and transcripts. Reports and cards of it can be made of shareable results instead, so
that no renderer has to know what may be told. Everything that is not known here to be harmless is left out.

Decisions
---------
- Speakers must be known: of a cell without speaker ids nobody can say that it holds k people, and k utterances may all
  be one person's. Results without them are refused, unless k is 1.
- Pseudonyms are drawn anew each time from randomness that is not kept, and rows are put into their order. So two
  shareable outputs cannot be joined by them.
- Who knows two shareable forms of one run with other k, or of two runs that differ by a few speakers, or a form and an
  export of the corpus, can subtract one from the other: choose one k, and share one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import InputError
from asrfair.results import Results, loaded
from asrfair.run import shareable_tables as tables
from asrfair.run.shareable_cells import DOMINANT, Hidden, Population, everybody, withheld
from asrfair.run.shareable_metrics import metrics
from asrfair.run.shareable_pairs import Cells, check_apart, matched
from asrfair.run.shareable_signature import folded, signed
from asrfair.run.shareable_text import Names, pseudonyms, reasons, renamed
from asrfair.tables import OVERALL, TABLES, WITHHELD

LEAST = 5
"""Speakers of a cell from which on it is shown, unless asked otherwise."""
DROPPED = ("audio", "start_s", "end_s", "channel")
TEXTS = {"utterances": "reference", "hypotheses": "hypothesis"}
BY_UTTERANCE = ("utterances", "hypotheses", "failures", "counts", "measurements", "timings")
AS_THEY_ARE = ("conditions",)


@dataclass(frozen=True)
class Share:
    """How to make results shareable: the least number of speakers of a cell, and whether transcripts are kept."""

    least: int = LEAST
    transcripts: bool = False

    def __post_init__(self) -> None:
        if self.least < 1:
            raise InputError(f"--least-speakers {self.least}: expected 1 or more")

    def of(self, results: Results) -> Results:
        """Return the shareable form of results."""
        return shareable(results, least=self.least, transcripts=self.transcripts)

    def words(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of table ``words``, made of the shareable form, that rest on enough speakers on both sides.

        All withheld groups together are none of the groups.
        """
        many = pl.min_horizontal("speakers", "reference_speakers") >= self.least
        return rows.filter(many, pl.col("group").ne_missing(WITHHELD))


@dataclass(frozen=True)
class _Names:
    """The pseudonyms of speakers and utterances, and all names that must not be in a text."""

    speakers: pl.DataFrame
    utterances: pl.DataFrame
    all: frozenset[str]


def shareable(results: Results, *, least: int = LEAST, transcripts: bool = False) -> Results:
    """Return results that name no speaker and no utterance, and show no cell of fewer than ``least`` speakers.

    They are for renderers: rows of utterances keep counts, with labels of which the withheld are one level. Raises
    InputError where fewer than ``least`` speakers are known at all.
    """
    (shared,) = _shared([results], least=least, texts=tuple(TEXTS) if transcripts else (), beside=())
    return shared


def shareable_pair(old: Results, new: Results, *, least: int = LEAST) -> tuple[Results, Results]:
    """Return two runs in shareable form with the same pseudonyms and the same groups withheld, to be compared.

    References are pseudonyms as well: equal where they were. Raises InputError where what one run alone has
    counted would tell of fewer than ``least`` speakers.
    """
    runs, ids = (old, new), [run.utterances["utterance_id"].implode() for run in (new, old)]
    both = [run.counts.filter(pl.col("utterance_id").is_in(other)) for run, other in zip(runs, ids, strict=True)]
    texts = pseudonyms(pl.concat([run.utterances["reference"] for run in runs]), prefix="text", digits=5)
    told = [replace(run, utterances=renamed(run.utterances, "reference", texts)) for run in runs]
    first, second = _shared(told, least=least, texts=("utterances",), beside=[rows for rows in both if len(rows)])
    return first, second


def _shared(
    runs: Sequence[Results], *, least: int, texts: Sequence[str], beside: Sequence[pl.DataFrame]
) -> list[Results]:
    """Return runs in shareable form, with the texts of some tables; ``beside`` are counts that are compared as well."""
    for run in runs:
        people = everybody(run.counts)
        if people < least and len(run.rates):
            raise InputError(_too_few(run, least))
    names = _names(runs)
    hidden = _hidden(runs, least=least, beside=beside)
    if len(runs) > 1:
        check_apart(runs[0].counts, runs[1].counts, hidden, least=least)
    return [_one(run, hidden, names, least=least, texts=texts) for run in runs]


def _too_few(run: Results, least: int) -> str:
    known = run.utterances["speaker_id"].drop_nulls().n_unique()
    if known >= least:
        return (
            f"--shareable: found under some condition and recogniser fewer than {least} known speakers, or one with "
            f"over {DOMINANT:.0%} of the words; expected {least} or more, and none who says most"
        )
    return (
        f"--shareable: found {known or 'no'} known speaker{'' if known == 1 else 's'}; expected {least} or "
        "more: of unknown ones nobody can say how many people a cell holds (--least-speakers sets the number)"
    )


def _names(runs: Sequence[Results]) -> _Names:
    """Return pseudonyms for all ids of the runs; in every table, as one may have an id that another lacks."""
    found = {}
    for column, prefix, digits in (("speaker_id", "speaker", 3), ("utterance_id", "utterance", 5)):
        parts = [
            table[column] for run in runs for name in BY_UTTERANCE if column in (table := getattr(run, name)).columns
        ]
        found[column] = pseudonyms(pl.concat(parts), prefix=prefix, digits=digits)
    paths = [path for run in runs for path in run.utterances["audio"].drop_nulls().unique()]
    files = {part for path in paths for part in (path, path.rsplit("/", 1)[-1], path.rsplit("/", 1)[-1].split(".")[0])}
    every = frozenset(files.union(*(names["id"] for names in found.values())))
    return _Names(found["speaker_id"], found["utterance_id"], every)


def _axes(run: Results) -> list[str]:
    named = [*(run.signature.get("axes") or {}), *run.rates["axis"].unique().sort()]
    return [axis for axis in dict.fromkeys(named) if axis != OVERALL]


def _hidden(runs: Sequence[Results], *, least: int, beside: Sequence[pl.DataFrame]) -> Hidden:
    """Return the groups to withhold in all runs: what one needs withheld is withheld in the others."""
    axes = list(dict.fromkeys(axis for run in runs for axis in _axes(run)))
    every = [Population.of(counts, axes) for counts in (*(run.counts for run in runs), *beside) if len(counts)]
    hidden: Hidden = {axis: set() for axis in axes}
    for run in runs:
        _add_uncounted(run, hidden)
    for axis in axes:
        # Without labels nobody can count speakers.
        if not any(axis in population.axes for population in every):
            for run in runs:
                hidden[axis] |= set(run.rates.filter(pl.col("axis") == axis)["group"])
    while True:
        before = {axis: set(groups) for axis, groups in hidden.items()}
        for population in every:
            references = {axis: group for run in runs for axis, group in _references(run).items()}
            hidden |= withheld(population, least=least, references=references, start=hidden)
        if hidden == before:
            return hidden


def _references(run: Results) -> dict[str, str]:
    axes: Mapping[str, Mapping[str, Any]] = run.signature.get("axes") or {}
    return {axis: str(facts["reference_group"]) for axis, facts in axes.items() if facts.get("reference_group")}


def _add_uncounted(run: Results, hidden: Hidden) -> None:
    """Withhold groups that utterances or rates have and of which nothing was counted: they have no known speaker."""
    spoken = tables.merged(run.utterances, {}, list(hidden))
    counted = tables.merged(run.counts, {}, list(hidden))
    for axis in hidden:
        there = set(run.rates.filter(pl.col("axis") == axis)["group"])
        there |= set(spoken[axis]) if axis in spoken.columns else set()
        if axis in counted.columns:
            hidden[axis] |= there - set(counted[axis])


def _one(run: Results, hidden: Hidden, names: _Names, *, least: int, texts: Sequence[str]) -> Results:
    axes = _axes(run)
    own = {axis: hidden[axis] for axis in axes}
    unnamed = folded(run.signature, own)
    kept: dict[str, Any] = {name: getattr(run, name) for name in AS_THEY_ARE}
    kept |= {name: _named(getattr(run, name), names) for name in BY_UTTERANCE}
    for name in ("utterances", "counts", "failures"):
        kept[name] = tables.merged(kept[name], own, axes)
    kept["utterances"] = kept["utterances"].with_columns(
        pl.lit(None, TABLES["utterances"][name]).alias(name) for name in DROPPED
    )
    for name, column in TEXTS.items():
        if name not in texts:
            kept[name] = kept[name].with_columns(pl.lit(None, pl.String).alias(column))
    kept["measurements"] = kept["measurements"].with_columns(
        noise=pl.lit(None, pl.String), pauses=pl.lit(None, pl.String)
    )
    kept["failures"] = reasons(kept["failures"], Names(names.all), least=least)
    kept |= {name: kept[name].sort("utterance_id", *_cell(kept[name])) for name in BY_UTTERANCE}
    told, across = _compared(run, own, unnamed, least=least)
    kept |= told
    # Of groups, bins can be subtracted from those of all; no bin of all speakers holds fewer of them than asked for.
    everyone = run.calibration.filter(pl.col("axis") == OVERALL)
    kept["calibration"] = tables.of_groups(everyone, own, least=least)
    others = {field.name: getattr(run, field.name).clear() for field in fields(Results) if field.name in TABLES}
    signature = signed(run, own, unnamed, names.all, least=least, transcripts=len(texts) == len(TEXTS))
    cells = len(run.rates.filter(pl.col("axis") != OVERALL))
    shown = len(tables.of_groups(run.rates, own, least=1).filter(pl.col("axis") != OVERALL))
    signature["shareable"] |= {"cells": cells, "cells_withheld": cells - shown, "comparisons_withheld": across}
    return Results(**{**others, **kept}, signature=signature)


def _compared(run: Results, own: Hidden, unnamed: Hidden, *, least: int) -> tuple[dict[str, pl.DataFrame], int]:
    """Return the tables of findings, without what rests on a withheld group or gives away a part of a cell.

    The number is of the comparisons of shown groups that are left out.
    """
    cells = Cells.of(run.counts, own, least=least)
    pairs = cells.tell(run.disparities)
    told = pairs & matched(run.disparities, run.counts, run.utterances, least=least)
    family = run.signature.get("family") or ()
    steady = run.handicaps.filter(cells.tell(run.handicaps, run.conditions))
    across = int((tables.shown(run.disparities, own, least=least) & ~told).sum())
    found = {
        "rates": cells.rates(tables.rates(run, own, unnamed, least=least)),
        "disparities": tables.disparities(run.disparities, own, family, told=told, least=least),
        "tests": tables.tests(run.tests, own, told=cells.tell(run.tests), least=least),
        "sensitivity": tables.sensitivity(run.sensitivity, own, run.signature, gone=run.disparities.filter(~told)),
        "metrics": metrics(run, own, cells, least=least),
        "models": tables.models(run.models, run.rates, own, least=least),
        "handicaps": tables.of_groups(steady, own, least=least),
    }
    return found, across


def _cell(rows: pl.DataFrame) -> list[str]:
    return [name for name in ("condition", "backend") if name in rows.columns]


def _named(rows: pl.DataFrame, names: _Names) -> pl.DataFrame:
    return renamed(renamed(rows, "speaker_id", names.speakers), "utterance_id", names.utterances)


def shared(results: Results | Path, share: Share | None) -> Results:
    """Return results, or those of a run folder, in the shareable form where one is asked for."""
    found = loaded(results)
    return found if share is None else share.of(found)


def check_share(wanted: bool, *, least: int | None, transcripts: bool = False) -> Share | None:
    """Return how to share, None where it is not asked for; raises InputError for an option that needs it."""
    for name, given in (("--least-speakers", least is not None), ("--transcripts", transcripts)):
        if given and not wanted:
            raise InputError(f"{name}: found it without --shareable; expected --shareable as well")
    return Share(LEAST if least is None else least, transcripts) if wanted else None
