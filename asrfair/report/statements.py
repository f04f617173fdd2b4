"""The card's sentences: findings in words, the evidence in each, no claim about people from synthetic voices."""

from asrfair.report import sentences
from asrfair.report.findings import Contrast, Standing, contrasts, standing
from asrfair.report.ladders import largest_handicap
from asrfair.report.rungs import found_ladders
from asrfair.report.sensitivity import changes
from asrfair.report.text import (
    Row,
    counted,
    factor,
    factor_interval,
    label,
    listed,
    number,
    p_equals,
    percent,
    percent_interval,
    points,
    points_interval,
)
from asrfair.report.unshown import no_disparity
from asrfair.report.view import View
from asrfair.tables import OVERALL


def statements(view: View) -> list[str]:
    """Return the findings as sentences, the notice about synthetic voices first."""
    told = [sentences.SYNTHETIC] if view.synthetic else []
    told += [_measured(view), *_grouped(view), *_cautions(view), *_planned(view)]
    condition = view.condition
    if condition is None:
        return told
    for backend in view.backends:
        row = view.overall(backend=backend, condition=condition)
        if row is not None:
            told.append(f"With {label(backend)} in {label(condition)}, all {_who(view)} together: {_rate(view, row)}.")
    for axis in view.axes:
        for backend in view.backends:
            told += _about_groups(view, standing(view, axis=axis, backend=backend, condition=condition))
    for backend in view.backends:
        told += _about_conditions(view, backend)
    return told + _about_ladders(view) + _about_texts(view) + _about_failures(view)


def _who(view: View) -> str:
    return "synthetic voices" if view.synthetic else "speakers"


def _rate(view: View, row: Row) -> str:
    interval = f"{percent_interval(row)} ({view.level} interval; " if row["low"] is not None else "(not judged; "
    return f"WER {percent(row['wer'])} % {interval}{sentences.evidence(view, row)})"


def _measured(view: View) -> str:
    corpus = view.corpus
    hours = "" if corpus.get("hours") is None else f", {corpus['hours']:.2f} hours"
    title = corpus.get("title") or corpus.get("card") or "the corpus"
    speakers = counted(corpus.get("speakers"), "synthetic voice" if view.synthetic else "speaker")
    return (
        f"Measured on {title} ({sentences.kind(view)}): {speakers}, "
        f"{counted(corpus.get('utterances'), 'utterance')}{hours}; WER is pooled over words, lower is better."
    )


def _grouped(view: View) -> list[str]:
    told = []
    for axis in view.axes:
        groups = view.results.rates.filter(axis=axis)["group"].drop_nulls().unique(maintain_order=True).to_list()
        names = f": {listed(map(label, groups))}" if groups else ""
        told.append(f"Groups by {view.provenance(axis)}: {counted(len(groups), 'group')}{names}.")
    if len(view.conditions) > 1:
        told.append(f"Conditions: {listed(map(label, view.conditions), most=20)}.")
    return told


def _cautions(view: View) -> list[str]:
    told = []
    if view.signature.get("independent_utterances"):
        told.append(sentences.INDEPENDENT)
    if view.signature.get("limit") is not None:
        told.append(f"Measured on the {sentences.limited(view.signature['limit'])}.")
    return told


def _planned(view: View) -> list[str]:
    told = sentences.named_beforehand(view)
    return [f"{told[0].upper()}{told[1:]}."] if told else []


def _about_ladders(view: View) -> list[str]:
    return [
        f"By {view.provenance(axis)}, with {label(backend)}{_among(view)}, along the ladder {label(ladder.name)} "
        f"({counted(len(ladder.rungs), 'rung')}, {label(ladder.what)}): {sentence}"
        for ladder in found_ladders(view)
        for axis in view.axes
        for backend in view.backends
        for sentence in largest_handicap(view, ladder, axis=axis, backend=backend)
    ]


def _about_texts(view: View) -> list[str]:
    return [f"Texts normalised otherwise{_among(view)}: {change}." for change in changes(view)]


def _among(view: View) -> str:
    return ", among synthetic voices" if view.synthetic else ""


def _about_groups(view: View, found: Standing) -> list[str]:
    where = f"By {view.provenance(found.axis)}, with {label(found.backend)} in {label(found.condition)}{_among(view)}"
    told = []
    if found.judged:
        told.append(f"{where}, {_bound(view, found)}.")
    shown = [c for c in found.contrasts if c.verdict(view.alpha) in ("worse", "better")]
    told += [f"{where}, {_contrast(view, found, contrast)}." for contrast in shown]
    if found.contrasts and not shown:
        sentence = no_disparity(view, found)
        told.append(f"{where}: {sentence[0].lower()}{sentence[1:]}")
    told += [f"{where}, {sentence}." for sentence in _equality(view, found)]
    unjudged = sentences.not_judged(view, found)
    if unjudged is not None:
        told.append(f"{where}, could not be judged: {unjudged}.")
    return told


