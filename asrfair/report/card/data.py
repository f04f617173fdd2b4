"""The measured parts of a service card, as data: what `asrfair.report.card.text` writes and ``card.json`` holds.

The sections are those that the AI service cards of cloud providers share; what they leave out is here: intervals,
speakers, robustness in figures, the condition × group interaction and what could not be judged. Rates are fractions;
unknown is null.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.report import sentences
from asrfair.report.card.bounds import all_bounds
from asrfair.report.card.facts import ladders, measured, origin, pick
from asrfair.report.card.statements import sections
from asrfair.report.findings import MEASURES
from asrfair.report.made_up import APART
from asrfair.report.text import Row, is_withheld
from asrfair.report.view import View, worst_first
from asrfair.results import Results, plain
from asrfair.tables import MODELS, OVERALL

FORMAT = 2
"""Of ``card.json``: raised where a key changes, with ``card.schema.json`` beside this module."""
RATE_KEYS = (
    "condition",
    "backend",
    "speakers",
    "utterances",
    "failures",
    "reference_words",
    "wer",
    "low",
    "high",
    "substitution_rate",
    "deletion_rate",
    "insertion_rate",
    "note",
)
DISPARITY_KEYS = (
    "measure",
    "condition",
    "reference_condition",
    "backend",
    "reference_backend",
    "axis",
    "group",
    "reference_group",
    "speakers",
    "reference_speakers",
    "estimate",
    "low",
    "high",
    "p",
    "p_adjusted",
    "p_fdr",
    "exploratory",
    "detectable",
    "note",
)
OVER_GROUPS = ("gap", "worst_group", "between_group_sd", "generalised_entropy", "theil", "gini")
OVER_KEYS = ("group", "reference_group", "estimate", "low", "high", "p_adjusted", "exploratory", "note")
EQUALITY_KEYS = ("speakers", "statistic", "p", "p_adjusted", "assumption", "note")
# Comparisons that are many and seldom read.
LEFT_OUT = ("pairwise_", "difference_to_rest", "ratio_to_rest")
METRIC_KEYS = ("axis", "group", "condition", "backend", "metric", "speakers", "estimate", "low", "high", "note")
WITHOUT_WORDS = ("condition", "interaction", "backend", "backend_interaction", "matched")
PAIRED = tuple(measure for family in WITHOUT_WORDS for measure in MEASURES[family])
ROBUSTNESS = (*MEASURES["condition"], *MEASURES["interaction"])


def metrics_card(results: Results, *, deployment: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the measured parts of a service card, ready for JSON.

    ``deployment`` is the comparison with an earlier run (`asrfair.report.card.changes`), None where none was given.

    ``groups`` holds every cell, judged or not; ``not_judged`` names the cells without an interval and why, those in
    which nothing was counted too; a comparison that is paired or on common prompts has no words, as no table says how
    many it took. ``over_all_groups`` has the gap, the worst group and the spread of an axis with the test of equality,
    the indices of inequality beside the corrected spread alone. ``disparities_left_out`` counts those of pairs of
    groups, of groups and the rest, and on common prompts too few to judge, which are in table ``disparities``.
    ``adjusted`` are the rows of table ``models``, ``metrics`` those of the main condition (of words that nobody
    said, confidences and repetitions those of all); ``detectable`` is what a
    comparison could have found with 80 % power. ``bounds`` are what the intervals support of all groups of an axis, of
    all axes and under all conditions (`asrfair.report.card.bounds`), ``ladders`` the rungs and handicaps.
    ``sections`` are the findings in sentences, each claiming only what its interval supports; ``statements`` are the
    same in one list. ``shareable`` is there in a shareable form alone, and says what is withheld.
    """
    view = View.of(results)
    bounds = all_bounds(view)
    form = view.signature.get("shareable")
    sentences_of = sections(view, bounds)
    places = {name: k for k, name in enumerate(results.signature.get("conditions") or ())}
    rates = sorted(results.rates.to_dicts(), key=lambda row: places.get(row["condition"], len(places)))
    words = {_cell(row): row["reference_words"] for row in rates}
    disparities = results.disparities.to_dicts()
    robust = [row for row in disparities if row["measure"] in ROBUSTNESS]
    others = [row for row in disparities if row["measure"] not in (*ROBUSTNESS, *OVER_GROUPS)]
    told = [row for row in others if not _is_left_out(row)]
    groups = _in_order(view, [row for row in rates if row["axis"] != OVERALL], places)
    card = {
        "asrfair_card": FORMAT,
        "notice": sentences.SYNTHETIC if view.synthetic else None,
        "what_was_measured": measured(view),
        "overall": [pick(row, RATE_KEYS) for row in rates if row["axis"] == OVERALL],
        "groups": [_labelled(view, row) | pick(row, RATE_KEYS) for row in groups],
        "bounds": [one.as_data(view) for one in bounds],
        "over_all_groups": _over_all_groups(view, disparities),
        "disparities": [_disparity(view, row, words) for row in told],
        "disparities_left_out": len(others) - len(told),
        "robustness": [_disparity(view, row, words) for row in robust],
        "ladders": ladders(view),
        "adjusted": [{key: row[key] for key in MODELS if key != "normalizer"} for row in view.rows("models")],
        "metrics": [
            pick(row, METRIC_KEYS)
            for row in view.rows("metrics")
            if row["condition"] == view.condition or row["metric"] in APART
        ],
        "not_judged": [_unjudged(view, row) for row in (*groups, *_absent(view)) if _is_unjudged(row)],
        "failures": [_failed(view, row) for row in rates if row["failures"]],
        "deployment": None if deployment is None else dict(deployment),
        "sections": sentences_of,
        "statements": [sentence for part in sentences_of.values() for sentence in part],
        "signature": view.signature.get("signature"),
        **({"shareable": form} if form else {}),
    }
    cleaned: dict[str, Any] = plain(card)
    return cleaned


