"""The demo corpus: the recipe as data, and real synthesis."""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from asrfair.corpus import espeak, synthesis
from asrfair.corpus.espeak import Synthesiser
from asrfair.corpus.synthesis import load_recipe, synthesise
from asrfair.errors import CardError, InputError, RunFolderError

RECIPE = load_recipe()


def words(sentences: tuple[str, ...]) -> set[str]:
    return {word for sentence in sentences for word in sentence.split()}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_recipe_holds_what_the_demo_promises() -> None:
    assert len(RECIPE.accents) >= 5
    assert len(RECIPE.voices) >= 10
    assert RECIPE.sentences_per_speaker >= 3
    assert Counter(voice.gender for voice in RECIPE.voices) == {"female": 5, "male": 5}
    for names in ([a.name for a in RECIPE.accents], [v.variant for v in RECIPE.voices]):
        assert len(set(names)) == len(names)


def test_held_out_sentences_are_held_out_but_not_their_words() -> None:
    test, training = RECIPE.test_sentences, RECIPE.training_sentences
    assert len(set(test)) == len(test)
    assert not set(test) & set(training)
    assert words(test) <= words(training)
    assert all(sentence == " ".join(sentence.lower().split()) for sentence in test + training)


@pytest.mark.demo
def test_every_word_is_in_the_recognisers_dictionary() -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    path = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    known = {line.split()[0] for line in path.read_text(encoding="utf-8").splitlines()}
    assert words(RECIPE.test_sentences + RECIPE.training_sentences) <= known


def test_recipe_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    text = synthesis.RECIPE.read_text(encoding="utf-8")
    path.write_text("colour = 1\n" + text, encoding="utf-8")
    with pytest.raises(CardError, match="unknown key 'colour'"):
        load_recipe(path)
    path.write_text(text.replace("sentences_per_speaker = 3", "sentences_per_speaker = 4"), encoding="utf-8")
    with pytest.raises(CardError, match="found 30 test_sentences; expected 40, all read once"):
        load_recipe(path)


