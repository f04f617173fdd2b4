"""The page's sections in their order: findings in words, then groups, ladders, words, and how the numbers were made.

Sections that the terminal has are told in its words (`asrfair.report.html.told`); charts and sortable tables stand
beside them. Of many recognisers charts show those that the terminal tells in full; the tables show all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from asrfair.report import sentences
from asrfair.report.adjustment import matched, models
from asrfair.report.all_groups import over_all_groups
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.html.blocks import Block, Chart, Charts, Facts, Line, Section, Subtitle, Table, slug
from asrfair.report.html.charts import (
    FOREST_LEGEND,
    HEAT_LEGEND,
    Cells,
    Named,
    chart_id,
    forest_chart,
    forest_top,
    heat_chart,
    heat_top,
)
from asrfair.report.html.covered import coverage_table
from asrfair.report.html.rungs import ladder_sections
from asrfair.report.html.tables import Limits, disparities_table, rates_table
from asrfair.report.html.told import told
from asrfair.report.html.words import words_section
from asrfair.report.made_up import calibration, made_up, repeated
from asrfair.report.measured import conditions_measured, recordings_measured
from asrfair.report.metrics import other_measures, published_score
from asrfair.report.notes import closing, failures
from asrfair.report.overview import overview
from asrfair.report.rates import choose
from asrfair.report.sensitivity import sensitivity
from asrfair.report.systems import systems
from asrfair.report.text import Row, counted, label, safe, under
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
        made += _measures(view, full)
        made += told(sensitivity, full, prefix="sensitivity")
        made += told(made_up, full, prefix="made-up", top=limits.groups)
        made += told(calibration, full, prefix="calibration")
        made += told(repeated, view, prefix="repeated")
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
    paired = any(contrast.judged for name in view.backends for contrast in _against_baseline(view, name))
    for section in told(systems, full, prefix="together-systems", axis=OVERALL, top=limits.groups):
        # What the comparisons say already is behind a line, for the sake of its further test.
        blocks += [replace(block, folded=paired) if isinstance(block, Table) else block for block in section.blocks]
    return Section("together", view.who("All speakers together"), blocks)


def _against_baseline(view: View, backend: str) -> list[Contrast]:
    return contrasts(view, "backend", axis=OVERALL, backend=backend)


def _measures(view: View, full: View) -> list[Section]:
    """Return the measures beside the pooled WER, after what is told of groups."""
    found = [told(other_measures, full, prefix="measures"), told(published_score, view, prefix="published")]
    blocks = [block for sections in found for section in sections for block in section.blocks]
    return [Section("measures", "Other measures", blocks)] if blocks else []


def _overall_charts(view: View, full: View) -> Charts:
    top = forest_top([row for backend in view.backends for row in view.rates(axis=OVERALL, backend=backend)])
    if len(view.conditions) == 1:
        rows = [row for backend in view.backends for row in view.rates(axis=OVERALL, backend=backend)]
        named = Named(chart_id("forest", OVERALL), f"All together, {under(view.condition)}", "rates-overall")
        names = [label(row["backend"]) for row in rows]
        return Charts([forest_chart(named, names, rows, guide=None, top=top)], view.who(FOREST_LEGEND))
    charts = []
    for backend in full.backends:
        rows = sorted(view.rates(axis=OVERALL, backend=backend), key=lambda row: view.place(row["condition"]))
        named = Named(chart_id("forest", OVERALL, backend), f"All together, {label(backend)}", "rates-overall")
        charts.append(forest_chart(named, [label(row["condition"]) for row in rows], rows, guide=None, top=top))
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
    yield Subtitle(f"WER of each group, {under(view.condition)}")
    drawn = {backend: _drawn(view, backend, rows) for backend, rows in shown.items()}
    top = forest_top([row for rows in drawn.values() for row in rows])
    forests = [_forest(view, axis, rows, reference, top=top) for rows in drawn.values()]
    yield Charts(forests, " ".join(filter(None, [view.who(FOREST_LEGEND), beyond, _backends_left(view, full)])))
    if len(view.conditions) > 1:
        yield Subtitle("WER of each group under each condition")
        cells = {backend: _cells(view, axis, backend, rows) for backend, rows in shown.items()}
        darkest = heat_top(cells.values())
        heats = [_heat(view, axis, rows, cells[backend], top=darkest) for backend, rows in shown.items()]
        columns = len(view.conditions) - MOST_CONDITIONS
        more = f"{counted(columns, 'more condition')} not drawn." if columns > 0 else ""
        yield Charts(heats, " ".join(filter(None, [HEAT_LEGEND, beyond, more])))


def _backends_left(view: View, full: View) -> str:
    rest = len(view.backends) - len(full.backends)
    return f"Drawn: the baseline recogniser and the highest WERs; {rest:,} more in the table." if rest else ""


def _drawn(view: View, backend: str, rows: Sequence[Row]) -> list[Row]:
    """Return the groups' rows with that of all together after them."""
    overall = None if view.condition is None else view.overall(backend=backend, condition=view.condition)
    return list(rows) if overall is None else [*rows, overall]


def _forest(view: View, axis: str, rows: Sequence[Row], reference: str | None, *, top: float) -> Chart:
    names = [view.who("all speakers") if row["axis"] == OVERALL else _name(row, reference) for row in rows]
    own = [row for row in rows if row["axis"] != OVERALL]
    guide = next((row["wer"] for row in own if row["group"] == reference and reference is not None), None)
    backend = own[0]["backend"]
    named = Named(chart_id("forest", axis, backend), f"{label(axis)}, {label(backend)}", f"rates-{slug(axis)}")
    return forest_chart(named, names, rows, guide=guide, top=top)


def _name(row: Row, reference: str | None) -> str:
    return f"{label(row['group'])}{' (reference)' if row['group'] is not None and row['group'] == reference else ''}"


def _cells(view: View, axis: str, backend: str, rows: Sequence[Row]) -> Cells:
    cells = {(row["group"], row["condition"]): row for row in view.rates(axis=axis, backend=backend)}
    conditions = view.conditions[:MOST_CONDITIONS]
    return [[cells.get((row["group"], condition)) for condition in conditions] for row in rows]


def _heat(view: View, axis: str, rows: Sequence[Row], cells: Cells, *, top: float) -> Chart:
    backend = rows[0]["backend"]
    named = Named(chart_id("heat", axis, backend), f"{label(axis)}, {label(backend)}", f"rates-{slug(axis)}")
    names = [label(row["group"]) for row in rows]
    return heat_chart(named, names, view.conditions[:MOST_CONDITIONS], cells, top=top)


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
    return safe("; ".join([*parts, *filter(None, [view.taken(axis)])]))
