"""``asrfair cache``: where transcripts are kept, how many and how large; and forgetting them."""

from contextlib import closing
from pathlib import Path

from asrfair.errors import EXIT_DONE, InputError, counted, safe
from asrfair.run.cache import FILE, NONE, VARIABLE, Cache, cache_folder

BESIDE = ("", "-wal", "-shm")
"""What SQLite keeps beside its file while it is in use."""


def show_cache(folder: Path | None = None) -> int:
    """Print where the cache lies and what it holds; return the exit code. Raises InputError for one that is damaged."""
    path = _file(folder)
    if not path.is_file():
        print(f"{safe(str(path))}: nothing is kept yet")
        return EXIT_DONE
    with closing(Cache(path.parent)) as cache:
        count = cache.count()
        if cache.trouble:
            raise InputError(f"{cache.trouble.partition(';')[0]}; expected none, or a good one: asrfair cache --clear")
    size = sum(file.stat().st_size for file in _files(path))
    kept = counted(count, "transcript or measurement", plural="transcripts and measurements")
    print(f"{safe(str(path))}: {kept}, {size / 1e6:,.1f} MB")
    return EXIT_DONE


def clear_cache(folder: Path | None = None) -> int:
    """Delete the cache, whatever its state; return the exit code."""
    path = _file(folder)
    files = _files(path)
    size = sum(file.stat().st_size for file in files)
    for file in files:
        file.unlink(missing_ok=True)
    print(f"{safe(str(path))}: " + (f"deleted, {size / 1e6:,.1f} MB" if files else "nothing is kept yet"))
    return EXIT_DONE


def _file(folder: Path | None) -> Path:
    found = cache_folder(str(folder) if folder else "")
    if found is None:
        raise InputError(f"cache: found {VARIABLE}={NONE}, or no folder for caches; expected one: --cache FOLDER")
    return found / FILE


def _files(path: Path) -> list[Path]:
    beside = (path.with_name(path.name + ending) for ending in BESIDE)
    return [file for file in beside if file.is_file()]
