"""When and how labels were taken is told where a report says who assigned them."""

from asrfair.report.card.facts import measured
from asrfair.report.card.tables import provenance
from asrfair.report.html.sections import _origin
from asrfair.report.view import View
from tests.report import sample


def test_the_date_follows_the_label() -> None:
    view = View.of(sample.results(signature=sample.signature(axes=sample.about(date="2021", instrument="a form <b>"))))
    assert view.provenance("accent") == "accent (self-reported, 2021)"
    assert _origin(view, "accent").startswith("self-reported, 2021; reference group american; a form")
    (axis,) = measured(view)["axes"]
    assert (axis["date"], axis["instrument"]) == ("2021", "a form <b>")
    assert provenance(axis) == "accent (self-reported, 2021)"


def test_without_a_date_nothing_is_added() -> None:
    view = View.of(sample.results())
    assert view.provenance("accent") == "accent (self-reported)"
    (axis,) = measured(view)["axes"]
    assert (axis["date"], axis["instrument"]) == (None, None)
