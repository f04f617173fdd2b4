"""Results that may leave the house: pseudonyms, no transcripts unless asked for, no cell of few speakers.

A run folder keeps ids, paths and transcripts. Reports and cards of it can be made of shareable results instead, so
that no renderer has to know what may be told. Everything that is not known here to be harmless is left out.

Decisions
---------
- Speakers must be known: of a cell without speaker ids nobody can say that it holds k people, and k utterances may all
  be one person's. Results without them are refused, unless k is 1.
- Pseudonyms are drawn anew each time from randomness that is not kept, and rows are put into their order. So two
  shareable outputs cannot be joined by them.
- Who knows two shareable forms of one run with other k, or of two runs that differ by a few speakers, can subtract one
  from the other: choose one k, and share one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import InputError
from asrfair.results import Results, loaded
from asrfair.run import shareable_tables as tables
from asrfair.run.shareable_cells import Hidden, Population, everybody, withheld
from asrfair.run.shareable_text import Names, notes, pseudonyms, reasons, renamed, without_paths
from asrfair.tables import INTERSECTION, OVERALL, TABLES, WITHHELD

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

    References are pseudonyms as well: equal where they were.
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
            known = run.utterances["speaker_id"].drop_nulls().n_unique()
            raise InputError(
                f"--shareable: found {known or 'no'} known speaker{'' if known == 1 else 's'}; expected {least} or "
                "more: of unknown ones nobody can say how many people a cell holds (--least-speakers sets the number)"
            )
    names = _names(runs)
    hidden = _hidden(runs, least=least, beside=beside)
    return [_one(run, hidden, names, least=least, texts=texts) for run in runs]


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
    folded = _folded(run.signature, own)
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
    kept["measurements"] = kept["measurements"].with_columns(noise=pl.lit(None, pl.String))
    kept["failures"] = reasons(kept["failures"], Names(names.all), least=least)
    kept |= {name: kept[name].sort("utterance_id", *_cell(kept[name])) for name in BY_UTTERANCE}
    kept["rates"] = tables.rates(run, own, folded, least=least)
    kept["disparities"] = tables.disparities(run.disparities, own, run.signature.get("family") or (), least=least)
    kept["tests"] = tables.tests(run.tests, own, least=least)
    kept["sensitivity"] = tables.sensitivity(run.sensitivity, own, run.signature)
    kept |= {
        name: tables.of_groups(getattr(run, name), own, least=least) for name in ("metrics", "models", "handicaps")
    }
    others = {field.name: getattr(run, field.name).clear() for field in fields(Results) if field.name in TABLES}
    signature = _signature(run, own, folded, names, least=least, transcripts=len(texts) == len(TEXTS))
    cells = len(run.rates.filter(pl.col("axis") != OVERALL))
    shown = len(tables.of_groups(run.rates, own, least=1).filter(pl.col("axis") != OVERALL))
    signature["shareable"] |= {"cells": cells, "cells_withheld": cells - shown}
    return Results(**{**others, **kept}, signature=signature)


def _cell(rows: pl.DataFrame) -> list[str]:
    return [name for name in ("condition", "backend") if name in rows.columns]


def _named(rows: pl.DataFrame, names: _Names) -> pl.DataFrame:
    return renamed(renamed(rows, "speaker_id", names.speakers), "utterance_id", names.utterances)


def _folded(signature: Mapping[str, Any], hidden: Hidden) -> Hidden:
    """Return the withheld labels that the corpus's card does not map: rare words of speakers' own, not to be named."""
    axes: Mapping[str, Mapping[str, Any]] = signature.get("axes") or {}
    raw = {axis: set((axes.get(axis) or {}).get("unmapped") or ()) & hidden[axis] for axis in hidden}
    for axis in hidden:
        parts = axis.split(INTERSECTION)
        if len(parts) > 1:
            rare = [set((axes.get(part) or {}).get("unmapped") or ()) for part in parts]
            raw[axis] |= {
                group
                for group in hidden[axis]
                if group and any(label in rare[k] for k, label in enumerate(group.split(INTERSECTION)[: len(rare)]))
            }
    return raw


def _signature(
    run: Results, hidden: Hidden, folded: Hidden, names: _Names, *, least: int, transcripts: bool
) -> dict[str, Any]:
    signature: dict[str, Any] = without_paths(dict(run.signature))
    axes: dict[str, dict[str, Any]] = signature.get("axes") or {}
    rare: set[str | None] = set().union(*folded.values())
    for axis, facts in axes.items():
        raw = facts.get("unmapped") or {}
        gone = {label for label in raw if label in hidden.get(axis, ())}
        facts["unmapped"] = {label: count for label, count in raw.items() if label not in gone}
        rare |= gone
    told, left = notes(run.signature.get("notes") or (), [*names.all, *filter(None, rare)])
    form = {
        "least_speakers": least,
        "groups_withheld": sum(len(groups) for groups in hidden.values()),
        "axes_withheld": [axis for axis in axes if hidden.get(axis)],
        "labels_not_named": sum(len(labels) for labels in folded.values()),
        "notes_left_out": left,
        "transcripts": transcripts,
    }
    line = f"{signature.get('signature') or 'unsigned'}|shareable:{least}"
    return {**signature, "axes": axes, "notes": without_paths(told), "signature": line, "shareable": form}


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
