"""Making a corpus of synthetic voices: whole, again, after an interruption, and with a plan that cannot be."""

import hashlib
import shutil
import sys
import tomllib
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from asrfair.cli import main
from asrfair.corpus import load_corpus
from asrfair.corpus.synthesis import load_recipe
from asrfair.errors import InputError, RunFolderError
from asrfair.run import synth as module
from asrfair.run.synth import SynthPlan, read_sentences, synth
from asrfair.run.validate import ValidatePlan, check_corpus

SENTENCES = "one two three four\n\nfive six seven eight\n"
PLAN = {"accents": ("en-us", "Scotland=en-gb-scotland"), "voices": 2, "rates": (140, 190)}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sentences") / "sentences.txt"
    path.write_text(SENTENCES, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sentences: str) -> Path:
    pytest.importorskip("espeakng_loader")
    folder = tmp_path_factory.mktemp("made") / "voices"
    synth(SynthPlan(sentences=sentences, **PLAN), folder)
    return folder


@pytest.mark.demo
def test_every_cell_is_there_and_marked(folder: Path) -> None:
    rows = pl.read_csv(folder / "utterances.csv", infer_schema=False)
    assert len(rows) == 2 * 2 * 2 * 2
    cells = rows.group_by("accent", "speaker_id", "rate", "reference").len()
    assert cells["len"].to_list() == [1] * 16
    assert Counter(rows.unique("speaker_id")["gender"]) == {"female": 2, "male": 2}
    assert rows["synthetic"].unique().to_list() == ["true"]
    assert set(rows["reference"]) == {"one two three four", "five six seven eight"}
    corpus = load_corpus(str(folder / "card.toml"), folder)
    assert corpus.card.kind == "synthetic"
    assert corpus.synthetic.to_list() == sorted(rows["utterance_id"])
    assert corpus.utterances["rate"].unique().sort().to_list() == [140.0, 190.0]


@pytest.mark.demo
def test_it_is_a_sound_corpus(folder: Path) -> None:
    checked = check_corpus(str(folder / "card.toml"), folder, ValidatePlan(workers=1))
    assert checked.findings.is_empty()
    assert checked.summary.synthetic_utterances == 16
    assert not [note for note in checked.summary.notes if "utterances are synthetic" in note]


@pytest.mark.demo
def test_a_higher_rate_is_faster(folder: Path) -> None:
    corpus = load_corpus(str(folder / "card.toml"), folder)
    sizes = {row["utterance_id"]: (folder / row["audio"]).stat().st_size for row in corpus.utterances.to_dicts()}
    slow = sum(size for name, size in sizes.items() if "-140-" in name)
    fast = sum(size for name, size in sizes.items() if "-190-" in name)
    assert 1.15 < slow / fast < 1.5


@pytest.mark.demo
def test_an_interrupted_call_goes_on_and_ends_with_the_same_files(
    folder: Path, sentences: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = []
    perform = module.perform

    def stopping(*given: object) -> object:
        spoken.append(given)
        if len(spoken) == 6:
            raise KeyboardInterrupt
        return perform(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "perform", stopping)
    plan = SynthPlan(sentences=sentences, **PLAN)
    with pytest.raises(KeyboardInterrupt):
        synth(plan, tmp_path / "again")
    assert not (tmp_path / "again" / "utterances.csv").exists()
    synth(plan, tmp_path / "again")
    # Two blocks were whole; the third, of which one file was there, was made again.
    assert len(spoken) == 6 + 16 - 4
    assert digests(tmp_path / "again") == digests(folder)


@pytest.mark.demo
def test_another_plan_does_not_go_on_in_the_same_folder(folder: Path, sentences: str, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds another run"):
        synth(SynthPlan(sentences=sentences, **(PLAN | {"voices": 1})), folder)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunFolderError, match="holds other files"):
        synth(SynthPlan(sentences=sentences, **PLAN), tmp_path)


@pytest.mark.demo
def test_a_voice_that_is_not_there(sentences: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("espeakng_loader")
    arguments = ["synth", "--sentences", sentences, "--accent", "xx-yy", "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "found no voice 'xx-yy'" in capsys.readouterr().err


@pytest.mark.demo
def test_command_and_a_run_with_it(sentences: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("espeakng_loader")
    out = tmp_path / "voices"
    assert main(["synth", "--sentences", sentences, "--accent", "en-us", "--rate", "170", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out / 'card.toml'}\n"
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\nfor line in sys.stdin:\n"
        "    print(json.dumps({'utterance_id': json.loads(line)['utterance_id'], 'hypothesis': 'one'}), flush=True)\n",
        encoding="utf-8",
    )
    command = ["run", "--corpus", f"{out / 'card.toml'}={out}", "--backend", f"command={sys.executable} {program}"]
    assert main([*command, "--out", str(tmp_path / "run"), "--workers", "1"]) == 0
    assert "says nothing about people" in capsys.readouterr().out


def test_built_in_sentences_are_the_demos() -> None:
    assert read_sentences("built-in") == load_recipe().test_sentences


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no sentence"),
        ("good\n...\n", r"line 2: found '\.\.\.'; expected a sentence that can be read aloud"),
        ("good \u202e bad\n", r"line 1: found 'good \\u202e bad'"),
        ("word " * 300, "found 1499 characters; expected at most 1000"),
    ],
)
def test_sentences_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_sentences(str(tmp_path / "s.txt"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"accents": ()}, "--accent: found none"),
        ({"accents": ("../up",)}, r"--accent: found '\.\./up'"),
        ({"accents": ("US=",)}, "--accent: found ''"),
        ({"accents": ("us=en-us", "US=en-029")}, "expected each once"),
        ({"voices": 0}, "--voices: found 0; expected 1 to 10"),
        ({"voices": 11}, "--voices: found 11"),
        ({"rates": (160, 20)}, "--rate: found 20; expected 80 to 450"),
        ({"rates": (160, 160)}, "expected each once"),
    ],
)
def test_plans_that_cannot_be(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SynthPlan(**({"sentences": "built-in", **PLAN} | changed))  # type: ignore[arg-type]


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from asrfair.corpus import espeak

    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda name: None)
    assert main(["synth", "--accent", "en-us", "--out", str(tmp_path / "out")]) == 2
    assert 'pip install "asrfair[demo]"' in capsys.readouterr().err


@pytest.mark.demo
def test_half_a_block_is_no_block(folder: Path, sentences: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    block = next(path for path in sorted((tmp_path / "copy" / "audio").iterdir()))
    block.rename(block.with_name(f".{block.name}"))
    next((tmp_path / "copy" / "audio" / f".{block.name}").iterdir()).unlink()
    synth(SynthPlan(sentences=sentences, **PLAN), tmp_path / "copy")
    assert digests(tmp_path / "copy") == digests(folder)


def test_the_card_is_read_as_toml() -> None:
    import tomli_w

    plan = SynthPlan(sentences="built-in", **PLAN)
    assert tomllib.loads(tomli_w.dumps(module.card(plan))) == module.card(plan)
