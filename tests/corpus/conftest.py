"""A corpus from a layout's options: the card is written beside the corpus."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from asrfair.corpus import Corpus, load_corpus

HEAD = """title = "Ours"
kind = "read"
language = "en"
licence = "none"
"""
Load = Callable[..., Corpus]
Put = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write files under a corpus's root, and return the root."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "corpus"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load the corpus with a layout and axes given as TOML: ``load('type = "kaldi"', gender="spk2gender")``."""

    def read(layout: str, *, split: str = "", root: Path | None = None, **axes: str) -> Corpus:
        described = [
            f'[axes.{axis}]\ncolumn = "{column}"\nassigned_by = "by design"\n' for axis, column in axes.items()
        ]
        path = tmp_path / "ours.toml"
        path.write_text(f"{HEAD}[layout]\n{layout}\n[axes]\n{''.join(described)}", encoding="utf-8")
        return load_corpus(str(path), root or tmp_path / "corpus", split=split)

    return read
