"""Alternatives in text: ``{ gonna / going to / @ }`` stands for any one of these, and ``@`` for no word.

Conventions
-----------
Braces may stand anywhere in a reference or a hypothesis, touch words, and be nested; inside braces a slash always
separates, outside it is text. An alternative that is empty, or becomes empty when it is normalised, is no word.
`{ one reference / another reference }` is an utterance with two accepted references. Of all alternatives those are
scored that give the fewest errors (Levenshtein, each error counts one); of equals those listed first, the
reference's before the hypothesis's.

Source: the alternations of NIST's sclite (SCTK, doc/infmts.htm), which also aligns one network of words with another.
"""

import re
from collections.abc import Callable, Iterator

import polars as pl

from asrfair.errors import InputError

NOTHING = "@"
MARK = re.compile(r"([{}/])")

# The words that leave each place of a text, in the order listed, with the place where they lead; None is no word.
# Places are numbered so that every step leads to a higher one: the first is 0, the last has no steps.
Network = list[list[tuple[str | None, int]]]
# Whether it is a mark of alternatives, and the mark or the word.
Token = tuple[bool, str]


def within(function: Callable[[str], str], text: str) -> str:
    """Return the text with ``function`` applied outside the braces and to each alternative by itself.

    Braces and slashes come back with spaces around them. Raises InputError where braces do not match.
    """
    if "{" not in text and "}" not in text:
        return function(text)
    parts = [part if mark else function(part) for mark, part in _parts(text)]
    return " ".join(" ".join(parts).split())


def choose(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with one text in ``_reference`` and ``_hypothesis``: the alternatives with the fewest errors.

    The texts are normalised; words are what whitespace separates. Raises InputError where braces do not match.
    """
    distinct = pairs.select("_reference", "_hypothesis").unique(maintain_order=True)
    chosen = pl.DataFrame(
        [(*row, *chosen_pair(*row)) for row in distinct.iter_rows()],
        schema=dict.fromkeys(("_reference", "_hypothesis", "reference_chosen", "hypothesis_chosen"), pl.String),
        orient="row",
    )
    found = pairs.select("_reference", "_hypothesis").join(
        chosen, on=["_reference", "_hypothesis"], how="left", maintain_order="left"
    )
    return pairs.with_columns(_reference=found["reference_chosen"], _hypothesis=found["hypothesis_chosen"])


def chosen_pair(reference: str, hypothesis: str) -> tuple[str, str]:
    """Return the alternatives of a reference and of a hypothesis that give the fewest errors together."""
    if not any(sign in text for text in (reference, hypothesis) for sign in ("{", "}", NOTHING)):
        return reference, hypothesis
    one, other = _tokens(reference), _tokens(hypothesis)
    # Words that both begin or end with cost nothing in any reading, and the search grows with the square of the rest.
    start = _shared(one, other)
    end = _shared(one[start:][::-1], other[start:][::-1])
    before, after = _words(one[:start]), _words(one[len(one) - end :])
    network = _network(other[start : len(other) - end])
    words = _best_path(_network(one[start : len(one) - end]), network)
    heard = _best_path(network, _line(words))
    return " ".join([*before, *words, *after]), " ".join([*before, *heard, *after])


def _parts(text: str) -> Iterator[Token]:
    """Yield the parts of a text in order: (True, mark) for braces and their slashes, else (False, words)."""
    depth, words = 0, ""
    for part in MARK.split(text):
        if part not in ("{", "}", "/") or (part == "/" and not depth):
            words += part
            continue
        depth += {"{": 1, "}": -1, "/": 0}[part]
        if depth < 0:
            raise InputError(f"text «{text}»: found a brace that closes nothing; expected {{ one / another }}")
        yield False, words
        yield True, part
        words = ""
    if depth:
        raise InputError(f"text «{text}»: found a brace that is not closed; expected {{ one / another }}")
    yield False, words


def _tokens(text: str) -> list[Token]:
    return [(mark, word) for mark, part in _parts(text) for word in part.split() if word != NOTHING]


def _words(tokens: list[Token]) -> list[str]:
    return [word for _, word in tokens]


def _shared(one: list[Token], other: list[Token]) -> int:
    """Return how many words both begin with, outside braces."""
    shared = 0
    for token, same in zip(one, other, strict=False):
        if token != same or token[0]:
            break
        shared += 1
    return shared


def _network(tokens: list[Token]) -> Network:
    network: Network = [[]]
    place = 0
    open_braces: list[tuple[int, list[int]]] = []
    for mark, word in tokens:
        if not mark:
            place = _step(network, place, word)
            continue
        if word == "{":
            open_braces.append((place, []))
        else:
            open_braces[-1][1].append(place)
        if word == "}":
            ends = open_braces.pop()[1]
            place = _step(network, ends.pop(), None)
            for end in ends:
                network[end].append((None, place))
        else:
            place = _step(network, open_braces[-1][0], None)
    return network


def _step(network: Network, place: int, word: str | None) -> int:
    network.append([])
    network[place].append((word, len(network) - 1))
    return len(network) - 1


def _line(words: list[str]) -> Network:
    network: Network = [[(word, place)] for place, word in enumerate(words, start=1)]
    return [*network, []]


def _best_path(one: Network, other: Network) -> list[str]:
    """Return the first of the word sequences through ``one`` that can have the fewest errors against ``other``."""
    remaining = _remaining(one, other)
    reached = _spread([0.0] + [float("inf")] * (len(other) - 1), other)
    place, words = 0, []
    while one[place]:
        for word, target in one[place]:
            row = _after(reached, word, other)
            if min(map(sum, zip(row, remaining[target], strict=True))) == remaining[0][0]:
                break
        place, reached = target, row
        if word is not None:
            words.append(word)
    return words


def _remaining(one: Network, other: Network) -> list[list[float]]:
    """Return the fewest errors from each pair of places to the ends, shape (places of one, places of other)."""
    table = [[float("inf")] * len(other) for _ in one]
    table[-1][-1] = 0
    for place in reversed(range(len(one))):
        row = table[place]
        for across in reversed(range(len(other))):
            best = row[across]
            for heard, to in other[across]:
                best = min(best, row[to] + (heard is not None))
            for word, target in one[place]:
                below = table[target]
                best = min(best, below[across] + (word is not None))
                if word is not None:
                    best = min([best, *(below[to] + (word != heard) for heard, to in other[across] if heard)])
            row[across] = best
    return table


def _after(reached: list[float], word: str | None, other: Network) -> list[float]:
    """Return the fewest errors at each place of ``other`` after one more word, from those before it."""
    if word is None:
        return reached
    row = [errors + 1 for errors in reached]
    for place, steps in enumerate(other):
        for heard, to in steps:
            if heard is not None:
                row[to] = min(row[to], reached[place] + (word != heard))
    return _spread(row, other)


def _spread(row: list[float], other: Network) -> list[float]:
    for place, steps in enumerate(other):
        for heard, to in steps:
            row[to] = min(row[to], row[place] + (heard is not None))
    return row
