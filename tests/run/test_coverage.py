"""What a corpus or a run can show: targets, references, minutes, pilots, files and refusals."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from asrfair.errors import AsrfairError, InputError
from asrfair.run.coverage import CoveragePlan, coverage, survey_of
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.stats.cells import find_axis
from asrfair.stats.coverage import COVERAGE, estimated_spread
from asrfair.tables import OVERALL


def page(target: str, plan: CoveragePlan, *, out: Path | None = None) -> str:
    file = StringIO()
    assert coverage(target, plan, console=Console(file=file, width=80, color_system=None), out=out) == 0
    return file.getvalue()


def cells(rows: pl.DataFrame) -> dict[Any, dict[str, Any]]:
    return {(row["axis"], row["group"]): row for row in rows.iter_rows(named=True)}


@pytest.fixture
def target(corpus: Path) -> str:
    return f"{corpus / 'small.toml'}={corpus}"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Two systems under two conditions, 24 speakers of two accents, the first utterance of one system missing."""
    lines = ["utterance_id,who,reference,hypothesis,accent,gender,condition,system"]
    for system, worse in (("A", 0), ("B", 1)):
        for condition in ("clean", "noisy"):
            for n in range(48):
                speaker = n % 24
                errors = (speaker * 7 % 5 + worse + n // 24) % 6
                said = " ".join(["yes"] * 6)
                heard = " ".join(["no"] * errors + ["yes"] * (6 - errors))
                if (system, condition, n) == ("A", "clean", 0):
                    heard = "NA"
                lines.append(
                    f"u{n},s{speaker},{said},{heard},{'north' if speaker < 8 else 'south'},{'fm'[speaker % 2]},"
                    f"{condition},{system}"
                )
    path = tmp_path / "systems.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = ScorePlan(
        tables=(str(path),),
        speaker="who",
        condition="condition",
        backend="system",
        by=("accent", "gender"),
        reference_groups={"accent": "south"},
        assigned_by={"accent": "annotated"},
        null=("NA",),
        out=str(tmp_path / "run"),
    )
    score_tables(plan)
    return tmp_path / "run"


def test_a_corpus(target: str) -> None:
    rows, survey = survey_of(target, CoveragePlan())
    assert rows.schema == pl.Schema(COVERAGE)
    found = cells(rows)
    assert list(survey.axes) == ["accent", "gender", "age"]
    assert (survey.spread, survey.wer, survey.title) == ("assumed", 0.15, "Small")
    north, overall = found["accent", "north"], found[OVERALL, OVERALL]
    assert (north["speakers"], north["utterances"], north["words"]) == (5, 10, 40)
    assert found["accent", "south"]["reference_group"] == "north"
    assert found["gender", "f"]["reference_group"] == "rest"
    # 20 files of 8000 + 400·n samples at 16 kHz.
    assert overall["minutes"] == pytest.approx(sum(8000 + 400 * n for n in range(20)) / 16_000 / 60)
    assert overall["speakers"] == 10


def test_minutes_by_times_and_headers(corpus: Path, target: str) -> None:
    people = pl.read_csv(corpus / "people.csv", infer_schema=False)
    number = pl.int_range(pl.len())
    people.with_columns(
        start_s=pl.when(number == 0).then(pl.lit("0.1")).when(number == 1).then(pl.lit("0.2")).otherwise(pl.lit("")),
        end_s=pl.when(number == 0).then(pl.lit("0.4")).otherwise(pl.lit("")),
    ).head(4).write_csv(corpus / "people.csv")
    (corpus / "audio" / "u02.wav").unlink()
    (corpus / "audio" / "u03.wav").write_bytes(b"not audio")
    north = cells(survey_of(target, CoveragePlan(by=("accent",)))[0])["accent", "north"]
    # 0.4 − 0.1, from 0.2 to the end of 8400 samples, and two files that cannot tell.
    assert north["minutes"] * 60 == pytest.approx(0.3 + 8400 / 16_000 - 0.2)
    assert "2 utterances of unknown length" in north["note"]


