"""Zipped manifests: the same corpus gives the same bytes."""

from pathlib import Path

from asrfair.run.export_manifests import RECORDINGS, SUPERVISIONS
from tests.run.test_export import export, root

__all__ = ["root"]


def test_zipped_manifests_have_no_time(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "lhotse")
    for name in (RECORDINGS, SUPERVISIONS):
        # RFC 1952, section 2.3: MTIME, 0 for none.
        assert (tmp_path / "out" / name).read_bytes()[4:8] == bytes(4)
