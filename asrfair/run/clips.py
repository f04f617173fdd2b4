"""Clips of utterances for the page: as recorded, and as a run's recognisers heard them, compressed and short.

MP3 is what Chromium, Firefox and Safari all play, and soundfile writes; Safari plays Ogg Opus from 18.4 on only. The
rates are those of MPEG-2, and each clip ends after `LONGEST_S`: about 6 kB a second at the most.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from asrfair.audio import Waveform, resample, to_int16
from asrfair.cards import build, read_toml
from asrfair.condition import Condition, check_ready, hear, load_conditions
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import AsrfairError, InputError
from asrfair.report.html.spoken import Clip, WorstUtterance
from asrfair.results import PLAN, Results
from asrfair.run.materials import Materials, read_row
from asrfair.run.plan import CorpusPlan, Plan, card_path, condition_path

LONGEST_S = 20.0
MEDIA_TYPE = "audio/mpeg"
RATES = (16_000, 24_000)
# Of libsndfile, from 0 (best) to 1, at a variable bit rate, with the header by which browsers know how long it is.
COMPRESSION = 0.2
TOLERANCE_S = 0.001


@dataclass(frozen=True)
class _Sounds:
    """The keys of a run's plan that its sound depends on."""

    corpus: CorpusPlan
    conditions: tuple[str, ...] = Plan.conditions
    seed: int = Plan.seed
    sample_rate: int = Plan.sample_rate


def clips(
    folder: Path, results: Results, worst: Sequence[WorstUtterance], *, most: int
) -> dict[tuple[str, str | None], Clip]:
    """Return clips of the first ``most`` utterances of ``worst`` by utterance id and condition.

    The condition None is the recording at the run's working rate; a condition that changes nothing has no clip of
    its own. The others are the waveform that the run's recognisers got, at the working rate. Raises InputError where
    no recogniser of the run heard audio (``asrfair score``, stored hypotheses), and where the corpus, its audio or a
    condition is not there any more or is not what the run heard.
    """
    if most < 0:
        raise InputError(f"--audio {most}: expected 0 or more utterances")
    _check_kind(folder, results)
    ids = list(dict.fromkeys(item.utterance_id for item in worst))[:most]
    if not ids:
        return {}
    heard = _heard(folder, results, ids)
    sounds = _sounds(folder)
    corpus = _corpus(folder, results, sounds.corpus)
    studio = _Studio(folder, results, corpus, _conditions(folder, results, sounds), sounds)
    found: dict[tuple[str, str | None], Clip] = {}
    for utterance_id in ids:
        names = dict.fromkeys(item.condition for item in worst if item.utterance_id == utterance_id)
        found |= studio.record(utterance_id, [name for name in names if (utterance_id, name) in heard])
    return found


def _check_kind(folder: Path, results: Results) -> None:
    if results.signature.get("kind") == "score":
        raise InputError(f"{folder}: found a run of `asrfair score`, which has no audio; expected one of `asrfair run`")


