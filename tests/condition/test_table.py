"""Conditions as rows."""

from pathlib import Path

import numpy as np
import polars as pl

from asrfair.audio import write_wav
from asrfair.condition import Condition, Step, condition_rows, load_conditions
from asrfair.tables import CONDITIONS


def rows(*steps: Step) -> list[tuple[str | None, float | None, str | None]]:
    table = condition_rows([Condition("c", "summary", None, steps, "d")])
    assert dict(table.schema) == CONDITIONS
    assert table["condition"].unique().to_list() == ["c"]
    assert table["digest"].unique().to_list() == ["d"]
    assert table["ladder"].null_count() == len(table)
    return table.select("parameter", "value", "unit").rows()


def test_numbers_have_values_and_units() -> None:
    assert rows(Step("babble", {"snr_db": 10.0, "talkers": 5}), Step("band_pass", {"low_hz": 300.0})) == [
        ("babble.snr_db", 10.0, "dB"),
        ("babble.talkers", 5.0, None),
        ("band_pass.low_hz", 300.0, "Hz"),
    ]


def test_texts_are_part_of_the_name() -> None:
    assert rows(Step("g711", {"law": "mu"})) == [("g711.law=mu", None, None)]


def test_lists_are_part_of_the_name() -> None:
    assert rows(Step("curve", {"gains_db": (-3.0, 0.5), "kinds": ("rain", "sea")})) == [
        ("curve.gains_db=-3 0.5", None, None),
        ("curve.kinds=rain sea", None, None),
    ]


def test_no_steps_and_no_parameters_have_a_row_of_their_own() -> None:
    assert rows() == [(None, None, None)]
    assert rows(Step("robot", {})) == [("robot", None, None)]


def test_an_effect_that_occurs_again_is_told_apart() -> None:
    steps = [Step("white_noise", {"snr_db": snr_db}) for snr_db in (1.0, 2.0)]
    assert [row[:2] for row in rows(*steps)] == [("white_noise.snr_db", 1.0), ("white_noise[2].snr_db", 2.0)]


def test_several_conditions(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.ones(100), 8000)
    conditions = load_conditions(["clean", "telephone", f"recorded-noise-10db={tmp_path}"])
    table = condition_rows(conditions)
    assert table["condition"].unique(maintain_order=True).to_list() == ["clean", "telephone", "recorded-noise-10db"]
    assert f"recorded_noise.recordings={tmp_path.name}" in table["parameter"].to_list()
    assert set(table["digest"]) == {condition.digest for condition in conditions}
    empty = condition_rows([])
    assert isinstance(empty, pl.DataFrame)
    assert dict(empty.schema) == CONDITIONS
    assert empty.is_empty()
