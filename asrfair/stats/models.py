"""The table of models: rate ratios between groups adjusted for covariates, beside the raw ones.

Conventions
-----------
A model is fitted per backend and condition, or over all conditions (``condition`` is then ``overall``) where
``condition`` is a covariate. A group's row has term ``axis[group]`` and the ratio to the reference group with the
covariates held equal; ``raw_ratio`` is the same model's without covariates on the same utterances. A covariate's row
has no group: the ratio per unit of a number, or of a level to its base. ``speakers`` and ``utterances`` of a group's
row are the group's, of a covariate's row the model's.

``poisson_gee``: pooled rates, spread clustered by speaker (`asrfair.stats.gee`), t with its degrees of freedom.
``speaker_random_intercept``: median speakers (`asrfair.stats.random_intercept`), Wald intervals from the observed
information, t with speakers − parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints
from asrfair.stats.cells import natural_order
from asrfair.stats.contrasts import log_contrast
from asrfair.stats.design import Design, Term, constant_here, make_design
from asrfair.stats.gee import clustered, fit_poisson
from asrfair.stats.intervals import WIDEST
from asrfair.stats.model_cells import SUMS, Asked, Cell, model_cells, prepared, problem_of
from asrfair.stats.random_intercept import NO_SPREAD, fit_random_intercept
from asrfair.stats.rates import unknown_if_nan
from asrfair.tables import COMPUTED_COVARIATES, INTERSECTION, MODELS, conform, require_columns

GEE, RANDOM_INTERCEPT = "poisson_gee", "speaker_random_intercept"
NOT_CONVERGED = "the model did not converge"


@dataclass(frozen=True)
class _Fitted:
    """What a model says of some terms; a term that is not there has no estimate."""

    terms: tuple[Term, ...] = ()
    estimate: Floats = field(default_factory=lambda: np.empty(0))
    variance: Floats = field(default_factory=lambda: np.empty(0))
    df: Floats = field(default_factory=lambda: np.empty(0))
    floored: Bools = field(default_factory=lambda: np.empty(0, bool))
    alone: Bools = field(default_factory=lambda: np.empty(0, bool))
    note: str = ""


def model_rows(
    rows: pl.DataFrame,
    *,
    axis: str,
    reference: str,
    covariates: Sequence[str],
    level: float,
    bases: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    independent_utterances: bool = False,
) -> pl.DataFrame:
    """Return the rows of table ``models`` for one axis, without their normalizer.

    ``rows`` has one row per utterance, condition and backend: ``utterance_id``, ``speaker_id``, ``condition``,
    ``backend``, ``reference_words``, ``substitutions``, ``deletions``, ``insertions``, the axis, and each covariate as
    numbers (per unit) or texts (levels). ``bases`` names levels that others are compared with, and the condition and
    backend whose rows come first; without it the base is the level with most words. ``units`` are those of numbers.
    The axis itself and the parts of a product axis are no covariates; without any other there are no rows. Utterances
    without a speaker, label, covariate or reference words are left out, and the note says how many. What cannot be
    estimated is null, and the note says why. Raises InputError on a missing column.
    """
    wanted = tuple(name for name in covariates if name not in (axis, *axis.split(INTERSECTION)))
    require_columns(rows, [axis, *wanted], where="counts")
    if not wanted:
        return pl.DataFrame(schema=MODELS)
    asked = Asked(axis, reference, wanted, 1 - level, bases or {}, COMPUTED_COVARIATES | dict(units or {}))
    cells = model_cells(prepared(rows, asked, independent_utterances=independent_utterances), asked)
    parts = [part for cell in cells for part in _cell_rows(cell, asked)]
    named = {"axis": pl.lit(axis), "level": pl.lit(level), "covariates": pl.lit(" + ".join(wanted))}
    return pl.concat([pl.DataFrame(schema=MODELS), *(conform(part.with_columns(**named), MODELS) for part in parts)])


def _cell_rows(cell: Cell, asked: Asked) -> Iterator[pl.DataFrame]:
    if not cell.groups:
        return
    numbers = [name for name in asked.covariates if cell.table.schema[name].is_numeric()]
    factors = [name for name in (asked.axis, *asked.covariates) if name not in numbers]
    problem = problem_of(cell, asked, numbers)
    if problem:
        terms = [Term(asked.axis, group) for group in cell.groups] + [Term(name) for name in asked.covariates]
        for model in (GEE, RANDOM_INTERCEPT):
            yield _term_rows(model, _Fitted(), dict.fromkeys(terms, problem), None, cell, asked, raw={})
        return
    bases = {**asked.bases, asked.axis: asked.reference}
    design = make_design(cell.table, factors=factors, numbers=numbers, bases=bases)
    plain = make_design(
        cell.table.group_by("_cluster", asked.axis).agg(pl.col(*SUMS).sum()).sort("_cluster", asked.axis),
        factors=[asked.axis],
        numbers=[],
        bases=bases,
    )
    rates = cell.table.group_by(asked.axis).agg(pl.col("_errors").sum() / pl.col("_words").sum())
    pooled = dict(rates.iter_rows())
    raw = {Term(asked.axis, group): rate / pooled[asked.reference] for group, rate in pooled.items() if rate > 0}
    yield _term_rows(GEE, _fit_gee(design), design.reasons, design, cell, asked, raw=raw)
    median = _fit_random_intercept(plain)
    raw = dict(zip(median.terms, np.exp(median.estimate).tolist(), strict=True))
    fitted = _fit_random_intercept(design)
    yield _term_rows(RANDOM_INTERCEPT, fitted, design.reasons, design, cell, asked, raw=raw)


def _fit_gee(design: Design) -> _Fitted:
    estimate = fit_poisson(design.columns, design.errors, design.offset)
    if estimate is None:
        return _Fitted(note=NOT_CONVERGED)
    fit = clustered(design.columns, design.errors, design.offset, design.starts, estimate)
    return _Fitted(
        terms=design.terms,
        estimate=(fit.estimate / design.scale)[1:],
        variance=(fit.variance / design.scale**2)[1:],
        df=fit.df[1:],
        floored=fit.floored[1:],
        alone=fit.alone[1:],
    )


def _fit_random_intercept(design: Design) -> _Fitted:
    start = fit_poisson(design.columns, design.errors, design.offset)
    fit = None
    if start is not None:
        fit = fit_random_intercept(design.columns, design.errors, design.offset, design.starts, start=start)
    if fit is None:
        return _Fitted(note=NOT_CONVERGED)
    spread = f"speakers' log rates have sd {fit.spread:.2f}"
    shown = "speakers do not differ beyond chance" if fit.spread < NO_SPREAD else spread
    terms = len(design.terms)
    return _Fitted(
        terms=design.terms,
        estimate=(fit.estimate / design.scale)[1:],
        variance=(fit.variance / design.scale**2)[1:],
        df=np.full(terms, max(design.speakers - design.columns.shape[1], 1), float),
        floored=np.zeros(terms, bool),
        alone=np.zeros(terms, bool),
        note=f"compares median speakers, not pooled rates; {shown}",
    )


def _term_rows(
    model: str,
    fitted: _Fitted,
    reasons: Mapping[Term, str],
    design: Design | None,
    cell: Cell,
    asked: Asked,
    *,
    raw: Mapping[Term, float],
) -> pl.DataFrame:
    """Return one row per group that is not the reference, then the rows of each covariate."""
    known = [Term(asked.axis, group) for group in cell.groups]
    every = {*fitted.terms, *reasons, *(design.terms if design else ())}
    for name in asked.covariates:
        known += sorted((t for t in every if t.name == name), key=lambda t: natural_order(t.level or ""))
    terms = tuple(known)
    fitted = _aligned(fitted, terms, reasons)
    is_group = np.array([term.name == asked.axis for term in terms])
    reference = cell.speakers.get(asked.reference, 0)
    speakers = np.array(
        [cell.speakers.get(term.level or "", 0) if own else 0 for term, own in zip(terms, is_group, strict=True)]
    )
    few = is_group & ((speakers == 1) | (reference == 1))
    far = np.abs(np.nan_to_num(fitted.estimate)) > WIDEST
    fitted = replace(fitted, estimate=np.where(far, np.nan, fitted.estimate))
    contrast = log_contrast(
        fitted.estimate, fitted.variance, fitted.df, alpha=asked.alpha, judged=~(few | fitted.alone)
    )
    constant = [term.name for term, why in reasons.items() if why == constant_here(term.name)]
    parts: list[notes.Part] = [
        (np.array([reasons.get(term, "") for term in terms]), str),
        (is_group & (speakers == 0) & (reference > 0), "no utterances left"),
        *_speaker_parts(is_group, speakers),
        *_speaker_parts(is_group, np.full(len(terms), reference), "reference: "),
        (fitted.alone & ~few, "rests on 1 speaker: not judged"),
        (far, "a ratio beyond 1000 per unit: not shown"),
        (contrast.too_wide, notes.TOO_WIDE),
        (fitted.floored & ~np.isnan(contrast.low), "spread from the number of errors"),
        (np.array([_compared(term, design, asked) for term in terms]), str),
        (is_group & bool(constant), f"not adjusted for {' and '.join(constant)}, constant here"),
        (np.full(len(terms), cell.independent), "utterances treated as independent"),
        (np.full(len(terms), bool(cell.left_out)), cell.left_out),
        (np.full(len(terms), bool(fitted.note)), fitted.note),
    ]
    everyone = cell.table["_cluster"].n_unique(), int(cell.table["_utterances"].sum())
    return pl.DataFrame(
        {
            "group": pl.Series(
                [t.level if own else None for t, own in zip(terms, is_group, strict=True)], dtype=pl.String
            ),
            "reference_group": pl.Series([asked.reference if own else None for own in is_group], dtype=pl.String),
            "term": [term.text for term in terms],
            "speakers": np.where(is_group, speakers, everyone[0]),
            "utterances": [
                cell.utterances.get(t.level or "", 0) if o else everyone[1]
                for t, o in zip(terms, is_group, strict=True)
            ],
            "raw_ratio": pl.Series([raw.get(term) for term in terms], dtype=pl.Float64),
            "estimate": unknown_if_nan(contrast.estimate),
            "low": unknown_if_nan(contrast.low),
            "high": unknown_if_nan(contrast.high),
            "p": unknown_if_nan(contrast.p),
            "note": pl.Series(notes.join(parts, len(terms)), dtype=pl.String),
        }
    ).with_columns(backend=pl.lit(cell.backend), condition=pl.lit(cell.condition), model=pl.lit(model))


def _aligned(fitted: _Fitted, terms: Sequence[Term], reasons: Mapping[Term, str]) -> _Fitted:
    """Return the fit with one element per term; nan where there is none, or a reason against it."""
    place = {term: number for number, term in enumerate(fitted.terms) if term not in reasons}
    known = np.array([term in place for term in terms])
    index = [place[term] for term in terms if term in place]

    def spread(values: Floats) -> Floats:
        full = np.full(len(terms), np.nan)
        full[known] = values[index]
        return full

    return replace(
        fitted,
        terms=tuple(terms),
        estimate=spread(fitted.estimate),
        variance=spread(fitted.variance),
        df=spread(fitted.df),
        floored=spread(fitted.floored.astype(np.float64)) == 1,
        alone=spread(fitted.alone.astype(np.float64)) == 1,
    )


def _speaker_parts(is_group: Bools, speakers: Ints, who: str = "") -> list[notes.Part]:
    return [
        (is_group & (speakers == 1), f"{who}1 speaker: not judged"),
        (is_group & (speakers > 1) & (speakers < notes.FEW_SPEAKERS), f"{who}under {notes.FEW_SPEAKERS} speakers"),
    ]


def _compared(term: Term, design: Design | None, asked: Asked) -> str:
    """Return what a covariate's ratio is per or against."""
    if term.name == asked.axis or design is None:
        return ""
    if term.level is not None:
        return f"against {term.name}[{design.bases[term.name]}]"
    return "" if term.name in design.bases else f"per {asked.units.get(term.name, 'unit')}"
