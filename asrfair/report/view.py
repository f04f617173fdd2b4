"""A run's tables as a reader asks for them: axes, conditions and backends in order, rows of one table at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from asrfair.report.text import Row, corpus_title, is_withheld, label, safe
from asrfair.results import Results
from asrfair.tables import INTERSECTION, OVERALL, RATES, WITHHELD, with_intersections

FEW_SPEAKERS = 10
MOST_RECOGNISERS = 3


@dataclass(frozen=True)
class View:
    """The results with the order in which they are told; the signature's order first, then what the tables add.

    ``results`` are without the rungs of ladders, which have a section of their own and would drown the others; a rung
    that is the baseline or that a family chosen beforehand names stays. Nor have they groups that a shareable form
    withholds. ``whole`` are all of them.
    """

    results: Results
    whole: Results
    axes: tuple[str, ...]
    conditions: tuple[str, ...]
    backends: tuple[str, ...]

    @classmethod
    def of(cls, results: Results) -> "View":
        """Collect the names from the signature and the rates."""
        signature = results.signature
        hidden = _hidden(results)
        kept = _shown(_without(results, hidden))
        rates = kept.rates
        axes = _ordered(signature.get("axes") or {}, rates["axis"])
        return cls(
            results=kept,
            whole=results,
            axes=tuple(axis for axis in axes if axis != OVERALL),
            conditions=tuple(
                name for name in _ordered(signature.get("conditions") or {}, rates["condition"]) if name not in hidden
            ),
            backends=_ordered(signature.get("backends") or {}, rates["backend"]),
        )

    @property
    def signature(self) -> Mapping[str, Any]:
        """The record of how the numbers were made."""
        return self.results.signature

    @property
    def corpus(self) -> Mapping[str, Any]:
        """The signature's account of the corpus."""
        return self.signature.get("corpus") or {}

    @property
    def title(self) -> str:
        """What the corpus is called."""
        return corpus_title(self.corpus)

    @property
    def synthetic(self) -> bool:
        """Whether the voices are not people's."""
        return self.corpus.get("kind") == "synthetic"

    def who(self, text: str) -> str:
        """Return words of this package, or the tables' own notes, with voices for speakers where they are synthetic."""
        return voiced(text) if self.synthetic else text

    @property
    def condition(self) -> str | None:
        """The condition that the overview speaks of: the baseline, else the first; None where there is none."""
        return self.signature.get("baseline_condition") or next(iter(self.conditions), None)

    @property
    def rungs(self) -> tuple[str, ...]:
        """The conditions that only their ladder's section tells."""
        return tuple(sorted(set(self.whole.rates["condition"].drop_nulls()) - set(self.conditions)))

    @property
    def alpha(self) -> float:
        """The error rate that goes with the level of the intervals."""
        return round(1 - float(self.signature.get("level") or 0.95), 12)

    @property
    def level(self) -> str:
        """The level in words, such as «95 %»."""
        return f"{100 * float(self.signature.get('level') or 0.95):g} %"

    def withheld(self, axis: str | None = None) -> int:
        """Return how many groups of an axis, or of all, a shareable form withholds."""
        by_axis: Mapping[str, int] = (self.signature.get("shareable") or {}).get("withheld_by_axis") or {}
        return sum(by_axis.values()) if axis is None else by_axis.get(axis, 0)

    def withheld_named(self, axis: str) -> list[str | None]:
        """Return the withheld groups of an axis that may be named."""
        rows = self.whole.rates.filter(pl.col("axis") == axis).unique("group", maintain_order=True)
        return [row["group"] for row in rows.iter_rows(named=True) if is_withheld(row)] if self.withheld(axis) else []

    def judgeable(self, axis: str | None = None) -> str:
        """Return which groups a sentence is about: of a shareable form with withheld ones, the shown."""
        return "shown" if self.withheld(axis) else "that could be judged"

    def place(self, condition: str | None) -> int:
        """Return the condition's place in the order of telling; the unknown come last."""
        return self.conditions.index(condition) if condition in self.conditions else len(self.conditions)

    def axis(self, axis: str) -> Mapping[str, Any]:
        """Return the signature's account of an axis, empty where it has none."""
        return (self.signature.get("axes") or {}).get(axis) or {}

    def provenance(self, axis: str) -> str:
        """Return the axis with who assigned its labels: «accent (self-reported, 2017-2024)»."""
        about = self.axis(axis)
        origin = safe(str(about.get("assigned_by") or "origin of labels unknown"))
        if about.get("date"):
            origin += f", {safe(str(about['date']))}"
        if about.get("imputed") and "imputed" not in origin:
            origin += "; imputed labels"
        return f"{label(axis)} ({origin})"

    def taken(self, axis: str) -> str:
        """Return how an axis's labels were taken, and the corpus card's note; blank where it says neither."""
        about = self.axis(axis)
        return "; ".join(safe(str(about[key])) for key in ("instrument", "note") if about.get(key))

    def rates(self, *, axis: str, backend: str, condition: str | None = None) -> list[Row]:
        """Return rows of ``rates``, worst first: judged groups, then those not judged; the unlabelled last."""
        return sorted(_rows(self.results.rates, axis=axis, backend=backend, condition=condition), key=worst_first)

    def overall(self, *, backend: str, condition: str) -> Row | None:
        """Return the overall row of ``rates``."""
        return next(iter(self.rates(axis=OVERALL, backend=backend, condition=condition)), None)

    def disparities(self, measure: str, *, axis: str, backend: str, condition: str | None = None) -> list[Row]:
        """Return rows of ``disparities`` of one measure, as the table orders them."""
        return self.rows("disparities", measure=measure, axis=axis, backend=backend, condition=condition)

    def rows(self, table: str, **wanted: str | None) -> list[Row]:
        """Return the rows of a table whose columns have these values, as it orders them; None asks for nothing."""
        return _rows(getattr(self.results, table), **wanted)

    def in_full(self) -> "View":
        """Return the view of the recognisers told in full: all, or of many the baseline and the highest WERs."""
        if len(self.backends) <= MOST_RECOGNISERS:
            return self
        pooled = sorted(self.rows("rates", axis=OVERALL, condition=self.condition), key=worst_first)
        ranked = [row["backend"] for row in pooled if row["wer"] is not None]
        first = self.signature.get("baseline_backend")
        kept = list(dict.fromkeys(name for name in (first, *ranked, *self.backends) if name in self.backends))
        return replace(self, backends=tuple(name for name in self.backends if name in kept[:MOST_RECOGNISERS]))

    @property
    def confirmed(self) -> tuple[str, ...]:
        """The families of disparities that the plan named beforehand, such as «axis=accent, measure=ratio»."""
        return tuple(self.signature.get("confirm") or ())

    def is_unnamed(self, row: Row) -> bool:
        """Whether disparities were named beforehand and this is none of them."""
        return bool(self.confirmed) and row.get("exploratory") is not False

    def absent(self, *, axis: str, backend: str, condition: str) -> list[Row]:
        """Return rows for the labelled groups that the run knows and of which nothing was counted in a cell."""
        known = set(self.results.rates.filter(pl.col("axis") == axis)["group"].unique())
        utterances = _with_axis(self.results.utterances, axis)
        known |= set(() if axis not in utterances.columns else utterances[axis].unique())
        found = {row["group"] for row in _rows(self.results.rates, axis=axis, backend=backend, condition=condition)}
        cell = {"axis": axis, "backend": backend, "condition": condition, "note": "no utterance counted"}
        counts = dict.fromkeys(("speakers", "utterances", "failures", "reference_words"), 0)
        return [
            {**dict.fromkeys(RATES), **cell, **counts, "group": group}
            for group in sorted(known - found - {None, WITHHELD})
        ]

    def errors(self, row: Row) -> int | None:
        """Return the number of errors counted in the cell of a ``rates`` row; None where the counts cannot say."""
        counts = self.results.counts
        axis = row["axis"]
        cell = (pl.col("condition") == row["condition"]) & (pl.col("backend") == row["backend"])
        if axis != OVERALL:
            counts = _with_axis(counts, axis)
            if axis not in counts.columns:
                return None
            cell &= pl.col(axis).eq_missing(pl.lit(row["group"], dtype=pl.String))
        rows = counts.filter(cell)
        if rows.is_empty():
            return None
        return int(rows.select(pl.sum_horizontal("substitutions", "deletions", "insertions").sum()).item())


