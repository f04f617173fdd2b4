"""The demo's pipeline, end to end, with the real synthesiser and recogniser on its first utterances."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asrfair.results import Results
from asrfair.run import demo as demo_module
from asrfair.run.demo import demo, demo_plan
from asrfair.tables import TABLES

pytestmark = pytest.mark.demo
LIMIT = 16


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo's folder and what it printed, limited to the first utterances."""
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_module, "demo_plan", lambda *args, **given: replace(demo_plan(*args, **given), limit=LIMIT))
        printed = folder / "printed.txt"
        patch.setattr(demo_module, "finish", _finish_into(printed))
        assert demo(folder, workers=2) == 0
    return folder, printed.read_text(encoding="utf-8")


def _finish_into(path: Path):  # type: ignore[no-untyped-def]
    from rich.console import Console

    from asrfair.report import render
    from asrfair.run.analysis import exit_code

    def finish(results: Results, folder: Path) -> int:
        with path.open("w", encoding="utf-8") as file:
            render(results, Console(file=file, width=80, color_system=None))
        return exit_code(results)[0]

    return finish


def test_the_first_and_last_line_say_that_the_voices_are_synthetic(finished: tuple[Path, str]) -> None:
    lines = finished[1].strip().splitlines()
    said = "Synthetic voices: this demonstrates the tool and says nothing about people."
    assert lines[0].strip() == said
    assert lines[-1].strip() == said


def test_the_folder_holds_every_table_and_the_card(finished: tuple[Path, str]) -> None:
    run = finished[0] / "run"
    assert {path.name for path in run.iterdir()} >= {f"{name}.parquet" for name in TABLES} | {
        "plan.toml",
        "identity.json",
        "signature.json",
        "card.json",
        "card.md",
    }
    results = Results.load(run)
    assert len(results.hypotheses) == LIMIT * 3 * 2
    assert results.failures.is_empty()
    assert json.loads((run / "card.json").read_text(encoding="utf-8"))
    assert "says nothing about people" in (run / "card.md").read_text(encoding="utf-8").replace("\n", " ")


def test_the_recogniser_hears_words_and_conditions_hurt(finished: tuple[Path, str]) -> None:
    rates = Results.load(finished[0] / "run").rates.filter(pl.col("axis") == "overall")
    wer = {(row["backend"], row["condition"]): row["wer"] for row in rates.iter_rows(named=True)}
    assert wer["in-domain", "clean"] < 0.5
    assert wer["held-out", "clean"] >= wer["in-domain", "clean"]
    for backend in ("in-domain", "held-out"):
        assert wer[backend, "telephone"] > wer[backend, "clean"]
        assert wer[backend, "pink-noise-10db"] > wer[backend, "clean"]


def test_the_corpus_is_balanced_and_its_conditions_are_the_promised(finished: tuple[Path, str]) -> None:
    people = pl.read_csv(finished[0] / "corpus" / "utterances.csv")
    by_accent = people.group_by("accent").agg(pl.col("speaker_id").n_unique(), pl.len())
    assert len(by_accent) >= 5
    assert by_accent["speaker_id"].min() == by_accent["speaker_id"].max() == 10
    assert by_accent["len"].min() == by_accent["len"].max() == 30
    sentences = people.group_by("accent").agg(pl.col("reference").sort())["reference"].to_list()
    assert all(read == sentences[0] for read in sentences)
    assert demo_plan(finished[0], workers=1).conditions == ("clean", "pink-noise-10db", "telephone")
