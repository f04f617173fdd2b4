"""WER per group: a forest of intervals under the main condition, then groups × conditions."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from asrfair.report.footnotes import footnotes
from asrfair.report.forest import cell, forest, scale_top
from asrfair.report.heat import NO_WORDS, heat_table, highest
from asrfair.report.page import QUIET, Column, Page
from asrfair.report.shareable import withheld_here
from asrfair.report.text import Row, counted, label, number, percent, percent_interval, sized, under
from asrfair.report.view import View, is_few, speakers
from asrfair.tables import OVERALL

FEW = "*  fewer than 10 speakers: the interval rests on few people"


@dataclass(frozen=True)
class Choice:
    """The groups shown and those only counted; the reference and the unlabelled are always shown."""

    shown: list[Row]
    rest: list[Row]


def choose(rows: Sequence[Row], *, top: int, reference: str | None) -> Choice:
    """Keep the ``top`` groups in the order given, worst first, and the ones that must stay visible."""
    kept = [row for k, row in enumerate(rows) if k < top or row["group"] in (None, reference)]
    return Choice(shown=kept, rest=[row for row in rows if row not in kept])


def recogniser_rates(page: Page, view: View) -> None:
    """Write the WER of all speakers together under the only condition, per recogniser."""
    rows = [row for backend in view.backends for row in view.rates(axis=OVERALL, backend=backend)]
    if rows:
        page.gap()
        names = [label(row["backend"]) for row in rows]
        _forest_table(page, view, rows, names=names, title=under(rows[0]["condition"]), guide=None)


def overall_rates(page: Page, view: View, *, backend: str) -> None:
    """Write the WER of all speakers together with one recogniser, per condition."""
    rows = sorted(view.rates(axis=OVERALL, backend=backend), key=lambda row: view.place(row["condition"]))
    if rows:
        page.gap()
        page.line(label(backend), style="bold", indent=2)
        names = [label(row["condition"]) for row in rows]
        top = scale_top([row for name in view.backends for row in view.rates(axis=OVERALL, backend=name)])
        _forest_table(page, view, rows, names=names, title="condition", guide=None, top=top)


def group_rates(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write one axis with one recogniser: intervals under the main condition, then the other conditions.

    All recognisers' drawings have one scale, so that they can be compared by eye.
    """
    condition = view.condition
    if condition is None:
        return
    reference = view.axis(axis).get("reference_group")
    choices = {
        name: choose(view.rates(axis=axis, backend=name, condition=condition), top=top, reference=reference)
        for name in view.backends
    }
    chosen = choices[backend]
    overall = view.overall(backend=backend, condition=condition)
    if view.withheld(axis):
        gone = withheld_here(view.withheld(axis), view.withheld_named(axis))
        page.line(f"Withheld here: {gone}.", style=QUIET, indent=2, hang=2)
    if chosen.shown:
        names = [_name(row, reference) for row in chosen.shown]
        shown = chosen.shown if overall is None else [*chosen.shown, overall]
        names = names if overall is None else [*names, view.who("all speakers")]
        guide = None
        if reference is not None:
            guide = next((row["wer"] for row in chosen.shown if row["group"] == reference), None)
        drawn = [row for choice in choices.values() for row in choice.shown]
        drawn += [row for name in view.backends for row in view.rates(axis=OVERALL, backend=name, condition=condition)]
        _forest_table(page, view, shown, names=names, title=under(condition), guide=guide, top=scale_top(drawn))
        _rest(page, chosen.rest)
    if len(view.conditions) > 1 and chosen.shown:
        told = {name: {row["group"] for row in choice.shown} for name, choice in choices.items()}
        heat_table(page, view, axis=axis, backend=backend, main=chosen.shown, top=highest(view, axis=axis, groups=told))


def _name(row: Row, reference: str | None) -> str:
    mark = " (reference)" if row["group"] is not None and row["group"] == reference else ""
    return f"{label(row['group'])}{mark}"


def _rest(page: Page, rest: list[Row]) -> None:
    judged = [row["wer"] for row in rest if row["low"] is not None]
    if not rest:
        return
    told = f"and {counted(len(rest), 'more group')}: "
    parts = [f"{number(len(judged))} judged, WER {percent(min(judged))} to {percent(max(judged))} %"] if judged else []
    if len(judged) < len(rest):
        parts.append(f"{number(len(rest) - len(judged))} not judged")
    page.line(told + "; ".join(parts), indent=2)


def _forest_table(
    page: Page,
    view: View,
    rows: Sequence[Row],
    *,
    names: list[str],
    title: str,
    guide: float | None,
    top: float | None = None,
) -> None:
    columns = [
        Column(title, wraps=True, narrowest=12),
        Column(view.who("speakers"), align="right"),
        Column("words", align="right", drop=1),
        Column("WER", align="right"),
        Column(view.level, wraps=True, narrowest=8),
    ]
    body = [_forest_row(view, row, name) for row, name in zip(rows, names, strict=True)]
    drawn = page.table(columns, body, drawn=forest(rows, glyphs=page.glyphs, guide=guide, top=top))
    if drawn and guide is not None:
        page.line(f"{page.glyphs.guide}  WER of the reference group", style=QUIET, indent=2)
    if any(is_few(row["speakers"]) for row in rows):
        page.line(view.who(FEW), style=QUIET, indent=2, hang=3)
    if any(row["wer"] is None and view.errors(row) is not None for row in rows):
        page.line(NO_WORDS, style=QUIET, indent=2, hang=5)
    footnotes(page, view, [(name, row) for row, name in zip(rows, names, strict=True)])


def _forest_row(view: View, row: Row, name: str) -> list[Text | str]:
    errors = view.errors(row) if row["wer"] is None else None
    interval = Text(percent_interval(row), style="" if row["low"] is not None else QUIET)
    count = speakers(row["speakers"])
    return [
        name,
        count if count.endswith("*") else f"{count} ",
        sized(row, "reference_words"),
        Text(cell(row, errors), style="bold"),
        interval,
    ]
