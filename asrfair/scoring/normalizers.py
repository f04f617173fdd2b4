"""Text normalisers by name and version: what is compared is never left to a default.

A normaliser is written as components joined by ``+``, applied from left to right:

``none``               the text as it is
``basic``              NFKC, lower case, punctuation and symbols become spaces, apostrophes inside words stay
``whisper-english``    Radford et al. 2022, appendix C, by the package whisper-normalizer: also numbers,
                       abbreviations, contractions and British spelling
``american-spelling``  British spelling folded to American, by the list in whisper-normalizer
``alternations``       ``{ gonna / going to / @ }`` is any one of these (`asrfair.scoring.alternations`)
``glm=FILE``           the rules of a NIST global mapping file (`asrfair.scoring.glm`)
``equivalences=FILE``  a user's own list, ``gonna = going to`` (`asrfair.scoring.equivalences`)

For example ``basic+american-spelling+equivalences=mine.txt``. Where a chain has ``alternations``, at any place, or a
GLM file that makes alternatives, braces in any text are alternatives for all components: what stands outside the
braces and each alternative is normalised by itself (a GLM file that makes alternatives reads across braces, as
NIST's filter does), and `alternations.choose` picks among them. Elsewhere braces are ordinary text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, reduce
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from asrfair.cards import digest
from asrfair.errors import InputError, expected
from asrfair.scoring.alternations import within
from asrfair.scoring.equivalences import equivalences
from asrfair.scoring.glm import has_alternatives, read_rules, rewriter

if TYPE_CHECKING:
    import polars as pl

APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc\uff07", "'"))
OUTER_APOSTROPHE = re.compile(r"^'|(?<=[ '])'|'(?=[ ']|$)")
JOINED = "+"


@dataclass(frozen=True)
class Normalizer:
    """A named, versioned function from text to text; equal versions give equal text.

    ``name`` and ``version`` of a chain are those of its components, joined by ``+``; a file's version is what it
    holds. ``alternations`` says that braces in normalised text are alternatives, to be chosen among by `choose`.
    ``column`` does to a column of texts what ``function`` does to each, in less time, where there is such a way.
    """

    name: str
    version: str
    function: Callable[[str], str]
    alternations: bool = False
    column: "Callable[[pl.Series], pl.Series] | None" = None

    @property
    def label(self) -> str:
        """The name as tables and signatures show it, for example ``basic-1+american-spelling-0.1.12``."""
        parts = zip(self.name.split(JOINED), self.version.split(JOINED), strict=True)
        return JOINED.join(f"{name}-{version}" for name, version in parts)

    def normalize_all(self, texts: Iterable[str]) -> dict[str, str]:
        """Normalise each distinct text once."""
        return {text: self.function(text) for text in set(texts)}

    def normalize_column(self, texts: "pl.Series") -> "pl.Series":
        """Normalise each text of a column without nulls."""
        import polars as pl

        if self.column is not None:
            return self.column(texts)
        return pl.Series(list(map(self.function, texts.to_list())), dtype=pl.String)


def basic(text: str) -> str:
    """Lower-case and keep letters, digits, combining marks and apostrophes inside words, in any script."""
    # Of ASCII, NFKC is the text itself.
    lower = (
        text.lower() if text.isascii() else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    )
    kept = lower.translate(_KEPT)
    return " ".join((OUTER_APOSTROPHE.sub(" ", kept) if "'" in kept else kept).split())


def basic_column(texts: "pl.Series") -> "pl.Series":
    """Do to each text of a column what `basic` does."""
    odd = (texts.str.len_bytes() != texts.str.len_chars()) | texts.str.contains("'", literal=True)
    # Of ASCII without apostrophes, letters and digits are kept, and everything else separates words.
    plain = texts.str.to_lowercase().str.replace_all("[^a-z0-9]+", " ").str.strip_chars(" ")
    return plain.scatter(odd.arg_true(), [basic(text) for text in texts.filter(odd).to_list()])


class _Kept(dict[int, str]):
    """What `basic` makes of each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code).translate(APOSTROPHES)
        self[code] = char if char == "'" or unicodedata.category(char)[0] in "LMN" else _gap(char)
        return self[code]


_KEPT = _Kept()


def _gap(char: str) -> str:
    # Invisible format characters (joiners, direction marks) do not separate words; the zero-width space does.
    return "" if unicodedata.category(char) == "Cf" and char != "\u200b" else " "


def _none() -> Normalizer:
    return Normalizer("none", "1", lambda text: text)


def _basic() -> Normalizer:
    return Normalizer("basic", "1", basic, column=basic_column)


def _whisper_english() -> Normalizer:
    from asrfair.scoring.whisper import fast_english

    return Normalizer("whisper-english", _library(), fast_english())


def _american_spelling() -> Normalizer:
    from asrfair.scoring.spelling import american_spelling

    return Normalizer("american-spelling", _library(), american_spelling())


def _alternations() -> Normalizer:
    return Normalizer("alternations", "1", partial(within, str.strip), alternations=True)


def _library() -> str:
    return version("whisper-normalizer").replace(JOINED, ".")


NORMALIZERS: dict[str, Callable[[], Normalizer]] = {
    "none": _none,
    "basic": _basic,
    "whisper-english": _whisper_english,
    "american-spelling": _american_spelling,
    "alternations": _alternations,
}


def _glm(path: Path, before: Normalizer) -> Normalizer:
    rules = read_rules(_lines(path), where=path)
    return Normalizer("glm", digest(path)[:8], rewriter(rules), alternations=has_alternatives(rules))


def _equivalences(path: Path, before: Normalizer) -> Normalizer:
    fold = equivalences(_lines(path), where=path, normalize=before.function)
    return Normalizer("equivalences", digest(path)[:8], fold)


FROM_FILE: dict[str, Callable[[Path, Normalizer], Normalizer]] = {"glm": _glm, "equivalences": _equivalences}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected rules for a normaliser") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text in UTF-8: {error}") from error


def find_normalizer(spec: str, *, folder: Path | None = None) -> Normalizer:
    """Return the normaliser that a chain of components names; files are looked for in ``folder``, or here.

    Raises InputError listing the valid components, or naming the file and the line that cannot be used.
    """
    parts: list[Normalizer] = []
    for component in spec.split(JOINED):
        parts.append(_component(component, spec, folder or Path(), before=_chain(parts)))
    return _chain(parts)


def _component(component: str, spec: str, folder: Path, *, before: Normalizer) -> Normalizer:
    name, given, path = component.partition("=")
    if not given and name in NORMALIZERS:
        return NORMALIZERS[name]()
    if path and name in FROM_FILE:
        return FROM_FILE[name](folder / path, before)
    valid = [*NORMALIZERS, *(f"{name}=FILE" for name in FROM_FILE)]
    raise InputError(expected(f"normalizer '{spec}'", f"'{component}', no such component", valid))


def _chain(parts: list[Normalizer]) -> Normalizer:
    """Join components into one; of none, the text as it is."""
    if len(parts) <= 1:
        return parts[0] if parts else _none()
    alternations = any(part.alternations for part in parts)
    functions = [
        partial(within, part.function) if alternations and not part.alternations else part.function for part in parts
    ]
    return Normalizer(
        JOINED.join(part.name for part in parts),
        JOINED.join(part.version for part in parts),
        lambda text: reduce(lambda done, function: function(done), functions, text),
        alternations=alternations,
    )
