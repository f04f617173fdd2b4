"""From a model's tokens to words: what is decoded so far says to which word a token belongs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from asrfair.backend.base import Word
from asrfair.backend.local import word_confidence

Decode = Callable[[list[int]], str]


@dataclass(frozen=True)
class Token:
    """A token of text, how likely it was, and where it lies in seconds; None where not told."""

    number: int
    log_probability: float | None = None
    start_s: float | None = None
    end_s: float | None = None


def words_of(tokens: Sequence[Token], decode: Decode, *, duration_s: float) -> tuple[str, tuple[Word, ...]]:
    """Return the text and its words between white space; none if the tokens tell nothing of words.

    A token belongs to the last word of the text up to it. A word is as likely as all its tokens in turn; it lasts from
    its first token's start to its last one's end, within the recording.
    """
    text = decode([token.number for token in tokens]).strip()
    if all(token.log_probability is None and token.start_s is None for token in tokens):
        return text, ()
    members: list[list[Token]] = [[] for _ in text.split()]
    for token, number in zip(tokens, _word_numbers(tokens, decode), strict=True):
        if number is not None and number < len(members):
            members[number].append(token)
    if not all(members):
        return text, ()
    return text, tuple(_word(one, some, duration_s) for one, some in zip(text.split(), members, strict=True))


def _word_numbers(tokens: Sequence[Token], decode: Decode) -> Iterator[int | None]:
    before = ""
    for count in range(1, len(tokens) + 1):
        # Decoded from the start each time: a letter may be several tokens, and no token is text on its own.
        now = decode([token.number for token in tokens[:count]])
        is_space = now != before and now.strip() == before.strip()
        yield None if is_space or not now.strip() else len(now.split()) - 1
        before = now


def _word(text: str, tokens: Sequence[Token], duration_s: float) -> Word:
    sure = [token.log_probability for token in tokens if token.log_probability is not None]
    start_s, end_s = _within(tokens[0].start_s, duration_s), _within(tokens[-1].end_s, duration_s)
    if start_s is not None and end_s is not None and end_s < start_s:
        start_s = end_s = None
    return Word(text, start_s, end_s, word_confidence(sure) if len(sure) == len(tokens) else None)


def _within(seconds: float | None, duration_s: float) -> float | None:
    return None if seconds is None else min(max(round(seconds, 3), 0.0), duration_s)
