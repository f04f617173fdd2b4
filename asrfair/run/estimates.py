"""What a run would cost before it starts: said by recognisers that can tell, such as services."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from asrfair.audio import inspect_audio
from asrfair.backend.base import Backend
from asrfair.errors import InputError, counted

UNLESS_CACHED = "; what the cache holds is not asked for again"


def estimates(
    backends: Mapping[str, Backend], utterances: pl.DataFrame, *, audio_root: Path, conditions: int, cached: bool
) -> tuple[str, ...]:
    """Return a line of each backend that estimates its cost and time, for all utterances under all conditions.

    A backend may have ``estimate(seconds of audio, transcriptions)``, which says it in words. Finished batches of a run
    that goes on are counted too.
    """
    asked = {name: estimate for name, backend in backends.items() if (estimate := getattr(backend, "estimate", None))}
    if not asked:
        return ()
    seconds, cells = audio_seconds(utterances, audio_root=audio_root), conditions * len(utterances)
    lines = []
    for name, estimate in asked.items():
        told = (
            f"{counted(cells, 'transcription')}, cost unknown: found no file whose header tells its length"
            if seconds is None
            else estimate(conditions * seconds, cells)
        )
        lines.append(f"{name}: {told}{UNLESS_CACHED if cached else ''}")
    return tuple(lines)


def audio_seconds(utterances: pl.DataFrame, *, audio_root: Path) -> float | None:
    """Return the utterances' length in all, from where they start and end or from headers; None if all is unknown.

    One that cannot be read counts nothing: it will not be asked for.
    """
    lengths: dict[str, float | None] = {}

    def length(audio: str) -> float | None:
        if audio not in lengths:
            try:
                lengths[audio] = inspect_audio(audio_root / audio).duration_s
            except InputError:
                lengths[audio] = None
        return lengths[audio]

    found: list[float] = []
    for audio, start_s, end_s in utterances.select("audio", "start_s", "end_s").drop_nulls("audio").iter_rows():
        end = length(str(audio)) if end_s is None else end_s
        if end is not None:
            found.append(max(0.0, end - (start_s or 0.0)))
    return sum(found) if found else None
