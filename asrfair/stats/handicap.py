"""Handicaps: by how much a ladder's parameter must be more favourable for a group to be served as the reference group.

Conventions
-----------
Positive is served worse: the group needs so much more SNR or bit rate, so much less reverberation or loss. Only
utterances counted at every rung enter, so that all rungs have the same speakers and words. The WER of a group along
the ladder is pooled by rung and made monotone, linear between rungs on the scale of `asrfair.stats.curves`. Which way
is harder is taken from the data, all speakers and recognisers together: the way in which a monotone curve is nearer to
their WER. Where it explains less than `LEAST_EXPLAINED` of a recogniser's spread over the rungs, there is no handicap.

At a rung with value v, where the reference group has the WER w, the handicap is the way from v to where the group has
w. The headline, ``at`` null, is at the WER halfway between the lowest and the highest of the reference group's curve,
as speech reception thresholds are at half of what can be understood. A group that has that WER nowhere on the ladder
has no estimate; how far the ladder goes is then a bound, and an end of an interval beyond the ladder is null.

Interval
--------
Speakers are drawn with replacement within each group, all rungs of a speaker together, and the crossing is found anew;
a crossing beyond the ladder counts as infinite on its side. The ends are the percentiles not at α/2 but at
Φ(−t·√(n/(n − 1))), which makes up for draws of n speakers that vary less than samples do (Hesterberg 2015): t has the
degrees of freedom ν of two groups that vary alike (those of each from how unequally its speakers talk), n = ν/2 + 1.
`benchmarks/handicap.py` simulates it: from 5 speakers of a group on these ends hold 93 to 98.5 %, plain percentiles 84
to 89 % at 5 speakers and 90 to 95 % at 20. Below `LEAST_SPEAKERS` draws are never as far apart as samples may be, and
no percentile is wide enough: 91 to 97 % at 4 speakers, 86 to 92 % at 3. There is no interval then.

References
----------
Plomp and Mimpen 1979 (threshold at half); Efron and Tibshirani 1993 (percentiles); Hesterberg 2015, section 5.3
(expanded percentiles); Satterthwaite 1946 and Welch 1947 (degrees of freedom).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from asrfair.seeds import generator
from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, ratio, t_quantile, total
from asrfair.stats.bootstrap import ascending, quantile
from asrfair.stats.cells import Coded, code, natural_order
from asrfair.stats.contrasts import welch_df
from asrfair.stats.curves import Scale, crossings, halfway, is_logarithmic, monotone_share
from asrfair.stats.question import Question
from asrfair.stats.rungs import Ladder, Side, ladders, side
from asrfair.tables import CONDITIONS, COUNTS, FAILURES, HANDICAPS, conform, require_columns, with_intersections

LEAST_EXPLAINED = 0.8
"""The share of the spread of WER over the rungs that a monotone curve must explain."""
NOT_MONOTONE = "WER neither rises nor falls along the ladder: not judged"
NO_CHANGE = "reference: the same WER at every rung"
_SAME = 1e-9


def handicap_rows(counts: pl.DataFrame, conditions: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return table ``handicaps`` of every ladder in ``conditions``, for each axis with a reference group.

    ``counts`` has its columns of `asrfair.tables` and a text column per axis (or the parts of a product). There are
    rows for each labelled group but the reference group: first the headline, then one per rung by rising difficulty.
    Rows are sorted by normalizer, ladder, axis (as given), backend, group (in natural order); the order of the input
    and what else was counted change nothing. ``wer`` is the reference group's. A ladder needs two rungs that were
    counted. Raises InputError on a missing column or an utterance counted twice.
    """
    axes = [axis for axis in question.axes if axis in question.reference_groups]
    require_columns(conditions, CONDITIONS, where="conditions")
    require_columns(counts, COUNTS, where="counts")
    counts = with_intersections(counts, axes)
    require_columns(counts, axes, where="counts")
    rows: list[dict[str, Any]] = []
    for normalizer in counts["normalizer"].unique().sort().to_list():
        own = counts.filter(pl.col("normalizer").eq_missing(pl.lit(normalizer, pl.String)))
        for ladder in ladders(conditions):
            rows += [{"normalizer": normalizer, **row} for row in _of_ladder(own, ladder, axes, question)]
    return conform(pl.DataFrame(rows, schema=HANDICAPS), HANDICAPS)


