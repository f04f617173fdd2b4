"""Backends by name: what is installed, how options are checked, how the command line's text is read."""

from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from asrfair.backend import registry
from asrfair.backend.registry import backend_classes, backend_options, open_backend, parse_backend
from asrfair.backend.replay import ReplayBackend
from asrfair.errors import BackendError, CardError


class PlainBackend:
    """A backend of somebody else's, with options of several types."""

    argument: ClassVar[str | None] = None
    needs_audio: ClassVar[bool] = False
    sample_rate: int | None = None

    def __init__(self, *, beam: int, scale: float = 1.0, name: str | None = None, fast: bool = False) -> None:
        self.given = (beam, scale, name, fast)


@pytest.fixture
def points(monkeypatch):
    def use(*found: EntryPoint) -> None:
        monkeypatch.setattr(registry, "entry_points", lambda *, group: found)

    return use


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(registry, "backend_class", lambda name: PlainBackend)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=registry.GROUP)


def test_the_three_of_asrfair_are_installed() -> None:
    assert {"command", "pocketsphinx", "replay"} <= set(backend_classes())
    assert list(backend_classes()) == sorted(backend_classes())


def test_two_backends_of_one_name_are_refused(points) -> None:
    points(point("one", "a:A"), point("one", "b:B"))
    with pytest.raises(BackendError, match=r"backend 'one': found two of that name, a:A and b:B"):
        backend_classes()


def test_one_backend_listed_twice_is_one(points) -> None:
    points(point("one", "a:A"), point("one", "a:A"))
    assert list(backend_classes()) == ["one"]


def test_unknown_backend_names_the_known(points) -> None:
    points(point("one", "a:A"), point("two", "b:B"))
    with pytest.raises(BackendError, match=r"backend 'tow': found no such backend; expected one of: one, two"):
        open_backend("tow", argument=None, options={})


@pytest.mark.parametrize("value", ["no_such_module_here:A", "asrfair.backend.base:Absent"])
def test_backend_that_cannot_be_imported(points, value: str) -> None:
    points(point("broken", value))
    with pytest.raises(BackendError, match=f"backend 'broken': {value} cannot be imported"):
        open_backend("broken", argument=None, options={})


def test_options_reach_the_constructor(plain) -> None:
    backend = open_backend("plain", argument=None, options={"beam": 4, "scale": 2, "name": None})
    assert backend.given == (4, 2.0, None, False)
    assert isinstance(backend.given[1], float)


def test_unknown_option_names_the_valid_ones(plain) -> None:
    with pytest.raises(CardError, match=r"unknown option 'beams'; expected one of: beam, scale, name, fast"):
        open_backend("plain", argument=None, options={"beam": 1, "beams": 2})


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("beam", "wide", "a whole number"),
        ("beam", True, "a whole number"),
        ("beam", None, "a whole number"),
        ("name", 3, "text"),
        ("fast", 1, "true or false"),
    ],
)
def test_option_of_wrong_type(plain, option: str, value: object, wanted: str) -> None:
    with pytest.raises(CardError, match=rf"backend 'plain': '{option}': found .*; expected {wanted}"):
        open_backend("plain", argument=None, options={"beam": 1, option: value})


def test_missing_option(plain) -> None:
    with pytest.raises(CardError, match=r"backend 'plain': option 'beam' is missing$"):
        open_backend("plain", argument=None, options={})


def test_argument_where_none_is_taken(plain) -> None:
    with pytest.raises(CardError, match="backend 'plain': found the argument 'x'; expected none"):
        open_backend("plain", argument="x", options={"beam": 1})


def test_argument_sets_the_named_option(tmp_path) -> None:
    table = tmp_path / "hypotheses.csv"
    table.write_text("utterance_id,hypothesis\na,b\n", encoding="utf-8")
    backend = open_backend("replay", argument=str(table), options={"blank": "failure"})
    assert isinstance(backend, ReplayBackend)
    assert backend.identity()["blank"] == "failure"
    with pytest.raises(CardError, match="option 'table' is given twice"):
        open_backend("replay", argument=str(table), options={"table": str(table)})


def test_missing_argument_shows_how_to_give_it() -> None:
    with pytest.raises(CardError, match=r"option 'table' is missing; write replay=TABLE or give the option"):
        open_backend("replay", argument=None, options={})


def test_choice_out_of_range_names_the_choices() -> None:
    with pytest.raises(CardError, match=r"'blank': found 'maybe'; expected one of: empty, failure"):
        open_backend("replay", argument="x.csv", options={"blank": "maybe"})


def test_options_are_the_keyword_only_parameters() -> None:
    assert list(backend_options(ReplayBackend)) == ["table", "backend", "blank", "null_text", "unquoted"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("replay", ("replay", "replay", None)),
        ("replay=a.csv", ("replay", "replay", "a.csv")),
        ("mine:replay", ("mine", "replay", None)),
        ("mine:replay=a:b=c.csv", ("mine", "replay", "a:b=c.csv")),
        ("command=python x.py --rate=8000", ("command", "command", "python x.py --rate=8000")),
    ],
)
def test_parse(text: str, parts: tuple[str, str, str | None]) -> None:
    assert parse_backend(text) == parts


@pytest.mark.parametrize("text", ["", "=a.csv", ":replay", "mine:", "a:b:c=d", "replay=", "replay= ", " =x"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(CardError, match="expected TYPE, TYPE=ARGUMENT or NAME:TYPE=ARGUMENT"):
        parse_backend(text)
