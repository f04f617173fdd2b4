"""What issue 3 added, by hand: measures over all groups, tests, models, metrics, normalisers; numbers are invented."""

import dataclasses
from types import ModuleType
from typing import Any

import polars as pl

from asrfair.results import Results

BACKENDS = ("small", "large")
NORMALIZERS = ("basic-1", "none-1", "whisper-english-0.1.15")
METRICS = {
    "character_error_rate": 0.101,
    "word_recall": 0.83,
    "mean_utterance_wer": 0.204,
    "share_of_utterances_above_0.5": 0.08,
    "median_speaker_wer": 0.16,
}
DIFFERENT = "under no change each speaker's difference is as likely to have either sign"


def enlarge(sample: ModuleType, *, confirm: tuple[str, ...] = (), conditions: tuple[str, ...] = ()) -> Results:
    """Return the sample's results with the tables and measures of issue 3, the named conditions alone if any are."""
    found: Results = sample.realistic()
    if conditions:
        kept = pl.col("condition").is_in(conditions)
        found = dataclasses.replace(
            found,
            rates=found.rates.filter(kept),
            disparities=found.disparities.filter(kept),
            failures=found.failures.filter(kept),
            signature=sample.signature(conditions={name: {} for name in conditions}),
        )
    named = (pl.col("measure") == "ratio") & (pl.col("axis") == "accent")
    disparities = pl.concat([found.disparities, *_disparities(sample)]).with_columns(
        exploratory=~named if confirm else pl.lit(True),
        detectable=pl.when(pl.col("measure") == "ratio")
        .then(pl.lit(2.126))
        .when(pl.col("measure") == "difference")
        .then(pl.lit(0.113))
        .otherwise(pl.col("detectable")),
    )
    made = sample.results(
        tests=pl.DataFrame(_tests(), infer_schema_length=None),
        models=pl.DataFrame(_models(), infer_schema_length=None),
        metrics=pl.DataFrame(_metrics(), infer_schema_length=None),
        sensitivity=pl.DataFrame(_sensitivity(), infer_schema_length=None),
    )
    return dataclasses.replace(
        found,
        disparities=disparities,
        tests=made.tests,
        models=made.models,
        metrics=made.metrics,
        sensitivity=made.sensitivity,
        signature={
            **found.signature,
            "confirm": list(confirm),
            "family": ["axis", "measure", "backend"],
            "covariates": ["log_words", "gender"],
        },
    )


def _disparities(sample: ModuleType) -> list[pl.DataFrame]:
    rows = []
    for k, backend in enumerate(BACKENDS):
        for condition in ("clean", "telephone"):
            cell = {"axis": "accent", "condition": condition, "backend": backend}
            gap = {**cell, "group": "scottish", "reference_group": "american", "p_adjusted": 0.001}
            plug_in = "1 group under 10 speakers; plug-in value, biased upward when groups are alike"
            wide = f"{plug_in}; interval too wide to show"
            rows.append(
                sample.disparity("gap", 0.19 - k / 10, 0.076, None if k else 0.31, note=wide if k else plug_in, **gap)
            )
            overall = {**cell, "group": "overall", "reference_group": None, "note": "1 group under 10 speakers"}
            for measure, size in (("between_group_sd", 0.082), ("generalised_entropy", 0.06), ("theil", 0.07)):
                rows.append(sample.disparity(measure, size - k / 20, 0.0, 0.15, **overall))
        matched = {"axis": "accent", "condition": "clean", "backend": backend, "reference_group": "american"}
        note = "12 common prompts: 40% of the words, 38% of the reference group's"
        matched |= {"note": note, "p": 0.003, "p_adjusted": 0.006, "reference_speakers": 14}
        if backend == "small":
            rows.append(sample.disparity("matched_ratio", 2.31, 1.42, 3.76, group="scottish", speakers=8, **matched))
        none = {**matched, "note": "no common prompts", "p": None, "p_adjusted": None}
        rows.append(sample.disparity("matched_ratio", None, None, None, group="indian", speakers=12, **none))
        score = {"axis": "overall", "group": "overall", "reference_group": None, "condition": "clean"}
        warning = "over accent; for comparison with published scores only: two groups of equal size score the same"
        rows.append(sample.disparity("faas", None if k else 21.35, None, None, backend=backend, note=warning, **score))
    for group, speakers, more, factor, p in (("scottish", 8, 0.031, 1.11, 0.02), ("indian", 12, -0.004, 0.98, 0.7)):
        own = {"axis": "accent", "group": group, "reference_group": "american", "speakers": speakers}
        own |= {
            "condition": "clean",
            "backend": "large",
            "reference_backend": "small",
            "p": p,
            "p_adjusted": min(2 * p, 1.0),
        }
        rows.append(sample.disparity("backend_interaction_difference", more, more - 0.02, more + 0.03, **own))
        rows.append(sample.disparity("backend_interaction_ratio", factor, factor - 0.1, factor + 0.2, **own))
    pairs = {"axis": "accent", "group": "scottish", "reference_group": "indian", "condition": "clean"}
    rows.append(sample.disparity("pairwise_ratio", 1.9, 1.2, 3.0, backend="small", p_adjusted=0.01, **pairs))
    made: pl.DataFrame = sample.results(disparities=pl.DataFrame(rows, infer_schema_length=None)).disparities
    return [made]


