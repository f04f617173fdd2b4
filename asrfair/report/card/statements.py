"""The card's sentences: findings in words, the evidence in each, no claim about people from synthetic voices."""

from collections.abc import Sequence

from asrfair.report import sentences
from asrfair.report.card.bounds import Bounds, is_product
from asrfair.report.card.statements_conditions import about_conditions
from asrfair.report.card.statements_contrasts import about_contrasts, under_other_conditions
from asrfair.report.card.statements_groups import about_bounds, about_everyone, among, rate_told, where, who
from asrfair.report.findings import Standing, standing
from asrfair.report.rungs import Ladder, found_ladders
from asrfair.report.sensitivity import changes
from asrfair.report.text import counted, label, listed, number, p_equals, percent, under
from asrfair.report.view import View
from asrfair.tables import OVERALL


def sections(view: View, bounds: Sequence[Bounds]) -> dict[str, list[str]]:
    """Return the findings as sentences, by section of the card; ``bounds`` are those of `all_bounds`."""
    notice = [sentences.SYNTHETIC] if view.synthetic else []
    return {
        "notice": notice,
        "measured": [_measured(view), *_how(view), *_grouped(view), *_cautions(view), *_planned(view)],
        "overview": _overall(view),
        "groups": _groups(view, bounds),
        "robustness": about_conditions(view, bounds),
        "not_judged": _not_judged(view),
    }


def _measured(view: View) -> str:
    corpus = view.corpus
    hours = "" if corpus.get("hours") is None else f", {corpus['hours']:.2f} hours"
    title = label(view.title)
    speakers = counted(corpus.get("speakers"), "synthetic voice" if view.synthetic else "speaker")
    overall = view.rows("rates", axis=OVERALL, condition=view.condition)
    words = max((row["reference_words"] for row in overall if row["reference_words"] is not None), default=None)
    size = f"{speakers}, {counted(corpus.get('utterances'), 'utterance')}, {counted(words, 'word')}{hours}"
    return f"Measured on {title} ({sentences.kind(view)}): {size}; WER is pooled over words, lower is better."


def _how(view: View) -> list[str]:
    normalizer = view.signature.get("normalizer") or {}
    told = []
    if normalizer:
        name, version = (label(str(normalizer.get(key))) for key in ("name", "version"))
        told.append(f"Before words are compared, texts are normalised by {name}, version {version}.")
    if view.signature.get("method"):
        method = view.who(label(view.signature["method"]))
        told.append(f"Intervals hold at {view.level} ({method}): {who(view)}, not utterances, are the sample.")
    if view.whole.disparities["p_adjusted"].is_not_null().any():
        told.append(f"Of comparisons, {sentences.adjusted(view)}; the intervals are not adjusted.{_asks_another(view)}")
    return told


def _asks_another(view: View) -> str:
    if not view.rows("tests", test="equality"):
        return ""
    return " The test of equality asks another question: whether the groups of an axis differ at all."


def _gone(view: View, axis: str) -> str:
    return f"; {number(view.withheld(axis))} withheld" if view.withheld(axis) else ""


def _grouped(view: View) -> list[str]:
    told = []
    sizes = {True: 0, False: 0}
    for axis in view.axes:
        groups = view.results.rates.filter(axis=axis)["group"].drop_nulls().unique(maintain_order=True).to_list()
        sizes[is_product(axis)] += len(groups)
        names = f": {listed(map(label, groups))}" if groups else ""
        told.append(f"Groups by {view.provenance(axis)}: {counted(len(groups), 'group')}{names}{_gone(view, axis)}.")
    products = [axis for axis in view.axes if is_product(axis)]
    single = len(view.axes) - len(products)
    if view.axes:
        crossed = (
            f", and {counted(sizes[True], 'group')} of {counted(len(products), 'intersection')} of them"
            if products
            else "; no intersections were measured"
            if single > 1
            else ""
        )
        axes = counted(single, "axis", plural="axes")
        told.append(f"Together: {counted(sizes[False], 'group')} from {axes}{crossed}.")
    along = [_ends(ladder) for ladder in found_ladders(view)]
    if len(view.conditions) > 1 or along:
        ladders = f"; {counted(len(along), 'ladder')}: {'; '.join(along)}" if along else ""
        told.append(f"Conditions: {listed(map(label, view.conditions), most=20)}{ladders}.")
    return told


def _ends(ladder: Ladder) -> str:
    """Say a ladder with its ends: «noise (snr_db from 20 to -5 dB, 6 rungs)»."""
    (first, _), (last, _) = ladder.rungs[0], ladder.rungs[-1]
    unit = f" {ladder.unit}" if ladder.unit else ""
    ends = f"{label(ladder.parameter)} from {first:g} to {last:g}{unit}"
    return f"{label(ladder.name)} ({ends}, {counted(len(ladder.rungs), 'rung')})"


