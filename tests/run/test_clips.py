"""Clips for the page: the very sound of the run, compressed and short; and what is said where there can be none."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from rich.console import Console

import asrfair
from asrfair.audio import read_audio, resample
from asrfair.errors import InputError
from asrfair.report.html.spoken import Clip
from asrfair.results import Results
from asrfair.run.clips import LONGEST_S, clips, compress
from asrfair.run.listen import ListenPlan, listen
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.run.utterances import spoken, worst_utterances

CONDITIONS = ("clean", "babble-10db", "telephone")


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": recogniser}},
        conditions=CONDITIONS,
        seed=3,
        workers=1,
        out=str(tmp_path / "run"),
    )


@pytest.fixture
def results(plan: Plan) -> Results:
    return asrfair.evaluate(plan)


def likeness(clip: Clip, samples: np.ndarray, sample_rate: int) -> float:
    """The correlation of a clip with a waveform."""
    sound, rate = soundfile.read(io.BytesIO(clip.data))
    wanted = resample(samples.astype(np.float64), from_hz=sample_rate, to_hz=rate)
    assert abs(len(sound) - len(wanted)) <= 1
    shared = min(len(sound), len(wanted))
    return float(np.corrcoef(sound[:shared], wanted[:shared])[0, 1])


def heard(corpus: Path, utterance_id: str, name: str, folder: Path, *, sample_rate: int) -> np.ndarray:
    plan = ListenPlan((name,), seed=3, sample_rate=sample_rate, out=folder / "heard.wav")
    listen(str(corpus / "small.toml"), corpus, utterance_id, plan, console=Console(file=io.StringIO()))
    return soundfile.read(folder / "heard.wav")[0]


@pytest.mark.parametrize("sample_rate", [8_000, 16_000])
def test_a_clip_is_what_the_run_heard(plan: Plan, corpus: Path, tmp_path: Path, sample_rate: int) -> None:
    results = asrfair.evaluate(replace(plan, sample_rate=sample_rate))
    worst = worst_utterances(results, most=3)
    found = clips(Path(plan.out), results, worst, most=4)
    ids = list(dict.fromkeys(item.utterance_id for item in worst))[:4]
    assert {utterance for utterance, _ in found} == set(ids)
    for (utterance_id, name), clip in found.items():
        recorded = read_audio(corpus / "audio" / f"{utterance_id}.wav", sample_rate=sample_rate).samples
        sounds = {one: heard(corpus, utterance_id, one, tmp_path, sample_rate=sample_rate) for one in CONDITIONS[1:]}
        alike = {one: likeness(clip, sound, sample_rate) for one, sound in {None: recorded, **sounds}.items()}
        # Noise up to half the rate is the hardest sound for a codec of speech and music.
        assert max(alike, key=alike.__getitem__) == name
        assert alike[name] > 0.85
        assert clip.media_type == "audio/mpeg"
        assert clip.seconds == clip.whole_s == pytest.approx(len(recorded) / sample_rate)


def test_there_is_one_clip_of_each_sound_and_none_of_clean(plan: Plan, results: Results) -> None:
    worst = worst_utterances(results, most=3)
    found = clips(Path(plan.out), results, worst, most=99)
    wanted = {(item.utterance_id, None) for item in worst}
    wanted |= {(item.utterance_id, item.condition) for item in worst if item.condition != "clean"}
    assert set(found) == wanted


def test_none_asked_for_are_none(plan: Plan, results: Results) -> None:
    worst = worst_utterances(results, most=3)
    assert clips(Path(plan.out), results, worst, most=0) == {}
    assert clips(Path(plan.out), results, [], most=5) == {}
    with pytest.raises(InputError, match="--audio -1: expected 0 or more"):
        clips(Path(plan.out), results, worst, most=-1)


def test_the_section_has_the_clips_at_their_places(plan: Plan, results: Results) -> None:
    section = spoken(Path(plan.out), results, most=3, audio=1)
    assert section.plays
    first, *others = section.utterances
    assert first.recorded is not None
    assert [sound.clip is not None for sound in first.sounds] == [sound.condition != "clean" for sound in first.sounds]
    assert not any(item.recorded or any(sound.clip for sound in item.sounds) for item in others)
    assert not spoken(Path(plan.out), results, most=3).plays


def test_a_long_sound_is_cut_and_a_loud_one_turned_down_and_both_are_said() -> None:
    random = np.random.default_rng(1)
    clip = compress((random.normal(size=25 * 16_000) * 0.1).astype(np.float32), sample_rate=16_000)
    sound, rate = soundfile.read(io.BytesIO(clip.data))
    assert (len(sound) / rate, clip.seconds, clip.whole_s) == (LONGEST_S, LONGEST_S, 25)
    assert clip.said == "the first 20.0 s of 25.0 s"
    assert len(clip.data) < 6_000 * LONGEST_S
    tone = 2 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    loud = compress(tone, sample_rate=16_000)
    assert loud.said == "1.0 s, 6.0 dB quieter than it was heard"
    assert np.abs(soundfile.read(io.BytesIO(loud.data))[0][2000:14_000]).max() == pytest.approx(1, abs=0.03)
    assert compress(tone / 4, sample_rate=16_000).said == "1.0 s"


@pytest.mark.parametrize(("sample_rate", "written"), [(8_000, 16_000), (22_050, 24_000), (48_000, 24_000)])
def test_clips_have_rates_that_browsers_play(sample_rate: int, written: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(sample_rate) / sample_rate).astype(np.float32)
    clip = compress(tone, sample_rate=sample_rate)
    info = soundfile.info(io.BytesIO(clip.data))
    assert (info.format, info.samplerate, info.duration) == ("MP3", written, pytest.approx(1, abs=1e-3))
    assert b"Xing" in clip.data[:200]
    assert likeness(clip, tone, sample_rate) > 0.99


def broken(results: Results, folder: Path) -> str:
    with pytest.raises(InputError) as told:
        clips(folder, results, worst_utterances(results, most=2), most=2)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_corpus_that_is_gone_or_another(plan: Plan, results: Results, corpus: Path) -> None:
    table = corpus / "people.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace(",south,", ",west,"), encoding="utf-8")
    assert "found a corpus of digest" in broken(results, Path(plan.out))
    shutil.rmtree(corpus)
    assert f"{plan.out}: the corpus of this run cannot be read for its audio: " in broken(results, Path(plan.out))


def test_audio_that_is_gone_or_another(plan: Plan, results: Results, corpus: Path) -> None:
    for path in (corpus / "audio").iterdir():
        soundfile.write(path, np.zeros(5_000), 16_000)
    assert "cannot be heard again: " in (message := broken(results, Path(plan.out)))
    assert "found 0.312 s; expected the " in message
    shutil.rmtree(corpus / "audio")
    assert "no such file" in broken(results, Path(plan.out))


def test_a_condition_that_is_gone_or_another(plan: Plan, tmp_path: Path) -> None:
    card = tmp_path / "loud.toml"
    text = 'summary = "Loud"\nsource = "the test"\n[[effect]]\ntype = "gain"\ngain_db = 3.0\n'
    card.write_text(text, encoding="utf-8")
    results = asrfair.evaluate(replace(plan, conditions=("clean", str(card))))
    card.write_text(text.replace("3.0", "6.0"), encoding="utf-8")
    assert "condition 'loud': found a card of digest" in broken(results, Path(plan.out))
    card.unlink()
    assert "the conditions of this run cannot be applied again: " in broken(results, Path(plan.out))


def test_a_plan_that_is_gone_or_broken(plan: Plan, results: Results) -> None:
    path = Path(plan.out) / "plan.toml"
    path.write_text("corpus = 3\n", encoding="utf-8")
    with pytest.raises(asrfair.errors.CardError, match=r"plan\.toml: 'corpus': found a whole number"):
        clips(Path(plan.out), results, worst_utterances(results, most=2), most=2)
    path.unlink()
    with pytest.raises(asrfair.errors.CardError, match=r"plan\.toml"):
        clips(Path(plan.out), results, worst_utterances(results, most=2), most=2)


def test_a_run_of_score_has_no_audio(tmp_path: Path) -> None:
    table = tmp_path / "transcripts.csv"
    table.write_text("utterance_id,who,accent,reference,hypothesis\na,s,x,one,two\n", encoding="utf-8")
    results = score_tables(ScorePlan(tables=(str(table),), speaker="who", by=("accent",), out=str(tmp_path / "scored")))
    assert "`asrfair score`, which has no audio" in broken(results, tmp_path / "scored")
    with pytest.raises(InputError, match="which has no audio"):
        spoken(tmp_path / "scored", results, most=2, audio=1)


def replayed(results: Results, folder: Path) -> str:
    path = folder / "hypotheses.parquet"
    results.hypotheses.select("utterance_id", "condition", "hypothesis").write_parquet(path)
    return str(path)


def test_stored_hypotheses_were_heard_by_nobody(plan: Plan, results: Results, tmp_path: Path) -> None:
    stored = replace(
        plan,
        backends={"stored": {"type": "replay", "table": replayed(results, tmp_path)}},
        out=str(tmp_path / "stored"),
    )
    assert "found stored hypotheses, of which no audio was heard" in broken(
        asrfair.evaluate(stored), tmp_path / "stored"
    )


def test_relative_paths_are_from_where_the_run_was_started(
    plan: Plan, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = replace(plan, corpus=CorpusPlan(card="corpus/small.toml", root="corpus"), out="here/run")
    results = asrfair.evaluate(relative)
    worst = worst_utterances(results, most=2)
    from_there = clips(Path("here/run"), results, worst, most=2)
    monkeypatch.chdir("/")
    assert clips(tmp_path / "here" / "run", results, worst, most=2) == from_there


def test_a_sound_that_no_recogniser_got_has_no_clip(plan: Plan, results: Results, tmp_path: Path) -> None:
    unheard = results.timings.with_columns(audio_s=pl.when(pl.col("condition") != "telephone").then("audio_s"))
    worst = worst_utterances(results, most=3)
    found = clips(Path(plan.out), replace(results, timings=unheard), worst, most=99)
    assert {name for _, name in found} == {None, "babble-10db"}
