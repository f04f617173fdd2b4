"""The whisper-english normaliser, made fast: the rules of whisper-normalizer, asked only where they can act.

Rules and their order are the package's own (Radford et al. 2022, appendix C). Almost no sentence meets most of them,
so each is guarded by a sign that its pattern needs: a bracket, an apostrophe, a title, a digit. Numbers are read by
the package from runs of number words, each distinct run once: between two other words the reader remembers nothing.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

KEPT = ".%$¢€£"
REMEMBERED = 65_536

BRACKETS = re.compile(r"[<\[][^>\]]*[>\]]")
PARENTHESES = re.compile(r"\(([^)]+?)\)")
LOOSE_APOSTROPHE = re.compile(r"\s+'")
COMMA_IN_NUMBER = re.compile(r"(\d),(\d)")
PERIOD = re.compile(r"\.([^0-9]|$)")
LOOSE_PREFIX = re.compile(r"[.$¢€£]([^0-9])")
LOOSE_PERCENT = re.compile(r"([^0-9])%")
SPACES = re.compile(r"\s+")

PROBES = (
    "Mr. Park's <laugh> colour [noise] (an aside) (uh) won't cost $2,000.50, hmm: three and a half million per cent!",
    "two dollars and seventy cents, the nineteen fifties, double oh seven, minus 500 and £77 thousands.",
    "Ænima naïve 10km B747 .5 100% of one hundred and first, it 's been gonna grey ﬁne",
    "twenty-one point two or the 3 rd 's won 't a%b $ c $0.36 half",
)
"""Texts that meet every rule: where the package reads them differently, the package itself is used."""


WORD_RULE = re.compile(r"\\b([a-z']+)\\b")
APOSTROPHE_RULE = re.compile(r"([a-z ]*'[a-z ]*)\\b")
FILLERS = re.compile(r"\\b\(([a-z|]+)\)\\b")


def fast_english() -> Callable[[str], str]:
    """Return a function with the output of `whisper_normalizer.english.EnglishTextNormalizer` for every text."""
    from whisper_normalizer.english import EnglishTextNormalizer

    plain = EnglishTextNormalizer()
    rules = [WORD_RULE.fullmatch(rule) or APOSTROPHE_RULE.fullmatch(rule) for rule in plain.replacers]
    fillers = FILLERS.fullmatch(plain.ignore_patterns)
    if not fillers or not all(rules):
        return _as_is(plain)
    signs = [rule[1] for rule in rules if rule]
    words = frozenset([*fillers[1].split("|"), *(sign for sign in signs if "'" not in sign)])
    replacers = tuple(
        (sign, re.compile(rule).sub, text) for sign, (rule, text) in zip(signs, plain.replacers.items(), strict=True)
    )
    fast = _English(plain, words, re.compile(plain.ignore_patterns), replacers)
    return fast if all(fast(text) == plain(text) for text in PROBES) else _as_is(plain)


def _as_is(plain: Any) -> Callable[[str], str]:
    return lambda text: str(plain(text))


class _Table(dict[int, str]):
    """A table for `str.translate` that works out each character once."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, code: int) -> str:
        self[code] = self.function(chr(code))
        return self[code]


class _English:
    """The package's rules in its order; ``words`` are the fillers and the words that its replacers look for."""

    def __init__(
        self,
        plain: Any,
        words: frozenset[str],
        fillers: re.Pattern[str],
        replacers: tuple[tuple[str, Callable[[str, str], str], str], ...],
    ) -> None:
        from whisper_normalizer.basic import remove_symbols_and_diacritics

        self.words, self.fillers, self.replacers = words, fillers, replacers
        self.letters = _Table(lambda char: char if char.isalpha() else " ")
        self.symbols = _Table(lambda char: str(remove_symbols_and_diacritics(char, keep=KEPT)))
        self.numbers = _Numbers(plain.standardize_numbers)
        self.spelling = plain.standardize_spellings.mapping

    def __call__(self, text: str) -> str:
        text = text.lower()
        if "<" in text or "[" in text:
            text = BRACKETS.sub("", text)
        if "(" in text:
            text = PARENTHESES.sub("", text)
        if "'" in text or not self.words.isdisjoint(text.translate(self.letters).split()):
            text = self.replace(text)
        if "," in text:
            text = COMMA_IN_NUMBER.sub(r"\1\2", text)
        if "." in text:
            text = PERIOD.sub(r" \1", text)
        words = self.numbers(text.translate(self.symbols).split())
        text = " ".join([self.spelling.get(word, word) for word in words])
        return text if text.replace(" ", "").isalnum() else _loose_symbols(text)

    def replace(self, text: str) -> str:
        text = LOOSE_APOSTROPHE.sub("'", self.fillers.sub("", text))
        for sign, substitute, replacement in self.replacers:
            if sign in text:
                text = substitute(replacement, text)
        return text


class _Numbers:
    """The package's reading of numbers, by runs of number words."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain
        self.words = plain.words
        # The rest of its words do nothing unless a number stands before them; "half" is of "and a half".
        self.beginnings = (plain.words - {*plain.following_prefixers, *plain.suffixers, "and"}) | {"half"}
        self.read = lru_cache(REMEMBERED)(self._read)

    def __call__(self, words: list[str]) -> list[str]:
        letters = "".join(words).isalpha()
        if letters and self.beginnings.isdisjoint(words):
            return words
        if not letters or "half" in words:
            words = self.plain.preprocess(" ".join(words)).split()
        text = " ".join(self._parts(words))
        return (text if text.replace(" ", "").isalpha() else str(self.plain.postprocess(text))).split()

    def _parts(self, words: list[str]) -> Iterator[str]:
        run: list[str] = []
        for word in words:
            if word in self.words or not word.isalpha():
                run.append(word)
                continue
            if run:
                yield self.read(tuple(run))
                run = []
            yield word
        if run:
            yield self.read(tuple(run))

    def _read(self, run: tuple[str, ...]) -> str:
        return " ".join(word for word in self.plain.process_words(list(run)) if word is not None)


def _loose_symbols(text: str) -> str:
    return SPACES.sub(" ", LOOSE_PERCENT.sub(r"\1 ", LOOSE_PREFIX.sub(r" \1", text)))
