"""The first page: what was run, and the findings in words."""

from collections import Counter

from asrfair.report import sentences, shareable
from asrfair.report.findings import SHOWN, Contrast, Standing, condition_costs, extra_costs, standing
from asrfair.report.ladders import from_to
from asrfair.report.lead import against_all, lead
from asrfair.report.page import WARNING, Page
from asrfair.report.rungs import Ladder, found_ladders
from asrfair.report.text import (
    Row,
    corpus_title,
    counted,
    factor,
    factor_interval,
    label,
    listed,
    number,
    percent,
    points,
    points_interval,
)
from asrfair.report.unshown import findable, no_disparity
from asrfair.report.view import View


def what_was_run(page: Page, view: View) -> None:
    """Write the corpus, the conditions, the recognisers and how text and intervals were made."""
    page.line(f"asrfair: {corpus_title(view.corpus, unknown='transcripts')}", style="bold")
    page.gap()
    for name, content in _facts(view):
        page.line(f"{name:<13}{content}", indent=2, hang=13)
    cut = sentences.cut(view.signature)
    if cut is not None:
        name = "limit" if view.signature.get("sample") is None else "sample"
        page.line(f"{name:<13}{cut}", style=WARNING, indent=2, hang=13)
    if view.signature.get("independent_utterances"):
        page.line(f"{'independence':<13}{sentences.INDEPENDENT}", style=WARNING, indent=2, hang=13)


def _facts(view: View) -> list[tuple[str, str]]:
    signature, corpus = view.signature, view.corpus
    hours = "" if corpus.get("hours") is None else f", {corpus['hours']:.2f} hours"
    who = counted(corpus.get("speakers"), view.who("speaker"))
    size = f"{who}, {counted(corpus.get('utterances'), 'utterance')}{hours}"
    normalizer = signature.get("normalizer") or {}
    facts = [
        ("corpus", f"{sentences.kind(view)}: {size}"),
        ("conditions", _marked(view.conditions, signature.get("baseline_condition"))),
        ("ladders", listed((_ladder(found) for found in found_ladders(view)), most=20)),
        ("recognisers", _marked(view.backends, signature.get("baseline_backend"))),
        ("text", f"normalised by {normalizer.get('name', 'unknown')}, version {normalizer.get('version', 'unknown')}"),
        ("intervals", f"{view.level}, {signature.get('method') or 'method unknown'}; shown as [low, high]"),
        ("findings", sentences.named_beforehand(view)),
    ]
    return [(name, content) for name, content in facts if content]


def _ladder(ladder: Ladder) -> str:
    first, last = (f"{value:g}" for value, _ in (ladder.rungs[0], ladder.rungs[-1]))
    return f"{label(ladder.name)} ({counted(len(ladder.rungs), 'rung')}, {label(ladder.what)} from {first} to {last})"


def _marked(names: tuple[str, ...], baseline: str | None) -> str:
    mark = len(names) > 1
    return listed(
        (f"{label(name)} (baseline)" if mark and name == baseline else label(name) for name in names), most=20
    )


def overview(page: Page, view: View, full: View) -> None:
    """Write who is served worst, what degraded most and what could not be judged; ``full`` are those told in full."""
    condition = view.condition
    if condition is None or not view.backends or view.results.rates.is_empty():
        page.gap()
        page.line("Nothing was counted: no rates to report.", style=WARNING)
        return
    page.heading(f"In short ({view.level} intervals; {label(condition)} unless said otherwise)")
    standings = [
        standing(view, axis=axis, backend=backend, condition=condition)
        for axis in view.axes
        for backend in view.backends
    ]
    lead(page, view, standings)
    _all_together(page, view, condition)
    told = [found for found in standings if found.backend in full.backends]
    if standings:
        _served_worst(page, view, standings, full)
    _degraded_most(page, full)
    _not_judged(page, full, told, rest=len(view.backends) - len(full.backends))
    gone = shareable.axes_withheld(view)
    if gone:
        _part(page, "Withheld here")
    for axis, which in gone:
        page.line(f"{view.provenance(axis)}: {which}.", indent=4, hang=2)


def _part(page: Page, title: str) -> None:
    page.gap()
    page.line(title, style="bold", indent=2)


def _item(page: Page, lead: str, content: str) -> None:
    page.line(f"{lead}: {content}", indent=4, hang=2)


