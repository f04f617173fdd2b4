"""What Kaldi would run, and the order of its files."""

from pathlib import Path

import pytest

from asrfair.corpus import load_corpus
from asrfair.errors import InputError
from asrfair.run.export_kaldi import write_kaldi
from asrfair.run.export_table import Export
from tests.run.test_export import CARD, TABLE, export, root

__all__ = ["root"]


@pytest.mark.parametrize("audio", ["x;touch PWNED|\x1f", "two  blanks.wav", "tab\tinside.wav", "\u2003wide.wav"])
def test_a_path_is_written_as_it_is_or_not_at_all(root: Path, tmp_path: Path, audio: str) -> None:
    (root / "ours.toml").write_text(CARD, encoding="utf-8")
    (root / "utterances.csv").write_text(TABLE.replace("one.wav", f"deep/{audio}"), encoding="utf-8")
    with pytest.raises(InputError, match=r"found the audio path .*; expected no blanks in it but single spaces"):
        export(root, tmp_path / "out", "kaldi")
    assert not (tmp_path / "out" / "wav.scp").exists()


def test_a_single_space_is_kept(root: Path, tmp_path: Path) -> None:
    (root / "one.wav").rename(root / "one two.wav")
    (root / "utterances.csv").write_text(TABLE.replace("one.wav", "one two.wav"), encoding="utf-8")
    export(root, tmp_path / "out", "kaldi")
    assert f"s1-u1 {root}/one two.wav\n" in (tmp_path / "out" / "wav.scp").read_text("utf-8")


def test_a_speakers_utterances_are_sorted_as_the_c_locale_sorts(root: Path, tmp_path: Path) -> None:
    names = ["s2-u10", "s2-U3", "s2-u3", "s2-é", "s2-z"]
    rows = [f"{name},s2,one.wav,x,,,,en,us,f,calm,1" for name in (names[3], names[2], names[4], names[0], names[1])]
    (root / "utterances.csv").write_text("\n".join([TABLE.splitlines()[0], *rows]), encoding="utf-8")
    corpus, out = load_corpus(str(root / "ours.toml"), root), tmp_path / "out"
    out.mkdir()
    asked = Export(corpus, out, audio=False, relative=False, split="", advance=lambda: None, target="kaldi")
    write_kaldi(corpus.utterances.reverse(), asked)
    assert (out / "spk2utt").read_text("utf-8") == "s2 s2-U3 s2-u10 s2-u3 s2-z s2-é\n"
