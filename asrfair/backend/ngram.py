"""Small language models and a dictionary for the bundled recogniser, built from a list of sentences."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from asrfair.backend.sphinx import INSTALL, bundled_models
from asrfair.errors import BackendError, InputError
from asrfair.results import write_text

DICTIONARY = "domain.dict"


def write_domain_model(sentences: Sequence[str], path: Path) -> None:
    """Write a trigram model of the sentences in ARPA format, lower-cased, each sentence a whole utterance.

    Fixed discounting with mass 0.5 (PocketSphinx's ``ArpaBoLM``, after the CMU language modelling tool's
    quick mode). Raises InputError if there are no words or one holds brackets, which mean something else to
    the builder; BackendError if PocketSphinx is not installed.
    """
    lines = [" ".join(sentence.lower().split()) for sentence in sentences]
    if not any(lines):
        raise InputError(f"{path}: found no words to build a language model from; expected sentences")
    for line in lines:
        if set(line) & set("()<>"):
            raise InputError(f"{path}: found the sentence {line!r}; expected words without brackets")
    try:
        from pocketsphinx.lm import ArpaBoLM
    except ImportError as error:
        raise BackendError(f"pocketsphinx: not installed ({error}); install it with {INSTALL}") from error
    model = ArpaBoLM(text="\n".join(lines), add_start=True)
    model.compute()
    text = StringIO()
    model.write(text)
    write_text(path, text.getvalue())


def write_domain_dictionary(sentences: Sequence[str], path: Path) -> None:
    """Write the bundled dictionary's pronunciations of the sentences' words, lower-cased.

    With a small language model the results are the same as with the whole dictionary, whose other words
    cannot be recognised, but loading takes 0.05 s in place of some seconds. Raises InputError naming the words
    that the bundled dictionary lacks; BackendError if PocketSphinx is not installed.
    """
    words = {word for sentence in sentences for word in sentence.lower().split()}
    entries = (bundled_models() / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines()
    # A further pronunciation is written "word(2)".
    chosen = [(entry.split(maxsplit=1)[0].partition("(")[0], entry) for entry in entries if entry.strip()]
    chosen = [(word, entry) for word, entry in chosen if word in words]
    missing = sorted(words - {word for word, _ in chosen})
    if missing:
        raise InputError(f"{path}: found {', '.join(missing)}; expected words of the bundled dictionary (CMUdict)")
    write_text(path, "".join(f"{entry}\n" for _, entry in chosen))


def write_domain_models(sentences: Path, folder: Path) -> dict[str, Path]:
    """Write ``folder/NAME.arpa`` for each ``NAME.txt`` (a sentence a line) in a folder; return the paths by name.

    ``folder/domain.dict`` (`DICTIONARY`) gets the pronunciations of all their words. Raises InputError if
    there is no such text.
    """
    texts = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in sorted(sentences.glob("*.txt"))}
    if not texts:
        raise InputError(f"{sentences}: found no .txt file; expected texts with a sentence a line")
    write_domain_dictionary([line for lines in texts.values() for line in lines], folder / DICTIONARY)
    for name, lines in texts.items():
        write_domain_model(lines, folder / f"{name}.arpa")
    return {name: folder / f"{name}.arpa" for name in texts}
