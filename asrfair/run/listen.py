"""One utterance as a run would hear it under conditions: written as WAV, measured, and drawn."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asrfair.audio import Waveform, to_int16, write_wav
from asrfair.condition import Condition, Heard, check_ready, hear, load_conditions
from asrfair.condition.measure import Measured, measure
from asrfair.corpus import load_corpus
from asrfair.errors import InputError, RunFolderError
from asrfair.report.picture import check_picture, draw
from asrfair.report.text import safe
from asrfair.run.materials import Materials, read_row

NEAR = 3
"""How many similar utterance ids are named where one is unknown."""
RECORDED = "(as recorded)"
LEGEND = (
    "SNR: active speech level over the noise that was added. Level: active speech (ITU-T P.56) and peak, "
    "against full scale. All before the file is written."
)


@dataclass(frozen=True)
class ListenPlan:
    """What to listen to and what to write.

    conditions   names or paths of condition cards; a ladder is all of its rungs; NAME=RECORDINGS
    split        of the corpus, where it has any
    seed         of the run whose sound this is
    sample_rate  working rate in Hz of that run
    out, plot    the WAV and the picture; where there are several conditions each has its name put in
    """

    conditions: tuple[str, ...]
    split: str = ""
    seed: int = 0
    sample_rate: int = 16_000
    out: Path | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        if not 4_000 <= self.sample_rate <= 192_000:
            raise InputError(f"--sample-rate: found {self.sample_rate}; expected 4000 to 192000 Hz")


@dataclass(frozen=True)
class Row:
    """A line of the table: a sound's name, what was measured on it, and how it came about."""

    name: str
    measured: Measured
    heard: Heard | None = None


def listen(card: str, root: Path, utterance_id: str, plan: ListenPlan, *, console: Console) -> list[Path]:
    """Print what was measured before and after, write what the plan asks for and return the files' paths.

    The waveform under a condition is the one that a run with the same seed and working rate hands to a recogniser
    without a rate of its own. Files are written over. Raises AsrfairError for input that cannot be used.
    """
    if plan.plot:
        check_picture(plan.plot)
    for path in (plan.out, plan.plot):
        if path:
            _check_place(path)
    conditions = load_conditions(plan.conditions)
    check_ready(conditions, sample_rate=plan.sample_rate)
    corpus = load_corpus(card, root, split=plan.split)
    utterance = find_utterance(corpus.utterances, utterance_id)
    materials = Materials(corpus.utterances, audio_root=corpus.audio_root, sample_rate=plan.sample_rate, seed=plan.seed)
    materials.check(conditions)
    speech, notes = read_row(utterance, audio_root=corpus.audio_root, sample_rate=plan.sample_rate)
    sounds = {item.name: _hear(item, speech, utterance, materials) for item in conditions}
    rows = [Row(RECORDED, measure(speech, sample_rate=plan.sample_rate))]
    rows += [Row(name, measure(heard.samples, sample_rate=plan.sample_rate), heard) for name, heard in sounds.items()]
    said = safe(utterance["reference"] or "")
    console.print(escape(f"{safe(utterance_id)}, {len(speech) / plan.sample_rate:.2f} s: {said}"))
    for note in notes:
        console.print(escape(f"Note: {note}"))
    _print(rows, console)
    return _write(speech, sounds, utterance_id, plan, console)


def _check_place(path: Path) -> None:
    """Raise RunFolderError, before anything is computed or printed, where no file of that name can be written."""
    trouble = 0
    if not path.parent.is_dir():
        trouble = errno.ENOENT
    elif path.is_dir():
        trouble = errno.EISDIR
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        trouble = errno.EACCES
    if trouble:
        raise RunFolderError(f"{path}: cannot be written: {os.strerror(trouble)}")


