"""A card's rules for texts: what is replaced in them, and which are no utterance."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asrfair.errors import CardError


@dataclass(frozen=True)
class TextRules:
    """Regular expressions, compiled: replacements in order, and what a text to be left out matches whole."""

    replace: tuple[tuple[re.Pattern[str], str], ...]
    skip: tuple[re.Pattern[str], ...]

    @staticmethod
    def of(replace: Sequence[Sequence[str]], skip: Sequence[str]) -> "TextRules":
        """Compile a card's rules; raises CardError for one that is none."""
        for pair in replace:
            if len(pair) != 2:
                raise CardError(f"layout.replace: found {list(pair)}; expected [regular expression, replacement]")
        pairs = tuple((compiled("replace", pattern), text) for pattern, text in replace)
        for pattern, text in pairs:
            try:
                re.compile(pattern).sub(text, "")
            except (re.error, IndexError) as error:
                raise CardError(f"layout.replace: {text!r} is no replacement: {error}") from error
        return TextRules(pairs, tuple(compiled("skip", pattern) for pattern in skip))

    def __bool__(self) -> bool:
        return bool(self.replace or self.skip)

    def clean(self, text: str) -> str:
        """Return the text with what is to be replaced replaced, and its blanks made single; unchanged without rules."""
        if not self.replace:
            return text
        for pattern, replacement in self.replace:
            text = pattern.sub(replacement, text)
        return re.sub(r"\s+", " ", text).strip()

    def skips(self, text: str) -> bool:
        """Return whether a text is matched whole by one of the patterns."""
        return any(pattern.fullmatch(text) for pattern in self.skip)


def compiled(key: str, pattern: str) -> re.Pattern[str]:
    """Return a card's regular expression; raises CardError naming its key for one that is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CardError(f"layout.{key}: {pattern!r} is no regular expression: {error}") from error
