"""What rests on a part of a cell: an attacker who subtracts recognisers, conditions and common prompts."""

import itertools
import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.report import report_data, show
from asrfair.run.score import score_tables
from asrfair.run.shareable import Share, shareable, shareable_pair
from asrfair.run.shareable_cells import Hidden, Population, withheld
from asrfair.run.shareable_pairs import Cells, matched
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import CONDITIONS, COUNTS, HANDICAPS, OVERALL, TABLES, conform

SAID = "the quokka sat upon seven marble stairs"
CLEAN = "clean"


def scored(folder: Path, *, lost: tuple[str, ...]) -> Results:
    """Score two recognisers of 20 speakers by accent and gender; ``b`` failed on the utterances named."""
    rows = []
    for speaker, k in itertools.product(range(20), range(2)):
        utterance, who = f"u{speaker:02d}_{k}", f"s{speaker:02d}"
        for backend, most in (("a", 3), ("b", 5)):
            wrong = (speaker + k) % most
            heard = " ".join(["wombat"] * wrong + SAID.split()[wrong:])
            accent, gender = ("north", "south")[speaker % 2], ("woman", "man")[speaker // 10]
            rows.append(
                (utterance, who, accent, gender, backend, SAID, "" if backend == "b" and utterance in lost else heard)
            )
    names = ("id", "who", "accent", "gender", "system", "reference", "hypothesis")
    pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_csv(folder / "table.csv")
    plan = {"id": "id", "speaker": "who", "by": ("accent", "gender"), "blank": "failure", "backend": "system"}
    plan |= {"reference_groups": {"accent": "north", "gender": "woman"}, "out": str(folder / "run")}
    score_tables(ScorePlan(tables=(str(folder / "table.csv"),), **plan))
    return Results.load(folder / "run")


def paired(rows: pl.DataFrame) -> set[tuple[str, str]]:
    there = rows.filter(pl.col("backend") != pl.col("reference_backend"), pl.col("group") == pl.col("reference_group"))
    return set(there.select("axis", "group").iter_rows())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A run in which one recogniser failed on one utterance, of a woman of the south."""
    return scored(tmp_path_factory.mktemp("one"), lost=("u03_1",))


class TestOneFailedUtterance:
    def test_is_not_told_by_what_both_recognisers_heard(self, run):
        every = {(OVERALL, OVERALL), ("accent", "north"), ("accent", "south"), ("gender", "woman"), ("gender", "man")}
        assert paired(run.disparities) == paired(run.tests) == every
        found = shareable(run)
        assert paired(found.disparities) == paired(found.tests) == {("accent", "north"), ("gender", "man")}
        across = found.disparities.filter(pl.col("measure").str.starts_with("backend_interaction"))
        assert across.is_empty()
        assert found.signature["shareable"]["comparisons_withheld"] > 0

    def test_nor_by_sizes(self, run):
        rates = {(row["backend"], row["group"]): row for row in shareable(run).rates.to_dicts()}
        assert rates["a", "south"]["reference_words"] == 140
        assert rates["b", "south"]["reference_words"] is None
        assert rates["b", "south"]["failures"] is None
        assert rates["b", OVERALL]["utterances"] is None
        assert "withheld" in rates["b", OVERALL]["note"]
        assert rates["b", "north"]["reference_words"] == 140
        assert None not in {row["wer"] for row in rates.values()}

    def test_and_is_said(self, run, capsys):
        show(run, width=100, share=Share())
        text = capsys.readouterr().out
        assert "they rest on a part of the utterances" in " ".join(text.split())
        assert "words withheld" in text
        assert "unknown words" not in text
        data = report_data(shareable(run))
        assert {row["count"] for row in data["tables"]["failures"]} == {None}
        assert "utterance-0" not in json.dumps(data)

    def test_of_k_people_everything_is_told(self, tmp_path):
        run = scored(tmp_path, lost=tuple(f"u{k:02d}_1" for k in range(20)))
        assert paired(shareable(run).disparities) == paired(run.disparities)
        assert shareable(run).rates["reference_words"].null_count() == 0
        (failed,) = report_data(shareable(run))["tables"]["failures"]
        assert failed["count"] == 20

    def test_a_few_of_a_group_are_few(self, tmp_path):
        """Six speakers failed, two of them men: those of all together are enough, the men are not."""
        run = scored(tmp_path, lost=("u00_1", "u02_1", "u04_1", "u06_1", "u08_1", "u10_1", "u12_1"))
        assert paired(shareable(run).disparities) == {("accent", "south")}


def counted(rows: list[tuple[str, str, str, dict[str, str | None]]]) -> pl.DataFrame:
    """Return counts of rows of utterance, speaker, backend and labels."""
    told = [
        {"utterance_id": u, "speaker_id": s, "backend": b, "condition": CLEAN, "reference_words": 7, **labels}
        for u, s, b, labels in rows
    ]
    axes = sorted({axis for *_, labels in rows for axis in labels})
    return conform(pl.DataFrame(told, schema_overrides=dict.fromkeys(axes, pl.String)), COUNTS, axes=axes)


def invented(seed: int) -> tuple[pl.DataFrame, list[str], int]:
    rng = random.Random(seed)
    axes = ["x", "y"][: rng.randint(1, 2)]
    lost = {"a": 0.0, "b": rng.choice([0.0, 0.05, 0.3]), "c": rng.choice([0.0, 0.1, 0.5])}
    rows = []
    for speaker in range(rng.randint(6, 24)):
        labels: dict[str, str | None] = {axis: rng.choice(["p", "p", "q", "r"]) for axis in axes}
        for k in range(2):
            rows += [
                (f"u{speaker}_{k}", f"s{speaker}", backend, labels)
                for backend in lost
                if k == 0 or rng.random() >= lost[backend]
            ]
    return counted(rows), axes, rng.choice([2, 3])


def told_sums(
    counts: pl.DataFrame, hidden: Hidden, told: pl.DataFrame, sizes: pl.DataFrame
) -> dict[str, list[set[tuple[str, str]]]]:
    """Return the sets of (utterance, speaker) whose sums are told, by unknown: errors of a recogniser, and words."""

    def there(axis: str, group: str, *backends: str) -> set[tuple[str, str]]:
        rows = counts if axis == OVERALL else counts.filter(pl.col(axis) == group)
        every = [set(rows.filter(backend=b).select("utterance_id", "speaker_id").iter_rows()) for b in backends]
        return set.intersection(*every)

    groups = [(OVERALL, OVERALL)]
    groups += [(axis, group) for axis in hidden for group in counts[axis].unique() if group not in hidden[axis]]
    sums = {backend: [there(*group, backend) for group in groups] for backend in "abc"}
    for row in told.iter_rows(named=True):
        common = there(row["axis"], row["group"], row["backend"], row["reference_backend"])
        sums[row["backend"]].append(common)
        sums[row["reference_backend"]].append(common)
    known = sizes.filter(pl.col("reference_words").is_not_null())
    sums["words"] = [there(row["axis"], row["group"], row["backend"]) for row in known.iter_rows(named=True)]
    return sums


def exposed(sums: list[set[tuple[str, str]]], least: int) -> list[set[str]]:
    """Return the sets of fewer than ``least`` speakers of whom a sum over utterances follows from those told."""
    units = sorted(set().union(*sums))
    rows: dict[tuple[bool, ...], list[tuple[str, str]]] = {}
    for unit in units:
        rows.setdefault(tuple(unit in each for each in sums), []).append(unit)
    matrix = np.array(list(rows), dtype=float)
    who = [{speaker for _, speaker in members} for members in rows.values()]
    left, singular, _ = np.linalg.svd(matrix)
    free = left[:, int((singular > 1e-9).sum()) :]
    few = [k for k, people in enumerate(who) if len(people) < least]
    found = []
    for size in range(1, 4):
        for some in itertools.combinations(few, size):
            people = set().union(*(who[k] for k in some))
            if len(people) < least and np.allclose(free[list(some)].sum(axis=0), 0, atol=1e-8):
                found.append(people)
    return found


def everything(counts: pl.DataFrame, hidden: Hidden) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a row of disparities for every shown group and pair of recognisers, and one of rates for every cell."""
    groups = [(OVERALL, OVERALL)]
    groups += [(axis, group) for axis in hidden for group in counts[axis].unique() if group not in hidden[axis]]
    pairs = [
        {"axis": axis, "group": group, "reference_group": group, "condition": CLEAN, "reference_condition": CLEAN}
        | {"backend": one, "reference_backend": other}
        for axis, group in groups
        for one, other in (("b", "a"), ("c", "a"), ("c", "b"))
    ]
    rates = [
        {"axis": axis, "group": group, "condition": CLEAN, "backend": backend, "reference_words": 1, "wer": 0.5}
        for axis, group in groups
        for backend in "abc"
    ]
    return conform(pl.DataFrame(pairs), TABLES["disparities"]), conform(pl.DataFrame(rates), TABLES["rates"])


class TestAnAttacker:
    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10**6))
    def test_cannot_subtract_one_recogniser_from_another(self, seed):
        counts, axes, least = invented(seed)
        hidden = withheld(Population.of(counts, axes), least=least, references={}, start={})
        pairs, rates = everything(counts, hidden)
        cells = Cells.of(counts, hidden, least=least)
        sums = told_sums(counts, hidden, pairs.filter(cells.tell(pairs)), cells.rates(rates))
        assert {name: exposed(each, least) for name, each in sums.items()} == {key: [] for key in sums}

    def test_could_where_all_is_told(self):
        found = told = 0
        for seed in range(40):
            counts, axes, least = invented(seed)
            hidden = withheld(Population.of(counts, axes), least=least, references={}, start={})
            pairs, rates = everything(counts, hidden)
            found += any(exposed(each, least) for each in told_sums(counts, hidden, pairs, rates).values())
            told += bool(Cells.of(counts, hidden, least=least).tell(pairs).any())
        assert found >= 10
        # And it is not by telling nothing that it is stopped.
        assert told >= 15