def _all_together(page: Page, view: View, condition: str) -> None:
    _part(page, view.who("All speakers together"))
    for backend in view.backends:
        row = view.overall(backend=backend, condition=condition)
        _item(page, label(backend), "not counted" if row is None else sentences.rate(view, row))


def _served_worst(page: Page, view: View, standings: list[Standing], full: View) -> None:
    _part(page, "Who is served worst")
    for axis in view.axes:
        of_axis = [found for found in standings if found.axis == axis]
        for found in of_axis:
            if found.backend not in full.backends:
                continue
            page.line(f"{view.provenance(found.axis)}, {label(found.backend)}", indent=4, hang=2)
            if view.axis(found.axis).get("imputed"):
                page.line(sentences.IMPUTED, style=WARNING, indent=6)
            for sentence in _standing(view, found):
                page.line(sentence, indent=6, hang=2)
        _rest(page, view, [found for found in of_axis if found.backend not in full.backends])


def _rest(page: Page, view: View, rest: list[Standing]) -> None:
    """Count what is shown with the recognisers that are not told in full."""
    if not rest:
        return
    worse = [found for found in rest if found.with_verdict("worse", view.alpha)]
    highest = Counter(label(found.worst["group"]) for found in rest if found.worst is not None)
    names = listed(f"{group} with {number(count)}" for group, count in highest.most_common())
    page.line(f"{view.provenance(rest[0].axis)}, {counted(len(rest), 'more recogniser')}", indent=4, hang=2)
    page.line(f"Highest of the groups {view.judgeable(rest[0].axis)}: {names}.", indent=6, hang=2)
    page.line(
        f"A group is shown to be served worse than {rest[0].other} with {number(len(worse))} of {number(len(rest))}.",
        indent=6,
        hang=2,
    )


def _standing(view: View, found: Standing) -> list[str]:
    worst = found.worst
    if worst is None:
        return [f"{shareable.none_among(view, found.axis)} could be judged."]
    which = f"groups {view.judgeable(found.axis)}"
    among = f" of the {which}" if found.unjudged or view.withheld(found.axis) else ""
    told = [f"Highest{among}: {label(worst['group'])}, {sentences.rate(view, worst)}."]
    if len(found.judged) > 1 and len({row["wer"] for row in found.judged}) == 1:
        return [f"All {which} have the same WER, {percent(worst['wer'])} %."]
    higher = [_higher(view, row) for row in found.unjudged if (row["wer"] or 0.0) > worst["wer"]]
    above = [f"Higher, but not judged: {listed(higher, most=3)}."] if higher else []
    if len(found.judged) + len(found.not_judged) < 2:
        second = "No second group is shown" if view.withheld(found.axis) else "There is no second group"
        return [*told, *above, f"{second} to compare with."]
    contrast = found.contrast(worst["group"])
    if found.reference is not None and worst["group"] == found.reference:
        told.append(f"{found.other} is itself the reference group.")
    elif contrast is not None:
        told.append(_against_other(view, found, contrast))
        told += _against_all(view, found)
    elif worst["group"] is None:
        told.append(f"{view.who('Unlabelled speakers')} are not compared with {found.other}.")
    return [*told, *above, *_others(view, found)]


def _against_other(view: View, found: Standing, contrast: Contrast) -> str:
    size = sentences.size(contrast, to=found.other)
    if not contrast.judged:
        return f"Against {found.other} it could not be judged (that is {size})."
    return f"That is {size}{_verdict(view, found, contrast)}."


def _verdict(view: View, found: Standing, contrast: Contrast) -> str:
    """Say what is shown of the worst group; nothing where the line on no disparity will say that for all groups."""
    verdict = contrast.verdict(view.alpha)
    if verdict != "not shown":
        return f": {sentences.verdict(view, contrast, to=found.other)}"
    shown = any(found.with_verdict(side, view.alpha) for side in SHOWN)
    return f": {sentences.verdict(view, contrast, to=found.other)}{findable(view, found, contrast)}" if shown else ""


def _higher(view: View, row: Row) -> str:
    return f"{label(row['group'])}, {percent(row['wer'])} % ({view.who(sentences.reason(row))})"


def _against_all(view: View, found: Standing) -> list[str]:
    against = against_all(view, found)
    if against is None:
        return []
    everybody_else = view.who("all speakers")
    mark = sentences.unnamed(view, against.row)
    return [f"That is {sentences.size(against, to=everybody_else)}: served worse than {everybody_else} together{mark}."]


