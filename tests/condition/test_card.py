"""Condition cards: what they say, and how each fault in one is named."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from asrfair.audio import write_wav
from asrfair.condition import Rung, check_ready, condition_rows, load_condition, load_conditions, load_rungs
from asrfair.condition import effects as registry
from asrfair.condition.effect import Effect
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


def test_conditions_travel_to_other_processes() -> None:
    condition = load_condition("telephone")
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_own_card_by_path_with_defaults_and_whole_numbers(tmp_path: Path) -> None:
    condition = load_condition(card(tmp_path, 'type = "g711"', 'type = "white_noise"\nsnr_db = 5'))
    assert condition.name == condition.stream == "mine"
    assert condition.source is None
    assert [step.effect for step in condition.steps] == ["g711", "white_noise"]
    assert condition.steps[0].parameters["law"] == "mu"
    assert condition.steps[1].parameters == {"snr_db": 5.0, "speech_level": "active"}
    assert isinstance(condition.steps[1].parameters["snr_db"], float)


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            'type = "reverb"',
            "effect 1: found unknown effect 'reverb'; expected one of: white_noise, ",
        ),
        ("type = 3", "effect 1: found unknown effect 3; expected one of: white_noise"),
        ('type = ["g711"]', "effect 1: found unknown effect ['g711']; expected one of: white_noise"),
        ("snr_db = 3.0", "effect 1: key 'type' is missing; expected one of: white_noise"),
        ('type = "white_noise"', "effect 1 (white_noise): parameter 'snr_db' is missing"),
        (
            'type = "white_noise"\nsnr = 3.0',
            "effect 1 (white_noise): found unknown parameter 'snr'; expected one of: snr_db, speech_level",
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
        ('type = "recorded_noise"\nsnr_db = 3\nrecordings = 4', "'recordings': found a whole number 4; expected text"),
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
        (
            'summary = "x"\nsummery = "y"',
            "unknown key 'summery'; expected one of: summary, source, obtain, reference, ladder, effect",
        ),
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
    with pytest.raises(CardError, match=r"'nonesuch': found no such card .* expected one of: babble-10db, "):
        load_condition("nonesuch")
    with pytest.raises(CardError, match="no such card file"):
        load_condition(str(tmp_path / "none.toml"))
    own = card(tmp_path, name="clean")
    with pytest.raises(CardError, match="found 'clean' 2 times; expected each name once"):
        load_conditions(["clean", "telephone", own])
    assert [condition.name for condition in load_conditions(["telephone", "clean"])] == ["telephone", "clean"]


def test_recordings_by_name(noises: Path) -> None:
    condition = load_condition(f"recorded-noise-10db={noises}")
    assert condition.name == "recorded-noise-10db"
    assert condition.steps[0].parameters["recordings"] == str(noises)


def test_recordings_that_are_missing_or_unwanted(noises: Path, tmp_path: Path) -> None:
    own = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3', head='summary = "Mine"\nobtain = "a shop"', name="mine")
    with pytest.raises(CardError, match=r"needs recordings; expected .*mine.toml=RECORDINGS \(a shop\)"):
        load_condition(own)
    assert "recordings" not in load_condition("recorded-noise-10db", complete=False).steps[0].parameters
    with pytest.raises(CardError, match="found no path after '='"):
        load_condition("recorded-noise-10db=")
    with pytest.raises(CardError, match=r"found recordings; expected none: every effect of .*clean.toml has its own"):
        load_condition(f"clean={noises}")
    filled = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3\nrecordings = "noises"', name="filled")
    with pytest.raises(CardError, match="found recordings; expected none"):
        load_condition(f"{filled}={noises}")
    with pytest.raises(InputError, match="none"):
        load_condition(f"recorded-noise-10db={noises / 'none'}")
    (noises / "a.wav").unlink()
    with pytest.raises(InputError, match="found no recordings"):
        load_condition(f"recorded-noise-10db={noises}")


def test_recordings_of_own_card(noises: Path, tmp_path: Path) -> None:
    own = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3\nrecordings = "noises"', name="own")
    assert load_condition(own).steps[0].parameters["recordings"] == str(noises)
    absolute = card(tmp_path, f'type = "recorded_noise"\nsnr_db = 3\nrecordings = "{noises}"', name="absolute")
    assert load_condition(absolute).steps[0].parameters["recordings"] == str(noises)
    without = card(tmp_path, 'type = "recorded_noise"\nsnr_db = 3', name="a=b@c")
    assert load_condition(f"{without}={noises}").steps[0].parameters["recordings"] == str(noises)


LADDER = 'summary = "Mine"\n[ladder]\nparameter = "white_noise.snr_db"\nvalues = [20, 10, -5.5]'


def test_a_ladder_is_a_condition_per_value(tmp_path: Path) -> None:
    path = card(tmp_path, 'type = "g711"', 'type = "white_noise"', head=LADDER)
    rungs = load_rungs(path)
    assert [rung.name for rung in rungs] == ["mine@20", "mine@10", "mine@-5.5"]
    assert [rung.steps[1].parameters["snr_db"] for rung in rungs] == [20.0, 10.0, -5.5]
    assert rungs[1].rung == Rung("mine", "white_noise.snr_db", 10.0)
    assert {rung.stream for rung in rungs} == {"mine"}
    assert rungs[2].summary == "Mine: -5.5 dB"
    assert load_conditions(["clean", path]) == (load_condition("clean"), *rungs)
    assert load_rungs(f"{path}@10") == rungs[1:2]
    assert load_condition(f"{path}@-5.5") == rungs[2]
    with pytest.raises(CardError, match=r"found a ladder; expected one of: mine@20, mine@10, mine@-5.5"):
        load_condition(path)
    with pytest.raises(CardError, match=r"found no rung '11'; expected one of: mine@20"):
        load_rungs(f"{path}@11")
    with pytest.raises(CardError, match=r"found the value 3; expected none: .*clean.toml is no ladder"):
        load_rungs("clean@3")


def test_a_ladder_in_the_table(tmp_path: Path) -> None:
    table = condition_rows(
        load_rungs(card(tmp_path, 'type = "white_noise"', 'type = "white_noise"\nsnr_db = 4', head=LADDER))
    )
    swept = table.drop_nulls("ladder")
    assert swept.select("condition", "ladder", "parameter", "value", "unit").rows() == [
        (f"mine@{value:g}", "mine", "white_noise.snr_db", value, "dB") for value in (20.0, 10.0, -5.5)
    ]


def test_a_ladder_of_whole_numbers_with_recordings(noises: Path, tmp_path: Path) -> None:
    head = 'summary = "Mine"\n[ladder]\nparameter = "babble.talkers"\nvalues = [1, 4]'
    path = card(tmp_path, 'type = "babble"\nsnr_db = 3', 'type = "recorded_noise"\nsnr_db = 0', head=head)
    rungs = load_rungs(f"{path}@4={noises}")
    assert [rung.steps[0].parameters["talkers"] for rung in rungs] == [4]
    assert isinstance(rungs[0].steps[0].parameters["talkers"], int)
    halves = card(tmp_path, 'type = "babble"\nsnr_db = 3', head=head.replace("4]", "4.5]"), name="halves")
    with pytest.raises(CardError, match=r"'talkers': found a number 4.5; expected a whole number"):
        load_rungs(halves)


@pytest.mark.parametrize(
    ("parameter", "values", "effect", "message"),
    [
        (
            "white_noise.snr",
            "[1, 2]",
            'type = "white_noise"',
            "unknown parameter 'white_noise.snr'; expected one of: white_noise.snr_db",
        ),
        ("white_noise[2].snr_db", "[1, 2]", 'type = "white_noise"', "unknown parameter 'white_noise[2].snr_db'"),
        (
            "white_noise.snr_db",
            "[1]",
            'type = "white_noise"',
            "found values [1.0]; expected two different ones at least",
        ),
        ("white_noise.snr_db", "[1, 1]", 'type = "white_noise"', "found values [1.0, 1.0]; expected two different"),
        ("white_noise.snr_db", "[1, 2]", 'type = "white_noise"\nsnr_db = 3', "found 'snr_db', which the ladder sweeps"),
        ("white_noise.snr_db", "[1, 99]", 'type = "white_noise"', "'snr_db': found 99.0; expected -30 to 60"),
    ],
)
def test_faulty_ladder(tmp_path: Path, parameter: str, values: str, effect: str, message: str) -> None:
    head = f'summary = "Mine"\n[ladder]\nparameter = "{parameter}"\nvalues = {values}'
    path = card(tmp_path, effect, head=head)
    with pytest.raises(CardError) as caught:
        load_rungs(path)
    assert path in str(caught.value)
    assert message in str(caught.value)


def test_a_condition_within_a_condition(tmp_path: Path) -> None:
    inner = card(tmp_path, 'type = "white_noise"\nsnr_db = 3', name="inner")
    outer = card(
        tmp_path, 'type = "condition"\nname = "telephone"', 'type = "condition"\nname = "inner.toml"', name="outer"
    )
    condition = load_condition(outer)
    assert condition.steps == (*load_condition("telephone").steps, *load_condition(inner).steps)
    before = condition.digest
    card(tmp_path, 'type = "white_noise"\nsnr_db = 4', name="inner")
    assert load_condition(outer).digest != before
    head = LADDER.replace('"Mine"', '"Sweeps what another card sets"')
    sweeping = card(tmp_path, 'type = "condition"\nname = "inner.toml"', head=head, name="sweeping")
    assert [rung.steps[0].parameters["snr_db"] for rung in load_rungs(sweeping)] == [20.0, 10.0, -5.5]


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ('type = "condition"', "effect 1 (condition): found no name; expected 'name', of another condition"),
        ('type = "condition"\nname = "clean"\nsnr_db = 3', "found ['snr_db']; expected 'name', of another condition"),
        ('type = "condition"\nname = "nonesuch"', "'nonesuch': found no such card"),
        ('type = "condition"\nname = "mine.toml"', "found 'mine.toml' within itself; expected another condition"),
        ('type = "condition"\nname = "steps.toml"', "found the ladder 'steps.toml'; expected a single condition"),
    ],
)
def test_faulty_condition_within_a_condition(tmp_path: Path, effect: str, message: str) -> None:
    card(tmp_path, 'type = "white_noise"', head=LADDER, name="steps")
    with pytest.raises(CardError) as caught:
        load_condition(card(tmp_path, effect))
    assert message in str(caught.value)


def test_what_is_not_installed_is_said_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(parameters: object, working_hz: int) -> None:
        raise CardError(f"robot: found no robot at {working_hz} Hz")

    monkeypatch.setitem(registry.EFFECTS, "robot", Effect(lambda signal, circumstances: signal, ready=absent))
    condition = load_condition(card(tmp_path, 'type = "robot"'))
    with pytest.raises(CardError, match="condition 'mine': robot: found no robot at 8000 Hz"):
        check_ready([load_condition("clean"), condition], sample_rate=8000)


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
    for effect in registry.EFFECTS.values():
        assert (effect.function.__doc__ or "").splitlines()[0].endswith(".")
        assert effect.parameters() or effect.removes_speech
