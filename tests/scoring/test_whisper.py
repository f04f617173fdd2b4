"""The fast whisper-english gives the package's own text, for every text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whisper_normalizer.english import EnglishTextNormalizer

from asrfair.scoring import find_normalizer, whisper
from asrfair.scoring.whisper import fast_english
from asrfair.seeds import generator

PLAIN = EnglishTextNormalizer()
FAST = fast_english()

# Pieces that meet every rule of the package, its edges, and signs that only look like them.
NUMBERS = [
    *sorted(PLAIN.standardize_numbers.words),
    *"0123456789", "10", "1s", "500", "1,000", "2.5", "$20", "€3.5", "¢7", "£5", ".5", "5.", "100%", "$1", "¢1",
    "1st", "3 rd", "10th", "b747", "10km", "1.2.3", "$0.36", "$2 and ¢70", "two dollars and seventy cents", "1960s",
    "one oh one", "nineteen ninety nine", "twenty nineteen", "double oh seven", "triple one", "minus 5", "per cent",
    "three and a half million", "and a half", "half", "one two", "first", "no one", "one's", "ones", "two point five",
]  # fmt: skip
WORDS = [
    "the", "cat", "phone", "just", "number", "summer", "colour", "grey", "archaeology", "flyer", "centres", "mobilise",
    "um", "uh", "hmm", "mm", "mhm", "mmm", "Mr.", "mrs", "St.", "Dr", "jr", "esq.", "gonna", "wanna", "cause", "imma",
    "won't", "can't", "it's", "he 's been", "they'd gone", "i'ma", "y'all", "don't", "ain't", "ma'am", "let's",
    "'s got", "'d been", "n't", "'t", "k's", "I'll", "we've", "you're", "I'm",
]  # fmt: skip
SIGNS = [
    "'", "’", "’s", "[x", "<y>", "]", "(z)", "(", "()", ")", "[a b]", "<noise>", ",", ".", "!", "?", "...", "-", "--",
    "—", "_", "mr_", "%", "$", "¢", "€", "£", "&", "é", "naïve", "Æ", "ß", "ﬁ", "½", "²", "Ⅷ", "١٢", "१.२", "नमस्ते",
    "你好", "İ", "ſ", "e\u0301", "\u200d", "\u00ad", "\n", "\t", "\x1c", "\xa0", "\u3000", "🙂",
]  # fmt: skip
PIECES = [*NUMBERS, *WORDS, *SIGNS]


def generated(count: int, *, seed: int) -> list[str]:
    draws = generator(seed, "texts")
    texts = []
    for length in draws.integers(0, 13, size=count).tolist():
        pieces = [PIECES[at] for at in draws.integers(len(PIECES), size=length)]
        gaps = draws.choice([" ", " ", " ", " ", "", "  "], size=length).tolist()
        text = "".join(piece + gap for piece, gap in zip(pieces, gaps, strict=True))
        texts.append([text, text, text.upper(), text.title()][int(draws.integers(4))])
    return texts


def test_equal_to_the_package_on_generated_texts() -> None:
    texts = generated(8_000, seed=1)
    assert [FAST(text) for text in texts] == [PLAIN(text) for text in texts]


@settings(deadline=None)
@given(st.text())
def test_equal_to_the_package_on_any_text(text: str) -> None:
    assert FAST(text) == PLAIN(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_equal_to_the_package_on_lists_of_pieces(text: str) -> None:
    assert FAST(text) == PLAIN(text)


def test_each_rule_alone_is_equal_to_the_package() -> None:
    texts = [*PIECES, *(f"{piece} {piece}" for piece in PIECES), *(f"the {piece}, he" for piece in PIECES)]
    assert [FAST(text) for text in texts] == [PLAIN(text) for text in texts]


# Radford et al. 2022: the normaliser's own published tests, openai/whisper, tests/test_normalizer.py (MIT licence).
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("two", "2"),
        ("thirty one", "31"),
        ("five twenty four", "524"),
        ("nineteen ninety nine", "1999"),
        ("twenty nineteen", "2019"),
        ("two point five million", "2500000"),
        ("four point two billions", "4200000000s"),
        ("200 thousand", "200000"),
        ("200 thousand dollars", "$200000"),
        ("$20 million", "$20000000"),
        ("€52.4 million", "€52400000"),
        ("£77 thousands", "£77000s"),
        ("two double o eight", "2008"),
        ("three thousand twenty nine", "3029"),
        ("forty three thousand two hundred sixty", "43260"),
        ("forty three thousand two hundred and sixty", "43260"),
        ("nineteen fifties", "1950s"),
        ("thirty first", "31st"),
        ("thirty three thousand and three hundred and thirty third", "33333rd"),
        ("three billion", "3000000000"),
        ("millions", "1000000s"),
        ("july third twenty twenty", "july 3rd 2020"),
        ("august twenty sixth twenty twenty one", "august 26th 2021"),
        ("3 14", "3 14"),
        ("3.14", "3.14"),
        ("3 point 2", "3.2"),
        ("3 point 14", "3.14"),
        ("fourteen point 4", "14.4"),
        ("two point two five dollars", "$2.25"),
        ("two hundred million dollars", "$200000000"),
        ("$20.1 million", "$20100000"),
        ("ninety percent", "90%"),
        ("seventy six per cent", "76%"),
        ("double oh seven", "007"),
        ("double zero seven", "007"),
        ("nine one one", "911"),
        ("nine double one", "911"),
        ("one triple oh one", "10001"),
        ("two thousandth", "2000th"),
        ("thirty two thousandth", "32000th"),
        ("minus 500", "-500"),
        ("positive twenty thousand", "+20000"),
        ("two dollars and seventy cents", "$2.70"),
        ("3 cents", "¢3"),
        ("$0.36", "¢36"),
        ("three euros and sixty five cents", "€3.65"),
        ("three and a half million", "3500000"),
        ("forty eight and a half dollars", "$48.5"),
        ("b747", "b 747"),
        ("10 th", "10th"),
        ("10th", "10th"),
        ("mobilisation", "mobilization"),
        ("cancelation", "cancellation"),
        ("Let's", "let us"),
        ("he's like", "he is like"),
        ("she's been like", "she has been like"),
        ("10km", "10 km"),
        ("10mm", "10 mm"),
        ("RC232", "rc 232"),
        (
            "Mr. Park visited Assoc. Prof. Kim Jr.",
            "mister park visited associate professor kim junior",
        ),
    ],
)
def test_published_examples(text: str, normal: str) -> None:
    assert FAST(text).strip() == normal


def test_the_fast_reading_is_used_and_keeps_the_packages_version() -> None:
    assert isinstance(FAST, whisper._English)
    found = find_normalizer("whisper-english")
    assert isinstance(found.function, whisper._English)
    assert found.label.startswith("whisper-english-0.")


@pytest.mark.parametrize(
    "name",
    [
        "BRACKETS",
        "PARENTHESES",
        "LOOSE_APOSTROPHE",
        "COMMA_IN_NUMBER",
        "PERIOD",
        "LOOSE_PREFIX",
        "LOOSE_PERCENT",
        "SPACES",
    ],
)
def test_a_package_with_other_rules_is_used_itself(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(whisper, name, re.compile("(never) (in a text)"))
    function = fast_english()
    assert not isinstance(function, whisper._English)
    assert function("twenty-one COLOURS") == "21 colors"


def test_a_package_with_rules_of_another_form_is_used_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(EnglishTextNormalizer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.replacers[r"\bcat(s?)\b"] = r"dog\1"

    monkeypatch.setattr("whisper_normalizer.english.EnglishTextNormalizer", Other)
    assert fast_english()("The CATS") == "the dogs"