def _others(view: View, found: Standing) -> list[str]:
    worst = found.worst
    shown = {side: found.with_verdict(side, view.alpha) for side in SHOWN}
    if not any(shown.values()):
        return [no_disparity(view, found)]
    told = []
    for side, sided in shown.items():
        told_already = any(worst is not None and c.group == worst["group"] for c in sided)
        names = [_named(view, c) for c in sided if worst is None or c.group != worst["group"]]
        if names:
            lead = "Also served" if told_already else "Served"
            told.append(f"{lead} {side} than {found.other}: {listed(names)}.")
    return told


def _named(view: View, contrast: Contrast) -> str:
    row = contrast.row
    if row is contrast.ratio:
        size = f"{factor(row['estimate'])} times {factor_interval(row)}"
    else:
        size = f"{points(row['estimate'])} points {points_interval(row)}"
    return f"{label(contrast.group)} ({size}, {sentences.people(view, row['speakers'])}){sentences.unnamed(view, row)}"


def _degraded_most(page: Page, view: View) -> None:
    told = [(backend, _cost(view, backend), _extra_cost(view, backend)) for backend in view.backends]
    along = [from_to(view, ladder, backend=backend) for ladder in found_ladders(view) for backend in view.backends]
    if not any(cost or extra for _, cost, extra in told) and not any(along):
        return
    _part(page, "What degraded most")
    for backend, cost, extra in told:
        if cost or extra:
            _item(page, label(backend), cost or "no other condition")
        page.line(extra, indent=6, hang=2)
    for sentence in along:
        page.line(sentence, indent=4, hang=2)


def _cost(view: View, backend: str) -> str:
    costs = condition_costs(view, backend=backend)
    largest = costs.largest
    if largest is None:
        return f"{sentences.no_cost(costs)}." if costs.compared else ""
    among = "" if costs.complete else "of the conditions that could be judged, "
    who = sentences.people(view, largest.row["speakers"])
    return f"{among}{sentences.condition_cost(view, largest)}; {who}."


def _extra_cost(view: View, backend: str) -> str:
    costs = extra_costs(view, backend=backend)
    shown = costs.largest_shown(view.alpha)
    largest = shown or costs.largest
    if largest is None:
        return f"Extra cost for a group: {sentences.no_extra_cost(costs)}." if costs.compared else ""
    first = "Largest extra cost" if largest is costs.largest else "Largest extra cost shown"
    among = "" if costs.complete else ", of those judged"
    axis = view.provenance(str(largest.row["axis"]))
    if not largest.shown(view.alpha):
        return f"No extra cost for a group could be shown; largest{among}, by {axis}: {_not_shown(view, largest)}."
    return f"{first}{among}, by {axis}: {sentences.extra_cost(view, largest)}."


def _not_shown(view: View, contrast: Contrast) -> str:
    """Say an extra cost that shows nothing, in points: «Hindi under telephone, +2.0 points [-1.0, +5.0] …»."""
    row = contrast.difference or contrast.row
    return (
        f"{label(row['group'])} under {label(row['condition'])}, {points(row['estimate'])} points "
        f"{points_interval(row)} beyond what it costs {label(row['reference_group'])} "
        f"({sentences.both_sides(view, contrast)})"
    )


def _not_judged(page: Page, view: View, standings: list[Standing], *, rest: int) -> None:
    told: dict[tuple[str, str], list[str]] = {}
    for found in standings:
        sentence = sentences.not_judged(view, found)
        if sentence is not None:
            told.setdefault((found.axis, sentence), []).append(found.backend)
    lines = []
    for (axis, sentence), backends in told.items():
        whose = "" if len(backends) == len(view.backends) else f", {listed(map(label, backends))}"
        lines.append(f"{view.provenance(axis)}{whose}: {sentence}.")
    if lines and rest:
        others = "" if view.signature.get("shareable") else ", or asrfair report --all"
        lines.append(f"{counted(rest, 'more recogniser')}: see the tables{others}.")
    failures = view.results.failures.height
    if failures:
        lines.append(f"{counted(failures, 'transcription')} failed; see the failures below.")
    if view.corpus.get("speakers") is None and not view.signature.get("independent_utterances"):
        lines.append(view.who("Speakers are unknown, and without them there are no intervals."))
    if not lines:
        return
    _part(page, "What could not be judged")
    for line in lines:
        page.line(line, indent=4, hang=2)