def _heard(folder: Path, results: Results, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return the utterances and conditions that a recogniser got audio of."""
    timed = results.timings.filter(pl.col("utterance_id").is_in(ids), pl.col("audio_s").is_not_null())
    if timed.is_empty():
        raise InputError(
            f"{folder}: found stored hypotheses, of which no audio was heard; expected a recogniser that hears audio"
        )
    # Probes, where nothing is said, have no errors to listen to.
    said = timed.filter(pl.col("condition").is_in(list(results.signature["conditions"])))
    return set(said.select("utterance_id", "condition").iter_rows())


def _sounds(folder: Path) -> _Sounds:
    """Read the run's plan; paths in it are relative to where the run was started, which its ``out`` may tell."""
    path = folder / PLAN
    values = read_toml(path)
    sounds = build(_Sounds, {key: values[key] for key in _KEYS if key in values}, where=str(path))
    start = _start(folder, values.get("out"))
    corpus = replace(sounds.corpus, card=card_path(sounds.corpus.card, start), root=str(start / sounds.corpus.root))
    return replace(sounds, corpus=corpus, conditions=tuple(condition_path(spec, start) for spec in sounds.conditions))


_KEYS = tuple(field.name for field in fields(_Sounds))


def _start(folder: Path, out: object) -> Path:
    """Return the folder in which the run was started: where its ``out`` is this folder, or else the current one."""
    if isinstance(out, str):
        parts, here = Path(out).parts, folder.resolve()
        if parts and not Path(out).is_absolute() and here.parts[-len(parts) :] == parts:
            return Path(*here.parts[: -len(parts)])
    return Path()


def _corpus(folder: Path, results: Results, plan: CorpusPlan) -> Corpus:
    try:
        corpus = load_corpus(plan.card, Path(plan.root), split=plan.split)
    except AsrfairError as error:
        raise InputError(f"{folder}: the corpus of this run cannot be read for its audio: {error}") from None
    digest = results.signature["corpus"]["digest"]
    if corpus.digest != digest:
        raise InputError(
            f"{plan.root}: found a corpus of digest {corpus.digest}; expected the one that the run heard, {digest}"
        )
    return corpus


def _conditions(folder: Path, results: Results, sounds: _Sounds) -> dict[str, Condition]:
    """Return the run's conditions by name, once sure that their cards are what they were."""
    try:
        conditions = [condition for condition in load_conditions(sounds.conditions) if not condition.probe]
        check_ready(conditions, sample_rate=sounds.sample_rate)
    except AsrfairError as error:
        raise InputError(f"{folder}: the conditions of this run cannot be applied again: {error}") from None
    for condition in conditions:
        digest = results.signature["conditions"].get(condition.name, {}).get("digest")
        if condition.digest != digest:
            raise InputError(
                f"condition '{condition.name}': found a card of digest {condition.digest}; "
                f"expected the one of the run, {digest}"
            )
    return {condition.name: condition for condition in conditions}


class _Studio:
    """Hears a run's utterances again."""

    def __init__(
        self, folder: Path, results: Results, corpus: Corpus, conditions: Mapping[str, Condition], sounds: _Sounds
    ) -> None:
        self._folder = folder
        self._conditions = conditions
        self._audio_root = corpus.audio_root
        self._rows = corpus.utterances
        recordings = results.measurements.filter(pl.col("condition").is_null())
        self._durations = dict(recordings.select("utterance_id", "duration_s").iter_rows())
        self._materials = Materials(
            corpus.utterances, audio_root=corpus.audio_root, sample_rate=sounds.sample_rate, seed=sounds.seed
        )

    def record(self, utterance_id: str, names: Sequence[str]) -> dict[tuple[str, str | None], Clip]:
        """Return clips of an utterance as recorded, and under those of the conditions that change it."""
        row = self._rows.filter(pl.col("utterance_id") == utterance_id).row(0, named=True)
        try:
            speech = self._read(row)
            found: dict[tuple[str, str | None], Clip] = {(utterance_id, None): self._clip(speech)}
            for name in names:
                if self._conditions[name].steps:
                    found[utterance_id, name] = self._clip(self._hear(row, self._conditions[name], speech))
        except InputError as error:
            raise InputError(f"{self._folder}: utterance '{utterance_id}' cannot be heard again: {error}") from None
        return found

    def _read(self, row: Mapping[str, Any]) -> Waveform:
        rate = self._materials.sample_rate
        speech, _ = read_row(row, audio_root=self._audio_root, sample_rate=rate)
        heard_s = self._durations.get(row["utterance_id"])
        if heard_s is not None and abs(len(speech) / rate - heard_s) > TOLERANCE_S:
            raise InputError(
                f"{row['audio']}: found {len(speech) / rate:.3f} s; expected the {heard_s:.3f} s of the run"
            )
        return speech

    def _hear(self, row: Mapping[str, Any], condition: Condition, speech: Waveform) -> Waveform:
        given = self._materials.gather(condition, utterance_id=row["utterance_id"], speaker_id=row["speaker_id"])
        return hear(
            condition,
            speech,
            sample_rate=self._materials.sample_rate,
            seed=self._materials.seed,
            utterance_id=row["utterance_id"],
            materials=given,
        ).samples

    def _clip(self, samples: Waveform) -> Clip:
        return compress(samples, sample_rate=self._materials.sample_rate)


def compress(samples: Waveform, *, sample_rate: int) -> Clip:
    """Return shape=(n,) at ``sample_rate`` Hz as MP3 of at most `LONGEST_S`, at 16 or 24 kHz.

    A sound above full scale is turned down as a whole, never clipped.
    """
    import soundfile

    kept = samples[: round(LONGEST_S * sample_rate)]
    rate = next((rate for rate in RATES if rate >= sample_rate), max(RATES))
    peak = float(np.abs(kept).max(initial=0.0))
    written = io.BytesIO()
    soundfile.write(
        written,
        to_int16(resample(kept, from_hz=sample_rate, to_hz=rate)),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=COMPRESSION,
        bitrate_mode="VARIABLE",
    )
    return Clip(
        media_type=MEDIA_TYPE,
        data=written.getvalue(),
        seconds=len(kept) / sample_rate,
        whole_s=len(samples) / sample_rate,
        quieter_db=20 * float(np.log10(peak)) if peak > 1 else None,
    )
