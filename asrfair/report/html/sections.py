"""The page's sections in their order: findings in words, then groups, ladders, words, and how the numbers were made.

Sections that the terminal has are told in its words (`asrfair.report.html.told`); charts and sortable tables stand
beside them. Of many recognisers charts show those that the terminal tells in full; the tables show all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from asrfair.report import sentences
from asrfair.report.adjustment import matched, models
from asrfair.report.all_groups import over_all_groups
from asrfair.report.html.blocks import Block, Chart, Charts, Facts, Line, Section, Subtitle, slug
from asrfair.report.html.charts import (
    FOREST_LEGEND,
    HEAT_LEGEND,
    Named,
    chart_id,
    forest_chart,
    heat_chart,
)
from asrfair.report.html.covered import coverage_table
from asrfair.report.html.rungs import ladder_sections
from asrfair.report.html.tables import Limits, disparities_table, rates_table
from asrfair.report.html.told import told
from asrfair.report.html.words import words_section
from asrfair.report.measured import conditions_measured, recordings_measured
from asrfair.report.metrics import other_measures, published_score
from asrfair.report.notes import closing, failures
from asrfair.report.overview import overview
from asrfair.report.rates import choose
from asrfair.report.sensitivity import sensitivity
from asrfair.report.systems import systems
from asrfair.report.text import Row, counted, label, safe
from asrfair.report.timing import timing
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST_CONDITIONS = 24
"""How many columns a heat map has; the table beside it has all."""


@dataclass(frozen=True)
class Given:
    """What the page is made of beside the results.

    ``words`` are as in `asrfair.tables.WORDS`, None where there are none, and ``words_notes`` say why; ``timings`` as
    `asrfair.stats.timing` makes them.
    """

    words: pl.DataFrame | None = None
    words_notes: tuple[str, ...] = ()
    timings: pl.DataFrame | None = None


def sections(view: View, given: Given, limits: Limits) -> list[Section]:
    """Return the sections before the worst utterances and after them, which are not here."""
    full = view.in_full()
    short = told(overview, view, full, prefix="overview", title="In short")
    made = [replace(section, id="overview") for section in short]
    if view.results.rates.height:
        made.append(_together(view, full, limits))
        made += [_axis(view, full, axis, limits) for axis in view.axes]
        made += ladder_sections(view, full, limits)
        made += told(sensitivity, full, prefix="sensitivity")
        made.append(words_section(view, given.words, given.words_notes, rows=limits.rows))
    return made


def closing_sections(view: View, given: Given, limits: Limits) -> list[Section]:
    """Return the sections after the worst utterances: what was measured, what failed, how numbers were made."""
    made = [
        *told(conditions_measured, view, prefix="conditions"),
        *told(recordings_measured, view, prefix="recordings", top=limits.rows),
        *told(failures, view, prefix="failures", top=limits.rows),
        *told(timing, view, given.timings, prefix="timing"),
    ]
    return [replace(section, folded=True) for section in made] + [_made(view)]


def _together(view: View, full: View, limits: Limits) -> Section:
    blocks: list[Block] = [_overall_charts(view, full), rates_table(view, OVERALL, rows=limits.rows)]
    compared = disparities_table(view, OVERALL, rows=limits.rows)
    blocks += [compared] if compared else []
    for writer, shown in ((systems, full), (other_measures, full), (published_score, view)):
        named: dict[str, Any] = {"axis": OVERALL, "top": limits.groups} if writer is systems else {}
        for section in told(writer, shown, prefix=f"together-{writer.__name__}", **named):
            blocks += section.blocks
    return Section("together", view.who("All speakers together"), blocks)


def _overall_charts(view: View, full: View) -> Charts:
    if len(view.conditions) == 1:
        rows = [row for backend in view.backends for row in view.rates(axis=OVERALL, backend=backend)]
        named = Named(chart_id("forest", OVERALL), f"All together, in {label(view.condition)}", "rates-overall")
        return Charts(
            [forest_chart(named, [label(row["backend"]) for row in rows], rows, guide=None)], view.who(FOREST_LEGEND)
        )
    charts = []
    for backend in full.backends:
        rows = sorted(view.rates(axis=OVERALL, backend=backend), key=lambda row: view.place(row["condition"]))
        named = Named(chart_id("forest", OVERALL, backend), f"All together, {label(backend)}", "rates-overall")
        charts.append(forest_chart(named, [label(row["condition"]) for row in rows], rows, guide=None))
    return Charts(charts, view.who(FOREST_LEGEND))


def _axis(view: View, full: View, axis: str, limits: Limits) -> Section:
    blocks: list[Block] = []
    if view.axis(axis).get("imputed"):
        blocks.append(Line(sentences.IMPUTED, "warning"))
    if view.signature.get("independent_utterances"):
        blocks.append(Line(sentences.INDEPENDENT, "warning"))
    for section in told(over_all_groups, view, prefix=f"over-{slug(axis)}", axis=axis):
        blocks += section.blocks
    blocks += _group_charts(view, full, axis, limits)
    blocks.append(rates_table(view, axis, rows=limits.rows))
    blocks.append(Subtitle("Comparisons"))
    if view.axis(axis).get("reference_group") is None:
        who = view.who("speakers")
        blocks.append(Line(f"No reference group is named for this axis: groups are compared with all {who}."))
    compared = disparities_table(view, axis, rows=limits.rows)
    blocks.append(compared or Line("Nothing was compared."))
    for writer in (matched, models):
        for section in told(writer, full, prefix=f"{writer.__name__}-{slug(axis)}", axis=axis, top=limits.groups):
            blocks += section.blocks
    blocks += [Subtitle("Coverage"), coverage_table(view, axis, rows=limits.rows)]
    return Section(f"by-{slug(axis)}", f"By {view.provenance(axis)}", blocks)


def _group_charts(view: View, full: View, axis: str, limits: Limits) -> Iterator[Block]:
    reference = view.axis(axis).get("reference_group")
    chosen = {
        backend: choose(
            view.rates(axis=axis, backend=backend, condition=view.condition), top=limits.groups, reference=reference
        )
        for backend in full.backends
    }
    shown = {backend: choice.shown for backend, choice in chosen.items() if choice.shown}
    if not shown:
        return
    rest = max(len(choice.rest) for choice in chosen.values())
    beyond = f"The worst are drawn; {counted(rest, 'more group')} not." if rest else ""
    yield Subtitle(f"WER of each group, in {label(view.condition)}")
    forests = [_forest(view, axis, backend, rows, reference) for backend, rows in shown.items()]
    yield Charts(forests, " ".join(filter(None, [view.who(FOREST_LEGEND), beyond, _backends_left(view, full)])))
    if len(view.conditions) > 1:
        yield Subtitle("WER of each group under each condition")
        heats = [_heat(view, axis, backend, rows) for backend, rows in shown.items()]
        columns = len(view.conditions) - MOST_CONDITIONS
        more = f"{counted(columns, 'more condition')} not drawn." if columns > 0 else ""
        yield Charts(heats, " ".join(filter(None, [HEAT_LEGEND, beyond, more])))


def _backends_left(view: View, full: View) -> str:
    rest = len(view.backends) - len(full.backends)
    return f"Drawn: the baseline recogniser and the highest WERs; {rest:,} more in the table." if rest else ""


def _forest(view: View, axis: str, backend: str, rows: Sequence[Row], reference: str | None) -> Chart:
    names = [_name(row, reference) for row in rows]
    overall = None if view.condition is None else view.overall(backend=backend, condition=view.condition)
    shown = list(rows) if overall is None else [*rows, overall]
    names = names if overall is None else [*names, view.who("all speakers")]
    guide = next((row["wer"] for row in rows if row["group"] == reference and reference is not None), None)
    named = Named(chart_id("forest", axis, backend), f"{label(axis)}, {label(backend)}", f"rates-{slug(axis)}")
    return forest_chart(named, names, shown, guide=guide)


def _name(row: Row, reference: str | None) -> str:
    return f"{label(row['group'])}{' (reference)' if row['group'] is not None and row['group'] == reference else ''}"


def _heat(view: View, axis: str, backend: str, rows: Sequence[Row]) -> Chart:
    conditions = view.conditions[:MOST_CONDITIONS]
    cells = {(row["group"], row["condition"]): row for row in view.rates(axis=axis, backend=backend)}
    named = Named(chart_id("heat", axis, backend), f"{label(axis)}, {label(backend)}", f"rates-{slug(axis)}")
    names = [label(row["group"]) for row in rows]
    return heat_chart(named, names, conditions, [[cells.get((row["group"], c)) for c in conditions] for row in rows])


def _made(view: View) -> Section:
    signature = view.signature
    axes = [(label(axis), _origin(view, axis)) for axis in view.axes]
    libraries = ", ".join(f"{name} {version}" for name, version in (signature.get("libraries") or {}).items())
    corpus = view.corpus
    facts = [
        ("made", f"{signature.get('created') or 'unknown'}, by asrfair {signature.get('asrfair') or 'unknown'}"),
        ("corpus", " ".join(str(corpus[key]) for key in ("card", "digest") if corpus.get(key))),
        ("licence", str(corpus.get("licence") or "")),
        ("citation", str(corpus.get("citation") or "")),
        ("seed", str(signature.get("seed"))),
        ("software", ", ".join(filter(None, [f"Python {signature.get('python') or 'unknown'}", libraries]))),
    ]
    blocks: list[Block] = [Facts(tuple((name, safe(text)) for name, text in facts if text))]
    if axes:
        blocks += [Subtitle("Who assigned the labels"), Facts(tuple(axes))]
    for section in told(closing, view, prefix="closing"):
        blocks += [Subtitle(section.title), *section.blocks]
    return Section("made", "How the numbers were made", blocks)


def _origin(view: View, axis: str) -> str:
    about = view.axis(axis)
    reference = about.get("reference_group")
    parts = [view.provenance(axis).removeprefix(f"{label(axis)} (").removesuffix(")")]
    parts += [f"reference group {label(reference)}"] if reference is not None else ["no reference group"]
    return safe("; ".join([*parts, str(about.get("note") or "")]).removesuffix("; "))
