"""What can go wrong, and the exit code that says so.

    AsrfairError            exit 2   a user's input cannot be used
    ├── CardError                    a card or a plan: which file, which key, what is valid
    ├── InputError                   a table, a corpus, an audio file
    │   ├── TruncatedAudioError      … that ends before its samples do
    │   └── WrongRootError           … whose root holds nothing of what its card looks for
    ├── BackendError                 a recogniser that cannot start
    └── RunFolderError               a folder that holds something else
    IncompleteError         exit 3   the work ended, but not all of it could be done

A message says where, what was found and what was expected, on one line.
"""

import unicodedata
from collections.abc import Iterable

EXIT_DONE = 0
EXIT_GATE = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130


class AsrfairError(Exception):
    """Input that asrfair cannot use; the message is written for the user."""

    exit_code = EXIT_USAGE


class CardError(AsrfairError):
    """A card or a plan with a wrong key, type or value."""


class InputError(AsrfairError):
    """A table, a corpus or an audio file that cannot be used."""


class TruncatedAudioError(InputError):
    """An audio file with fewer samples than it promises, or samples that cannot be decoded up to their end."""


class WrongRootError(InputError):
    """A corpus's root that holds nothing of what the card's layout looks for."""


class BackendError(AsrfairError):
    """A recogniser that is unknown, not installed or unable to start."""


class RunFolderError(AsrfairError):
    """A run folder that is missing something or belongs to another plan."""


class IncompleteError(AsrfairError):
    """Work that ended before all of it was done; what is finished is kept."""

    exit_code = EXIT_INCOMPLETE


def counted(value: int, noun: str, *, plural: str = "") -> str:
    """Return «1 speaker», «8 speakers»; ``plural`` is the other form of what is more than a noun."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def expected(where: object, found: object, valid: Iterable[object]) -> str:
    """Return the one-line message «where: found …; expected one of …»."""
    names = ", ".join(str(name) for name in valid)
    return f"{where}: found {found}; " + (f"expected one of: {names}" if names else "there is none to choose from")


# Joiners shape Persian and Indic words; every other invisible character could disguise a label.
_JOINERS = "\u200c\u200d"


def safe(text: str) -> str:
    """Return ``text`` on one line, with control and invisible characters written as escapes."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
