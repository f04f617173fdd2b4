"""Published tables computed again: a plan says what was printed and what asrfair finds."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from asrfair.cli import main
from asrfair.errors import CardError, InputError
from asrfair.results import Results
from asrfair.run.published import Figure, Published, agrees, find, load_score_plan, scoring_keys, show_published
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan

PLAN = """
tables = ["ours=heard.csv"]
labels = "people.csv"
id = "id"
key = "id"
speaker = "who"
by = ["accent"]
reference_groups = { accent = "us" }
normalizer = "basic"
replicates = 100
out = "run"

[[published]]
source = "Table 2 of a paper"
note = "In per cent."
figures = [
  { measure = "utterances", printed = 6, computed = 6 },
  { measure = "utterances", axis = "accent", group = "(unlabelled)", printed = 1, computed = 1 },
]

[[published]]
source = "Table 3 of a paper"

[[published.figures]]
measure = "wer"
axis = "accent"
group = "us"
backend = "ours"
printed = 20.0
computed = 25.0
scale = 100
decimals = 1
why = "they drop a row"

[[published.figures]]
measure = "mean_utterance_wer"
axis = "accent"
group = "gb"
printed = 0.33
computed = 0.33
decimals = 2

[[published.figures]]
measure = "difference"
axis = "accent"
group = "gb"
reference_group = "us"
printed = 0.08
computed = 0.08
decimals = 2
"""
HEARD = """id,reference,hypothesis
a,one two,one two
b,one two,one too
c,one two three,one two tree
d,one two three,one two tree
e,one two three,one two tree
f,one two,one two
"""
PEOPLE = "id,who,accent\na,s1,us\nb,s2,us\nc,s3,gb\nd,s4,gb\ne,s4,gb\nf,s5,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("plan.toml", PLAN), ("heard.csv", HEARD), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def results(folder: Path) -> Results:
    plan = load_score_plan(folder / "plan.toml", None)
    return score_tables(ScorePlan(**scoring_keys(plan)))


def shown(results: Results, published: tuple[Published, ...]) -> tuple[list[str], str]:
    file = StringIO()
    return show_published(results, published, Console(file=file, width=80)), file.getvalue()


def change(folder: Path, old: str, new: str) -> Path:
    text = (folder / "plan.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "plan.toml").write_text(text.replace(old, new), encoding="utf-8")
    return folder / "plan.toml"


WHOLE = """
Published: Table 2 of a paper
─────────────────────────────
  In per cent.
  figure        printed  found  why they differ
  overall: utterances
  overall             6      6  as printed
  accent: utterances
  (unlabelled)        1      1  as printed

Published: Table 3 of a paper
─────────────────────────────
  figure   printed  found  why they differ
  accent: wer
  us ours     20.0   25.0  they drop a row
  accent: mean_utterance_wer
  gb          0.33   0.33  as printed
  accent: difference
  gb us       0.08   0.08  as printed
