"""The draw of other talkers and of recordings."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.audio import write_wav
from asrfair.condition import (
    Need,
    Recording,
    choose_recording,
    choose_talkers,
    group_talkers,
    load_condition,
    materials_needed,
)
from asrfair.errors import InputError
from asrfair.seeds import generator

CORPUS = [(f"{speaker}{number}", speaker) for speaker in "abcdef" for number in range(3)]


def test_needs(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.ones(100), 8000)
    assert materials_needed(load_condition("telephone")) == []
    assert materials_needed(load_condition("babble-10db")) == [Need(0, "talkers", 5)]
    recorded = load_condition(f"recorded-noise-10db={tmp_path}")
    assert materials_needed(recorded) == [Need(0, "recording", 1, tmp_path)]
    path = tmp_path / "several.toml"
    path.write_text(
        'summary = "Several"\n[[effect]]\ntype = "g711"\n'
        '[[effect]]\ntype = "recorded_noise"\nsnr_db = 3\nrecordings = "."\nclasses = ["street", "rain"]\n'
        '[[effect]]\ntype = "babble"\nsnr_db = 3\ntalkers = 2\n'
        '[[effect]]\ntype = "speech_shaped_noise"\nsnr_db = 3\n'
        '[[effect]]\ntype = "speech_shaped_noise"\nsnr_db = 3\nspectrum = "corpus"\n'
        '[[effect]]\ntype = "device_response"\nrecordings = "a.wav"\nchannel = 1\n'
    )
    assert materials_needed(load_condition(str(path))) == [
        Need(1, "recording", 1, tmp_path, ("street", "rain")),
        Need(2, "talkers", 2),
        Need(4, "voices", 40),
        Need(5, "response", 1, tmp_path / "a.wav", channel=1),
    ]


@given(seed=st.integers(0, 10000), speaker=st.sampled_from("abcdef"), count=st.integers(1, 5))
def test_talkers_are_other_and_distinct(seed: int, speaker: str, count: int) -> None:
    chosen = choose_talkers(group_talkers(CORPUS), speaker_id=speaker, count=count, rng=generator(seed, "x"))
    assert sorted(utterance[0] for utterance in chosen) == sorted(set("abcdef") - {speaker})


@given(order=st.permutations(CORPUS))
def test_talkers_do_not_depend_on_the_order_of_the_corpus(order: list[tuple[str, str]]) -> None:
    draws = [
        choose_talkers(group_talkers(rows), speaker_id="a", count=2, rng=generator(1, "x")) for rows in (CORPUS, order)
    ]
    assert draws[0] == draws[1]


def test_every_speaker_and_utterance_is_as_likely_as_any_other() -> None:
    uneven = [*CORPUS, *((f"b{number}", "b") for number in range(3, 100))]
    draws = [
        choose_talkers(group_talkers(uneven), speaker_id="a", count=1, rng=generator(seed, "x"))[0]
        for seed in range(2000)
    ]
    speakers = Counter(utterance[0] for utterance in draws)
    assert set(speakers) == set("bcdef")
    assert all(320 < count < 480 for count in speakers.values())
    assert len(set(draws)) > 80


def test_talkers_of_unknown_speakers_are_left_out() -> None:
    corpus = [("u1", None), ("u2", "b"), ("u3", None), ("u4", "c")]
    assert sorted(choose_talkers(group_talkers(corpus), speaker_id="a", count=2, rng=generator(1, "x"))) == ["u2", "u4"]


def test_too_few_talkers() -> None:
    with pytest.raises(InputError, match="found 5 speakers other than 'a'; expected at least 6"):
        choose_talkers(group_talkers(CORPUS), speaker_id="a", count=6, rng=generator(1, "x"))
    with pytest.raises(InputError, match="found no speaker id; expected one, to choose other talkers"):
        choose_talkers(group_talkers(CORPUS), speaker_id=None, count=1, rng=generator(1, "x"))
    with pytest.raises(InputError, match="found 0 speakers other than 'a'"):
        choose_talkers(group_talkers([("u1", None), ("u2", "a")]), speaker_id="a", count=1, rng=generator(1, "x"))


def test_every_recording_is_as_likely_as_any_other() -> None:
    files = [Recording(f"{name}.wav", Path(f"{name}.wav")) for name in "abc"]
    draws = Counter(choose_recording(files, generator(seed, "x")) for seed in range(600))
    assert set(draws) == set(files)
    assert min(draws.values()) > 140
    assert choose_recording(files, generator(1, "x")) == choose_recording(files, generator(1, "x"))
