"""Parquet in several files, and utterances without audio."""

from pathlib import Path

import numpy as np
import pytest

from asrfair.audio import read_audio
from asrfair.corpus import load_corpus
from asrfair.run import export_parquet
from tests.run.test_export import TABLE, export, root

__all__ = ["root"]


def test_a_file_is_full_when_it_has_so_many_bytes(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    # The first sound has 16 kB, the others half of it.
    monkeypatch.setattr(export_parquet, "SHARD_BYTES", 10_000)
    export(root, out, "parquet", audio=True)
    assert [path.name for path in sorted((out / "data").iterdir())] == [f"test-0000{n}.parquet" for n in range(3)]
    before, after = load_corpus(str(root / "ours.toml"), root), load_corpus(str(out / "card.toml"), out)
    kept = ["utterance_id", "speaker_id", "reference", "accent", "gender", "mood", "snr"]
    assert after.utterances.select(kept).equals(before.utterances.select(kept))
    for address, source in zip(after.utterances["audio"], before.utterances.iter_rows(named=True), strict=True):
        part = {name: source[name] for name in ("start_s", "end_s", "channel")}
        wanted = read_audio(root / source["audio"], sample_rate=None, **part).samples
        np.testing.assert_array_equal(read_audio(out / address, sample_rate=None).samples, wanted)


def test_an_utterance_without_audio_stays_without(root: Path, tmp_path: Path) -> None:
    (root / "utterances.csv").write_text(TABLE.replace("s2,clips/tŵo.wav", "s2,"), encoding="utf-8")
    out = tmp_path / "out"
    export(root, out, "parquet", audio=True)
    kept = load_corpus(str(out / "card.toml"), out).utterances
    assert kept.filter(kept["audio"].is_null())["utterance_id"].to_list() == ["s2-U3"]
    text = (out / "card.toml").read_text("utf-8").replace('type = "table"', 'type = "parquet"')
    (tmp_path / "snapshot.toml").write_text(text, encoding="utf-8")
    assert load_corpus(str(tmp_path / "snapshot.toml"), out).utterances["audio"].null_count() == 1
