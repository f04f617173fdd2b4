"""The command line, as a user meets it: help, exit codes, one-line errors, never a traceback."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from asrfair.cards import shipped
from asrfair.cli import build_parser, main
from asrfair.corpus.layouts import LAYOUTS
from asrfair.run.doctor import EXTRAS
from asrfair.run.measuring import Measuring
from asrfair.run.plan import Plan, load_plan
from asrfair.scoring.normalizers import FROM_FILE, NORMALIZERS
from asrfair.stats.methods import METHODS

(_commands,) = (action.choices for action in build_parser()._subparsers._group_actions)
COMMANDS = list(_commands)
TRANSCRIPTS = "utterance_id,speaker,reference,hypothesis,accent\n" + "".join(
    f"u{i},s{i % 8},the cat sat on the mat,the cat {'sat' if i % 3 else 'spat'} on the mat,{'xy'[i % 2]}\n"
    for i in range(32)
)


def asrfair(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "asrfair", *arguments], capture_output=True, text=True, check=False, cwd=cwd, timeout=300
    )


@pytest.fixture
def transcripts(tmp_path: Path) -> str:
    path = tmp_path / "transcripts.csv"
    path.write_text(TRANSCRIPTS, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"asrfair {command}" in capsys.readouterr().out.split("example:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    # A command broken in two is one command still.
    commands = text.split("example:")[1].replace("\\\n", " ").splitlines()
    assert all(len(shlex.split(line)) > 1 for line in commands if line.strip().startswith("asrfair"))
    assert not [line for line in commands if line.strip().startswith("-")]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["validate", "timit=."], "asrfair: interrupted\n"),
        (["export", "timit=.", "--to", "nemo", "--out", "x"], "asrfair: interrupted\n"),
        (["run", "plan.toml"], "asrfair: interrupted; finished batches are saved: start the same run again to go on\n"),
        (["synth", "--accent", "en-us", "--out", "x"], "finished batches are saved: start the same run again"),
    ],
)
def test_an_interrupt_says_what_is_saved(
    command: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was imported so far."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("validate", "export", "options", "synth", "command"):
        monkeypatch.setitem(sys.modules, f"asrfair.run.{name}", type("Slow", (), {"__getattr__": interrupt})())
    assert main(command) == 130
    assert told in capsys.readouterr().err


def test_layouts_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "layouts"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in LAYOUTS)
    for name, layout in LAYOUTS.items():
        assert main(["show", "layout", name]) == 0
        text = capsys.readouterr().out
        shown = {line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.strip()}
        assert {field.name for field in fields(layout.options)} <= shown, name
    assert main(["show", "layout", "tabel"]) == 2
    assert "expected one of: table, files" in capsys.readouterr().err


def test_help_answers_at_once() -> None:
    """Quotes the promise: within 0.2 s of bare Python once bytecode is warm. Best of five, CPU seconds."""

    def seconds(*arguments: str) -> float:
        best = 9.0
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds("-m", "asrfair", "--help") - seconds("-c", "0") < 0.2


def test_score_report_and_card(transcripts: str, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    scored = asrfair("score", transcripts, "--speaker", "speaker", "--by", "accent", "--out", run)
    assert scored.returncode == 0, scored.stderr
    assert "accent" in scored.stdout
    again = asrfair("report", run)
    assert again.returncode == 0
    assert again.stdout == scored.stdout
    card = asrfair("card", run)
    assert card.returncode == 0
    assert card.stdout.split() == [f"{run}/card.json", f"{run}/card.md", f"{run}/card.html"]
    assert json.loads((tmp_path / "run" / "card.json").read_text(encoding="utf-8"))
    assert (tmp_path / "run" / "card.md").read_text(encoding="utf-8").startswith("#")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "nowhere.csv"], "nowhere.csv: no such file"),
        (["score", "TABLE", "--speaker", "whom"], "no column 'whom'; expected one of: utterance_id"),
        (["score", "TABLE", "--by", "acent"], "no axis 'acent'"),
        (["score", "TABLE", "--reference-group", "accent"], "--reference-group accent: found no pair"),
        (["score", "TABLE", "--level", "95"], "'level': found 95.0"),
        (["report", "nowhere"], "nowhere: no finished run here"),
        (["card", "nowhere"], "nowhere: no finished run here"),
        (["run"], "found no plan file and no --corpus"),
        (["run", "nowhere.toml"], "nowhere.toml: no such file"),
        (["run", "--corpus", "timit"], "--corpus timit: found no pair; expected --corpus CARD=ROOT"),
        (["run", "--corpus", "timid=.", "--backend", "replay=x.csv"], "corpora card 'timid'"),
        (["run", "--corpus", "timit=nowhere", "--backend", "replay=x.csv"], "nowhere: no such file or folder"),
        (["run", "--split", "test", "--backend", "replay=x.csv"], "found no --corpus"),
        (["run", "--corpus", "timit=.", "--backend", "replay=a", "--backend", "replay=b"], "the name 'replay' twice"),
        (["show", "corpus", "timid"], "expected one of: "),
        (["show", "condition", "loud"], "conditions card 'loud'"),
        (["validate", "timit"], "found no pair"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    transcripts: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([transcripts if text == "TABLE" else text for text in arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.startswith("asrfair: ")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["sing"], [], ["list", "songs"], ["score"], ["run", "--bakend", "x"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_too_many_failures_are_exit_code_3(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TRANSCRIPTS.replace("the cat spat on the mat", "FAILED"), encoding="utf-8")
    arguments = ["score", str(table), "--speaker", "speaker", "--by", "accent", "--null", "FAILED"]
    done = asrfair(*arguments, "--out", str(tmp_path / "run"))
    assert done.returncode == 3
    assert "11 of 32 transcriptions failed (34.4%); the limit is 5.0%" in done.stderr
    allowed = asrfair(*arguments, "--failure-limit", "0.5", "--out", str(tmp_path / "other"))
    assert allowed.returncode == 0


def test_nothing_could_be_judged_is_exit_code_3(transcripts: str, tmp_path: Path) -> None:
    done = asrfair("score", transcripts, "--by", "accent", "--out", str(tmp_path / "run"))
    assert done.returncode == 3
    assert "nothing could be judged" in done.stderr


def test_lists_and_cards(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("corpora", "conditions", "backends"):
        assert main(["list", kind]) == 0
    output = capsys.readouterr().out
    for name in [*shipped("corpora"), *shipped("conditions"), "pocketsphinx", "replay", "command"]:
        assert name in output
    for name in shipped("corpora"):
        assert main(["show", "corpus", name]) == 0
    assert "self-reported" in capsys.readouterr().out
    for name in shipped("conditions"):
        assert main(["show", "condition", name]) == 0
    assert "snr_db = 10" in capsys.readouterr().out


def test_every_normalizer_and_interval_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "normalizers"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n{name}" in told for name in (*NORMALIZERS, *(f"{name}=FILE" for name in FROM_FILE)))
    assert main(["list", "intervals"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[1:] if line[0] != " "] == list(METHODS)


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "jiwer" in output
    assert "ULAW" in output
    assert "backend replay" in output
    table = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    for extra, packages in table["project"]["optional-dependencies"].items():
        assert f"extra {extra}" in output
        assert EXTRAS[extra] == tuple(re.split(r"[<>=]", package)[0] for package in packages)


def test_init_writes_a_plan_that_is_read_and_names_every_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--folder", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    text = (tmp_path / "plan.toml").read_text(encoding="utf-8")
    for item in fields(Plan):
        assert item.name in text, item.name
        assert item.name in f"{Plan.__doc__} {Measuring.__doc__}", item.name
    plan = load_plan(tmp_path / "plan.toml")
    assert plan.corpus.card == str(tmp_path / "my-corpus.toml")
    # What is commented out shows the default: uncommented, the plan stays the same.
    lines = [line.removeprefix("# ") if " = " in line and line.startswith("# ") else line for line in text.splitlines()]
    changed = ("by", "limit", "language", "accent", "baseline_backend", "type", "language_model", "table", "command")
    kept = [line for line in lines if line.split(" = ")[0] not in changed and "[reference_groups]" not in line]
    uncommented = tomllib.loads("\n".join(kept))
    assert uncommented["level"] == plan.level
    assert uncommented["failure_limit"] == plan.failure_limit
    assert uncommented["sample_rate"] == plan.sample_rate
    assert uncommented["independent_utterances"] is plan.independent_utterances
    assert main(["init", "--folder", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_init_card_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--folder", str(tmp_path)])
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "a.wav", np.zeros(800), 16_000)
    (tmp_path / "utterances.csv").write_text(
        "utterance_id,speaker_id,audio,reference,accent\na,s1,audio/a.wav,hello,us\nb,s2,audio/b.wav,,us\n",
        encoding="utf-8",
    )
    assert main(["validate", f"{tmp_path / 'my-corpus.toml'}={tmp_path}"]) == 3
    output = capsys.readouterr().out
    assert "2 utterances, 2 speakers" in output
    assert "empty reference" in output
    assert "no such file" in output.replace("\n", " ")


def test_validate_a_sound_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--folder", str(tmp_path)])
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(8_000)) / 9, 16_000)
    (tmp_path / "utterances.csv").write_text(
        "utterance_id,speaker_id,audio,reference,accent\na,s1,a.wav,hello,us\n", encoding="utf-8"
    )
    assert main(["validate", f"{tmp_path / 'my-corpus.toml'}={tmp_path}"]) == 0
    assert "No problem found." in capsys.readouterr().out


def test_replay_and_a_corpus_without_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--folder", str(tmp_path)])
    card = tmp_path / "my-corpus.toml"
    lines = card.read_text(encoding="utf-8").splitlines()
    card.write_text("\n".join(line for line in lines if not line.startswith("audio = ")), encoding="utf-8")
    (tmp_path / "t.csv").write_text(TRANSCRIPTS, encoding="utf-8")
    rows = pl.read_csv(tmp_path / "t.csv").rename({"speaker": "speaker_id"})
    rows.drop("hypothesis").write_csv(tmp_path / "utterances.csv")
    rows.select("utterance_id", "hypothesis").write_csv(tmp_path / "heard.csv")
    corpus = f"{tmp_path / 'my-corpus.toml'}={tmp_path}"
    run = ["run", "--corpus", corpus, "--condition", "clean", "--by", "accent", "--out", str(tmp_path / "run")]
    assert main([*run, "--backend", f"stored:replay={tmp_path / 'heard.csv'}"]) == 0
    rates = pl.read_parquet(tmp_path / "run" / "rates.parquet")
    assert rates["backend"].unique().to_list() == ["stored"]
    assert rates.filter(pl.col("axis") == "overall")["wer"][0] == pytest.approx(11 / (32 * 6))
    capsys.readouterr()
    assert main([*run[:-1], str(tmp_path / "other"), "--backend", "command=cat"]) == 2
    assert "a corpus without audio" in capsys.readouterr().err


def test_validate_without_audio_says_nothing_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--folder", str(tmp_path)])
    card = tmp_path / "my-corpus.toml"
    lines = card.read_text(encoding="utf-8").splitlines()
    card.write_text("\n".join(line for line in lines if not line.startswith("audio = ")), encoding="utf-8")
    text = TRANSCRIPTS.replace("speaker,", "speaker_id,")
    (tmp_path / "utterances.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["validate", f"{card}={tmp_path}", "--json", str(tmp_path / "found.json")]) == 0
    told = capsys.readouterr()
    assert told.err == f"Saved in {tmp_path / 'found.json'}\n"
    assert "file" not in told.out.split("By accent")[0].replace("0 files", "")


def test_validate_refuses_what_a_run_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "--folder", str(tmp_path)])
    soundfile.write(tmp_path / "a.wav", np.zeros(8_000), 16_000)
    (tmp_path / "utterances.csv").write_text(
        "utterance_id,speaker_id,audio,reference,accent,start_s,end_s,channel\n"
        "a,s1,a.wav,hello,us,,,1\nb,s1,a.wav,hello,us,0.4,0.2,\nc,s1,a.wav,hello,us,,0.9,\nd,s1,a.wav,hello,us,,0.5,0\n",
        encoding="utf-8",
    )
    assert main(["validate", f"{tmp_path / 'my-corpus.toml'}={tmp_path}"]) == 3
    output = " ".join(capsys.readouterr().out.split())
    assert "part not there 3 1 us 3" in output
    assert "no channel 1" in output


@pytest.mark.parametrize(
    "arguments", [["score", "--help"], ["list", "conditions"], ["show", "condition", "telephone"], ["list", "backends"]]
)
def test_an_output_that_cannot_show_every_sign(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "asrfair", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fault_of_ours_has_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("asrfair.run.doctor.doctor", faulty)
    assert main(["doctor"]) == 70
    errors = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in errors
    assert "a fault in asrfair" in errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("signature", "found no signature"),
        ("columns", "column 'wer': found None; expected Float64"),
    ],
)
def test_a_damaged_run_folder_is_told(
    change: str, message: str, transcripts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["score", transcripts, "--speaker", "speaker", "--out", str(run)]) == 0
    if change == "signature":
        (run / "signature.json").write_text("[]", encoding="utf-8")
    else:
        pl.read_parquet(run / "rates.parquet").drop("wer").write_parquet(run / "rates.parquet")
    capsys.readouterr()
    for command in ("report", "card"):
        assert main([command, str(run)]) == 2
        assert message in capsys.readouterr().err


def test_a_pair_given_twice_is_refused(transcripts: str, capsys: pytest.CaptureFixture[str]) -> None:
    twice = ["--reference-group", "accent=x", "--reference-group", "accent=y"]
    assert main(["score", transcripts, "--by", "accent", *twice]) == 2
    assert "found accent twice" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(transcripts: str, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    assert asrfair("score", transcripts, "--speaker", "speaker", "--by", "accent", "--out", run).returncode == 0
    command = [sys.executable, "-u", "-m", "asrfair", "report", run]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (0, b"")


def test_a_panic_of_polars_is_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import polars as pl

    def faulty(*_: object) -> None:
        raise pl.exceptions.PanicException("out of bounds")

    monkeypatch.setattr("asrfair.run.doctor.doctor", faulty)
    assert main(["doctor"]) == 70
    assert "a fault in asrfair" in capsys.readouterr().err
