"""British spelling folded to American, word by word, by the list in whisper-normalizer."""

from collections.abc import Callable


def american_spelling() -> Callable[[str], str]:
    """Return the function that replaces British by American spellings and keeps a word's capitals.

    Words are what whitespace separates: punctuation that touches a word hides it, so `basic` belongs before.
    Source: https://www.tysto.com/uk-us-spelling-list.html, as kept in `whisper_normalizer`.
    """
    from whisper_normalizer.english import EnglishSpellingNormalizer

    # The list has one line of two alternatives, and one with a tag left over from the page it came from.
    listed: dict[str, str] = {
        british: american.removesuffix("</span>") for british, american in EnglishSpellingNormalizer().mapping.items()
    }
    american = {british: spelling for british, spelling in listed.items() if british.isalpha()}

    def fold(word: str) -> str:
        spelling = american.get(word.lower())
        if spelling is None:
            return word
        if word[0].islower():
            return spelling
        return spelling.upper() if word.isupper() else spelling.capitalize()

    return lambda text: " ".join(map(fold, text.split()))
