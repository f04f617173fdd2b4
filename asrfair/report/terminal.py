"""The report on a terminal, in a pipe or in a log."""

import polars as pl
from rich.console import Console

from asrfair.report import disparities, sentences, shareable
from asrfair.report.adjustment import matched, models
from asrfair.report.all_groups import over_all_groups
from asrfair.report.can_show import what_can_be_shown
from asrfair.report.ladders import ladders
from asrfair.report.made_up import calibration, made_up, repeated
from asrfair.report.measured import conditions_measured, recordings_measured
from asrfair.report.metrics import other_measures, published_score
from asrfair.report.notes import closing, failures
from asrfair.report.overview import overview, what_was_run
from asrfair.report.page import WARNING, Page
from asrfair.report.rates import group_rates, overall_rates, recogniser_rates
from asrfair.report.sensitivity import sensitivity
from asrfair.report.systems import systems
from asrfair.report.text import label, listed, number
from asrfair.report.timing import timing
from asrfair.report.view import View
from asrfair.results import Results
from asrfair.tables import OVERALL

TOP = 20
"""How many groups are shown where nothing else is asked for."""


def render(
    results: Results, console: Console, *, top: int = TOP, every: bool = False, timings: pl.DataFrame | None = None
) -> None:
    """Write the report to a console; of more than ``top`` groups the worst are shown and the rest counted.

    Of more than three recognisers the baseline and those with the highest WER are told in full, unless ``every`` one is
    asked for; ``timings`` as `asrfair.stats.timing` makes them. The text fits the console's width, reads without
    colour, and uses plain ASCII where the encoding is not UTF.
    """
    page, view = Page(console), View.of(results)
    full = view if every else view.in_full()
    if view.synthetic:
        page.line(sentences.SYNTHETIC, style=WARNING)
        page.gap()
    shareable.top(page, view)
    what_was_run(page, view)
    _left_out(page, view, full)
    overview(page, view, full)
    if view.results.rates.height:
        _together(page, view, full, top=top)
        for axis in view.axes:
            _axis(page, view, full, axis=axis, top=top)
        ladders(page, full, top=top)
        sensitivity(page, full)
        what_can_be_shown(page, view, top=top)
    made_up(page, full, top=top)
    calibration(page, full)
    repeated(page, view)
    conditions_measured(page, view)
    recordings_measured(page, view, top=top)
    failures(page, view, top=top)
    timing(page, view, timings)
    closing(page, view)
    if view.synthetic:
        page.gap()
        page.line(sentences.SYNTHETIC, style=WARNING)


def _left_out(page: Page, view: View, full: View) -> None:
    rest = len(view.backends) - len(full.backends)
    if rest:
        names = listed(map(label, full.backends))
        every = "" if view.signature.get("shareable") else " (--all: everything)"
        told = f"the baseline and the highest WERs: {names}; of {number(rest)} more the main figures{every}"
        page.line(f"{'in full':<13}{told}", indent=2, hang=13)


def _together(page: Page, view: View, full: View, *, top: int) -> None:
    page.heading(view.who("All speakers together: WER in per cent"))
    one = len(view.conditions) == 1
    if one and len(view.backends) > 1:
        recogniser_rates(page, view)
    else:
        for backend in full.backends:
            overall_rates(page, view, backend=backend)
            disparities.condition_costs(page, view, axis=OVERALL, backend=backend, top=top)
    systems(page, view if one else full, axis=OVERALL, top=top)
    other_measures(page, full)
    published_score(page, view)


def _axis(page: Page, view: View, full: View, *, axis: str, top: int) -> None:
    page.heading(f"By {view.provenance(axis)}")
    if view.axis(axis).get("imputed"):
        page.line(sentences.IMPUTED, style=WARNING, indent=2)
    if view.signature.get("independent_utterances"):
        page.line(sentences.INDEPENDENT, style=WARNING, indent=2)
    over_all_groups(page, view, axis=axis)
    for backend in full.backends:
        page.gap()
        page.line(label(backend), style="bold", indent=2)
        group_rates(page, view, axis=axis, backend=backend, top=top)
        disparities.against_reference(page, view, axis=axis, backend=backend, top=top)
        disparities.against_overall(page, view, axis=axis, backend=backend, top=top)
        disparities.interactions(page, view, axis=axis, backend=backend, top=top)
        disparities.condition_costs(page, view, axis=axis, backend=backend, top=top)
    systems(page, full, axis=axis, top=top)
    matched(page, full, axis=axis, top=top)
    models(page, full, axis=axis, top=top)