"""


def test_figures_beside_those_found(folder: Path, results: Results) -> None:
    assert shown(results, load_score_plan(folder / "plan.toml", None).published) == ([], WHOLE)


def test_from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = str(folder / "plan.toml")
    assert main(["score", plan]) == 0
    assert "they drop a row" in capsys.readouterr().out
    change(folder, "computed = 25.0", "computed = 25.1")
    assert main(["score", plan, "--out", str(folder / "again")]) == 1
    printed = capsys.readouterr()
    assert "asrfair: published figure accent us ours wer: found 25.0; the plan says 25.1" in printed.err
    assert "the plan says 25.1" in printed.out


def test_tables_lie_under_the_root(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "elsewhere"
    root.mkdir()
    for name in ("heard.csv", "people.csv"):
        (folder / name).rename(root / name)
    out = ["--out", str(tmp_path / "out")]
    assert main(["score", str(folder / "plan.toml"), "--root", str(root), *out]) == 0
    assert main(["score", str(folder / "plan.toml"), *out]) == 2
    assert "heard.csv: no such file" in capsys.readouterr().err


def test_a_normalisers_file_lies_beside_the_plan(folder: Path, tmp_path: Path) -> None:
    (folder / "same.txt").write_text("tree = three\ntoo = two\n", encoding="utf-8")
    plan = load_score_plan(change(folder, '"basic"', '"basic+equivalences=same.txt"'), None)
    assert plan.normalizer == f"basic+equivalences={folder / 'same.txt'}"
    assert set(score_tables(ScorePlan(**scoring_keys(plan))).rates["wer"]) == {0.0}
    change(folder, "replicates", 'sensitivity = ["none", "equivalences=same.txt"]\nreplicates')
    assert load_score_plan(folder / "plan.toml", None).sensitivity == ("none", f"equivalences={folder / 'same.txt'}")
    change(folder, '"basic+equivalences=same.txt"', "5")
    with pytest.raises(CardError, match="'normalizer'"):
        load_score_plan(folder / "plan.toml", None)


def figure(**given: Any) -> Figure:
    return Figure(**({"measure": "wer", "printed": 1.0, "computed": 1.0} | given))


def test_what_is_found(results: Results) -> None:
    assert find(results, figure(axis="accent", group="us", scale=100.0)) == 25.0
    assert find(results, figure(measure="speakers", axis="accent", group="gb")) == 2
    assert find(results, figure(measure="ratio", axis="accent", group="gb")) == pytest.approx(4 / 3)
    assert find(results, figure(measure="low", axis="accent", group="(unlabelled)")) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"measure": "wre"}, "found the measure 'wre'; expected one of: level, speakers"),
        ({"measure": "note"}, "found the measure 'note'"),
        ({"axis": "accent", "group": "uk"}, "published figure accent uk wer: found 0 such rows; expected one"),
        ({"backend": "theirs"}, "found 0 such rows"),
        ({"measure": "ratio_to_overall", "axis": "accent", "group": "overall"}, "found 0 such rows; expected one"),
        ({"reference_group": "us"}, "overall overall us wer: found a reference_group; expected none"),
    ],
)
def test_what_cannot_be_found(results: Results, given: Mapping[str, Any], message: str) -> None:
    with pytest.raises(CardError) as caught:
        find(results, figure(**given))
    assert message in str(caught.value)


def test_two_rows_are_not_one_figure(folder: Path) -> None:
    (folder / "theirs.csv").write_text(HEARD, encoding="utf-8")
    plan = load_score_plan(change(folder, '"ours=heard.csv"', '"ours=heard.csv", "theirs=theirs.csv"'), None)
    results = score_tables(ScorePlan(**scoring_keys(plan)))
    with pytest.raises(CardError, match="overall overall wer: found 2 such rows; expected one"):
        find(results, figure())
    assert find(results, figure(backend="theirs")) == pytest.approx(4 / 15)


def test_rounding() -> None:
    tenths = figure(decimals=1)
    assert agrees(0.25, 0.2, tenths)
    assert agrees(0.25, 0.3, tenths)
    assert not agrees(0.2502, 0.2, tenths)
    assert not agrees(None, 0.2, tenths)


def test_a_difference_needs_a_reason(folder: Path) -> None:
    plan = change(folder, '\nwhy = "they drop a row"', "")
    with pytest.raises(CardError, match="accent us ours wer: found no 'why'; expected one where the figures differ"):
        load_score_plan(plan, None)


def test_keys_are_checked(folder: Path) -> None:
    with pytest.raises(CardError, match="unknown key 'colour'"):
        load_score_plan(change(folder, 'note = "In per cent."', 'colour = "red"'), None)


def test_plans_and_tables_are_not_mixed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, table = str(folder / "plan.toml"), str(folder / "heard.csv")
    assert main(["score", plan, table]) == 2
    assert "found more than one; expected one plan, or tables" in capsys.readouterr().err
    assert main(["score", table, "--root", str(folder)]) == 2
    assert f"--root {folder}: found no plan; expected --root with score PLAN.toml" in capsys.readouterr().err


def test_tables_of_a_plan_that_are_not_there(folder: Path) -> None:
    (folder / "heard.csv").unlink()
    plan = load_score_plan(folder / "plan.toml", None)
    with pytest.raises(InputError, match=r"heard\.csv: no such file"):
        score_tables(ScorePlan(**scoring_keys(plan)))


ARTIE = Path(__file__).resolve().parents[2] / "examples" / "published" / "artie-bias-corpus.toml"


@pytest.fixture(scope="module")
def artie(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    plan = load_score_plan(ARTIE, shared_data / "artie-bias-corpus")
    keys = scoring_keys(plan) | {"out": str(tmp_path_factory.mktemp("artie"))}
    return score_tables(ScorePlan(**keys))


def test_artie_bias_corpus(artie: Results) -> None:
    published = load_score_plan(ARTIE, None).published
    wrong, page = shown(artie, published)
    assert wrong == []
    figures = [figure for table in published for figure in table.figures]
    rates = [figure for figure in figures if figure.measure == "mean_utterance_wer"]
    assert {figure.backend for figure in rates} == set(artie.hypotheses["backend"])
    assert {figure.axis for figure in rates} == {"gender", "age", "accent"}
    as_printed = [figure for figure in rates if figure.printed == figure.computed]
    assert (len(rates), len(as_printed)) == (234, 198)
    # Where a lone punctuation mark is a word to the publisher's tool, its rates are lower, by at most half a point.
    assert all(0 < figure.computed - figure.printed < 0.5 for figure in rates if figure not in as_printed)
    assert page.count("as printed") == sum(figure.printed == figure.computed for figure in figures) > 200
    assert page.count("Published: ") == len(published)


def test_a_changed_figure_of_artie_is_told(artie: Results) -> None:
    table = load_score_plan(ARTIE, None).published[1]
    first = table.figures[0]
    moved = Published(table.source, (Figure(**{**vars(first), "computed": first.computed + 0.02}),))
    wrong, page = shown(artie, (moved,))
    assert wrong == ["gender male amazon-gb mean_utterance_wer: found 24.25; the plan says 24.27"]
    assert "the plan says 24.27" in page


def test_artie_has_the_publishers_speakers_without_the_heading(artie: Results, shared_data: Path) -> None:
    lines = (shared_data / "artie-bias-corpus" / "data" / "artie-bias-corpus.tsv").read_text(encoding="utf-8")
    first = {line.split("\t")[0] for line in lines.splitlines()}
    assert "client_id" in first
    assert len(first) == 970
    assert artie.utterances["speaker_id"].n_unique() == 969
    assert set(artie.rates.filter(pl.col("axis") == "overall")["speakers"]) == {969}
