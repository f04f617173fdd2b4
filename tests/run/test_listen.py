"""Listening to one utterance: the very sound that a run hands to a recogniser, measured and written."""

import io
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from asrfair.audio import to_int16
from asrfair.backend.base import Outcome, Request
from asrfair.cli import main
from asrfair.condition import load_conditions
from asrfair.corpus import load_corpus
from asrfair.errors import AsrfairError
from asrfair.run.decode import Decoder
from asrfair.run.listen import ListenPlan, listen
from asrfair.run.work import Work

LADDER = """
summary = "White noise, louder and louder"
source = "the test"
[ladder]
parameter = "white_noise.snr_db"
values = [20, 5]
[[effect]]
type = "white_noise"
"""


class Spy:
    """A recogniser that keeps what it is given to hear."""

    needs_audio = True
    sample_rate = None

    def __init__(self) -> None:
        self.heard: dict[str, np.ndarray] = {}

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        self.heard |= {request.condition: request.samples for request in requests}
        return [Outcome(hypothesis="")] * len(requests)

    def identity(self) -> Mapping[str, str]:
        return {}

    def close(self) -> None:
        pass


def hear_in_a_run(
    root: Path, utterance_id: str, specs: Sequence[str], monkeypatch: pytest.MonkeyPatch, *, seed: int, sample_rate: int
) -> dict[str, np.ndarray]:
    spy = Spy()
    monkeypatch.setattr("asrfair.run.decode.open_backends", lambda _: {"spy": spy})
    corpus = load_corpus(str(root / "small.toml"), root)
    work = Work(
        utterances=corpus.utterances,
        audio_root=corpus.audio_root,
        conditions=load_conditions(specs),
        backends={"spy": {}},
        seed=seed,
        sample_rate=sample_rate,
        language="en",
    )
    Decoder(work).transcribe(corpus.utterances.filter(pl.col("utterance_id") == utterance_id))
    return spy.heard


def read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2"), file.getframerate()


def console() -> Console:
    return Console(width=100, record=True, file=io.StringIO())


@pytest.fixture
def ladder(tmp_path: Path) -> str:
    path = tmp_path / "steps.toml"
    path.write_text(LADDER, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("sample_rate", [16_000, 8_000])
def test_it_is_what_a_run_hears(
    corpus: Path, ladder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_rate: int
) -> None:
    specs = ["babble-10db", "telephone", ladder]
    expected = hear_in_a_run(corpus, "u07", specs, monkeypatch, seed=3, sample_rate=sample_rate)
    plan = ListenPlan(tuple(specs), seed=3, sample_rate=sample_rate, out=tmp_path / "heard.wav")
    written = listen(str(corpus / "small.toml"), corpus, "u07", plan, console=console())
    names = ["babble-10db", "telephone", "steps@20", "steps@5"]
    assert [path.name for path in written] == [f"heard-{name}.wav" for name in names]
    for name, path in zip(names, written, strict=True):
        samples, rate = read(path)
        assert rate == sample_rate
        assert np.array_equal(samples, to_int16(expected[name]))
    other = listen(
        str(corpus / "small.toml"), corpus, "u07", ListenPlan(("babble-10db",), out=plan.out), console=console()
    )
    assert other == [plan.out]
    assert not np.array_equal(read(other[0])[0], read(written[0])[0])


def test_it_prints_what_was_asked_and_measured(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", f"{corpus}/small.toml={corpus}", "u03", "--condition", "pink-noise-10db"]) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("pink-noise-10db"))
    assert row.split()[1] == "10.0"
    assert float(row.split()[2]) == pytest.approx(10.0, abs=0.02)
    assert any(line.startswith("(as recorded)") for line in printed.splitlines())
    assert "u03," in printed


def test_a_transcript_cannot_speak_to_the_terminal(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = corpus / "people.csv"
    text = table.read_text(encoding="utf-8")
    references = load_corpus(str(corpus / "small.toml"), corpus).utterances
    said = references.filter(pl.col("utterance_id") == "u03")["reference"][0]
    table.write_text(text.replace(said, f"\x1b[31m{said}"), encoding="utf-8")
    assert main(["listen", f"{corpus}/small.toml={corpus}", "u03", "--condition", "clean"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\\x1b[31m" in printed


def test_a_sound_above_full_scale_is_scaled_and_said(corpus: Path, tmp_path: Path) -> None:
    loud = tmp_path / "loud.toml"
    loud.write_text(
        'summary = "Loud"\nsource = "the test"\n[[effect]]\ntype = "gain"\ngain_db = 40.0\n', encoding="utf-8"
    )
    out, sink = tmp_path / "loud.wav", console()
    listen(str(corpus / "small.toml"), corpus, "u03", ListenPlan((str(loud),), out=out), console=sink)
    assert np.abs(read(out)[0]).max() == 32767
    assert "dB quieter than heard" in sink.export_text()


def test_an_unknown_utterance_names_those_like_it(corpus: Path) -> None:
    with pytest.raises(AsrfairError, match=r"utterance 'U07\.wav': found none .*nearest are: u07"):
        listen(str(corpus / "small.toml"), corpus, "U07.wav", ListenPlan(("clean",)), console=console())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--condition", "loud"], "conditions card 'loud'"),
        (["--condition", "recorded-noise-10db"], "needs recordings"),
        (["--condition", "clean", "--condition", "clean"], "found 'clean' 2 times"),
        (["--condition", "clean", "--sample-rate", "1"], "expected 4000 to 192000 Hz"),
        (["--condition", "clean", "-o", "nowhere/x.wav"], "nowhere/x.wav: cannot be written"),
        (["--condition", "clean", "-o", "audio"], "audio: cannot be written: Is a directory"),
        (["--condition", "clean", "--plot", "nowhere/x.png"], "nowhere/x.png: cannot be written"),
        (["--condition", "clean", "--plot", "x.doc"], "x.doc: found the ending '.doc'"),
    ],
)
def test_wrong_use_is_one_line(
    corpus: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    if "nowhere/x.png" in options:
        pytest.importorskip("matplotlib")
    assert main(["listen", f"small.toml={corpus}", "u03", *options]) == 2
    printed, error = capsys.readouterr()
    # Nothing comes before the trouble is found.
    assert printed == ""
    assert message in error
    assert error.count("\n") == 1


def test_a_silent_utterance_under_noise_is_an_error_that_names_the_condition(corpus: Path) -> None:
    import soundfile

    soundfile.write(corpus / "audio" / "u03.wav", np.zeros(8_000), 16_000)
    with pytest.raises(AsrfairError, match="condition 'white-noise-10db': "):
        listen(str(corpus / "small.toml"), corpus, "u03", ListenPlan(("white-noise-10db",)), console=console())


def test_pictures(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plan = ListenPlan(("white-noise-10db", "telephone"), plot=tmp_path / "seen.png")
    written = listen(str(corpus / "small.toml"), corpus, "u03", plan, console=console())
    assert [path.name for path in written] == ["seen-white-noise-10db.png", "seen-telephone.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
