"""A small corpus with real audio files, and a recogniser program that answers from what it hears."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

CARD = """
title = "Small"
kind = "scripted"
language = "en"
licence = "made by the tests"
[layout]
type = "table"
file = "people.csv"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
reference_group = "north"
[axes.gender]
column = "gender"
assigned_by = "self-reported"
[axes.age]
column = "age"
assigned_by = "imputed"
"""
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

# Answers with as many words as the recording has loud halves of seconds, after a pause.
PROGRAM = """
import json, sys, time, wave
import numpy as np
pause = float(sys.argv[1])
words = "zero one two three four five six seven eight nine".split()
for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["audio"]) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    time.sleep(pause)
    blocks = samples[: len(samples) // 4000 * 4000].reshape(-1, 4000)
    heard = [words[int(np.sqrt((block**2).mean())) % 10] for block in blocks]
    print(json.dumps({"utterance_id": request["utterance_id"], "hypothesis": " ".join(heard)}), flush=True)
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of 20 utterances by 10 speakers; its card is ``small.toml`` in the same folder."""
    root = tmp_path / "corpus"
    (root / "audio").mkdir(parents=True)
    (root / "small.toml").write_text(CARD, encoding="utf-8")
    rows = ["utterance_id,speaker_id,audio,reference,accent,gender,age"]
    random = np.random.default_rng(5)
    for number in range(20):
        speaker = number % 10
        accent = "north" if speaker < 5 else "south"
        samples = (
            random.normal(size=8_000 + 400 * number)
            * np.repeat(random.uniform(0.01, 0.2, 50), 400)[: 8_000 + 400 * number].mean()
        )
        soundfile.write(root / "audio" / f"u{number:02d}.wav", samples, 16_000)
        text = " ".join(random.choice(WORDS, 4))
        rows.append(f"u{number:02d},s{speaker},audio/u{number:02d}.wav,{text},{accent},{'fm'[speaker % 2]},young")
    (root / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def recogniser(tmp_path: Path) -> str:
    """The command line of a recogniser that answers at once."""
    program = tmp_path / "recogniser.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return f"{sys.executable} {program} 0"
