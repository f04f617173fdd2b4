"""British spelling folded to American."""

import pytest

from asrfair.scoring.spelling import american_spelling


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # openai/whisper, tests/test_normalizer.py (test_spelling_normalizer)
        ("mobilisation", "mobilization"),
        ("cancelation", "cancellation"),
        # https://www.tysto.com/uk-us-spelling-list.html
        ("the colour of the centre", "the color of the center"),
        ("analysing behaviour in grey catalogues", "analyzing behavior in gray catalogs"),
        # in the library's list with a tag behind it, and as two words on one line
        ("archaeology", "archeology"),
        ("a flyer / flier", "a flyer / flier"),
        # ours
        ("Colour COLOUR our hour four", "Color COLOR our hour four"),
        ("colour, colours", "colour, colors"),
        ("", ""),
    ],
)
def test_american_spelling(text: str, expected: str) -> None:
    assert american_spelling()(text) == expected


def test_american_spellings_stay() -> None:
    from whisper_normalizer.english import EnglishSpellingNormalizer

    fold = american_spelling()
    changed = 0
    for british, american in EnglishSpellingNormalizer().mapping.items():
        if british.isalpha() and american.isalpha():
            assert fold(british) == american == fold(american)
            changed += 1
    assert changed > 1_700
