"""What a transcript of Amazon Transcribe tells.

Format: https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html, alternatives at the level of segments:
https://docs.aws.amazon.com/transcribe/latest/dg/how-alternatives.html. Numbers are text there. A punctuation mark is an
item of its own, without times and with a confidence of 0, and is no word.
"""

from collections.abc import Mapping
from typing import Any

from asrfair.backend.base import Alternative, Outcome, Request, Word
from asrfair.backend.wire import (
    SLACK,
    SLACK_S,
    UnusableError,
    duration_s,
    list_at,
    number,
    object_at,
    printable,
    text_at,
    word_at,
)


def read_answer(answer: Mapping[str, Any], request: Request, *, name: str, identified: bool) -> Outcome:
    """Return the outcome that job ``name`` tells; raises UnusableError where it lacks its text or is another job's."""
    found = text_at(answer.get("jobName"), where="'jobName'")
    if found != name:
        raise UnusableError(f"found the transcript of job {printable(found)[:200]!r}; expected that of {name}")
    results = object_at(answer.get("results"), where="'results'")
    parts = [
        text_at(one.get("transcript"), where="'transcript'").strip()
        for one in list_at(results.get("transcripts"), where="'transcripts'")
    ]
    if not parts:
        raise UnusableError("found no entry in 'transcripts'; expected one, empty where nothing was recognised")
    items = list_at(results.get("items", []), where="'items'")
    words = tuple(_word(item) for item in items if item.get("type") == "pronunciation")
    _check_end(words, request)
    language = results.get("language_code")
    return Outcome(
        hypothesis=" ".join(part for part in parts if part),
        words=words,
        alternatives=_alternatives(results),
        language=language if identified and isinstance(language, str) else None,
    )


def _word(item: Mapping[str, Any]) -> Word:
    others = list_at(item.get("alternatives"), where="'alternatives' of a word")
    best = others[0] if others else {}
    return word_at(
        best.get("content"),
        _number(item.get("start_time")),
        _number(item.get("end_time")),
        _number(best.get("confidence")),
    )


def _alternatives(results: Mapping[str, Any]) -> tuple[Alternative, ...]:
    """Return the alternatives of a recording that is one segment: those of several could be combined in many ways."""
    segments = list_at(results.get("segments", []), where="'segments'")
    if len(segments) != 1:
        return ()
    others = list_at(segments[0].get("alternatives", []), where="'alternatives' of a segment")
    texts = [text_at(other.get("transcript"), where="'transcript' of an alternative").strip() for other in others]
    return tuple(Alternative(text) for text in texts) if len(texts) > 1 else ()


def _check_end(words: tuple[Word, ...], request: Request) -> None:
    """Raise UnusableError for words after the recording's end: they are another's."""
    sent = duration_s(request)
    heard = max((word.end_s for word in words if word.end_s is not None), default=0.0)
    if heard > sent + SLACK_S + SLACK * sent:
        raise UnusableError(f"found words up to {heard:.1f} s; expected none after {sent:.1f} s")


def _number(text: object) -> float | None:
    try:
        return number(float(text)) if isinstance(text, str) else number(text)
    except ValueError:
        return None
