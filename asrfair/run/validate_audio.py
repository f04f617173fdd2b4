"""Looking at audio files: each is opened and decoded up to its end, and its utterances are measured.

A file is decoded once for all its utterances; one longer than `PIECE_S` in pieces, so that memory stays flat.
"""

import hashlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from asrfair.audio import AudioInfo, Waveform, inspect_audio, read_audio
from asrfair.condition.level import activity
from asrfair.condition.measure import clipped_share
from asrfair.errors import InputError, TruncatedAudioError
from asrfair.run.validate_findings import FINDINGS, SEEN

PIECE_S = 600.0
SILENT_DB = -60.0
CLIPPED_SHARE = 0.001
PARTS = ("start_s", "end_s", "channel")
# What libsndfile calls the formats that these endings name; other endings name none that it could contradict.
ENDINGS: dict[str, tuple[str, ...]] = {
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".mp3": ("MP3",),
    ".ogg": ("OGG",),
    ".oga": ("OGG",),
    ".opus": ("OGG",),
    ".sph": ("NIST",),
    ".nist": ("NIST",),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
    ".au": ("AU",),
}
SPHERE = "NIST SPHERE file named"
Found = tuple[int | None, str, str]


@dataclass(frozen=True)
class Looked:
    """What came of some files: a row of SEEN per utterance that could be read, and findings."""

    seen: pl.DataFrame
    findings: pl.DataFrame


@dataclass
class _Sound:
    """What is gathered of an utterance over its pieces."""

    seconds: float = 0.0
    active_s: float = 0.0
    peak: float = 0.0
    clipped_s: float = 0.0

    def add(self, samples: Waveform, *, sample_rate: int) -> None:
        seconds = len(samples) / sample_rate
        self.seconds += seconds
        peak = max(float(samples.max()), -float(samples.min()))
        if peak == 0:
            return
        self.peak = max(self.peak, peak)
        self.active_s += seconds * activity(samples.astype(np.float64), sample_rate=sample_rate)[1]
        self.clipped_s += seconds * clipped_share(samples)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the sound, and how much."""
        if self.peak == 0:
            yield "silent", "digital silence"
        elif 20 * math.log10(self.peak) < SILENT_DB:
            yield "silent", f"peak at {20 * math.log10(self.peak):.0f} dB"
        elif self.clipped_s > CLIPPED_SHARE * self.seconds:
            yield "clipped", f"{100 * self.clipped_s / self.seconds:.1f} % of the samples"


def look(audio_root: Path, utterances: pl.DataFrame, *, quick: bool) -> Looked:
    """Look at the files of ``utterances`` (columns ``row``, ``audio``, ``start_s``, ``end_s`` and ``channel``).

    ``quick`` reads the headers alone: then nothing is decoded, and the digest is of where the audio lies.
    """
    seen: list[tuple[Any, ...]] = []
    found: list[Found] = []
    for (audio,), rows in utterances.group_by("audio", maintain_order=True):
        path = audio_root / str(audio)
        for kind, result in _File(path, quick=quick).utterances(list(rows.iter_rows(named=True))):
            seen.append(result) if kind == "seen" else found.append(result)
    # Messages name files from the root on: shorter, and fit to be shared.
    found = [(row, kind, what.replace(f"{audio_root}{os.sep}", "")) for row, kind, what in found]
    return Looked(pl.DataFrame(seen, schema=SEEN, orient="row"), pl.DataFrame(found, schema=FINDINGS, orient="row"))


class _File:
    """One file, whose samples are held while its utterances are looked at."""

    def __init__(self, path: Path, *, quick: bool) -> None:
        self.path = path
        self.quick = quick
        self._held: dict[int | None, Waveform] = {}

    def utterances(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Yield («seen», a row of SEEN) and («found», a row of FINDINGS)."""
        try:
            info = inspect_audio(self.path)
        except InputError as error:
            kind = "missing file" if str(error).startswith(f"{self.path}: no such ") else "unreadable audio"
            kind = "truncated audio" if isinstance(error, TruncatedAudioError) else kind
            yield from (("found", (row["row"], kind, str(error))) for row in rows)
            return
        yield from (("found", (row["row"], *fact)) for row in rows for fact in _facts(self.path, info))
        if not self.quick and all(_is_part(row) for row in rows):
            try:
                self._decode_all(info)
            except InputError as error:
                yield from (("found", (row["row"], "truncated audio", str(error))) for row in rows)
                return
        for row in rows:
            yield from self._utterance(row, info)

    def _decode_all(self, info: AudioInfo) -> None:
        for _ in self._pieces({"start_s": None, "end_s": None, "channel": None}, info):
            pass

    def _utterance(self, row: dict[str, Any], info: AudioInfo) -> Iterator[tuple[str, Any]]:
        try:
            if _is_part(row):
                inspect_audio(self.path, **{name: row[name] for name in PARTS})
        except InputError as error:
            yield "found", (row["row"], "part not there", str(error))
            return
        if info.channels > 1 and row["channel"] is None:
            yield "found", (row["row"], "read otherwise", f"mixed down from {info.channels} channels")
        start, end = row["start_s"] or 0.0, min(row["end_s"] or math.inf, info.duration_s)
        if self.quick:
            place = "|".join(str(row[name]) for name in ("audio", *PARTS))
            yield "seen", (row["row"], end - start, None, info.container, place)
            return
        try:
            sound, digest = self._listen(row, info)
        except InputError as error:
            yield "found", (row["row"], "truncated audio", str(error))
            return
        yield from (("found", (row["row"], kind, what)) for kind, what in sound.faults())
        active = sound.active_s or None
        yield "seen", (row["row"], sound.seconds, active, info.container, digest if sound.peak else None)

    def _listen(self, row: dict[str, Any], info: AudioInfo) -> tuple[_Sound, str]:
        sound, hasher = _Sound(), hashlib.blake2b(str(info.sample_rate).encode(), digest_size=16)
        for samples in self._pieces(row, info):
            sound.add(samples, sample_rate=info.sample_rate)
            hasher.update(np.ascontiguousarray(samples).tobytes())
        return sound, hasher.hexdigest()

    def _pieces(self, row: dict[str, Any], info: AudioInfo) -> Iterator[Waveform]:
        """Yield the utterance's samples at the file's own rate, at most `PIECE_S` at once."""
        rate, channel = info.sample_rate, row["channel"]
        if info.duration_s <= PIECE_S:
            if channel not in self._held:
                self._held[channel] = read_audio(self.path, sample_rate=rate, channel=channel).samples
            whole = self._held[channel]
            first = min(round((row["start_s"] or 0.0) * rate), len(whole) - 1)
            last = len(whole) if row["end_s"] is None else round(row["end_s"] * rate)
            yield whole[first : max(last, first + 1)]
            return
        end = info.duration_s if row["end_s"] is None else min(row["end_s"], info.duration_s)
        at = row["start_s"] or 0.0
        while at < end:
            then = min(at + PIECE_S, end)
            yield read_audio(self.path, sample_rate=rate, start_s=at, end_s=then, channel=channel).samples
            at = then


def _is_part(row: dict[str, Any]) -> bool:
    return any(row[name] is not None for name in PARTS)


def _facts(path: Path, info: AudioInfo) -> Iterator[tuple[str, str]]:
    """Yield what is odd about a file that can be read."""
    ending = path.suffix.lower()
    if info.container not in ENDINGS.get(ending, (info.container,)):
        yield "misnamed format", f"{info.container} named {ending}"
    for note in info.notes:
        if not note.startswith(SPHERE):
            yield "read otherwise", note