def _cautions(view: View) -> list[str]:
    told = []
    if view.signature.get("independent_utterances"):
        told.append(sentences.INDEPENDENT)
    cut = sentences.cut(view.signature, article=True)
    if cut is not None:
        told.append(f"Measured on {cut}.")
    return told


def _planned(view: View) -> list[str]:
    told = sentences.named_beforehand(view)
    return [f"{told[0].upper()}{told[1:]}."] if told else []


def _overall(view: View) -> list[str]:
    told = []
    for backend in view.backends:
        row = None if view.condition is None else view.overall(backend=backend, condition=view.condition)
        if row is not None:
            told.append(
                f"With {label(backend)} {under(view.condition)}, all {who(view)} together: {rate_told(view, row)}."
            )
            told += _errors(view, backend)
    return told


def _errors(view: View, backend: str) -> list[str]:
    """Say of which kinds the errors are, in per cent of the words that were said."""
    row = view.overall(backend=backend, condition=str(view.condition))
    kinds = {kind: None if row is None else row[f"{kind}_rate"] for kind in ("substitution", "deletion", "insertion")}
    if row is None or any(value is None for value in kinds.values()):
        return []
    told = listed(f"{kind}s {percent(value)} %" for kind, value in kinds.items())
    lead = f"With {label(backend)} {under(view.condition)}, errors by kind, as shares of the words that were said"
    return [f"{lead}: {told} ({sentences.evidence(view, row)})."]


def _groups(view: View, bounds: Sequence[Bounds]) -> list[str]:
    condition = view.condition
    if condition is None:
        return []
    told = [sentence for backend in view.backends for sentence in about_everyone(view, bounds, backend=backend)]
    for axis in view.axes:
        for backend in view.backends:
            found = standing(view, axis=axis, backend=backend, condition=condition)
            told += about_bounds(view, bounds, axis=axis, backend=backend)
            told += about_contrasts(view, found)
            told += [f"{where(view, found)}, {sentence}." for sentence in _equality(view, found)]
            told += under_other_conditions(view, axis=axis, backend=backend)
    return told + [f"Texts normalised otherwise{among(view)}: {change}." for change in changes(view)]


def _equality(view: View, found: Standing) -> list[str]:
    """Say whether it was shown that the groups differ at all."""
    place = {"axis": found.axis, "backend": found.backend, "condition": found.condition}
    told = []
    for row in view.rows("tests", test="equality", **place):
        if row["p_adjusted"] is not None:
            shown = row["p_adjusted"] < view.alpha
            what = "the groups differ" if shown else "a difference between the groups could not be shown"
            each = [rate["reference_words"] for rate in found.judged if rate["group"] is not None]
            words = None if None in each else sum(each)
            rests = f"{sentences.people(view, row['speakers'])}, {counted(words, 'word')}"
            told.append(
                f"{what}: {who(view)} permuted over the groups ({rests}), adjusted {p_equals(row['p_adjusted'])}"
            )
    return told


def _not_judged(view: View) -> list[str]:
    told = []
    for axis in view.axes if view.condition is not None else ():
        for backend in view.backends:
            found = standing(view, axis=axis, backend=backend, condition=str(view.condition))
            unjudged = sentences.not_judged(view, found)
            if unjudged is not None:
                told.append(f"{where(view, found)}, could not be judged: {unjudged}.")
            compared = [contrast for contrast in found.contrasts if not contrast.judged]
            if compared:
                told.append(
                    f"{where(view, found)}, {number(len(compared))} of "
                    f"{counted(len(found.contrasts), 'comparison')} with {found.other} could not be judged."
                )
    return [*told, *_not_measured(view)]


def _not_measured(view: View) -> list[str]:
    told = []
    failed = view.results.failures.height
    if failed:
        told.append(f"{counted(failed, 'transcription')} failed and are in no rate.")
    if view.corpus.get("speakers") is None and not view.signature.get("independent_utterances"):
        told.append(view.who("Speakers are unknown, and without them there are no intervals."))
    if not view.axes:
        told.append(view.who("No axis was asked for: no group of speakers was told apart."))
    elif len([axis for axis in view.axes if not is_product(axis)]) > 1 and not any(map(is_product, view.axes)):
        told.append("Intersections of the axes were not measured.")
    if len(view.whole.rates["condition"].unique()) < 2:
        told.append("One acoustic condition alone was measured: of robustness nothing is said.")
    return told