def _is_unjudged(row: Row) -> bool:
    return row["low"] is None and not is_withheld(row)


def _in_order(view: View, rows: list[Row], places: Mapping[str, int]) -> list[Row]:
    def place(row: Row) -> tuple[Any, ...]:
        cell = (view.axes.index(row["axis"]), view.backends.index(row["backend"]))
        return (*cell, places.get(row["condition"], len(places)), *worst_first(row))

    return sorted(rows, key=place)


def _absent(view: View) -> list[Row]:
    return [
        row
        for axis in view.axes
        for backend in view.backends
        for condition in view.conditions
        for row in view.absent(axis=axis, backend=backend, condition=condition)
    ]


def _labelled(view: View, row: Row) -> dict[str, Any]:
    return {
        "axis": row["axis"],
        **origin(view, row["axis"]),
        "group": row["group"],
        "judged": row["low"] is not None,
    }


def _disparity(view: View, row: Row, words: dict[tuple[Any, ...], int | None]) -> dict[str, Any]:
    """Return a comparison with the words on both sides, as the cells have them; unknown where it is paired."""
    paired = row["measure"] in PAIRED
    overall = row["reference_group"] == OVERALL
    other = {
        "axis": OVERALL if overall else row["axis"],
        "group": row["reference_group"],
        "condition": row["reference_condition"],
        "backend": row["reference_backend"],
    }
    return {
        **pick(row, DISPARITY_KEYS),
        **origin(view, row["axis"]),
        "words": None if paired else words.get(_cell(row)),
        "reference_words": None if paired else words.get(_cell(other)),
    }


def _over_all_groups(view: View, disparities: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one entry per axis, condition and recogniser: the measures over its groups and the test of equality."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in disparities:
        if row["measure"] in OVER_GROUPS:
            found.setdefault(_place(row), {})[row["measure"]] = pick(row, OVER_KEYS)
    for row in view.rows("tests", test="equality"):
        found.setdefault(_place(row), {})["equality"] = pick(row, EQUALITY_KEYS)
    names = ("axis", "condition", "backend")
    return [
        {**dict(zip(names, place, strict=True)), **origin(view, place[0]), **entries}
        for place, entries in found.items()
    ]


def _is_left_out(row: Row) -> bool:
    unmatched = row["measure"] in MEASURES["matched"] and row["low"] is None
    return unmatched or row["measure"].startswith(LEFT_OUT)


def _place(row: Row) -> tuple[Any, ...]:
    return row["axis"], row["condition"], row["backend"]


def _cell(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("axis", "group", "condition", "backend"))


def _unjudged(view: View, row: Row) -> dict[str, Any]:
    keys = ("condition", "backend", "speakers", "utterances", "reference_words")
    return {
        **pick(row, ("axis", "group")),
        **pick(row, keys),
        "why": view.who(sentences.reason(row)),
        "note": row["note"],
        **origin(view, row["axis"]),
    }


def _failed(view: View, row: Row) -> dict[str, Any]:
    keys = ("axis", "group", "condition", "backend", "failures", "utterances")
    return pick(row, keys) | origin(view, row["axis"])