def test_missing_synthesiser_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'install it with pip install "asrfair\[demo\]"'):
        synthesise(tmp_path, seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader")
    folder = tmp_path_factory.mktemp("demo")
    synthesise(folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "utterances.csv", infer_schema=False)


@pytest.mark.demo
def test_table(rows: pl.DataFrame) -> None:
    assert rows.columns == ["utterance_id", "speaker_id", "audio", "reference", "accent", "gender"]
    speakers = len(RECIPE.accents) * len(RECIPE.voices)
    assert len(rows) == rows["utterance_id"].n_unique() == speakers * RECIPE.sentences_per_speaker
    assert rows["speaker_id"].n_unique() == speakers
    assert rows.group_by("speaker_id").agg(pl.struct("accent", "gender").n_unique())["accent"].to_list() == (
        [1] * speakers
    )
    assert set(rows["accent"]) == {accent.name for accent in RECIPE.accents}


@pytest.mark.demo
def test_every_accent_reads_the_same(rows: pl.DataFrame) -> None:
    read = {tuple(sorted(group["reference"])) for _, group in rows.group_by("accent")}
    assert read == {tuple(sorted(RECIPE.test_sentences))}


@pytest.mark.demo
def test_audio(folder: Path, rows: pl.DataFrame) -> None:
    assert {path.name for path in (folder / "audio").iterdir()} == {Path(name).name for name in rows["audio"]}
    for name in rows["audio"]:
        info = soundfile.info(folder / name)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        assert 0.9 < info.duration < 4


@pytest.mark.demo
def test_level_and_floor(folder: Path, rows: pl.DataFrame) -> None:
    """Against the definitions, written out: speech at -26 dB, the pauses 40 dB below it, none clipped."""
    for name in rows["audio"][::7]:
        samples, rate = soundfile.read(folder / name)
        pause = round(RECIPE.pause_s * rate)
        floor = np.concatenate([samples[:pause], samples[-pause:]])
        frames = samples[pause:-pause][: (len(samples) - 2 * pause) // 320 * 320].reshape(-1, 320)
        powers = sorted(np.mean(frames**2, axis=1))
        active = np.mean([power for power in powers if power > powers[-1] / 1000])
        assert abs(10 * np.log10(active) - -26) < 0.3
        assert abs(10 * np.log10(active / np.mean(floor**2)) - 40) < 0.5
        assert np.max(np.abs(samples)) < 0.9


@pytest.mark.demo
def test_floor_is_white_and_differs_between_utterances(folder: Path, rows: pl.DataFrame) -> None:
    floors = [soundfile.read(folder / name)[0][:3200] for name in rows["audio"][:6]]
    for floor in floors:
        correlation = np.corrcoef(floor[:-1], floor[1:])[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(floor))
    between = np.corrcoef(floors)[np.triu_indices(len(floors), 1)]
    assert np.max(np.abs(between)) < 0.1


@pytest.mark.demo
def test_accents_and_voices_sound_different(folder: Path, rows: pl.DataFrame) -> None:
    assert len(set(digests(folder / "audio").values())) == len(rows)


@pytest.mark.demo
def test_another_process_makes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    code = "import sys; from asrfair.corpus.synthesis import *; synthesise(Path(sys.argv[1]), seed=3)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert digests(tmp_path) == digests(folder)


@pytest.mark.demo
def test_twice_in_one_process_and_another_seed(folder: Path, rows: pl.DataFrame, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    synthesise(tmp_path, seed=3, progress=lambda done, total: calls.append((done, total)))
    assert digests(tmp_path) == digests(folder)
    assert calls == [(done, len(rows)) for done in range(len(rows) + 1)]
    synthesise(tmp_path, seed=4)
    audio, other = digests(folder / "audio"), digests(tmp_path / "audio")
    assert not set(audio.values()) & set(other.values())
    assert (tmp_path / "utterances.csv").read_bytes() == (folder / "utterances.csv").read_bytes()


@pytest.mark.demo
def test_texts_for_language_models(folder: Path) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in (folder / "sentences").iterdir()}
    assert set(texts) == {"in-domain", "held-out"}
    assert set(texts["held-out"]) == set(RECIPE.training_sentences)
    assert set(texts["in-domain"]) - set(texts["held-out"]) == set(RECIPE.test_sentences)


@pytest.mark.parametrize(
    ("voice", "variant", "message"),
    [("en-us", "zz9", "found no variant 'zz9'"), ("xx-yy", "f1", "found no voice 'xx-yy'")],
)
@pytest.mark.demo
def test_unknown_voice_does_not_fall_back(folder: Path, voice: str, variant: str, message: str) -> None:
    with Synthesiser(1) as synthesiser:
        with pytest.raises(InputError, match=message):
            synthesiser.speak("hello", voice=voice, variant=variant, rate=160, pitch=50)
        samples, rate = synthesiser.speak("hello", voice="en-us", variant="f1", rate=160, pitch=50)
    assert rate == 22_050
    assert len(samples) > 4_000


@pytest.mark.demo
def test_every_voice_of_the_recipe_is_its_own(folder: Path) -> None:
    """With the same rate and pitch, a variant that fell back would sound like another."""
    with Synthesiser(1) as synthesiser:
        said = {
            synthesiser.speak("hello there", voice=a.voice, variant=v.variant, rate=160, pitch=50)[0].tobytes()
            for a in RECIPE.accents
            for v in RECIPE.voices
        }
    assert len(said) == len(RECIPE.accents) * len(RECIPE.voices)


@pytest.mark.demo
def test_synthesiser_that_dies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Synthesiser(1) as synthesiser:
        synthesiser._process.kill()
        synthesiser._process.wait()
        with pytest.raises(InputError, match="espeak-ng ended early: exit code -9"):
            synthesiser.speak("hello", voice="en-us", variant="f1", rate=160, pitch=50)


@pytest.mark.demo
def test_folder_that_cannot_be_written(folder: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written"):
        synthesise(folder / "utterances.csv", seed=0)
