"""When and how labels were taken is told where a report says who assigned them."""

import io

from rich.console import Console

from asrfair.report.card.data import metrics_card
from asrfair.report.card.facts import measured
from asrfair.report.card.tables import provenance
from asrfair.report.card.text import markdown
from asrfair.report.html.sections import _origin
from asrfair.report.notes import closing
from asrfair.report.page import Page
from asrfair.report.view import View
from tests.report import sample


def test_the_date_follows_the_label() -> None:
    view = View.of(sample.results(signature=sample.signature(axes=sample.about(date="2021", instrument="a form <b>"))))
    assert view.provenance("accent") == "accent (self-reported, 2021)"
    assert _origin(view, "accent").startswith("self-reported, 2021; reference group american; a form")
    (axis,) = measured(view)["axes"]
    assert (axis["date"], axis["instrument"]) == ("2021", "a form <b>")
    assert provenance(axis) == "accent (self-reported, 2021)"


def test_terminal_and_card_tell_how_labels_were_taken() -> None:
    """One line of an axis: how, and the card's note; hostile text is shown, and does nothing."""
    told = sample.about(date="2021", instrument="a form \x1b[31m|<b>", note="in own words")
    made = sample.results(signature=sample.signature(axes=told))
    output = io.StringIO()
    closing(Page(Console(file=output, width=300, color_system=None)), View.of(made))
    lines = [line.strip() for line in output.getvalue().splitlines()]
    line = next(line for line in lines if line.startswith("accent (self-reported, 2021): a form"))
    assert line.endswith("|<b>; in own words")
    assert "\x1b" not in output.getvalue()
    (row,) = [line for line in markdown(metrics_card(made)).splitlines() if line.startswith("| labels, accent |")]
    assert "accent (self-reported, 2021): a form" in row
    assert row.endswith("\\|\\<b\\>; in own words |")
    assert "\x1b" not in row


def test_without_a_date_nothing_is_added() -> None:
    view = View.of(sample.results())
    assert view.provenance("accent") == "accent (self-reported)"
    (axis,) = measured(view)["axes"]
    assert (axis["date"], axis["instrument"]) == (None, None)
