"""The page of word-level findings at a fixed width: rows written by hand, their numbers invented."""

from io import StringIO
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.report.words import render_words
from asrfair.tables import WORDS, conform

CELL = {
    "axis": "accent",
    "group": "Scottish",
    "reference_group": "London",
    "condition": "telephone",
    "backend": "small",
}
COUNTS: dict[str, Any] = {
    "count": 46,
    "errors": 27,
    "rate": 0.587,
    "reference_count": 1102,
    "reference_errors": 205,
    "reference_rate": 0.186,
    "ratio": 3.155,
    "tested": 38,
}
LISTEN: dict[str, Any] = {
    "axis": "accent",
    "group": "Scottish",
    "condition": "telephone",
    "backend": "small",
    "utterance_id": "edinburgh-17",
    "speaker_id": "s04",
    "findings": 2,
    "errors": 5,
    "reference": "The girl from the park said that [bold]Murray[/bold] would not come before Thursday.",
    "hypothesis": "the curl from the bark said that marie would come",
}


def words(*rows: dict[str, Any]) -> pl.DataFrame:
    return conform(pl.DataFrame([CELL | row for row in rows], infer_schema_length=None), WORDS)


def page(table: pl.DataFrame, listen: pl.DataFrame | None = None, **options: Any) -> str:
    file = StringIO()
    console = Console(file=file, width=80, color_system=None)
    empty = pl.DataFrame(schema=dict.fromkeys(LISTEN, pl.String))
    render_words(table, empty if listen is None else listen, console, **options)
    return file.getvalue()


TOGETHER = COUNTS | {"kind": "all", "count": 800, "rate": 0.241, "reference_rate": 0.141, "ratio": 1.7092}
GIRL = COUNTS | {"kind": "word", "reference_word": "girl", "p": 1e-5, "p_fdr": 0.00038}
OF = COUNTS | {"kind": "word", "reference_word": "of", "p": 0.001, "p_fdr": 0.019, "ratio": None, "reference_rate": 0.0}
FAR = COUNTS | {"kind": "word", "reference_word": "far", "p": 0.2, "p_fdr": 0.61}
CONFUSED = COUNTS | {"kind": "confusion", "reference_word": "girl", "heard": "curl", "p": 0.2, "p_fdr": 0.41}

WHOLE = """
Scottish against London (accent), small, in telephone
─────────────────────────────────────────────────────
  All 38 tested words together: 24.1% missed; of the same words London 14.1%,
  ratio 1.71.
  3 words tested; 2 words told apart from chance:
  said  heard    errors     %     reference     %  ratio    p_fdr
  girl         27 of 46  58.7  205 of 1,102  18.6   3.15  < 0.001
  and 1 more word
  1 confusion tested; 0 confusions told apart from chance; the smallest p_fdr is
  0.410.

  Worth listening to
  edinburgh-17 (s04): 5 errors, 2 of them on words above
    said   The girl from the park said that [bold]Murray[/bold] would not come
           before Thursday.
    heard  the curl from the bark said that marie would come

Left out: 3 utterances without a known speaker.
Given the same word: errors (substituted or deleted) per occurrence in the
reference; speakers permuted over both groups; false discoveries controlled at
5% within each list. Exploratory: what is found here needs other recordings to
confirm it. A group with more errors overall misses most words more; read a
word's ratio beside that of all words together.
"""


def test_whole_page() -> None:
    shown = page(
        words(TOGETHER, GIRL, OF, FAR, CONFUSED),
        pl.DataFrame([LISTEN]),
        notes=["Left out: 3 utterances without a known speaker."],
        top=1,
    )
    assert shown == WHOLE


def test_what_is_unknown_or_nothing_is_said() -> None:
    silent = pl.DataFrame([LISTEN | {"hypothesis": " ", "findings": 0, "errors": 1}])
    shown = page(words(TOGETHER, OF), silent)
    assert "27 of 46  58.7  205 of 1,102  0.0      -  0.019" in shown
    assert "No confusion was said and misheard often enough to be tested." in shown
    assert "edinburgh-17 (s04): 1 error\n" in shown
    assert "heard  (nothing)" in shown
    assert "more word" not in shown


def test_each_comparison_has_its_own_words_and_utterances() -> None:
    other = [row | {"group": "Welsh"} for row in (TOGETHER, FAR)]
    shown = page(words(TOGETHER, GIRL, *other), pl.DataFrame([LISTEN]))
    first, second = shown.split("Welsh against London")
    assert "girl" in first
    assert "edinburgh-17" in first
    assert "girl" not in second
    assert "edinburgh-17" not in second
    assert "1 word tested; 0 words told apart from chance; the smallest p_fdr is 0.610." in second


def test_no_word_could_be_compared() -> None:
    shown = page(pl.DataFrame(schema=WORDS))
    assert shown == (
        "No word could be compared: none was said by enough speakers of a group and of\n"
        "the reference group, and misheard at least 4 times in both together.\n"
    )
