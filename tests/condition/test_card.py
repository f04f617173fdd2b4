"""Condition cards: what they say, and how each fault in one is named."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from asrfair.audio import write_wav
from asrfair.condition import load_condition, load_conditions, shipped_conditions
from asrfair.condition.card import Step
from asrfair.condition.effects import EFFECTS
from asrfair.errors import CardError, InputError


def card(folder: Path, *effects: str, name: str = "mine", head: str = 'summary = "Mine"') -> str:
    path = folder / f"{name}.toml"
    path.write_text(head + "\n" + "".join(f"[[effect]]\n{effect}\n" for effect in effects), encoding="utf-8")
    return str(path)


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    folder = tmp_path / "noises"
    folder.mkdir()
    write_wav(folder / "a.wav", np.ones(100), 8000)
    return folder


def test_shipped_cards() -> None:
    conditions = {condition.name: condition for condition in shipped_conditions()}
    assert list(conditions) == [
        "babble-10db",
        "clean",
        "fast-speech",
        "pink-noise-10db",
        "pink-noise-20db",
        "recorded-noise-10db",
        "telephone",
        "white-noise-10db",
    ]
    for condition in conditions.values():
        assert condition.summary
        assert condition.source
        assert "\n" not in condition.summary + condition.source
        assert len(condition.digest) == 16
    assert conditions["clean"].steps == ()
    assert conditions["telephone"].steps == (
        Step("band_pass", {"low_hz": 300.0, "high_hz": 3400.0}),
        Step("g711", {"law": "mu"}),
    )
    for name, effect, parameters in [
        ("white-noise-10db", "white_noise", {"snr_db": 10.0}),
        ("pink-noise-10db", "pink_noise", {"snr_db": 10.0}),
        ("pink-noise-20db", "pink_noise", {"snr_db": 20.0}),
        ("babble-10db", "babble", {"snr_db": 10.0, "talkers": 5}),
        ("recorded-noise-10db", "recorded_noise", {"snr_db": 10.0}),
        ("fast-speech", "time_stretch", {"rate": 1.25}),
    ]:
        assert conditions[name].steps == (Step(effect, parameters),)


def test_conditions_travel_to_other_processes() -> None:
    condition = load_condition("telephone")
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_own_card_by_path_with_defaults_and_whole_numbers(tmp_path: Path) -> None:
    condition = load_condition(card(tmp_path, 'type = "g711"', 'type = "white_noise"\nsnr_db = 5'))
    assert condition.name == "mine"
    assert condition.source is None
    assert condition.steps == (Step("g711", {"law": "mu"}), Step("white_noise", {"snr_db": 5.0}))
    assert isinstance(condition.steps[1].parameters["snr_db"], float)


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            'type = "reverb"',
            "effect 1: found unknown effect 'reverb'; expected one of: white_noise, pink_noise, babble",
        ),
        ("type = 3", "effect 1: found unknown effect 3; expected one of: white_noise"),
        ('type = ["g711"]', "effect 1: found unknown effect ['g711']; expected one of: white_noise"),
        ("snr_db = 3.0", "effect 1: key 'type' is missing; expected one of: white_noise"),
        ('type = "white_noise"', "effect 1 (white_noise): parameter 'snr_db' is missing"),
        (
            'type = "white_noise"\nsnr = 3.0',
            "effect 1 (white_noise): found unknown parameter 'snr'; expected one of: snr_db",
        ),
        (
            'type = "white_noise"\nsnr_db = "3"',
            "effect 1 (white_noise): 'snr_db': found text '3'; expected a number",
        ),
        ('type = "white_noise"\nsnr_db = true', "'snr_db': found a boolean True; expected a number"),
        ('type = "white_noise"\nsnr_db = 60.5', "'snr_db': found 60.5; expected -30 to 60"),
        ('type = "white_noise"\nsnr_db = -31', "'snr_db': found -31; expected -30 to 60"),
        ('type = "white_noise"\nsnr_db = nan', "'snr_db': found nan; expected -30 to 60"),
        ('type = "babble"\nsnr_db = 3\ntalkers = 0', "'talkers': found 0; expected 1 to 100"),
        ('type = "babble"\nsnr_db = 3\ntalkers = 2.5', "'talkers': found a number 2.5; expected a whole number"),
        ('type = "g711"\nlaw = "b"', "'law': found 'b'; expected one of: mu, a"),
        ('type = "time_stretch"\nrate = 9', "'rate': found 9; expected 0.25 to 4"),
        ('type = "recorded_noise"\nsnr_db = 3\nfolder = 4', "'folder': found a whole number 4; expected text"),
    ],
)
def test_faulty_effect(tmp_path: Path, effect: str, message: str) -> None:
    path = card(tmp_path, effect)
    with pytest.raises(CardError) as caught:
        load_condition(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('summary = "x"\nsummery = "y"', "unknown key 'summery'; expected one of: summary, source, effect"),
        ("", "key 'summary' is missing"),
        ("summary = 3", "'summary': found a whole number 3; expected text"),
        ('summary = "x"\neffect = "g711"', "'effect': found text 'g711'; expected a list of a table"),
        ('summary = "x"\nsummary = "y"', "not readable as TOML"),
    ],
)
def test_faulty_card(tmp_path: Path, head: str, message: str) -> None:
    path = card(tmp_path, head=head)
    with pytest.raises(CardError) as caught:
        load_condition(path)
    assert path in str(caught.value)
    assert message in str(caught.value)


def test_unknown_names_and_double_names(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"'nonesuch': found no such card .* expected one of: babble-10db, clean"):
        load_condition("nonesuch")
    with pytest.raises(CardError, match="no such card file"):
        load_condition(str(tmp_path / "none.toml"))
    own = card(tmp_path, name="clean")
    with pytest.raises(CardError, match="found 'clean' 2 times; expected each name once"):
        load_conditions(["clean", "telephone", own])
    assert [condition.name for condition in load_conditions(["telephone", "clean"])] == ["telephone", "clean"]


def test_folder_by_name(noises: Path) -> None:
    condition = load_condition(f"recorded-noise-10db={noises}")
    assert condition.name == "recorded-noise-10db"
    assert condition.steps == (Step("recorded_noise", {"snr_db": 10.0, "folder": str(noises)}),)


def test_folder_that_is_missing_or_unwanted(noises: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match="needs a folder of recordings; expected recorded-noise-10db=FOLDER"):
        load_condition("recorded-noise-10db")
    assert load_condition("recorded-noise-10db", complete=False).steps[0].parameters == {"snr_db": 10.0}
    with pytest.raises(CardError, match="found no folder after '='"):
        load_condition("recorded-noise-10db=")
    with pytest.raises(CardError, match=r"found a folder; expected none: no effect of .*clean.toml is without one"):
        load_condition(f"clean={noises}")
    own = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3\nfolder = "noises"')
    with pytest.raises(CardError, match="found a folder; expected none"):
        load_condition(f"{own}={noises}")
    with pytest.raises(InputError, match="no such folder"):
        load_condition(f"recorded-noise-10db={noises / 'none'}")
    (noises / "a.wav").unlink()
    with pytest.raises(InputError, match="found no recordings"):
        load_condition(f"recorded-noise-10db={noises}")


def test_folder_of_own_card(noises: Path, tmp_path: Path) -> None:
    own = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3\nfolder = "noises"', name="own")
    assert load_condition(own).steps[0].parameters["folder"] == str(noises)
    absolute = card(tmp_path, f'type = "recorded_noise"\nsnr_db = 3\nfolder = "{noises}"', name="absolute")
    assert load_condition(absolute).steps[0].parameters["folder"] == str(noises)
    without = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3', name="a=b")
    assert load_condition(f"{without}={noises}").steps[0].parameters["folder"] == str(noises)


def test_digest_follows_the_card_and_the_folder(noises: Path, tmp_path: Path) -> None:
    first = load_condition(card(tmp_path, 'type = "white_noise"\nsnr_db = 3'))
    second = load_condition(card(tmp_path, 'type = "white_noise"\nsnr_db = 4'))
    assert first.digest != second.digest
    spec = f"recorded-noise-10db={noises}"
    digests = [load_condition("recorded-noise-10db", complete=False).digest, load_condition(spec).digest]
    write_wav(noises / "b.wav", np.ones(100), 8000)
    digests.append(load_condition(spec).digest)
    write_wav(noises / "b.wav", np.ones(101), 8000)
    digests.append(load_condition(spec).digest)
    (noises / "b.wav").rename(noises / "c.wav")
    digests.append(load_condition(spec).digest)
    assert len(set(digests)) == 5
    (noises / "readme.txt").write_text("no audio")
    moved = noises.rename(tmp_path / "elsewhere")
    assert load_condition(f"recorded-noise-10db={moved}").digest == digests[-1]


def test_every_effect_says_what_it_does_and_its_ranges() -> None:
    for effect in EFFECTS.values():
        assert (effect.function.__doc__ or "").splitlines()[0].endswith(".")
        assert effect.parameters()