def test_words_are_counted_after_normalising(corpus: Path, target: str) -> None:
    people = pl.read_csv(corpus / "people.csv", infer_schema=False)
    people.with_columns(reference=pl.lit("Well - it's a  tree.")).write_csv(corpus / "people.csv")
    assert cells(survey_of(target, CoveragePlan())[0])[OVERALL, OVERALL]["words"] == 20 * 4


def test_products_show_empty_cells(corpus: Path, target: str) -> None:
    people = pl.read_csv(corpus / "people.csv", infer_schema=False)
    gender = pl.when(pl.col("accent") == "north").then(pl.lit("f")).otherwise("gender")
    people.with_columns(gender=gender).write_csv(corpus / "people.csv")
    text = page(target, CoveragePlan(by=("accent*gender",)))
    (line,) = [line for line in text.splitlines() if "north*m" in line]
    assert line.split() == ["north*m", "0", "0", "0.0", "0", "-", "no", "speakers", "121"]


def test_levels_of_the_card_without_a_recording_are_cells_to_fill(corpus: Path, target: str) -> None:
    card = corpus / "small.toml"
    levels = 'levels = { north = "north", south = "south", isles = "islands", skye = "islands" }'
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('reference_group = "north"', f'reference_group = "north"\n{levels}'), encoding="utf-8")
    rows, _ = survey_of(target, CoveragePlan(by=("accent",)))
    found = cells(rows)
    assert [group for axis, group in found if axis == "accent"] == ["islands", "north", "south"]
    assert (found["accent", "islands"]["utterances"], found["accent", "islands"]["speakers"]) == (0, 0)
    assert found["accent", "islands"]["more_speakers"] > 10
    assert "islands                 0       0" in page(target, CoveragePlan(by=("accent",)))


def test_assumptions(target: str) -> None:
    default, given = (
        cells(survey_of(target, plan)[0])["accent", "south"]
        for plan in (CoveragePlan(), CoveragePlan(wer=0.4, cv2=0.1, dispersion=2.0, level=0.9, power=0.9))
    )
    assert (given["wer"], given["speaker_cv2"], given["dispersion"]) == (0.4, 0.1, 2.0)
    assert given["detectable_ratio"] != default["detectable_ratio"]
    assert "with WER 0.4, cv2 0.1 as asked" in survey_of(target, CoveragePlan(wer=0.4, cv2=0.1))[1].spread
    wide = cells(survey_of(target, CoveragePlan(half_width=1.0))[0])["accent", "south"]
    assert wide["speakers_needed"] < default["speakers_needed"]


def test_a_run(run_folder: Path) -> None:
    rows, survey = survey_of(str(run_folder), CoveragePlan())
    assert (survey.spread, survey.wer) == ("estimated from this run", None)
    assert rows["backend"].unique().to_list() == ["A"]
    assert rows["condition"].unique().to_list() == ["clean"]
    counts = pl.read_parquet(run_folder / "counts.parquet").filter(
        (pl.col("backend") == "A") & (pl.col("condition") == "clean")
    )
    found = cells(rows)["accent", "north"]
    own = counts.filter(pl.col("accent") == "north")
    assert (found["speakers"], found["utterances"], found["words"]) == (8, 15, 90)
    assert found["wer"] == pytest.approx(own["substitutions"].sum() / 90)
    assert found["reference_group"] == "south"
    renamed = counts.with_columns(words="reference_words", errors="substitutions")
    spread = estimated_spread(renamed, find_axis("accent", renamed, renamed.head(0)))
    assert found["speaker_cv2"] == pytest.approx(spread.cv2)
    assert found["dispersion"] == pytest.approx(spread.dispersion)
    assert found["minutes"] is None


def test_cells_of_a_run(run_folder: Path) -> None:
    plan = CoveragePlan(by=("gender",), conditions=("noisy",), backends=("B", "A"), wer=0.3)
    rows, survey = survey_of(str(run_folder), plan)
    assert rows.select("backend", "condition").unique(maintain_order=True).rows() == [("B", "noisy"), ("A", "noisy")]
    assert rows["axis"].unique(maintain_order=True).to_list() == [OVERALL, "gender"]
    assert rows["wer"].unique().to_list() == [0.3]
    assert survey.wer == 0.3
    text = page(str(run_folder), plan)
    assert "B, noisy" in text
    assert "By gender (not stated), each against the rest" in text
    product = page(str(run_folder), CoveragePlan(by=("accent*gender",)))
    assert "By accent*gender (origin of labels not stated), each against the rest" in product


