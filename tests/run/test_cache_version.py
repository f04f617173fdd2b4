"""The version in the cache's keys: what conditions do is as it was when the version was set.

``data/heard.json`` holds, for the shipped conditions that need nothing else, some numbers of a fixed signal under each,
made by this test with ASRFAIR_REWRITE=1 in the environment. Where a number changes, users' caches hold what no
recogniser would hear today: raise `asrfair.run.cache_keys.VERSION`, then rewrite the file.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from asrfair.condition import EFFECTS, Condition, apply_condition, materials_needed, shipped_conditions
from asrfair.run.cache_keys import VERSION

FILE = Path(__file__).resolve().parents[1] / "data" / "heard.json"
RATE = 16_000
# Far above what processors and versions of libraries differ by, far below what anybody would change on purpose.
TOLERANCE = 1e-3


def signal() -> np.ndarray:
    """Half a second of a voice-like sound after a pause, without any library's randomness."""
    time = np.arange(RATE // 2) / RATE
    voice = sum(np.sin(2 * np.pi * 110 * k * time + k**2) / k for k in range(1, 40))
    return np.concatenate([np.zeros(RATE // 10), 0.05 * voice * np.abs(np.sin(2 * np.pi * 3 * time))])


def plain() -> list[Condition]:
    rungs = [rung for rungs in shipped_conditions().values() for rung in (rungs[0], rungs[-1])]
    unique = {rung.name: rung for rung in rungs}.values()
    return [item for item in unique if all(not EFFECTS[step.effect].ready for step in item.steps) and not needs(item)]


def needs(condition: Condition) -> bool:
    """Return whether a condition needs recordings, or talkers; those that a user must bring are not in its steps."""
    return any(EFFECTS[step.effect].needs for step in condition.steps) and (
        any(EFFECTS[step.effect].needs in ("recording", "response") for step in condition.steps)
        or bool(materials_needed(condition))
    )


def numbers(condition: Condition) -> list[float]:
    """Return the length in s, the level in bels, and how it lies along three directions, relative to its level."""
    heard = apply_condition(condition, signal(), sample_rate=RATE, seed=1, utterance_id="u").astype(np.float64)
    level = float(np.sqrt((heard**2).mean()))
    place = np.arange(len(heard)) / RATE
    along = [float((heard * np.cos(2 * np.pi * hz * place)).mean() / max(level, 1e-9)) for hz in (110, 1_100, 2_750)]
    return [len(heard) / RATE, float(2 * np.log10(max(level, 1e-9))), *along]


def test_conditions_do_what_they_did_when_the_version_was_set() -> None:
    found = {condition.name: [round(value, 6) for value in numbers(condition)] for condition in plain()}
    if os.environ.get("ASRFAIR_REWRITE"):
        FILE.write_text(json.dumps({"version": VERSION, "heard": found}, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert kept["version"] == VERSION
    known = {name: values for name, values in kept["heard"].items() if name in found}
    assert len(known) > 20
    for name, values in known.items():
        assert found[name] == pytest.approx(values, abs=TOLERANCE), name
