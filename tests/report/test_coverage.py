"""The page of coverage at a fixed width, and what a comparison could have found."""

from io import BytesIO, TextIOWrapper
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from asrfair.report.coverage import Survey, could_have_found, render_coverage

SURVEY = Survey(
    title="Words of four regions",
    axes={"accent": "self-reported"},
    spread="assumed",
    wer=0.15,
    level=0.95,
    power=0.8,
    half_width=0.25,
    notes=("made for a test",),
)
COLUMNS: dict[str, Any] = {
    "axis": "accent",
    "reference_group": "welsh",
    "condition": None,
    "backend": None,
    "utterances": 40,
    "minutes": 12.34,
    "words": 1234,
    "wer": 0.15,
    "speaker_cv2": 0.386,
    "dispersion": 1.0,
    "design_effect": 7.89,
    "half_width": 0.4,
    "detectable_ratio": 2.617,
    "detectable_difference": 0.2764,
    "speakers_needed": 34,
    "more_speakers": 26,
    "note": None,
}
NONE: dict[str, Any] = {"detectable_ratio": None, "detectable_difference": None}
ROWS: list[dict[str, Any]] = [
    {"axis": "overall", "group": "overall", "speakers": 31, "reference_group": None, **NONE},
    {"group": "scottish*female", "speakers": 8, "note": "under 10 speakers; compared with: under 10 speakers"},
    {"group": "welsh", "speakers": 20, "more_speakers": 0, "reference_group": None, **NONE},
    {"group": "irish", "speakers": 3, "detectable_ratio": 9.2, "detectable_difference": 1.9},
    {"group": "manx", "speakers": 2, "note": "under 10 speakers", **NONE},
    {"group": "cornish", "speakers": 1, "note": "1 speaker: too small", **NONE},
    {"group": "gutnish", "speakers": 0, "utterances": 0, "minutes": 0.0, "words": 0, "note": "no speakers"} | NONE,
    {"group": "norn", "speakers": None, "minutes": None, "more_speakers": None}
    | {"note": "40 utterances of unknown length; 5 utterances without speaker", **NONE},
    {"group": None, "speakers": 4, "more_speakers": None, "reference_group": None, **NONE},
]
EXPECTED = """\
Words of four regions
Note: made for a test
31 speakers, 40 utterances, 12.3 minutes, 1,234 words
Assumed: WER 15.0 %; speakers' WERs have a standard deviation of 62 % of their
group's (cv2 0.386); errors' variance is 1.00 times their mean (dispersion)

By accent (self-reported), against welsh
────────────────────────────────────────
                     speak-  utter-  min-         design         finds   needs
  group                 ers   ances  utes  words  effect  ratio points    more
  scottish*female        8*      40  12.3  1,234     7.9   2.62   27.6      26
  welsh (reference)      20      40  12.3  1,234     7.9             -  enough
  irish                  3*      40  12.3  1,234     7.9     too small      26
  manx                   2*      40  12.3  1,234     7.9     too small      26
  cornish                 1      40  12.3  1,234     7.9     too small      26
  gutnish                 0       0   0.0      0     7.9   no speakers      26
  norn                    ?      40     ?  1,234     7.9    not judged       -
  (unlabelled)           4*      40  12.3  1,234     7.9             -       -
  *  fewer than 10 speakers
  5 utterances without speaker: norn
"""


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([COLUMNS | row for row in rows], infer_schema_length=None)


def written(rows: pl.DataFrame, survey: Survey = SURVEY, *, width: int = 80, encoding: str = "utf-8") -> str:
    buffer = BytesIO()
    file = TextIOWrapper(buffer, encoding=encoding)
    render_coverage(rows, survey, Console(file=file, width=width, color_system=None, legacy_windows=False))
    file.flush()
    return buffer.getvalue().decode(encoding)


def test_page() -> None:
    text = written(table(ROWS))
    page, explained = text.split("\nWhat the numbers mean\n")
    assert page == EXPECTED
    for word in ("speakers, words:", "design effect:", "finds:", "needs more:", "too small:"):
        assert explained.count(f"\n  {word}") == 1
    assert "80 % power at the 95 %" in " ".join(explained.split())
    assert "known to 25 % of itself" in " ".join(explained.split())


@pytest.mark.parametrize("width", [60, 80, 132])
def test_fits_any_width_without_colour_and_in_ascii(width: int) -> None:
    text = written(table(ROWS), width=width, encoding="ascii")
    text.encode("ascii")
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())


def test_cells_of_a_run_and_their_spreads() -> None:
    rows = [row | {"backend": name, "condition": "clean"} for name in ("small", "large") for row in ROWS[:4]]
    gender = {"axis": "gender", "group": "f", "speakers": 8, "reference_group": "rest", "speaker_cv2": None}
    rows.append(gender | {"backend": "large", "condition": "clean"})
    changes = {"axes": {"accent": "self-reported", "gender": "annotated"}, "wer": None, "synthetic": True}
    survey = Survey(**(vars(SURVEY) | changes | {"spread": "estimated from this run"}))
    text = " ".join(written(table(rows), survey).split())
    assert "Synthetic voices" in text
    assert "small, clean" in text
    assert "By gender (annotated), each against the rest" in text
    assert text.count("Estimated from this run: speakers' WERs have a standard deviation of 62 %") == 2
    assert "Estimated from this run: how much speakers differ is unknown" in text


def test_could_have_found(sample: ModuleType) -> None:
    own = {"condition": "clean", "backend": "small", "axis": "accent", "group": "a", "reference_group": "b"}
    ratio = sample.disparity("interaction_ratio", 1.1, 0.8, 1.5, detectable=1.8, **own)
    assert could_have_found(ratio) == (
        "this comparison, taken alone, could have found a ratio of 1.80 or more (80 % power)"
    )
    difference = sample.disparity("difference_to_overall", 0.01, -0.02, 0.04, detectable=0.0421, **own)
    assert could_have_found(difference) == (
        "this comparison, taken alone, could have found a difference of 4.2 points or more (80 % power)"
    )
    assert could_have_found(difference | {"detectable": None}) == ""
    # No WER above 100 % is aimed at.
    assert could_have_found(ratio | {"detectable": 4.0}, wer=0.2)
    assert could_have_found(ratio | {"detectable": 6.0}, wer=0.2) == ""
    assert could_have_found(difference | {"detectable": 0.9}, wer=0.2) == ""
    assert could_have_found(sample.disparity("ratio", 1.1, None, None, **own)) == ""