class TestLadders:
    def test_a_handicap_rests_on_all_rungs(self):
        rows = [(f"u{k}", f"s{k}", "x", {"x": "pq"[k % 2]}) for k in range(20)]
        whole = counted(rows)
        noisy = whole.with_columns(condition=pl.lit("noisy")).filter(pl.col("utterance_id") != "u3")
        counts = pl.concat([whole, noisy])
        conditions = conform(pl.DataFrame({"ladder": "l", "condition": [CLEAN, "noisy", "never run"]}), CONDITIONS)
        table = pl.DataFrame({"axis": "x", "group": ["p", "q"], "reference_group": "p", "ladder": "l", "backend": "x"})
        cells = Cells.of(counts, {"x": set()}, least=5)
        assert cells.tell(conform(table, HANDICAPS), conditions).to_list() == [True, False]


class TestCommonPrompts:
    def told(self, prompts: dict[str, list[str]], least: int = 5) -> list[bool]:
        """Say of groups q and r against p whether comparisons are told; ``prompts`` are each speaker's, by name."""
        units = [(f"{who}_{k}", who, text) for who, texts in prompts.items() for k, text in enumerate(texts)]
        counts = counted([(u, who, "a", {"x": who[0]}) for u, who, _ in units])
        utterances = pl.DataFrame(units, schema=["utterance_id", "speaker_id", "reference"], orient="row")
        rows = {"axis": "x", "group": ["q", "r", "q"], "reference_group": "p", "condition": CLEAN, "backend": "a"}
        rows |= {"measure": ["matched_ratio", "matched_difference", "ratio"]}
        return matched(conform(pl.DataFrame(rows), TABLES["disparities"]), counts, utterances, least=least).to_list()

    def people(self, *, extra: dict[str, list[str]], read: dict[str, list[str]]) -> dict[str, list[str]]:
        return {f"{g}{k}": [*texts, *extra.get(f"{g}{k}", [])] for g, texts in read.items() for k in range(8)}

    def test_of_which_nobody_read_others(self):
        assert self.told(self.people(extra={}, read={key: ["one", "two"] for key in "pqr"})) == [True, True, True]

    @pytest.mark.parametrize("who", ["q3", "p3"])
    def test_of_which_one_read_another_as_well(self, who):
        found = self.told(self.people(extra={who: ["alone"]}, read={key: ["one", "two"] for key in "pqr"}))
        assert found == [False, who == "q3", True]

    def test_of_which_many_read_others(self):
        own = {f"{g}{k}": [f"own {g}"] for g in "pqr" for k in range(6)}
        assert self.told(self.people(extra=own, read={key: ["one"] for key in "pqr"})) == [True, True, True]

    def test_two_comparisons_may_not_differ_by_one(self):
        """Against q the prompts one and two are common, against r one alone: the one who read two would be told."""
        own = {f"{g}{k}": [f"own {g}"] for g in "pqr" for k in range(6)}
        extra = {who: [*texts, *(["two"] if who in ("p0", "q0") else [])] for who, texts in own.items()}
        assert self.told(self.people(extra=extra, read={key: ["one"] for key in "pqr"})) == [True, False, True]


def test_one_set_of_utterances_is_told_of_whole(tmp_path):
    run = scored(tmp_path, lost=())
    assert Cells.of(run.counts, {"accent": set()}, least=5).every
    found = shareable(run)
    assert found.rates["reference_words"].null_count() == 0
    assert found.signature["shareable"]["comparisons_withheld"] == 0


class TestTwoRuns:
    def test_that_differ_by_one_person_are_not_compared(self, run, tmp_path):
        whole = scored(tmp_path, lost=())
        with pytest.raises(InputError, match=r"found utterances that one run counted .* fewer than 5 speakers"):
            shareable_pair(whole, run)
        assert len(shareable_pair(run, run)) == 2
        assert len(shareable_pair(whole, run, least=1)) == 2

    def test_that_differ_by_many_are(self, tmp_path_factory):
        folders = [tmp_path_factory.mktemp(name) for name in ("old", "new")]
        lost = tuple(f"u{k:02d}_1" for k in range(20))
        runs = [scored(folder, lost=names) for folder, names in zip(folders, ((), lost), strict=True)]
        assert len(shareable_pair(*runs)) == 2
