"""Working ahead of what is in use: order, how far, errors, an early end."""

import threading
import time
from collections.abc import Iterator

import pytest

from asrfair.run.ahead import ahead


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_items_come_in_order(depth: int) -> None:
    assert list(ahead(iter(range(20)), depth=depth)) == list(range(20))


def waited(made: list[int], count: int) -> bool:
    ends = time.monotonic() + 5
    while len(made) < count and time.monotonic() < ends:
        time.sleep(0.001)
    return len(made) >= count


def test_items_are_made_while_one_is_in_use_and_no_more_than_asked_for() -> None:
    made: list[int] = []
    proceed = threading.Event()

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    each = ahead(items(), depth=2)
    assert next(each) == 0
    assert waited(made, 3)
    proceed.wait(0.15)
    assert made == [0, 1, 2]
    each.close()  # type: ignore[attr-defined]
    assert made == [0, 1, 2]


def test_what_making_raises_is_raised_after_what_was_made() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    each = ahead(items(), depth=3)
    assert next(each) == 1
    with pytest.raises(KeyError, match="lost"):
        next(each)