def _tests() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for backend, p in (("small", 0.004), ("large", 0.07)):
        for condition, worse in (("clean", 1.0), ("telephone", 0.1)):
            cell = {"axis": "accent", "group": "overall", "condition": condition, "backend": backend}
            equality = {"test": "equality", "speakers": 34, "statistic": 3.1, "p": p * worse, "p_adjusted": p * worse}
            rows.append({**cell, **equality, "note": "1 group under 10 speakers"})
    overall = {"axis": "overall", "group": "overall", "condition": "clean", "backend": "large"}
    overall |= {"reference_condition": "clean", "reference_backend": "small"}
    rows.append({**overall, "test": "mapsswe", "speakers": 38, "statistic": -2.614, "p": 0.009, "note": "190 segments"})
    for group, p in (("scottish", 0.093), ("american", 0.055)):
        flips = {**overall, "axis": "accent", "group": group, "test": "sign_flip", "p_adjusted": p}
        rows.append({**flips, "assumption": DIFFERENT})
    return rows


def _models() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cell = {"axis": "accent", "condition": "clean", "backend": "small", "covariates": "log_words + gender"}
    for model, terms in (
        ("poisson_gee", {"scottish": (2.56, 1.11, 0.84, 1.47), "indian": (1.34, 1.30, 0.93, 1.82)}),
        ("speaker_random_intercept", {"scottish": (2.20, 1.05, 0.80, 1.38), "indian": (1.21, 1.19, 0.90, 1.57)}),
    ):
        note = "left out: 1 utterance without accent"
        if model != "poisson_gee":
            note += "; compares median speakers, not pooled rates; speakers' log rates have sd 0.42"
        for group, (raw, estimate, low, high) in terms.items():
            own = {"group": group, "reference_group": "american", "speakers": 8, "term": f"accent[{group}]"}
            sizes = {"raw_ratio": raw, "estimate": estimate, "low": low, "high": high}
            rows.append({**cell, **own, **sizes, "model": model, "note": note})
        one = {"group": "welsh", "reference_group": "american", "speakers": 1, "term": "accent[welsh]"}
        rows.append({**cell, **one, "model": model, "raw_ratio": 1.8, "note": f"1 speaker: not judged; {note}"})
        words = {"term": "log_words", "estimate": 0.92, "low": 0.78, "high": 1.08, "speakers": 35}
        rows.append({**cell, **words, "model": model, "note": f"per factor e of words; {note}"})
        rows.append({**cell, "term": "gender[male]", "speakers": 35, "model": model, "note": f"constant; {note}"})
    return rows


def _metrics() -> list[dict[str, Any]]:
    return [
        {
            "axis": axis,
            "group": group,
            "condition": condition,
            "backend": backend,
            "metric": metric,
            "estimate": value * (1 - k / 10),
            "low": None if metric.startswith("median") and k else value * 0.9 * (1 - k / 10),
            "high": value * 1.1 * (1 - k / 10),
            "note": "too few speakers for the interval of a median" if metric.startswith("median") and k else None,
        }
        for k, backend in enumerate(BACKENDS)
        for condition in ("clean", "telephone")
        for axis, group in (("overall", "overall"), ("accent", "scottish"))
        for metric, value in METRICS.items()
    ]


def _sensitivity() -> list[dict[str, Any]]:
    """Return a finding that changes (scottish, small), one that stays, and one that is judged only sometimes."""
    stays = ("not shown",) * 3
    told = [
        ("small", "scottish", "ratio", (2.56, 1.62, 2.41), ("worse", "not shown", "worse")),
        ("small", "indian", "ratio", (1.34, 1.31, 1.35), stays),
        ("large", "scottish", "ratio", (1.41, 1.38, 1.50), stays),
        ("large", "welsh", "ratio", (None, 1.9, None), ("not judged", "not shown", "not judged")),
        ("large", "welsh", "difference", (0.09, 0.08, 0.11), stays),
        ("large", "scottish", "difference", (0.05, 0.04, 0.06), stays),
        ("small", "scottish", "gap", (0.19, 0.12, 0.18), ("shown", "not shown", "shown")),
    ]
    return [
        {
            "axis": "accent",
            "group": group,
            "reference_group": "american",
            "condition": "clean",
            "reference_condition": "clean",
            "backend": backend,
            "reference_backend": backend,
            "measure": measure,
            "normalizer": normalizer,
            "estimate": estimate,
            "low": None if verdict == "not judged" else 0.0,
            "verdict": verdict,
            "changes": len(set(verdicts)) > 1,
        }
        for k, normalizer in enumerate(NORMALIZERS)
        for backend, group, measure, estimates, verdicts in told
        for estimate, verdict in [(estimates[k], verdicts[k])]
    ]
