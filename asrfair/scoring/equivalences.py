"""A user's own list of spellings that count as the same: ``gonna = going to = goin to``, a line per list.

Every later form is folded to the first, on both sides, whole words only, the longest form first, once from left to
right. Text after ``#`` is a comment. No form may stand in the file twice, so that nothing is folded in a circle or
to two things.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from asrfair.errors import InputError


def equivalences(lines: Sequence[str], *, where: object, normalize: Callable[[str], str]) -> Callable[[str], str]:
    """Return the function that folds the forms of a list, both put through ``normalize`` as the texts are.

    ``normalize`` is what comes before in a chain, so that the list may be written in ordinary spelling. Raises
    InputError naming ``where`` and the line.
    """
    folded: dict[str, str] = {}
    written: dict[str, int] = {}
    for number, forms in _lists(lines, where):
        first, *others = dict.fromkeys(" ".join(normalize(form).split()) for form in forms)
        if not all([first, *others]):
            raise InputError(f"{where}, line {number}: found a form that is nothing once normalised; expected words")
        for form in (first, *others):
            if written.setdefault(form, number) != number:
                raise InputError(
                    f"{where}, line {number}: found «{form}», which is also in line {written[form]}; "
                    "expected each form once"
                )
        folded.update(dict.fromkeys(others, first))
    if not folded:
        return lambda text: text
    longest_first = sorted(folded, key=len, reverse=True)
    forms_in_text = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, longest_first))})(?!\S)")
    return lambda text: forms_in_text.sub(lambda found: folded[found[0]], " ".join(text.split()))


def _lists(lines: Sequence[str], where: object) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        forms = [" ".join(form.split()) for form in text.split("=")]
        if len(forms) < 2 or not all(forms):
            raise InputError(f"{where}, line {number}: found «{text}»; expected form = form, or more of them")
        if len(set(forms)) < len(forms):
            raise InputError(f"{where}, line {number}: found a form twice in «{text}»; expected each form once")
        yield number, forms