def test_a_pilot(target: str, run_folder: Path) -> None:
    rows, survey = survey_of(target, CoveragePlan(pilot=str(run_folder)))
    found = cells(rows)
    assert survey.spread == f"estimated from the pilot {run_folder}"
    counts = pl.read_parquet(run_folder / "counts.parquet").filter(
        (pl.col("backend") == "A") & (pl.col("condition") == "clean")
    )
    counts = counts.with_columns(words="reference_words", errors="substitutions")
    within, among = (estimated_spread(counts, find_axis(axis, counts, counts.head(0))) for axis in ("accent", OVERALL))
    assert within.cv2 != among.cv2
    # The pilot knows accents, and nothing of ages.
    assert found["accent", "north"]["speaker_cv2"] == pytest.approx(within.cv2)
    assert found["age", "young"]["speaker_cv2"] == pytest.approx(among.cv2)
    assert found["age", "young"]["wer"] == pytest.approx(
        counts.select(pl.col("errors").sum() / pl.col("words").sum()).item()
    )


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_files(target: str, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"coverage{ending}"
    page(target, CoveragePlan(), out=out)
    rows, _ = survey_of(target, CoveragePlan())
    if ending == ".csv":
        assert out.read_text(encoding="utf-8") == rows.write_csv()
    elif ending == ".json":
        assert json.loads(out.read_text(encoding="utf-8")) == rows.to_dicts()
    else:
        assert pl.read_parquet(out).equals(rows)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"by": ("height",)}, "no axis 'height'; expected one of: accent, gender, age"),
        ({"reference_groups": {"accent": "east"}}, "found 'east'; expected one of: north, south"),
        ({"conditions": ("clean",)}, "coverage: condition: found clean; expected none: a corpus has not been run"),
        ({"pilot": "nowhere"}, "no finished run here"),
        ({"power": 1.0}, "coverage: power: found 1.0"),
        ({"half_width": 0.0}, "coverage: half_width: found 0.0"),
        ({"wer": -0.1}, "coverage: wer: found -0.1"),
        ({"cv2": float("nan")}, "coverage: cv2: found nan"),
        ({"dispersion": 0.0}, "coverage: dispersion: found 0.0"),
        ({"level": 95}, "coverage: level: found 95"),
    ],
)
def test_refused(target: str, plan: dict[str, Any], message: str) -> None:
    with pytest.raises(AsrfairError, match=message):
        survey_of(target, CoveragePlan(**plan))


def test_targets_refused(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found 'nothing'; expected CARD=ROOT, or the folder of a run"):
        survey_of("nothing", CoveragePlan())
    with pytest.raises(AsrfairError, match="no finished run here"):
        survey_of(str(tmp_path), CoveragePlan())
    with pytest.raises(InputError, match="backend: found 'C'; expected one of: A, B"):
        survey_of(str(run_folder), CoveragePlan(backends=("C",)))
    with pytest.raises(InputError, match="split: found test; expected none"):
        survey_of(str(run_folder), CoveragePlan(split="test"))
    with pytest.raises(InputError, match=r"file ending '\.txt'; expected one of: \.csv, \.json, \.parquet"):
        page(str(run_folder), CoveragePlan(), out=tmp_path / "x.txt")


def test_timit(shared_data: Path) -> None:
    """The sample has two speakers of each dialect, and 16 in all."""
    rows, _ = survey_of(f"timit={shared_data / 'timit_nltk_sample'}", CoveragePlan(by=("dialect", "gender*age")))
    found = cells(rows)
    assert (found[OVERALL, OVERALL]["speakers"], found[OVERALL, OVERALL]["utterances"]) == (16, 160)
    assert rows.filter(axis="dialect")["speakers"].to_list() == [2] * 8
    assert rows.filter(axis="gender*age")["group"].to_list()[:3] == ["female*under 30", "female*30-39", "female*40-49"]