def _of_ladder(
    counts: pl.DataFrame, ladder: Ladder, axes: Sequence[str], question: Question
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one ladder and normaliser."""
    on_it = counts.filter(pl.col("condition").is_in(ladder.conditions))
    nothing = pl.DataFrame(schema=FAILURES | dict.fromkeys(axes, pl.String))
    coded = code(
        on_it,
        nothing,
        axes=axes,
        baseline_condition=None,
        baseline_backend=None,
        independent_utterances=question.independent_utterances,
    )
    by_name = dict(zip(ladder.conditions, ladder.values, strict=True))
    values = np.array([by_name[name] for name in coded.conditions])
    if len(values) < 2:
        return
    turned = _is_turned(coded.rows, values)
    for axis in axes:
        for backend, name in enumerate(coded.backends):
            climb = _Climb(ladder, axis, name, turned, question)
            named = {"axis": axis, "ladder": ladder.name, "parameter": ladder.parameter, "unit": ladder.unit}
            rows = coded.rows.filter(pl.col("backend") == backend)
            yield from ({**named, "backend": name, **row} for row in climb.rows(rows, values, coded))


def _is_turned(rows: pl.DataFrame, values: Floats) -> bool:
    """Return whether WER falls as the parameter rises, all rows together."""
    rates = _rates(rows, np.argsort(values, kind="stable"))
    falling, rising = monotone_share(rates[::-1]), monotone_share(rates)
    return bool(falling > rising)


def _rates(rows: pl.DataFrame, order: Ints) -> Floats:
    """Return the pooled WER under the conditions numbered in ``order``."""
    condition = rows["condition"].to_numpy()
    errors, words = (total(condition, rows[name].to_numpy(), len(order))[order] for name in ("errors", "words"))
    return ratio(errors, words)


@dataclass(frozen=True)
class Handicaps:
    """A group's handicaps, the headline first, then by rung; shape=(1 + rungs,).

    ``estimate``, ``low`` and ``high`` are infinite where they lie beyond the ladder, on that side, and nan where
    unknown. ``most`` and ``least`` are as far as the ladder goes; ``flat`` says where all draws agree. ``level`` is
    true where the reference group has the same WER at every rung.
    """

    wer: Floats
    estimate: Floats
    low: Floats
    high: Floats
    most: Floats
    least: Floats
    flat: Bools
    level: bool

    def notes(self, k: int, unit: str, *, shown: bool) -> Iterator[str]:
        """Yield what is to be said of a row; ``shown`` if it has an interval."""
        if np.isposinf(self.estimate[k]):
            yield f"not within the ladder: more than {self.most[k]:.3g} {unit}".rstrip()
        elif np.isneginf(self.estimate[k]):
            yield f"not within the ladder: below {self.least[k]:.3g} {unit}".rstrip()
        if shown and self.flat[k]:
            yield "every draw of speakers gives the same: no interval"
        elif shown:
            ends = [name for name, end in (("lower", self.low[k]), ("upper", self.high[k])) if not np.isfinite(end)]
            if ends:
                yield f"{' and '.join(ends)} end{'s' * (len(ends) > 1)} beyond the ladder"


def handicaps(curves: Floats, reference: Floats, values: Floats, scale: Scale, *, alpha: float) -> Handicaps:
    """Return the handicaps of a group with these ``curves`` against the reference group's.

    Both have shape=(1 + replicates, rungs), the estimates first, by rising difficulty as ``values`` are; percentiles
    are taken at ``alpha``/2 and 1 − ``alpha``/2. A low end beyond the ladder on the worse side is the ladder's end,
    and so is a high end beyond it on the better side.
    """
    places = scale.places(values)
    own, group = crossings(curves, reference, places)
    start = scale.values(own)
    way = np.where(np.isinf(group), -group, scale.harder(start, scale.values(group)))
    ordered = ascending(way[1:])
    low, high = quantile(ordered, alpha / 2), quantile(ordered, 1 - alpha / 2)
    most, least = (scale.harder(start[0], np.full(len(start[0]), values[end])) for end in (0, -1))
    with np.errstate(invalid="ignore"):  # both ends may be infinite
        flat = high - low <= _SAME
    return Handicaps(
        wer=np.concatenate([halfway(reference[0])[None], reference[0]]),
        estimate=way[0],
        low=np.where(flat, np.nan, np.where(np.isposinf(low), most, low)),
        high=np.where(flat, np.nan, np.where(np.isneginf(high), least, high)),
        most=most,
        least=least,
        flat=flat,
        level=bool(reference[0, -1] - reference[0, 0] <= _SAME),
    )


def expanded(alpha: float, df_a: Floats, df_b: Floats) -> float:
    """Return 2Φ(−t·√(n/(n − 1))), the error probability whose percentiles are taken; nan where unknown."""
    from scipy import special

    df = welch_df(1 / (df_a + 1), df_a, 1 / (df_b + 1), df_b)
    return float(2 * special.ndtr(-t_quantile(alpha, df) * np.sqrt(1 + 2 / df))[0])


@dataclass(frozen=True)
class _Climb:
    """One ladder by one axis with one recogniser."""

    ladder: Ladder
    axis: str
    backend: str
    turned: bool
    question: Question

    def rows(self, rows: pl.DataFrame, values: Floats, coded: Coded) -> Iterator[dict[str, Any]]:
        """Yield a row per labelled group but the reference group, and WER; conditions without counts are left out."""
        counted = np.flatnonzero(np.bincount(rows["condition"].to_numpy(), minlength=len(values)))
        scale = Scale(is_logarithmic(values[counted].tolist(), self.ladder.unit), self.turned)
        order = counted[np.argsort(scale.places(values[counted]), kind="stable")]
        reference = self.question.reference_groups[self.axis]
        if len(order) < 2:
            return
        whole = rows.with_columns(whole=pl.len().over("utterance") == len(order))
        groups = sorted(whole[self.axis].drop_nulls().unique(), key=natural_order)
        sides = {name: side(whole.filter(pl.col(self.axis) == name), order, coded) for name in groups}
        monotone = monotone_share(_rates(whole.filter(pl.col("whole")), order)) >= LEAST_EXPLAINED
        drawn = self._curves(sides[reference], reference) if reference in sides else None
        for name in groups:
            if name == reference or drawn is None:
                continue
            curves = self._curves(sides[name], name)
            found = handicaps(curves, drawn, values[order], scale, alpha=self._alpha(sides[name], sides[reference]))
            yield from self._told(name, found, values[order], sides, monotone=monotone)

    def _curves(self, side: Side, name: str) -> Floats:
        # All ladders and recognisers share the draws of a group's speakers.
        rng = generator(self.question.seed, "handicap", self.axis, name)
        return side.curves(replicates=self.question.replicates, rng=rng)

    def _alpha(self, own: Side, other: Side) -> float:
        return expanded(self.question.alpha, own.df, other.df)

    def _method(self, independent: int) -> str:
        how = "utterances treated as independent," if independent else "speaker-clustered"
        draws = f"{self.question.replicates} replicates, seed {self.question.seed}"
        return f"{how} bootstrap of the crossing, expanded percentile, {draws}"

    def _told(
        self, group: str, found: "Handicaps", values: Floats, sides: dict[str, Side], *, monotone: bool
    ) -> Iterator[dict[str, Any]]:
        reference = self.question.reference_groups[self.axis]
        own, other = sides[group], sides[reference]
        judged = monotone and not found.level
        enough = own.judged and other.judged
        shared = len(own.known & other.known)
        told = [*own.notes(), *other.notes("reference: ")]
        told += [f"{notes.counted(shared, 'speaker')} also in the reference group"] if shared else []
        told += [] if monotone else [NOT_MONOTONE]
        told += [NO_CHANGE] if monotone and found.level else []
        unit = self.ladder.unit or ""
        for k, at in enumerate([None, *values.tolist()]):
            sides_of = found.notes(k, unit, shown=enough) if judged else []
            yield {
                "group": group,
                "reference_group": reference,
                "method": self._method(own.independent + other.independent),
                "level": self.question.level,
                "speakers": own.spoken,
                "reference_speakers": other.spoken,
                "at": at,
                "wer": known(found.wer[k]),
                "estimate": known(found.estimate[k]) if judged else None,
                "low": known(found.low[k]) if judged and enough else None,
                "high": known(found.high[k]) if judged and enough else None,
                "note": "; ".join([*told, *sides_of]) or None,
            }


def known(value: float) -> float | None:
    """Return the number, None where it is nan or infinite."""
    return float(value) if np.isfinite(value) else None