def find_utterance(utterances: pl.DataFrame, utterance_id: str) -> Mapping[str, Any]:
    """Return the utterance's row; raises InputError naming ids that are like an unknown one."""
    found = utterances.filter(pl.col("utterance_id") == utterance_id)
    if len(found):
        return found.row(0, named=True)
    from rapidfuzz import process

    # Ids differ in case and in folders as often as in spelling.
    near = process.extract(
        utterance_id, utterances["utterance_id"].to_list(), limit=NEAR, processor=lambda name: name.lower()
    )
    names = ", ".join(name for name, _, _ in near)
    raise InputError(f"utterance '{utterance_id}': found none of that id in the corpus; the nearest are: {names}")


def _hear(condition: Condition, speech: Waveform, utterance: Mapping[str, Any], materials: Materials) -> Heard:
    try:
        given = materials.gather(condition, utterance_id=utterance["utterance_id"], speaker_id=utterance["speaker_id"])
        return hear(
            condition,
            speech,
            sample_rate=materials.sample_rate,
            seed=materials.seed,
            utterance_id=utterance["utterance_id"],
            materials=given,
        )
    except InputError as error:
        raise InputError(f"condition '{condition.name}': {error}") from None


def _write(
    speech: Waveform, sounds: Mapping[str, Heard], utterance_id: str, plan: ListenPlan, console: Console
) -> list[Path]:
    written = []
    for name, heard in sounds.items():
        if plan.out:
            path = _place(plan.out, name, sounds)
            write_wav(path, heard.samples, plan.sample_rate)
            console.print(escape(f"{path}{_scaled(heard.samples)}"), soft_wrap=True)
            written.append(path)
        if plan.plot:
            path = _place(plan.plot, name, sounds)
            draw(path, speech, heard.samples, sample_rate=plan.sample_rate, title=f"{utterance_id} under {name}")
            console.print(escape(str(path)), soft_wrap=True)
            written.append(path)
    return written


def _place(path: Path, name: str, sounds: Mapping[str, Heard]) -> Path:
    """Return the path, with the condition's name put in where there are several."""
    return path if len(sounds) == 1 else path.with_name(f"{path.stem}-{name}{path.suffix}")


def _scaled(samples: Waveform) -> str:
    """Return what `write_wav` did to a waveform that exceeds full scale."""
    peak, written = (float(np.abs(part.astype(np.float64)).max()) for part in (samples, to_int16(samples)))
    if round(peak * 32768) <= written:
        return ""
    lower_db = 20 * np.log10(peak * 32768 / written)
    return f" (the whole {lower_db:.1f} dB quieter than heard: 16 bits end at full scale)"


def _print(rows: Sequence[Row], console: Console) -> None:
    columns = [(head, [cell(row) for row in rows]) for head, cell in COLUMNS.items()]
    shown = [(head, cells) for head, cells in columns if any(cells)]
    table = Table("condition", box=None, pad_edge=False)
    for head, _ in shown:
        table.add_column(head, justify="right")
    for index, row in enumerate(rows):
        table.add_row(escape(row.name), *(cells[index] or "-" for _, cells in shown))
    console.print(table)
    console.print(LEGEND, style="dim")


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _noise(row: Row, name: str) -> str:
    noises = row.heard.noises if row.heard else ()
    return ", ".join(_number(getattr(noise, name), 1 if name == "requested_snr_db" else 2) for noise in noises)


def _fact(row: Row, name: str, digits: int) -> str:
    return _number(row.heard.facts.get(name) if row.heard else None, digits)


COLUMNS: Mapping[str, Callable[[Row], str]] = {
    "SNR dB\nasked": lambda row: _noise(row, "requested_snr_db"),
    "SNR dB\nmeasured": lambda row: _noise(row, "measured_snr_db"),
    "level\ndB": lambda row: _number(row.measured.active_level_db),
    "peak\ndB": lambda row: _number(row.measured.peak_db),
    "clipped\n%": lambda row: _number(100 * row.measured.clipped_share, 2),
    "band\nHz": lambda row: _number(row.measured.bandwidth_hz, 0),
    "direct/\nreverb dB": lambda row: _fact(row, "direct_to_reverberant_db", 1),
    "RT60\ns": lambda row: _fact(row, "rt60_s", 2),
}
"""Columns of the table: each is shown where any sound has a value."""
