"""The report on a terminal, in a pipe or in a log."""

from rich.console import Console

from asrfair.report import disparities, sentences
from asrfair.report.adjustment import matched, models
from asrfair.report.all_groups import over_all_groups
from asrfair.report.ladders import ladders
from asrfair.report.measured import conditions_measured, recordings_measured
from asrfair.report.metrics import other_measures, published_score
from asrfair.report.notes import closing, failures
from asrfair.report.overview import overview, what_was_run
from asrfair.report.page import WARNING, Page
from asrfair.report.rates import group_rates, overall_rates, recogniser_rates
from asrfair.report.sensitivity import sensitivity
from asrfair.report.systems import systems
from asrfair.report.text import label
from asrfair.report.view import View
from asrfair.results import Results
from asrfair.tables import OVERALL


def render(results: Results, console: Console, *, top: int = 20) -> None:
    """Write the report to a console; of more than ``top`` groups the worst are shown and the rest counted.

    The text fits the console's width, reads without colour, and uses plain ASCII where the encoding is not UTF.
    """
    page, view = Page(console), View.of(results)
    if view.synthetic:
        page.line(sentences.SYNTHETIC, style=WARNING)
        page.gap()
    what_was_run(page, view)
    overview(page, view)
    if view.results.rates.height:
        _together(page, view, top=top)
        for axis in view.axes:
            _axis(page, view, axis=axis, top=top)
        ladders(page, view, top=top)
        sensitivity(page, view)
    conditions_measured(page, view)
    recordings_measured(page, view, top=top)
    failures(page, view, top=top)
    closing(page, view)
    if view.synthetic:
        page.gap()
        page.line(sentences.SYNTHETIC, style=WARNING)


def _together(page: Page, view: View, *, top: int) -> None:
    page.heading(view.who("All speakers together: WER in per cent"))
    if len(view.conditions) == 1 < len(view.backends):
        recogniser_rates(page, view)
    else:
        for backend in view.backends:
            overall_rates(page, view, backend=backend)
            disparities.condition_costs(page, view, axis=OVERALL, backend=backend, top=top)
    systems(page, view, axis=OVERALL, top=top)
    other_measures(page, view)
    published_score(page, view)


def _axis(page: Page, view: View, *, axis: str, top: int) -> None:
    page.heading(f"By {view.provenance(axis)}")
    if view.axis(axis).get("imputed"):
        page.line(sentences.IMPUTED, style=WARNING, indent=2)
    if view.signature.get("independent_utterances"):
        page.line(sentences.INDEPENDENT, style=WARNING, indent=2)
    over_all_groups(page, view, axis=axis)
    for backend in view.backends:
        page.gap()
        page.line(label(backend), style="bold", indent=2)
        group_rates(page, view, axis=axis, backend=backend, top=top)
        disparities.against_reference(page, view, axis=axis, backend=backend, top=top)
        disparities.against_overall(page, view, axis=axis, backend=backend, top=top)
        disparities.interactions(page, view, axis=axis, backend=backend, top=top)
        disparities.condition_costs(page, view, axis=axis, backend=backend, top=top)
    systems(page, view, axis=axis, top=top)
    matched(page, view, axis=axis, top=top)
    models(page, view, axis=axis, top=top)