def worst_first(row: Row) -> tuple[bool, bool, float, str]:
    """Order ``rates`` rows: labelled before unlabelled, judged before not judged, then by falling WER and name."""
    return row["group"] is None, row["low"] is None, -(row["wer"] or 0.0), row["group"] or ""


def voiced(text: str) -> str:
    """Return a text with voices in place of speakers."""
    return text.replace("speaker", "voice").replace("Speaker", "Voice").replace("few people", "few voices")


def is_few(speakers: int | None) -> bool:
    """Return whether an interval rests on fewer than ten speakers."""
    return speakers is not None and 2 <= speakers < FEW_SPEAKERS


def speakers(count: int | None) -> str:
    """Return a number of speakers for a table: «8*» where they are few, «?» where unknown."""
    return "?" if count is None else f"{count:,}{'*' if is_few(count) else ''}"


def _ordered(named: Iterable[str], found: pl.Series) -> tuple[str, ...]:
    extra = sorted(set(found.drop_nulls().unique()) - set(named))
    return (*named, *extra)


def _hidden(results: Results) -> frozenset[str]:
    """Return the rungs that only their ladder's section tells; one condition always stays."""
    signature = results.signature
    names = _ordered(signature.get("conditions") or {}, results.rates["condition"])
    rungs = set(results.conditions.filter(pl.col("ladder").is_not_null())["condition"])
    confirmed = {part.strip() for text in signature.get("confirm") or () for part in str(text).split(",")}
    kept = {name for name in names if f"condition={name}" in confirmed}
    baseline = signature.get("baseline_condition")
    first = baseline if baseline in names else next((name for name in names if name not in rungs), None)
    return frozenset(rungs - kept - {first or next(iter(names), None)})


def _without(results: Results, hidden: frozenset[str]) -> Results:
    """Return the results without rows of the hidden conditions in the tables of findings."""
    if not hidden:
        return results
    tables = ("rates", "disparities", "metrics", "tests", "models")
    kept = pl.col("condition").is_in(list(hidden)).not_().fill_null(value=True)
    return replace(results, **{name: getattr(results, name).filter(kept) for name in tables})


def _shown(results: Results) -> Results:
    """Return the results without the empty rows of withheld groups: neither judged nor not judged."""
    if not results.signature.get("shareable"):
        return results
    rows = results.rates.select("note").iter_rows(named=True)
    withheld = pl.Series([is_withheld(row) for row in rows], dtype=pl.Boolean)
    return replace(results, rates=results.rates.filter(~withheld))


def _with_axis(rows: pl.DataFrame, axis: str) -> pl.DataFrame:
    parts: Sequence[str] = axis.split(INTERSECTION)
    whole = len(parts) > 1 and all(part in rows.columns for part in parts)
    return with_intersections(rows, [axis]) if whole else rows


def _rows(table: pl.DataFrame, **wanted: str | None) -> list[Row]:
    kept = [pl.col(name) == value for name, value in wanted.items() if value is not None]
    return list(table.filter(*kept).iter_rows(named=True))
