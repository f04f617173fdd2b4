"""The first page: what was run, and the findings in words."""

from asrfair.report import sentences
from asrfair.report.findings import (
    Contrast,
    Standing,
    contrasts,
    largest_cost,
    largest_extra_cost,
    standing,
)
from asrfair.report.page import WARNING, Page
from asrfair.report.text import counted, factor, factor_interval, label, listed, points
from asrfair.report.view import View


def what_was_run(page: Page, view: View) -> None:
    """Write the corpus, the conditions, the recognisers and how text and intervals were made."""
    page.line(f"asrfair: {view.corpus.get('title') or view.corpus.get('card') or 'transcripts'}", style="bold")
    page.gap()
    for name, content in _facts(view):
        page.line(f"{name:<13}{content}", indent=2, hang=13)
    limit = view.signature.get("limit")
    if limit is not None:
        page.line(f"{'limit':<13}{sentences.limited(limit)}", style=WARNING, indent=2, hang=13)
    if view.signature.get("independent_utterances"):
        page.line(f"{'independence':<13}{sentences.INDEPENDENT}", style=WARNING, indent=2, hang=13)


def _facts(view: View) -> list[tuple[str, str]]:
    signature, corpus = view.signature, view.corpus
    hours = "" if corpus.get("hours") is None else f", {corpus['hours']:.2f} hours"
    size = f"{counted(corpus.get('speakers'), 'speaker')}, {counted(corpus.get('utterances'), 'utterance')}{hours}"
    normalizer = signature.get("normalizer") or {}
    facts = [
        ("corpus", f"{sentences.kind(view)}: {size}"),
        ("conditions", _marked(view.conditions, signature.get("baseline_condition"))),
        ("recognisers", _marked(view.backends, signature.get("baseline_backend"))),
        ("text", f"normalised by {normalizer.get('name', 'unknown')}, version {normalizer.get('version', 'unknown')}"),
        ("intervals", f"{view.level}, {signature.get('method') or 'method unknown'}; shown as [low, high]"),
    ]
    return [(name, content) for name, content in facts if content]


def _marked(names: tuple[str, ...], baseline: str | None) -> str:
    mark = len(names) > 1
    return listed(
        (f"{label(name)} (baseline)" if mark and name == baseline else label(name) for name in names), most=20
    )


def overview(page: Page, view: View) -> None:
    """Write who is served worst, what degraded most and what could not be judged."""
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
    _all_together(page, view, condition)
    if standings:
        _served_worst(page, view, standings)
    _degraded_most(page, view)
    _not_judged(page, view, standings)


def _part(page: Page, title: str) -> None:
    page.gap()
    page.line(title, style="bold", indent=2)


def _item(page: Page, lead: str, content: str) -> None:
    page.line(f"{lead}: {content}", indent=4, hang=2)


def _all_together(page: Page, view: View, condition: str) -> None:
    page.line("All speakers together", style="bold", indent=2)
    for backend in view.backends:
        row = view.overall(backend=backend, condition=condition)
        _item(page, label(backend), "not counted" if row is None else sentences.rate(view, row))


def _served_worst(page: Page, view: View, standings: list[Standing]) -> None:
    _part(page, "Who is served worst")
    for found in standings:
        page.line(f"{view.provenance(found.axis)}, {label(found.backend)}", indent=4, hang=2)
        if view.axis(found.axis).get("imputed"):
            page.line(sentences.IMPUTED, style=WARNING, indent=6)
        for sentence in _standing(view, found):
            page.line(sentence, indent=6, hang=2)


def _standing(view: View, found: Standing) -> list[str]:
    worst = found.worst
    if worst is None:
        return ["No group could be judged."]
    told = [f"Highest: {label(worst['group'])}, {sentences.rate(view, worst)}."]
    if len(found.judged) + len(found.not_judged) < 2:
        return [*told, "There is no second group to compare with."]
    contrast = found.contrast(worst["group"])
    if worst["group"] == found.reference:
        told.append(f"{found.other} is itself the reference group.")
    elif contrast is not None:
        verdict = sentences.verdict(contrast, to=found.other, alpha=view.alpha)
        told.append(f"That is {sentences.ratio(contrast, to=found.other)}: {verdict}.")
        told += _against_all(view, found, contrast)
    return [*told, *_others(view, found)]


def _against_all(view: View, found: Standing, contrast: Contrast) -> list[str]:
    """Say that the worst group is served worse than everybody together, where the reference group cannot show it."""
    if found.reference is None or contrast.verdict(view.alpha) == "worse":
        return []
    everybody = contrasts(view, "overall", axis=found.axis, backend=found.backend, condition=found.condition)
    against = next((c for c in everybody if c.group == contrast.group), None)
    if against is None or against.verdict(view.alpha) != "worse":
        return []
    return [f"That is {sentences.ratio(against, to='all speakers')}: served worse than all speakers together."]


def _others(view: View, found: Standing) -> list[str]:
    worst = found.worst
    shown = {side: found.with_verdict(side, view.alpha) for side in ("worse", "better")}
    if not any(shown.values()):
        return [sentences.no_disparity(found)]
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
    ratio = row is contrast.ratio
    size = f"{factor(row['estimate'])} times {factor_interval(row)}" if ratio else f"{points(row['estimate'])} points"
    return f"{label(contrast.group)} ({size}, {sentences.people(view, row['speakers'])})"


def _degraded_most(page: Page, view: View) -> None:
    costs = [(backend, largest_cost(view, backend=backend)) for backend in view.backends]
    if not any(cost for _, cost in costs):
        return
    _part(page, "What degraded most")
    for backend, cost in costs:
        if cost is not None:
            _item(
                page,
                label(backend),
                f"{sentences.condition_cost(cost)} ({sentences.people(view, cost.row['speakers'])}).",
            )
        extra = largest_extra_cost(view, backend=backend)
        if extra is not None:
            found = extra.verdict(view.alpha)
            verdict = {"worse": "shown", "better": "shown to cost less"}.get(found, str(found))
            sides = sentences.both_sides(extra)
            page.line(f"Largest extra cost: {sentences.extra_cost(extra)}, {sides}: {verdict}.", indent=6, hang=2)


def _not_judged(page: Page, view: View, standings: list[Standing]) -> None:
    told: dict[tuple[str, str], list[str]] = {}
    for found in standings:
        sentence = sentences.not_judged(found)
        if sentence is not None:
            told.setdefault((found.axis, sentence), []).append(found.backend)
    lines = []
    for (axis, sentence), backends in told.items():
        whose = "" if len(backends) == len(view.backends) else f", {listed(map(label, backends))}"
        lines.append(f"{view.provenance(axis)}{whose}: {sentence}.")
    failures = view.results.failures.height
    if failures:
        lines.append(f"{counted(failures, 'transcription')} failed; see the failures below.")
    if view.corpus.get("speakers") is None and not view.signature.get("independent_utterances"):
        lines.append("Speakers are unknown, and without them there are no intervals.")
    if not lines:
        return
    _part(page, "What could not be judged")
    for line in lines:
        page.line(line, indent=4, hang=2)