def _equality(view: View, found: Standing) -> list[str]:
    """Say whether it was shown that the groups differ at all."""
    where = {"axis": found.axis, "backend": found.backend, "condition": found.condition}
    told = []
    for row in view.rows("tests", test="equality", **where):
        if row["p_adjusted"] is not None:
            shown = row["p_adjusted"] < view.alpha
            what = "the groups differ" if shown else "a difference between the groups could not be shown"
            told.append(f"{what}: {_who(view)} permuted over the groups, adjusted {p_equals(row['p_adjusted'])}")
    return told


def _bound(view: View, found: Standing) -> str:
    """Say the range of rates and the bound that the largest upper end supports, for judged groups only."""
    highest = max(found.judged, key=lambda row: float(row["high"]))
    worst, best = found.judged[0], found.judged[-1]
    most = f"at most {percent(highest['high'])} %"
    if len(found.judged) == 1:
        return f"one group could be judged, {label(worst['group'])}: {_rate(view, worst)}"
    return (
        f"WER is {most} in each of the {number(len(found.judged))} groups that could be judged (the largest upper "
        f"bound, {label(highest['group'])}; {view.level} intervals): highest {label(worst['group'])}, "
        f"{_rate(view, worst)}; lowest {label(best['group'])}, {_rate(view, best)}"
    )


def _contrast(view: View, found: Standing, contrast: Contrast) -> str:
    rows = {row["group"]: row for row in (*found.judged, *found.unjudged)}
    overall = view.overall(backend=found.backend, condition=found.condition)
    other = overall if found.reference is None else rows.get(found.reference)
    sides = [rows.get(contrast.group), other]
    rates = " against ".join(_rate(view, row) for row in sides if row is not None)
    return (
        f"{label(contrast.group)} is {sentences.verdict(view, contrast, to=found.other)}: {rates}; "
        f"{sentences.size(contrast, to=found.other)}"
    )


def _about_conditions(view: View, backend: str) -> list[str]:
    told = []
    for cost in contrasts(view, "condition", axis=OVERALL, backend=backend):
        if cost.row["condition"] != cost.row["reference_condition"]:
            who = sentences.people(view, cost.row["speakers"])
            told.append(f"With {label(backend)}{_among(view)}, {sentences.condition_cost(view, cost)} ({who}).")
    for axis in view.axes:
        told += _extra_costs(view, axis=axis, backend=backend)
    return told


def _extra_costs(view: View, *, axis: str, backend: str) -> list[str]:
    found = contrasts(view, "interaction", axis=axis, backend=backend)
    where = f"By {view.provenance(axis)}, with {label(backend)}{_among(view)}"
    told = [f"{where}, {sentences.extra_cost(view, c)}." for c in found if c.shown(view.alpha)]
    judged = [contrast for contrast in found if contrast.judged]
    if found and not judged:
        told.append(f"{where}, whether a condition costs a group more than the reference group could not be judged.")
    elif judged and not told:
        some = "" if len(judged) == len(found) else f"; {_unjudged(len(found) - len(judged), len(found))}"
        bounds = " and ".join(filter(None, (_at_most(view, found, on_points=on) for on in (True, False))))
        told.append(f"{where}, no extra cost of a condition for a group could be shown: {bounds}{some}.")
    return told


def _unjudged(count: int, of: int) -> str:
    return f"{number(count)} of {counted(of, 'comparison')} could not be judged"


def _at_most(view: View, found: list[Contrast], *, on_points: bool) -> str:
    """Say the largest extra cost that one scale's intervals leave open, with that scale's p."""
    rows = [(c.difference if on_points else c.ratio, c) for c in found]
    judged = [(row, c) for row, c in rows if row is not None and None not in (row["high"], row["p_adjusted"])]
    if not judged:
        return ""
    row, contrast = max(judged, key=lambda pair: float(pair[0]["high"]))
    most = f"{points(row['high'])} points" if on_points else f"{factor(row['high'])} times"
    interval = (points_interval if on_points else factor_interval)(row)
    return (
        f"at most {most} ({label(row['group'])} under {label(row['condition'])} {interval}, "
        f"adjusted {p_equals(row['p_adjusted'])}, {sentences.both_sides(view, contrast)})"
    )


def _about_failures(view: View) -> list[str]:
    failed = view.results.failures.height
    return [f"{counted(failed, 'transcription')} failed and are in no rate."] if failed else []
