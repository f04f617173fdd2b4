"""Samples: so many utterances of each group, of as many speakers as they go round."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asrfair
from asrfair.cli import main
from asrfair.errors import CardError
from asrfair.results import Results
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.sampling import cut, sampled


def table(speakers: list[str | None], **labels: list[str | None]) -> pl.DataFrame:
    ids = [f"u{number:03d}" for number in range(len(speakers))]
    return pl.DataFrame(
        {"utterance_id": ids, "speaker_id": speakers, **labels}, schema_overrides={"speaker_id": pl.String}
    )


def slowly(rows: pl.DataFrame, axes: list[str], per_group: int) -> None:
    """Check the definition: each group has as many as it can, its speakers within one turn of each other."""
    for axis in axes:
        whole, found = Counter(rows[axis]), Counter(sampled(rows, axes=[axis], per_group=per_group, seed=1)[axis])
        assert found == {group: min(count, per_group) for group, count in whole.items()}
        for group in whole:
            ours = sampled(rows, axes=[axis], per_group=per_group, seed=1).filter(pl.col(axis).eq_missing(group))
            of_all = Counter(rows.filter(pl.col(axis).eq_missing(group))["speaker_id"])
            taken = Counter(dict.fromkeys(of_all, 0) | Counter(ours["speaker_id"]))
            most = max(taken.values())
            # Who has fewer than another's last turn had no more to give.
            assert all(taken[name] >= min(most - 1, of_all[name]) for name in of_all)


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "unknown", None]),
        st.sampled_from(["north", "south", None]),
        st.sampled_from(["f", "m", None]),
    ),
    min_size=1,
    max_size=40,
)


@given(rows, st.integers(1, 9))
def test_groups_get_their_share_and_speakers_take_turns(drawn: list[tuple[Any, ...]], per_group: int) -> None:
    speakers, accents, genders = (list(column) for column in zip(*drawn, strict=True))
    whole = table(speakers, accent=accents, gender=genders)
    slowly(whole, ["accent", "gender"], per_group)
    both = sampled(whole, axes=["accent", "gender"], per_group=per_group, seed=1)
    parts = [sampled(whole, axes=[axis], per_group=per_group, seed=1) for axis in ("accent", "gender")]
    assert set(both["utterance_id"]) == {name for part in parts for name in part["utterance_id"]}
    assert both["utterance_id"].is_sorted()
    assert both.columns == whole.columns


def test_the_draw_depends_on_seed_and_names_alone() -> None:
    speakers = [f"s{number % 7}" for number in range(70)]
    whole = table(speakers, accent=[f"a{number % 2}" for number in range(70)])
    one = sampled(whole, axes=["accent"], per_group=10, seed=1)
    assert (
        sampled(whole.sample(fraction=1, shuffle=True, seed=3), axes=["accent"], per_group=10, seed=1)
        .sort("utterance_id")
        .equals(one)
    )
    assert not sampled(whole, axes=["accent"], per_group=10, seed=2).equals(one)
    assert set(one["utterance_id"]) != set(whole.head(20)["utterance_id"])
    # Other speakers' rows change nothing for those who stay.
    fewer = sampled(whole.filter(pl.col("speaker_id") != "s6"), axes=["accent"], per_group=100, seed=1)
    assert len(fewer) == 60


def test_products_of_axes_and_no_axis() -> None:
    speakers = [f"s{number % 8}" for number in range(64)]
    whole = table(
        speakers,
        accent=["ab"[number % 2] for number in range(64)],
        gender=["fm"[number // 2 % 2] for number in range(64)],
    )
    crossed = sampled(whole, axes=["accent*gender"], per_group=3, seed=1)
    assert Counter(crossed.select("accent", "gender").rows()) == {(a, g): 3 for a in "ab" for g in "fm"}
    assert crossed.columns == whole.columns
    assert len(sampled(whole, axes=[], per_group=5, seed=1)) == 5
    assert len(set(sampled(whole, axes=[], per_group=5, seed=1)["speaker_id"])) == 5
    assert cut(whole, limit=None, sample=None, axes=["accent"], seed=1).equals(whole)
    assert cut(whole, limit=3, sample=None, axes=["accent"], seed=1).equals(whole.head(3))


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": recogniser}},
        by=("accent", "gender"),
        conditions=("clean", "babble-10db"),
        seed=3,
        workers=1,
        out=str(tmp_path / "run"),
    )


TOLD = "sample of up to 4 utterances per group of accent and gender, spread over speakers"


def test_a_sampled_run_says_so_wherever_a_limit_would(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = asrfair.evaluate(replace(plan, sample=4))
    whole = asrfair.evaluate(replace(plan, out=str(tmp_path / "whole")))
    kept = part.utterances["utterance_id"].to_list()
    assert 8 <= len(kept) < 20
    assert part.utterances.group_by("accent").len()["len"].min() == 4  # type: ignore[operator]
    # Conditions draw from the whole corpus: what was heard is the same as in a run of all.
    assert part.hypotheses.equals(whole.hypotheses.filter(pl.col("utterance_id").is_in(kept)))
    assert part.signature["sample"] == 4
    assert part.signature["limit"] is None
    assert "|sample:4" in part.signature["signature"]
    assert "|sample:" not in whole.signature["signature"]
    assert Results.load(tmp_path / "run").signature["sample"] == 4
    run = str(tmp_path / "run")
    assert main(["report", run, "--width", "300"]) == 0
    assert capsys.readouterr().out.count(TOLD) == 2
    assert main(["coverage", run]) == 0
    assert TOLD in " ".join(capsys.readouterr().out.split())
    rule = 'name = "r"\nmeasure = "wer"\naxis = "overall"\nlimit = "500 %"\nrequire = "proved good"\n'
    (tmp_path / "policy.toml").write_text(f'unjudged = "report"\n[[rule]]\n{rule}', encoding="utf-8")
    assert main(["check", run, "--policy", str(tmp_path / "policy.toml")]) in (0, 1)
    assert f"Measured on a {TOLD}" in " ".join(capsys.readouterr().out.split())
    assert main(["card", run]) == 0
    card = (tmp_path / "run" / "card.md").read_text(encoding="utf-8")
    assert f"Measured on a {TOLD}" in card
    assert "| sample, utterances per group | 4 |" in card
    assert main(["compare", str(tmp_path / "whole"), run]) == 2
    assert "sample per group (none in the old run, 4 in the new)" in capsys.readouterr().err


def test_a_sample_is_another_run_and_excludes_a_limit(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    import tomli_w

    with pytest.raises(CardError, match="'sample': found 4 besides limit 3; expected one of the two"):
        replace(plan, sample=4, limit=3)
    with pytest.raises(CardError, match="'sample': found 0"):
        replace(plan, sample=0)
    path = Path(plan.out).parent / "plan.toml"
    path.write_text(tomli_w.dumps(plan.record()), encoding="utf-8")
    assert main(["run", str(path), "--sample", "2"]) in (0, 3)
    assert main(["run", str(path), "--sample", "3"]) == 2
    assert "plan.sample: 2 there, 3 here" in capsys.readouterr().err


def test_a_reference_group_is_named_where_no_speaker_of_it_is_in_the_sample(plan: Plan, corpus: Path) -> None:
    card = corpus / "small.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('"north"', '"west"'), encoding="utf-8")
    results = asrfair.evaluate(replace(plan, sample=1, conditions=("clean",)))
    assert "accent: no utterance of the reference group west within the sample" in results.signature["notes"]
