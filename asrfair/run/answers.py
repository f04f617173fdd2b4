"""Asking a backend: what a plug-in does wrong is a failure with its reason, never a shift or an empty transcript."""

import math
from collections.abc import Sequence

from asrfair.backend.base import Backend, Outcome, Request
from asrfair.errors import AsrfairError


def transcribe_checked(backend: Backend, requests: Sequence[Request]) -> list[Outcome]:
    """Transcribe; whatever a plug-in does wrong is a failure of the requests with its reason, never a shift.

    An AsrfairError, which says that the backend cannot go on at all, is passed on.
    """
    if not requests:
        return []
    try:
        answers = list(backend.transcribe(requests))
    except AsrfairError:
        raise
    except Exception as error:
        return [Outcome(failure=f"the backend raised {type(error).__name__}: {error}")] * len(requests)
    if len(answers) != len(requests):
        reason = f"the backend gave {len(answers)} outcomes; expected {len(requests)}"
        return [Outcome(failure=reason)] * len(requests)
    return [_checked(answer) for answer in answers]


def _checked(answer: object) -> Outcome:
    if not isinstance(answer, Outcome):
        return Outcome(failure=f"the backend gave {type(answer).__name__}; expected an Outcome")
    text = answer.failure if answer.hypothesis is None else answer.hypothesis
    told = [word.text for word in answer.words] + [other.hypothesis for other in answer.alternatives]
    for one in (text, *told, *([] if answer.language is None else [answer.language])):
        if not isinstance(one, str):
            return Outcome(failure=f"the backend gave {type(one).__name__} in its outcome; expected text")
        try:
            one.encode()
        except UnicodeEncodeError as error:
            return Outcome(failure=f"the backend's text is no valid Unicode: {error.reason}")
    wrong = _wrong_number(answer)
    return Outcome(failure=f"the backend gave {wrong}") if wrong else answer


def _wrong_number(answer: Outcome) -> str:
    """Return what is wrong with an outcome's numbers, "" if nothing is; what is not a number would pass for unknown."""
    for word in answer.words:
        for name in ("start_s", "end_s", "confidence"):
            found = getattr(word, name)
            highest = 1.0 if name == "confidence" else math.inf
            if found is not None and not (_is_finite(found) and 0 <= found <= highest):
                return f"a word with {name} {found!r}; expected seconds from 0 on, and a confidence from 0 to 1"
        if word.start_s is not None and word.end_s is not None and word.end_s < word.start_s:
            return f"a word from {word.start_s!r} to {word.end_s!r} s; expected an end that is not before its start"
    for found in (answer.seconds, *(other.score for other in answer.alternatives)):
        if found is not None and not _is_finite(found):
            return f"the number {found!r}; expected a finite one"
    return ""


def _is_finite(found: object) -> bool:
    return isinstance(found, int | float) and math.isfinite(found)
