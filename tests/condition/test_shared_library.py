"""Where codec libraries are looked for."""

from ctypes import c_char_p, c_int
from pathlib import Path

import pytest

from asrfair.condition import shared_library
from asrfair.condition.shared_library import SharedLibrary, open_library
from asrfair.errors import CardError


def test_a_bundle_comes_first_and_unusable_files_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("libm-4c1d.so.6", "libm.6.dylib", "libmp3lame-1.so", "libm-4c1d.txt.so"):
        (tmp_path / name).write_text("not a library")
    monkeypatch.setattr(shared_library, "_bundles", lambda: [tmp_path, tmp_path / "absent"])
    library = SharedLibrary("m", 6, "install it", {"abs": (c_int, c_int)})
    places = list(shared_library._places(library))
    assert places[:3] == [str(tmp_path / name) for name in ("libm-4c1d.so.6", "libm-4c1d.txt.so", "libm.6.dylib")]
    assert places[3] == "libm.so.6"


def test_a_library_without_the_functions_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_library, "_bundles", list)
    with pytest.raises(CardError, match="found no library libm; expected it installed: install it"):
        open_library(SharedLibrary("m", 6, "install it", {"no_such_function": (c_int,)}))


def test_pyav_s_libraries_are_found_without_importing_it() -> None:
    pytest.importorskip("av", reason="needs PyAV (extra codecs)")
    library = SharedLibrary("opus", 0, "install it", {"opus_get_version_string": (c_char_p,)})
    assert b"libopus" in open_library(library).opus_get_version_string()


def test_without_pyav_there_is_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_library.importlib.util, "find_spec", lambda name: None)
    assert shared_library._bundles() == []
