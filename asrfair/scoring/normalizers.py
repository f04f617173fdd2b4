"""Text normalisers by name and version: what is compared is never left to a default.

``none``             the text as it is
``basic``            NFKC, lower case, punctuation and symbols become spaces, apostrophes inside words stay
``whisper-english``  Radford et al. 2022, appendix C, by the package whisper-normalizer: also numbers,
                     abbreviations, contractions and British spelling
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version

from asrfair.errors import InputError, expected

APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc\uff07", "'"))
OUTER_APOSTROPHE = re.compile(r"^'|(?<=[ '])'|'(?=[ ']|$)")


@dataclass(frozen=True)
class Normalizer:
    """A named, versioned function from text to text; equal versions give equal text."""

    name: str
    version: str
    function: Callable[[str], str]

    @property
    def label(self) -> str:
        """The name as tables and signatures show it, for example ``basic-1``."""
        return f"{self.name}-{self.version}"

    def normalize_all(self, texts: Iterable[str]) -> dict[str, str]:
        """Normalise each distinct text once."""
        return {text: self.function(text) for text in set(texts)}


def basic(text: str) -> str:
    """Lower-case and keep letters, digits, combining marks and apostrophes inside words, in any script."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).translate(APOSTROPHES)
    kept = "".join(char if char == "'" or unicodedata.category(char)[0] in "LMN" else _gap(char) for char in text)
    return " ".join(OUTER_APOSTROPHE.sub(" ", kept).split())


def _gap(char: str) -> str:
    # Invisible format characters (joiners, direction marks) do not separate words; the zero-width space does.
    return "" if unicodedata.category(char) == "Cf" and char != "\u200b" else " "


def _none() -> Normalizer:
    return Normalizer("none", "1", lambda text: text)


def _basic() -> Normalizer:
    return Normalizer("basic", "1", basic)


def _whisper_english() -> Normalizer:
    from whisper_normalizer.english import EnglishTextNormalizer

    return Normalizer("whisper-english", version("whisper-normalizer"), EnglishTextNormalizer())


NORMALIZERS: dict[str, Callable[[], Normalizer]] = {
    "none": _none,
    "basic": _basic,
    "whisper-english": _whisper_english,
}


def find_normalizer(name: str) -> Normalizer:
    """Return a normaliser by name; raises InputError listing the valid ones."""
    if name not in NORMALIZERS:
        raise InputError(expected(f"normalizer '{name}'", "no such normaliser", NORMALIZERS))
    return NORMALIZERS[name]()
