"""From options to values: CARD=ROOT where either holds an equals sign."""

import pytest

from asrfair.errors import InputError
from asrfair.run.options import pairs


@pytest.mark.parametrize(
    ("text", "card", "root"),
    [
        ("timit=TIMIT", "timit", "TIMIT"),
        ("my=card.toml=ROOT", "my=card.toml", "ROOT"),
        ("my.toml=a=b", "my.toml", "a=b"),
        ("timit=a=b", "timit", "a=b"),
    ],
)
def test_card_and_root(text: str, card: str, root: str) -> None:
    assert pairs("validate CARD=ROOT", [text]) == {card: root}


@pytest.mark.parametrize("text", ["timit", "my=card.toml=", "=root", "card.toml", ""])
def test_no_pair(text: str) -> None:
    with pytest.raises(InputError, match="found no pair; expected validate CARD=ROOT"):
        pairs("validate CARD=ROOT", [text])


def test_a_group_may_look_like_a_card() -> None:
    assert pairs("--reference-group AXIS=GROUP", ["accent=a.toml=b"]) == {"accent": "a.toml=b"}
