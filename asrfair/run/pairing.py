"""Which rows of two runs are compared, and which are left out: utterances, recognisers, failures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.errors import InputError
from asrfair.report.text import label
from asrfair.results import Results
from asrfair.run.differences import Common
from asrfair.tables import (
    COUNTS,
    FAILURES,
    HYPOTHESES,
    INTERSECTION,
    OVERALL,
    UTTERANCES,
    conform,
    with_intersections,
)

CELL = ["condition", "backend", "utterance_id"]
SIDES = ("old", "new")


@dataclass(frozen=True)
class Pair:
    """One recogniser in both runs, by its names there; ``name`` is the new run's."""

    old: str
    new: str

    @property
    def name(self) -> str:
        """What the pair is called."""
        return self.new if self.old == self.new else f"{self.old} / {self.new}"

    def side(self, side: str) -> str:
        """Return the recogniser's name in the joint tables, which is never the same for both sides."""
        return f"{getattr(self, side)} ({side})"


def recognisers(old: Results, new: Results) -> tuple[Pair, ...]:
    """Return the recognisers that both runs have under one name, or else the only one of each."""
    names = [list(run.signature.get("backends") or {}) for run in (old, new)]
    both = [name for name in names[0] if name in names[1]]
    if both:
        return tuple(Pair(name, name) for name in both)
    if len(names[0]) == len(names[1]) == 1:
        return (Pair(names[0][0], names[1][0]),)
    there = ["; ".join(map(label, each)) or "none" for each in names]
    raise InputError(
        f"compare: found no recogniser under one name in both runs ({there[0]} | {there[1]}); expected a shared name, "
        "or one recogniser in each"
    )


def tables(old: Results, new: Results, shared: Common, pairs: Sequence[Pair]) -> dict[str, pl.DataFrame]:
    """Return utterances, hypotheses, failures and counts of both runs, backends renamed by side."""
    parts = tuple(dict.fromkeys(part for axis in shared.axes for part in axis.split(INTERSECTION)))
    kept = old.utterances.filter(pl.col("utterance_id").is_in(shared.utterances.implode()))
    utterances = conform(kept, UTTERANCES, axes=parts)
    facts = utterances.select("utterance_id", "speaker_id", *parts)
    labels = {str((run.signature.get("normalizer") or {}).get("label") or "unknown") for run in (old, new)}
    normalizer = pl.lit(" against ".join(sorted(labels)))

    def both(name: str) -> pl.DataFrame:
        sides = [_side(getattr(run, name), shared, pairs, side) for run, side in zip((old, new), SIDES, strict=True)]
        return pl.concat(sides, how="diagonal")

    def told(name: str) -> pl.DataFrame:
        rows = both(name)
        own = [column for column in ("speaker_id", *parts) if column in rows.columns]
        return rows.drop(own).join(facts, on="utterance_id", how="left", maintain_order="left")

    return {
        "utterances": utterances,
        "hypotheses": conform(both("hypotheses"), HYPOTHESES).sort(CELL),
        "failures": conform(told("failures"), FAILURES, axes=parts).sort(CELL),
        "counts": conform(told("counts").with_columns(normalizer=normalizer), COUNTS, axes=parts).sort(CELL),
    }


def _side(rows: pl.DataFrame, shared: Common, pairs: Sequence[Pair], side: str) -> pl.DataFrame:
    """Return one run's rows of the shared utterances and conditions, a failure of no recogniser with all of them."""
    names = pl.DataFrame({"backend": [getattr(pair, side) for pair in pairs], "_side": [p.side(side) for p in pairs]})
    kept = rows.filter(
        pl.col("utterance_id").is_in(shared.utterances.implode()),
        pl.col("condition").is_in(shared.conditions) | pl.col("condition").is_null(),
    )
    known = kept.join(names, on="backend", maintain_order="left")
    everywhere = kept.filter(pl.col("backend").is_null()).join(names.select("_side"), how="cross")
    both = pl.concat([known, everywhere.select(known.columns)]).with_columns(backend=pl.col("_side")).drop("_side")
    nowhere = both.filter(pl.col("condition").is_null()).drop("condition")
    spread = nowhere.join(pl.DataFrame({"condition": shared.conditions}), how="cross").select(both.columns)
    return pl.concat([both.filter(pl.col("condition").is_not_null()), spread])


