"""A corpus of synthetic voices: sentences × accents × voices × rates, for smoke tests and for cells without recordings.

Every utterance is marked as synthetic (column ``synthetic``), and so is the corpus's card.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w
from rich.console import Console

from asrfair.audio import write_wav
from asrfair.corpus.espeak import Synthesiser
from asrfair.corpus.synthesis import Accent, Line, Recipe, load_recipe, perform
from asrfair.errors import InputError, RunFolderError
from asrfair.reading import read_lines
from asrfair.report.progress import progress
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.text import safe
from asrfair.results import write_text
from asrfair.run.folder import claim
from asrfair.seeds import generator

BUILT_IN = "built-in"
CARD, TABLE, AUDIO = "card.toml", "utterances.csv", "audio"
# What espeak-ng can do, and what a file's name can hold.
SLOWEST, FASTEST = 80, 450
LONGEST = 1000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class SynthPlan:
    """What to speak.

    sentences  a text file with one sentence a line, or «built-in»: the demo's
    accents    espeak-ng's voices, such as en-gb-scotland; NAME=VOICE names the accent
    voices     how many speakers per accent, female and male in turn
    rates      words a minute; each speaker reads every sentence at each
    language   code of the sentences' language
    seed       for the synthesiser's noise and the floor
    """

    sentences: str
    accents: tuple[str, ...]
    voices: int = 2
    rates: tuple[int, ...] = (160,)
    language: str = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        most = len(load_recipe().voices)
        _check(bool(self.accents), "--accent", "none", "at least one, such as en-us")
        _check(1 <= self.voices <= most, "--voices", self.voices, f"1 to {most}")
        _check(bool(self.rates), "--rate", "none", "at least one")
        for rate in self.rates:
            _check(SLOWEST <= rate <= FASTEST, "--rate", rate, f"{SLOWEST} to {FASTEST} words a minute")
        _check(len(set(self.rates)) == len(self.rates), "--rate", self.rates, "each once")
        names = [accent.name for accent in self.chosen()]
        _check(len(set(map(str.lower, names))) == len(names), "--accent", ", ".join(names), "each once")

    def chosen(self) -> list[Accent]:
        """Return the accents with their voices."""
        found = []
        for text in self.accents:
            name, sign, voice = text.partition("=")
            for part in (name, voice) if sign else (name,):
                _check(bool(NAME.fullmatch(part)), "--accent", f"'{part}'", "letters, digits, - and _: [NAME=]VOICE")
            found.append(Accent(name, voice if sign else name))
        return found


def _check(good: bool, option: str, found: object, wanted: str) -> None:
    if not good:
        raise InputError(f"synth: {option}: found {found}; expected {wanted}")


@dataclass(frozen=True)
class _Block:
    """What one speaker reads at one rate: made by a synthesiser of its own, so that it can be made again alone."""

    name: str
    rate: int
    lines: tuple[Line, ...]


def synth(plan: SynthPlan, folder: Path) -> Path:
    """Make the corpus and return its card; what an interrupted call finished is not made again.

    Equal plans make equal files on one machine. Raises InputError for a plan that cannot be spoken and RunFolderError
    for a folder that holds something else.
    """
    sentences = read_sentences(plan.sentences)
    recipe = replace(load_recipe(), test_sentences=sentences)
    claim(folder, _identity(plan, sentences))
    blocks = list(_blocks(plan, recipe))
    total = sum(len(block.lines) for block in blocks)
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("synthesising", total=total)
        for block in blocks:
            if not (folder / AUDIO / block.name).is_dir():
                for _ in _make(block, recipe, folder, seed=plan.seed):
                    bar.advance(task)
            else:
                bar.advance(task, len(block.lines))
    write_text(folder / CARD, tomli_w.dumps(card(plan)))
    write_text(folder / TABLE, _table(blocks).write_csv())
    return folder / CARD


def read_sentences(source: str) -> tuple[str, ...]:
    """Return the sentences of a file, without blank lines, or the demo's own."""
    if source == BUILT_IN:
        return load_recipe().test_sentences
    found = []
    for number, line in enumerate(read_lines(Path(source)), start=1):
        text = " ".join(line.split())
        where = f"{source}: line {number}"
        if not text:
            continue
        if not any(sign.isalnum() for sign in text) or safe(text) != text:
            raise InputError(f"{where}: found '{safe(text)[:60]}'; expected a sentence that can be read aloud")
        if len(text) > LONGEST:
            raise InputError(f"{where}: found {len(text)} characters; expected at most {LONGEST}")
        found.append(text)
    if not found:
        raise InputError(f"{source}: found no sentence; expected one a line")
    return tuple(found)


