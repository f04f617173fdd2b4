"""FAAS, the fairness-adjusted score of ASR-FAIRBENCH, for comparison with published ones; not a disparity.

Formulas
--------
Errors of an utterance are Poisson with log mean b_0 + b_log·log(words + 1) + Σ_c b_g(c) and a random speaker intercept,
g(c) the utterance's group on axis c. With x the mean of log(words + 1), the predicted rate of group g is
P_g = exp(b_0 + b_log·x + b_g)/(e^x − 1); only its ratios matter, so P_g = exp(b_g) will do.

    R_c  = Σ_g share_g·100·(1 − (P_g − min P)/(max P − min P)), 100 where all are equal, share_g of the utterances
    A_c  = R_c·min(1, p_c/0.05), p_c of the likelihood-ratio test of axis c beside log(words + 1) alone
    FAAS = 10·log10(mean_c A_c / mean WER of utterances)

Known defects
-------------
- Two groups of equal size always give R = 50: the rescaling by max − min removes how large the gap is. With more
  groups R says where the others lie between the best and the worst, never how far apart those are.
- The score falls as data grow: p_c shrinks with the sample wherever there is any difference, and A_c with it.
- A difference that chance made (p just above 0.05) costs nothing, whatever its size.
- WER in per cent rather than as a fraction (here) takes 20 off; published scores do not say which.
- It has no interval, and averages WER over utterances, so that short ones count as much as long ones.

References
----------
Rai, Rahangdale, Anand and Mukherjee 2025, ASR-FAIRBENCH (Interspeech). The paper names a mixed-effects Poisson model;
its formulas for P_g, the shares and the penalty are those of the leaderboard's own description and of the package
``faas-metric``, which however fits a linear mixed model to WER.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats.design import Design, Term, make_design
from asrfair.stats.gee import fit_poisson
from asrfair.stats.notes import NO_ERRORS, counted
from asrfair.stats.random_intercept import Fit, fit_random_intercept
from asrfair.tables import DISPARITIES, INTERSECTION, OVERALL, conform, require_columns

METHOD = "ASR-FAIRBENCH"
DEFECTS = (
    "for comparison with published scores only: two groups of equal size score the same whatever the gap, the score "
    "falls as data grow, and WER is a fraction here (in per cent: 20 less)"
)
_SIGNIFICANT = 0.05
_EQUAL = 1e-6
"""Relative differences of predicted rates below this are rounding."""
_SUMS = ("_errors", "_words", "_utterances")


@dataclass(frozen=True)
class _Model:
    design: Design
    fit: Fit


def faas_rows(rows: pl.DataFrame, *, axes: Sequence[str]) -> pl.DataFrame:
    """Return one row of table ``disparities`` per backend and condition with measure ``faas``, without interval.

    ``rows`` has one row per utterance, condition and backend, with the columns of `asrfair.tables.COUNTS` that are
    counted in words and one per axis; products of axes do not enter. Utterances without a speaker, reference words
    or a label on any axis are left out. The estimate is null where the score has no finite value. Raises InputError
    on a missing column.
    """
    used = [axis for axis in axes if INTERSECTION not in axis]
    require_columns(rows, used, where="counts")
    cells = rows.sort("backend", "condition").partition_by("backend", "condition", as_dict=True, maintain_order=True)
    if not used or not cells:
        return pl.DataFrame(schema=DISPARITIES)
    return pl.concat([conform(_row(part, *map(str, key), axes=used), DISPARITIES) for key, part in cells.items()])


def _row(part: pl.DataFrame, backend: str, condition: str, *, axes: Sequence[str]) -> pl.DataFrame:
    known = part.filter(
        pl.all_horizontal(pl.col(name).is_not_null() for name in ("speaker_id", *axes))
        & (pl.col("reference_words") > 0)
    )
    score, why = _score(known, axes)
    left_out = part.height - known.height
    note = [
        *([why] if why else [f"over {', '.join(axes)}"]),
        *([f"left out: {counted(left_out, 'utterance')}"] if left_out else []),
        DEFECTS,
    ]
    values = {
        "axis": OVERALL,
        "group": OVERALL,
        "condition": condition,
        "reference_condition": condition,
        "backend": backend,
        "reference_backend": backend,
        "method": METHOD,
        "measure": "faas",
        "speakers": known["speaker_id"].n_unique(),
        "estimate": score,
        "note": "; ".join(note),
    }
    return pl.DataFrame({name: [value] for name, value in values.items()})


def _score(known: pl.DataFrame, axes: Sequence[str]) -> tuple[float | None, str]:
    """Return the score, or why there is none."""
    categories = [axis for axis in axes if known[axis].n_unique() > 1]
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions").cast(pl.Float64)
    table = known.select(
        *(pl.col(axis).cast(pl.String) for axis in categories),
        _cluster="speaker_id",
        _log=(pl.col("reference_words") + 1.0).log(),
        _rate=errors / pl.col("reference_words"),
        _errors=errors,
        # A model of counts by utterance: the offset is the log of how many utterances a row sums.
        _words=pl.lit(1.0),
        _utterances=pl.lit(1, pl.Int64),
    )
    if not categories:
        return None, "no axis with two groups"
    if not table["_errors"].sum():
        return None, NO_ERRORS
    scores = list(_adjusted_scores(table, categories))
    problems = [why for _, why in scores if why]
    if problems:
        return None, problems[0]
    top, mean_rate = float(np.mean([score for score, _ in scores])), float(table["_rate"].to_numpy().mean())
    if top <= 0:
        return None, "score without a finite value: every p is zero"
    return 10 * math.log10(top / mean_rate), ""


def _adjusted_scores(table: pl.DataFrame, categories: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Yield A_c and nothing for each axis, or nan and why there is none."""
    shares = {axis: dict(table[axis].value_counts(normalize=True).iter_rows()) for axis in categories}
    sums = (
        table.group_by("_cluster", "_log", *categories).agg(pl.col(*_SUMS).sum()).sort("_cluster", "_log", *categories)
    )
    everything, nothing = _fitted(sums, categories), _fitted(sums, [])
    for axis in categories:
        alone = everything if len(categories) == 1 else _fitted(sums, [axis])
        if everything is None or nothing is None or alone is None:
            yield math.nan, "the model did not converge"
            continue
        confused = [term for term in everything.design.reasons if term.name == axis and term.level is not None]
        reasons = [why for term in confused if (why := everything.design.reasons[term]) != NO_ERRORS]
        if reasons:
            yield math.nan, f"{axis} {reasons[0]}"
            continue
        p = _likelihood_ratio_p(alone.fit, nothing.fit, df=len(shares[axis]) - 1)
        yield _category_score(everything, axis, shares[axis]) * min(1.0, p / _SIGNIFICANT), ""