def identical(old: Results, new: Results, counts: pl.DataFrame, failures: pl.DataFrame, pairs: Sequence[Pair]) -> bool:
    """Return whether both runs have the same utterances, conditions and recognisers with the same counts."""
    same = all(
        list(old.signature.get(key) or {}) == list(new.signature.get(key) or {}) for key in ("conditions", "backends")
    ) and set(old.utterances["utterance_id"]) == set(new.utterances["utterance_id"])

    def sides(rows: pl.DataFrame) -> list[pl.DataFrame]:
        return [
            pl.concat(
                rows.filter(pl.col("backend") == pair.side(side)).with_columns(backend=pl.lit(pair.name))
                for pair in pairs
            ).sort(CELL)
            for side in SIDES
        ]

    return same and all(first.equals(second) for first, second in map(sides, (counts, failures)))


def left_out(old: Results, new: Results, shared: Common) -> Iterator[dict[str, Any]]:
    """Yield how many utterances only one of the runs has, by group of that run."""
    for side, run in zip(SIDES, (old, new), strict=True):
        alone = run.utterances.filter(~pl.col("utterance_id").is_in(shared.utterances.implode()))
        rows = with_intersections(alone, shared.axes).with_columns(pl.lit(OVERALL).alias(OVERALL))
        for axis in (OVERALL, *shared.axes) if len(rows) else ():
            for group, number in rows.group_by(axis).len().sort(axis, nulls_last=True).iter_rows():
                yield {"side": side, "axis": axis, "group": group, "utterances": number}


def failed(
    counts: pl.DataFrame, failures: pl.DataFrame, shared: Common, pairs: Sequence[Pair]
) -> Iterator[dict[str, Any]]:
    """Yield how many of the shared utterances the old recogniser alone, the new alone, or both failed on, by group."""
    key = ["condition", "utterance_id"]
    rows = with_intersections(failures, shared.axes).with_columns(pl.lit(OVERALL).alias(OVERALL))
    for pair in pairs:
        sides = [rows.filter(pl.col("backend") == pair.side(side)).unique(key, maintain_order=True) for side in SIDES]
        parts = {
            "old": sides[0].join(sides[1], on=key, how="anti"),
            "new": sides[1].join(sides[0], on=key, how="anti"),
            "both": sides[0].join(sides[1], on=key, how="semi"),
        }
        whole = pl.concat(part.with_columns(failed=pl.lit(name)) for name, part in parts.items())
        for axis in (OVERALL, *shared.axes) if len(whole) else ():
            numbers = [(pl.col("failed") == name).sum().alias(name) for name in parts]
            cells = whole.group_by("condition", axis).agg(numbers)
            for row in cells.sort("condition", axis, nulls_last=True).iter_rows(named=True):
                yield {"pair": pair.name, "axis": axis, "group": row.pop(axis), **row}


def gaps(rates: pl.DataFrame, references: Mapping[str, str], pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    """Yield each group's WER less the reference group's, by the old and by the new recogniser; None where unknown."""
    key = ["axis", "condition", "backend"]
    named = rates.select("axis", "group", "condition", "backend", "wer").filter(pl.col("axis").is_in(list(references)))
    reference = pl.col("axis").replace_strict(references, default=None, return_dtype=pl.String)
    own = named.filter(pl.col("group") == reference).select(*key, reference="wer")
    gap = named.join(own, on=key).with_columns(gap=pl.col("wer") - pl.col("reference"))
    for pair in pairs:
        sides = [gap.filter(pl.col("backend") == pair.side(side)) for side in SIDES]
        both = sides[0].join(sides[1], on=["axis", "group", "condition"], suffix="_new", nulls_equal=True)
        for row in both.sort("axis", "condition", "group", nulls_last=True).iter_rows(named=True):
            told = {name: row[name] for name in ("axis", "group", "condition")}
            yield {"pair": pair.name, **told, "old": row["gap"], "new": row["gap_new"]}
