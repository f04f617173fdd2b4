"""Codec libraries opened with ctypes: those that PyAV's wheel carries, else those that the system has."""

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from asrfair.errors import CardError

Signatures = Mapping[str, tuple[Any, ...]]
CODECS = "pip install 'asrfair[codecs]'"
"""What installs PyAV, whose wheel carries libopus and the two libopencore-amr."""


@dataclass(frozen=True)
class SharedLibrary:
    """A library by its name without ``lib``, and the command that installs it.

    ``major`` is the major version of its binary interface; ``functions`` gives each function's result type and
    then the types of its arguments (of a variadic function: those before the dots).
    """

    name: str
    major: int
    install: str
    functions: Signatures = field(compare=False)


@lru_cache(maxsize=8)
def open_library(library: SharedLibrary) -> ctypes.CDLL:
    """Return the library, its functions declared; raises CardError where there is none that has them all."""
    for place in _places(library):
        try:
            opened = ctypes.CDLL(place)
            for name, (result, *arguments) in library.functions.items():
                function = getattr(opened, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return opened
    raise CardError(f"found no library lib{library.name}; expected it installed: {library.install}")


def _places(library: SharedLibrary) -> Iterator[str]:
    for folder in _bundles():
        # The wheel's file names carry a hash: libopus-114e2b1a.so.0.11.1, libopus.0.dylib.
        yield from (str(path) for path in sorted(folder.glob(f"lib{library.name}[-.]*")))
    yield f"lib{library.name}.so.{library.major}"
    found = ctypes.util.find_library(library.name)
    if found:
        yield found


def _bundles() -> list[Path]:
    """Return where PyAV's wheel keeps its libraries, on Linux and Windows or on macOS, without importing it."""
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    return [package.parent / "av.libs", package / ".dylibs"]