def _identity(plan: SynthPlan, sentences: tuple[str, ...]) -> dict[str, Any]:
    facts = {name: getattr(plan, name) for name in ("accents", "voices", "rates", "language", "seed")}
    return {"kind": "synthetic corpus", **facts, "sentences": sentences}


def _blocks(plan: SynthPlan, recipe: Recipe) -> Iterator[_Block]:
    by_gender = [[voice for voice in recipe.voices if voice.gender == gender] for gender in ("female", "male")]
    voices = [voice for pair in zip(*by_gender, strict=True) for voice in pair][: plan.voices]
    for accent in plan.chosen():
        for voice in voices:
            for rate in plan.rates:
                name = f"{accent.name.lower()}-{voice.variant}-{rate}"
                lines = [
                    Line(f"{name}-{number:04}", accent, replace(voice, rate=rate), sentence)
                    for number, sentence in enumerate(recipe.test_sentences, start=1)
                ]
                yield _Block(name, rate, tuple(lines))


def _make(block: _Block, recipe: Recipe, folder: Path, *, seed: int) -> Iterator[Line]:
    """Write a block's files into a folder that gets its name when all are there."""
    partial = folder / AUDIO / f".{block.name}"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with Synthesiser(int(generator(seed, "synth", block.name).integers(2**31))) as synthesiser:
            for line in block.lines:
                random = generator(seed, "synth", line.utterance_id)
                samples = perform(synthesiser, line, recipe, random)
                write_wav(partial / f"{line.utterance_id}.wav", samples, recipe.sample_rate)
                yield line
        partial.rename(folder / AUDIO / block.name)
    except OSError as error:
        raise RunFolderError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _table(blocks: list[_Block]) -> pl.DataFrame:
    lines = [(block, line) for block in blocks for line in block.lines]
    return pl.DataFrame(
        {
            "utterance_id": [line.utterance_id for _, line in lines],
            "speaker_id": [line.speaker_id for _, line in lines],
            "audio": [f"{AUDIO}/{block.name}/{line.utterance_id}.wav" for block, line in lines],
            "reference": [line.sentence for _, line in lines],
            "accent": [line.accent.name for _, line in lines],
            "gender": [line.voice.gender for _, line in lines],
            "rate": [str(block.rate) for block, _ in lines],
            "synthetic": ["true"] * len(lines),
        }
    )


def card(plan: SynthPlan) -> dict[str, Any]:
    """Return the corpus's card."""
    voices = ", ".join(f"{accent.name}: {accent.voice}" for accent in plan.chosen())
    own = "asrfair's (Apache-2.0)" if plan.sentences == BUILT_IN else "of the user's own file"
    told = {"accent": f"the synthesiser's voice ({voices})", "gender": "the synthesiser's voice variant"}
    axes = {name: {"column": name, "assigned_by": "by design", "note": note} for name, note in told.items()}
    axes["accent"]["reference_group"] = plan.chosen()[0].name
    return {
        "name": "synthetic-voices",
        "title": "Synthetic voices",
        "kind": "synthetic",
        "language": plan.language,
        "licence": f"Made on the spot by espeak-ng (GPL-3); the sentences are {own}",
        "obtain": "Made by: asrfair synth",
        "synthetic": "synthetic",
        "caveats": [f"{SYNTHETIC[0].lower()}{SYNTHETIC[1:].rstrip('.')}"],
        "layout": {"type": "table", "file": TABLE},
        "axes": axes,
        "covariates": {"rate": {"column": "rate", "unit": "words/min", "note": "asked of the synthesiser"}},
    }