def _fitted(sums: pl.DataFrame, factors: Sequence[str]) -> _Model | None:
    design = make_design(sums, factors=factors, numbers=["_log"], bases={})
    start = fit_poisson(design.columns, design.errors, design.offset)
    if start is None:
        return None
    fit = fit_random_intercept(design.columns, design.errors, design.offset, design.starts, start=start)
    return None if fit is None else _Model(design, fit)


def _category_score(model: _Model, axis: str, shares: dict[str, float]) -> float:
    """Return R_c; a group without errors has rate zero."""
    effects = dict(zip(model.design.terms, (model.fit.estimate / model.design.scale)[1:], strict=True))
    zero = {term.level for term, why in model.design.reasons.items() if term.name == axis and why == NO_ERRORS}
    rates = np.array([0.0 if group in zero else math.exp(effects.get(Term(axis, group), 0.0)) for group in shares])
    span = float(np.ptp(rates))
    scores = np.full(len(rates), 100.0) if span < _EQUAL * rates.max() else 100 * (1 - (rates - rates.min()) / span)
    return float(scores @ np.array(list(shares.values())))


def _likelihood_ratio_p(full: Fit, reduced: Fit, *, df: int) -> float:
    from scipy import special

    return float(special.chdtrc(df, max(2 * (full.log_likelihood - reduced.log_likelihood), 0.0)))
