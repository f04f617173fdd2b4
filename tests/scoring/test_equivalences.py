"""A user's own list of spellings that count as the same."""

import pytest

from asrfair.errors import InputError
from asrfair.scoring.equivalences import equivalences


def fold(*lines: str, normalize=str.lower):
    return equivalences(lines, where="mine.txt", normalize=normalize)


def test_later_forms_are_folded_to_the_first() -> None:
    folded = fold("# dialect", "", "Gonna = going to = goin' to  # spoken", "y'all = you all")
    assert folded("i'm goin' to  see you all going to town") == "i'm gonna see y'all gonna town"


def test_whole_words_only() -> None:
    assert fold("a = to")("into to tomorrow to") == "into a tomorrow a"


def test_the_longest_form_wins_and_nothing_is_folded_twice() -> None:
    folded = fold("x = new york", "y = new york city", "new = york")
    assert folded("new york city new york york") == "y x new"


def test_signs_in_forms_are_plain_text() -> None:
    assert fold("c plus plus = c++")("c++ c+") == "c plus plus c+"


def test_forms_that_are_one_already_are_left() -> None:
    assert fold("color = colour", normalize=lambda text: text.replace("our", "or"))("a color") == "a color"


def test_an_empty_list_leaves_the_text() -> None:
    assert fold("# nothing")("a  b") == "a  b"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a"], "line 1: found «a»; expected form = form"),
        (["# x", "a = "], "line 2: found «a =»"),
        (["a = b = a"], "line 1: found a form twice"),
        (["a = b", "c = B"], "line 2: found «b», which is also in line 1"),
        (["a = b", "b = c"], "line 2: found «b», which is also in line 1"),
        (["a = b", "b = a"], "line 2: found «b», which is also in line 1"),
    ],
)
def test_wrong_lines_are_named(lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=f"mine.txt, {message}"):
        fold(*lines)


def test_a_form_that_normalises_to_nothing_is_named() -> None:
    with pytest.raises(InputError, match=r"mine.txt, line 1: found a form that is nothing"):
        fold("a = !", normalize=lambda text: text.strip(" !"))
