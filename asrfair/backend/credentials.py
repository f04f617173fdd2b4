"""Keys of services: read from the environment, sent in a header, hidden wherever else they could show.

A key never stands in a plan, because plans are kept with their results, and never in an identity, a message or a log.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from asrfair.errors import BackendError, CardError

HIDDEN = "[hidden]"
# So many characters of a key in a row are taken for the key: services quote keys cut off or with their middle masked.
PIECE = 6
# Shorter ones stand in for a key where a service wants none, such as «EMPTY», and may be words that people say.
SHORTEST = 8
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
KEY_LIKE = re.compile(r"(^|_)(api_?key|apikey|access_?key|secret|token|password|passwd|credentials?|key)($|_)", re.I)


class Credential(Protocol):
    """What opens a service's door."""

    @property
    def source(self) -> str:
        """Where it comes from, in words: this is all that may be shown of it."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the headers that carry it; raises BackendError."""
        ...

    def hide(self, text: str) -> str:
        """Return the text without it."""
        ...

    def is_in(self, text: str) -> bool:
        """Return whether the text holds all of it."""
        ...


@dataclass(frozen=True)
class ApiKey:
    """A key from an environment variable, sent as ``{header}: {prefix}{key}``; none is sent where there is none."""

    source: str
    header: str
    prefix: str = ""
    value: str = field(default="", repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {self.header: f"{self.prefix}{self.value}"} if self.value else {}

    def hide(self, text: str) -> str:
        """Return the text without the key."""
        return hidden(text, self.value)

    def is_in(self, text: str) -> bool:
        """Return whether the text holds all of the key."""
        return len(self.value) >= SHORTEST and self.value in text


def read_key(variable: str, *, where: str, header: str, prefix: str = "") -> ApiKey:
    """Read a key from the environment; an empty name means that the service wants none.

    Raises CardError for a name that is none (which is not shown: it may be the key itself), BackendError where the
    variable is not set or cannot be sent.
    """
    if not variable:
        return ApiKey("no key", header)
    if not VARIABLE.fullmatch(variable):
        raise CardError(
            f"{where}: 'key_variable': found something that is no variable's name (not shown, lest it be a key); "
            "expected the name of the environment variable that holds the key"
        )
    value = os.environ.get(variable, "").strip()
    if not value:
        raise BackendError(f"{where}: found no key; expected it in the environment variable {variable}")
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise BackendError(f"{where}: {variable}: found characters that no header can hold; expected a key")
    return ApiKey(variable, header, prefix, value)


def refuse_key_options(options: Iterable[str], valid: Iterable[str], *, where: str) -> None:
    """Raise CardError for an unknown option whose name says that it is a key; its value is not shown."""
    for name in sorted(set(options) - set(valid)):
        if KEY_LIKE.search(name):
            raise CardError(
                f"{where}: found the option '{name}'; expected no key in a plan, because plans are kept with their "
                "results: put it into the environment, and its variable's name into 'key_variable' if it is another"
            )


def refuse_keys_in(options: Mapping[str, object], credential: Credential, *, where: str) -> None:
    """Raise CardError if the text of an option holds the key."""
    for name, value in options.items():
        if isinstance(value, str) and credential.is_in(value):
            raise CardError(f"{where}: '{name}': found the key of {credential.source} in it; expected no key in a plan")


def hidden(text: str, secret: str) -> str:
    """Return the text with every piece of a secret replaced, also of one that is cut off or masked in its middle."""
    if len(secret) < SHORTEST:
        return text
    marked = bytearray(len(text))
    for piece in {secret[start : start + PIECE] for start in range(len(secret) - PIECE + 1)}:
        found = text.find(piece)
        while found >= 0:
            marked[found : found + PIECE] = b"\1" * PIECE
            found = text.find(piece, found + 1)
    if not any(marked):
        return text
    shown = [HIDDEN if is_secret else text[slice(*span)] for is_secret, span in _runs(marked)]
    return "".join(shown)


def _runs(marked: bytearray) -> Iterable[tuple[bool, tuple[int, int]]]:
    start = 0
    for position in range(1, len(marked) + 1):
        if position == len(marked) or marked[position] != marked[start]:
            yield bool(marked[start]), (start, position)
            start = position
