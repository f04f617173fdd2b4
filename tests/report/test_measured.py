"""The measured sound in the report: whole text, and what is left out where nothing was measured."""

import random
from typing import Any

import polars as pl
import pytest

from asrfair.report.measured import _told
from asrfair.tables import MEASUREMENTS, conform


def measurements(*, groups: dict[str, list[str | None]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return measurements of ten recordings under two conditions, and their utterances with the axis ``accent``."""
    labels = [label for label, names in groups.items() for _ in names]
    rows: list[dict[str, Any]] = []
    for number in range(10):
        name = f"u{number}"
        own = {"utterance_id": name, "duration_s": 2.0, "active_s": 1.5, "clipped_share": 0.0}
        rows.append(
            {
                **own,
                "condition": None,
                "active_level_db": -26.0 - number,
                "loudness_lufs": -25.0 - number,
                "peak_db": -10.0,
                "bandwidth_hz": 8000.0 if number < 6 else 3875.0,
                "estimated_snr_db": 40.0 - number,
                "clipped_share": 0.01 if number == 9 else 0.0,
            }
        )
        noise = {"noise": "white_noise", "requested_snr_db": 10.0, "snr_db": 10.0 + (0.3 if number == 3 else 0.01)}
        note = "SNR of white_noise off by more than 0.2 dB" if number == 3 else None
        heard = {**own, "active_level_db": -25.0, "peak_db": 0.4, "bandwidth_hz": 8000.0, "estimated_snr_db": 9.0}
        rows.append({**heard, **noise, "condition": "pink-10db", "note": note})
        room = {"direct_to_reverberant_db": -1.04, "rt60_s": 0.512, "peak_db": -9.0, "bandwidth_hz": 8000.0}
        gone = {"utterance_id": name, "condition": "telephone", "note": "silent utterance: SNR undefined"}
        note = "clipped" if number in (2, 4) else None
        rows.append(gone if number == 7 else {**own, **room, "condition": "telephone", "note": note})
    utterances = pl.DataFrame({"utterance_id": [f"u{n}" for n in range(10)], "accent": labels})
    return conform(pl.DataFrame(rows, infer_schema_length=None), MEASUREMENTS), utterances


GROUPS: dict[str, list[str | None]] = {"american": ["x"] * 6, "scottish": ["x"] * 4}


def section(sample: Any, *, width: int = 80, shuffle: bool = False, **changes: Any) -> str:
    rows, utterances = measurements(groups=GROUPS)
    if shuffle:
        order = random.Random(1).sample(range(len(rows)), len(rows))
        rows = rows[order]
    counts = pl.DataFrame(
        [
            {"utterance_id": f"u{n}", "condition": c, "backend": "small", "reference_words": 6}
            for n in range(10)
            for c in ("clean", "pink-10db")
        ]
    )
    found = sample.results(measurements=rows, utterances=utterances, counts=counts, **changes)
    text: str = sample.written(found, width=width)
    return text[text.index("Conditions, as measured") : text.index("Signature")]


WANTED = """Conditions, as measured
───────────────────────
  medians over 9 to 10 utterances; levels in dB of full scale
                 SNR   mea-  low-  high-  speech   peak  clip-  band  mis-
  condition    asked  sured   est    est      dB     dB  ped %   kHz   ses
  as recorded      -      -     -      -   -30.5  -10.0    0.1   8.0
  pink-10db     10.0   10.0  10.0   10.3   -25.0    0.4    0.0   8.0     1
  telephone        -      -     -      -       -   -9.0    0.0   8.0     2
  pink-10db misses what it says in 1 of 10 utterances: SNR of white_noise off by
    more than 0.2 dB
  telephone misses what it says in 2 of 9 utterances: clipped
  telephone: 1 utterance could not be heard

                  direct to  RT60
  condition  reverberant dB     s
  telephone            -1.0  0.51
  SNR: power of active speech (ITU-T P.56) over that of the noise, measured on
    what was added; lowest and highest of the utterances. Clipped: mean share of
    samples. A miss: an SNR off by more than 0.2 dB, or clipping that was not
    asked for.

Recordings, as they came
────────────────────────
  before any condition; medians

  by accent (self-reported)
            utter-       SNR  band  loudness  clip-  words
  group      ances  about dB   kHz      LUFS  ped %  per s
  all           10        36   8.0     -29.5    0.1    4.0
  american       6        38   8.0     -27.5    0.0    4.0
  scottish       4        32   3.9     -32.5    0.2    4.0

  SNR: an estimate, over the quietest tenth of each recording (after NIST's
    stnr), too high where the noise has pauses itself. Band: up to where the
    spectrum stays within 50 dB of its highest. Loudness: ITU-R BS.1770.
    Clipped: mean share of samples. Words per second of active speech. Where
    groups were recorded differently, adjust for it: --covariate
    recording_snr_db, and the like.
"""


def test_the_sections_read_as_written_here(sample: Any) -> None:
    assert section(sample).startswith(WANTED + "\nNotes")
    assert section(sample, shuffle=True) == section(sample)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_sections_fit_the_page(sample: Any, width: int) -> None:
    assert max(map(len, section(sample, width=width).splitlines())) <= width


def test_nothing_is_said_where_nothing_was_measured(sample: Any) -> None:
    text = sample.written(sample.realistic())
    assert "as measured" not in text
    assert "as they came" not in text


def test_without_conditions_there_are_recordings_and_without_noise_no_snr(sample: Any) -> None:
    rows, utterances = measurements(groups=GROUPS)
    recorded = rows.filter(pl.col("condition").is_null())
    text = sample.written(sample.results(measurements=recorded, utterances=utterances))
    assert "as measured" not in text
    assert "Recordings, as they came" in text
    # Nothing was counted: how fast they speak is unknown.
    assert sample.lines_with(text, "  all  ", " 0.1      -")
    room = rows.filter(pl.col("condition").is_null() | (pl.col("condition") == "telephone"))
    text = sample.written(sample.results(measurements=room, utterances=utterances))
    assert "asked" not in text.split("Recordings, as they came")[0].split("A miss")[0].split("as measured")[1]


def test_more_groups_than_wanted_are_counted_and_the_unlabelled_come_last(sample: Any) -> None:
    names = [*(f"g{n}" for n in range(8)), None, None]
    rows, utterances = measurements(groups={"x": ["x"] * 10})
    utterances = utterances.with_columns(accent=pl.Series(names))
    text = sample.written(sample.results(measurements=rows, utterances=utterances))
    assert sample.lines_with(text, "(unlabelled)", " 2 ")
    text = sample.written(sample.results(measurements=rows, utterances=utterances), top=3)
    assert "and 6 more groups" in text
    assert "(unlabelled)" not in text.split("as they came")[1]


def test_small_shares_are_not_called_none() -> None:
    assert [_told(value, 1) for value in (None, 0.0, 0.03, 0.06, -0.04, 12.34)] == [
        "-",
        "0.0",
        "<0.1",
        "0.1",
        "0.0",
        "12.3",
    ]
