"""Language models from sentences: the file's probabilities, and what is refused."""

import math
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")

from asrfair.backend.ngram import write_domain_dictionary, write_domain_model, write_domain_models
from asrfair.errors import InputError

pytestmark = pytest.mark.demo


def grams(path: Path) -> dict[tuple[str, ...], float]:
    """Read an ARPA file: probability by n-gram."""
    found, order = {}, 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.endswith("-grams:"):
            order = int(line[1])
        elif order and line and not line.startswith("\\"):
            parts = line.split()
            found[tuple(parts[1 : 1 + order])] = 10 ** float(parts[0])
    return found


def test_probabilities(tmp_path: Path) -> None:
    """Relative frequencies times one half, the rest left to backing off."""
    path = tmp_path / "m.arpa"
    write_domain_model(["Turn  it on", "turn it off"], path)
    found = grams(path)
    words = 10
    assert math.isclose(found["turn",], 0.5 * 2 / words, rel_tol=1e-3)
    assert math.isclose(found["it", "on"], 0.5 * 1 / 2, rel_tol=1e-3)
    assert math.isclose(found["<s>", "turn", "it"], 0.5, rel_tol=1e-3)
    assert ("on", "turn") not in found


def test_same_sentences_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_domain_model(["turn it on", "play"], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("sentences", [[], ["", "  "]])
def test_no_words(tmp_path: Path, sentences: list[str]) -> None:
    with pytest.raises(InputError, match="found no words to build a language model from"):
        write_domain_model(sentences, tmp_path / "m.arpa")
    assert not (tmp_path / "m.arpa").exists()


@pytest.mark.parametrize("sentence", ["stop (file 3)", "<s> stop"])
def test_brackets(tmp_path: Path, sentence: str) -> None:
    with pytest.raises(InputError, match="expected words without brackets"):
        write_domain_model(["fine", sentence], tmp_path / "m.arpa")


def test_one_model_per_text(tmp_path: Path) -> None:
    texts = tmp_path / "sentences"
    texts.mkdir()
    (texts / "large.txt").write_text("turn it on\nplay\n", encoding="utf-8")
    (texts / "small.txt").write_text("play\n", encoding="utf-8")
    models = write_domain_models(texts, tmp_path / "models")
    assert models == {name: tmp_path / "models" / f"{name}.arpa" for name in ("large", "small")}
    entries = (tmp_path / "models" / "domain.dict").read_text(encoding="utf-8").splitlines()
    assert [entry.split()[0] for entry in entries] == ["it", "on", "on(2)", "play", "turn"]
    assert ("it",) in grams(models["large"])
    assert ("it",) not in grams(models["small"])


def test_no_texts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no \.txt file"):
        write_domain_models(tmp_path, tmp_path)


def test_dictionary_names_the_words_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found blorp, zzyx; expected words of the bundled dictionary"):
        write_domain_dictionary(["turn zzyx", "Blorp on"], tmp_path / "d.dict")
