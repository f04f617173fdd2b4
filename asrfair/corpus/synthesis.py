"""The demo corpus: synthetic voices reading short sentences, made on the spot.

The recipe (``demo_recipe.toml``) is data: accents, voices and sentences. Every accent reads the same
sentences, each speaker their own. A white noise floor lies in the audio itself: speech without one is unlike
any recording, and recognisers collapse on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asrfair.audio import resample, write_wav
from asrfair.cards import build, read_toml
from asrfair.corpus.espeak import Synthesiser
from asrfair.errors import CardError, RunFolderError
from asrfair.results import write_text
from asrfair.seeds import generator

RECIPE = Path(__file__).with_name("demo_recipe.toml")
FRAME_S = 0.02
# A frame this far below the loudest is a pause.
ACTIVE_RANGE_DB = 30.0


@dataclass(frozen=True)
class Accent:
    """An accent by name, and the espeak-ng voice that stands for it."""

    name: str
    voice: str


@dataclass(frozen=True)
class Voice:
    """A speaker of every accent: espeak-ng's variant, words a minute, pitch from 0 to 99."""

    variant: str
    gender: Literal["female", "male"]
    rate: int
    pitch: int


@dataclass(frozen=True)
class Recipe:
    """What the demo corpus is made of.

    ``speech_level_db`` is the level of active speech relative to full scale, ``floor_snr_db`` the ratio of
    active speech to the noise floor, ``pause_s`` the floor alone before and after. ``test_sentences`` are
    spoken, ``training_sentences`` serve language models only; both use the same words.
    """

    sample_rate: int
    speech_level_db: float
    floor_snr_db: float
    pause_s: float
    sentences_per_speaker: int
    accents: tuple[Accent, ...]
    voices: tuple[Voice, ...]
    test_sentences: tuple[str, ...]
    training_sentences: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One utterance to be spoken."""

    utterance_id: str
    accent: Accent
    voice: Voice
    sentence: str

    @property
    def speaker_id(self) -> str:
        """The accent and the variant: one speaker."""
        return f"{self.accent.name.lower()}-{self.voice.variant}"


def load_recipe(path: Path = RECIPE) -> Recipe:
    """Read the recipe strictly; raises CardError, also if the voices need another number of sentences."""
    recipe = build(Recipe, read_toml(path), where=str(path))
    needed = recipe.sentences_per_speaker * len(recipe.voices)
    if needed != len(recipe.test_sentences):
        raise CardError(f"{path}: found {len(recipe.test_sentences)} test_sentences; expected {needed}, all read once")
    return recipe


def synthesise(folder: Path, *, seed: int, progress: Callable[[int, int], None] | None = None) -> None:
    """Write ``folder/audio/*.wav``, ``folder/sentences/*.txt`` and, last of all, ``folder/utterances.csv``.

    The audio is mono, 16-bit. The table's columns are ``utterance_id``, ``speaker_id``, ``audio`` (relative to
    the folder), ``reference``, ``accent`` and ``gender``. The texts ``in-domain.txt`` (all sentences) and
    ``held-out.txt`` (none that is spoken) are for language models. ``progress`` is called with the number of
    utterances done and to do. Equal seeds give equal bytes on one machine. Raises InputError if the
    synthesiser is missing, RunFolderError if the folder cannot be written.
    """
    recipe = load_recipe()
    lines = list(_script(recipe))
    try:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written: {error.strerror}") from error
    with Synthesiser(_library_seed(seed)) as synthesiser:
        for done, line in enumerate(lines):
            if progress is not None:
                progress(done, len(lines))
            samples = perform(synthesiser, line, recipe, generator(seed, "demo", line.utterance_id))
            write_wav(folder / "audio" / f"{line.utterance_id}.wav", samples, recipe.sample_rate)
    _write_texts(folder, recipe)
    write_text(folder / "utterances.csv", _table(lines).write_csv())
    if progress is not None:
        progress(len(lines), len(lines))


def _script(recipe: Recipe) -> Iterator[Line]:
    """Yield who reads what: the i-th speaker of every accent reads the same sentences."""
    each = recipe.sentences_per_speaker
    for accent in recipe.accents:
        for position, voice in enumerate(recipe.voices):
            for number, sentence in enumerate(recipe.test_sentences[position * each : (position + 1) * each], 1):
                utterance_id = f"{accent.name.lower()}-{voice.variant}-{number}"
                yield Line(utterance_id=utterance_id, accent=accent, voice=voice, sentence=sentence)


def perform(synthesiser: Synthesiser, line: Line, recipe: Recipe, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a line as the corpus holds it: spoken at the recipe's level and rate in Hz, on its noise floor."""
    return _record(_speak(synthesiser, line, recipe), recipe, random)


def _speak(synthesiser: Synthesiser, line: Line, recipe: Recipe) -> NDArray[np.float64]:
    samples, sample_rate = synthesiser.speak(
        line.sentence,
        voice=line.accent.voice,
        variant=line.voice.variant,
        rate=line.voice.rate,
        pitch=line.voice.pitch,
    )
    return resample(samples / 32768.0, from_hz=sample_rate, to_hz=recipe.sample_rate)


def _record(speech: NDArray[np.float64], recipe: Recipe, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the speech at its level, between pauses, on a white noise floor."""
    level = 10 ** (recipe.speech_level_db / 20)
    pause = np.zeros(round(recipe.pause_s * recipe.sample_rate))
    voice = speech * (level / _active_rms(speech, recipe.sample_rate))
    samples = np.concatenate([pause, voice, pause])
    floor = random.normal(scale=level * 10 ** (-recipe.floor_snr_db / 20), size=len(samples))
    return samples + floor


def _active_rms(speech: NDArray[np.float64], sample_rate: int) -> float:
    """Return the root mean square over the 20 ms frames that are not pauses."""
    size = round(FRAME_S * sample_rate)
    frames = speech[: len(speech) // size * size].reshape(-1, size)
    power = np.mean(frames**2, axis=1)
    return float(np.sqrt(np.mean(power[power > power.max() * 10 ** (-ACTIVE_RANGE_DB / 10)])))


def _table(lines: list[Line]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "utterance_id": [line.utterance_id for line in lines],
            "speaker_id": [line.speaker_id for line in lines],
            "audio": [f"audio/{line.utterance_id}.wav" for line in lines],
            "reference": [line.sentence for line in lines],
            "accent": [line.accent.name for line in lines],
            "gender": [line.voice.gender for line in lines],
        }
    )


def _write_texts(folder: Path, recipe: Recipe) -> None:
    texts = {
        "in-domain": recipe.training_sentences + recipe.test_sentences,
        "held-out": recipe.training_sentences,
    }
    for name, sentences in texts.items():
        write_text(folder / "sentences" / f"{name}.txt", "".join(f"{sentence}\n" for sentence in sentences))


def _library_seed(seed: int) -> int:
    """Return the seed for espeak-ng, whose generator takes 31 bits."""
    return int(generator(seed, "demo").integers(2**31))
