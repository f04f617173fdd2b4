"""Strict reading of TOML into frozen dataclasses."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from asrfair.cards import build, digest, find_card, read_toml, shipped
from asrfair.errors import CardError


@dataclass(frozen=True)
class Inner:
    size: float


@dataclass(frozen=True)
class Outer:
    name: str
    count: int = 1
    share: float = 0.5
    flag: bool = False
    names: tuple[str, ...] = ()
    either: str | tuple[str, ...] = ""
    kind: Literal["a", "b"] = "a"
    limit: int | None = None
    inner: dict[str, Inner] = field(default_factory=dict)
    made: str = field(default="", metadata={"derived": True})


def test_everything_that_a_card_may_hold() -> None:
    values = {
        "name": "x",
        "count": 2,
        "share": 1,
        "flag": True,
        "names": ["p", "q"],
        "either": ["r"],
        "kind": "b",
        "limit": 3,
        "inner": {"one": {"size": 2}},
    }
    built = build(Outer, values, where="here")
    assert built == Outer("x", 2, 1.0, True, ("p", "q"), ("r",), "b", 3, {"one": Inner(2.0)})
    assert isinstance(built.share, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "here: key 'name' is missing"),
        ({"name": "x", "nam": "y"}, "here: found unknown key 'nam'; expected one of: name, count"),
        ({"name": "x", "made": "y"}, "unknown key 'made'"),
        ({"name": 3}, "here: 'name': found a whole number 3; expected text"),
        ({"name": "x", "count": 2.5}, "found a number 2.5; expected a whole number"),
        ({"name": "x", "count": True}, "found a boolean True; expected a whole number"),
        ({"name": "x", "share": "half"}, "found text 'half'; expected a number"),
        ({"name": "x", "flag": 1}, "expected true or false"),
        ({"name": "x", "names": "p"}, "expected a list of text"),
        ({"name": "x", "names": [1]}, "expected text"),
        ({"name": "x", "either": 4}, "expected text or a list of text"),
        ({"name": "x", "kind": "c"}, "found 'c'; expected one of: a, b"),
        ({"name": "x", "limit": "many"}, "expected a whole number"),
        (
            {"name": "x", "inner": {"one": {"sise": 2}}},
            "here: 'inner'.one: found unknown key 'sise'; expected one of: size",
        ),
        ({"name": "x", "inner": []}, "expected a table"),
    ],
)
def test_what_a_card_may_not_hold(values: dict[str, object], message: str) -> None:
    with pytest.raises(CardError) as caught:
        build(Outer, values, where="here")
    assert message in str(caught.value)


def test_toml_errors_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("a = 1\na = 2\n", encoding="utf-8")
    with pytest.raises(CardError, match=r"bad\.toml: not readable as TOML.*line 2"):
        read_toml(path)
    with pytest.raises(CardError, match="no such file"):
        read_toml(tmp_path / "none.toml")
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(CardError, match=r"bad\.toml"):
        read_toml(path)


def test_cards_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    assert find_card("conditions", "clean") == shipped("conditions")["clean"]
    path = tmp_path / "own.toml"
    path.write_text("", encoding="utf-8")
    assert find_card("corpora", str(path)) == path
    with pytest.raises(CardError, match="no such card file"):
        find_card("corpora", str(tmp_path / "other.toml"))


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"abc")
    assert digest(path) == "ba7816bf8f01cfea"
