"""The shareable form: an attacker who has all that is published, and words, paths and ids that must not be there."""

import dataclasses
import itertools
import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.cli import main
from asrfair.errors import InputError
from asrfair.report.view import View
from asrfair.results import Results
from asrfair.run.card import card_changes, make_card, show_changes, update_card, write_card
from asrfair.run.card_schema import schema
from asrfair.run.report import report_json, show
from asrfair.run.score import score_tables
from asrfair.run.shareable import Share, shareable, shareable_pair
from asrfair.run.shareable_cells import Population, withheld
from asrfair.run.shareable_tables import disparities, of_groups, sensitivity
from asrfair.run.shareable_text import Names, notes, pseudonyms, reasons, without_paths
from asrfair.run.shareable_unions import unions
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import COUNTS, FAILURES, OVERALL, SENSITIVITY, TABLES, WITHHELD, conform, with_intersections

SAID = "the quokka sat upon seven marble stairs"
# Accent, gender and number of speakers.
PEOPLE = [
    ("north", "woman", 7),
    ("north", "man", 6),
    ("south", "woman", 8),
    ("south", "man", 7),
    ("isle", "woman", 2),
    ("west", "man", 6),
    ("west", "woman", 6),
    ("", "woman", 3),
]


def table(path: Path, *, better: int = 0) -> Path:
    """Write transcripts in which every speaker gets some words wrong, and one utterance failed."""
    rows = []
    for group, (accent, gender, people) in enumerate(PEOPLE):
        for speaker in range(people):
            who = f"zq{group}speaker{speaker}"
            for k in range(2):
                words = SAID.split()
                wrong = max((group + speaker + k) % 5 - better, 0)
                heard = " ".join(["wombat"] * wrong + words[wrong:])
                gone = (group, speaker, k) == (0, 0, 0)
                rows.append((f"clips/{who}_{k}.wav", who, accent, gender, SAID, "" if gone else heard))
    names = ("id", "who", "accent", "gender", "reference", "hypothesis")
    pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_csv(path)
    return path


def scored(folder: Path, **changes: object) -> Path:
    """Score the table and return the run folder."""
    plan = {"id": "id", "speaker": "who", "by": ("accent", "gender", "accent*gender"), "blank": "failure"}
    plan |= {"reference_groups": {"accent": "north", "gender": "woman"}, "assigned_by": {"accent": "self-reported"}}
    better = int(str(changes.pop("better", 0)))
    path = table(folder / "table.csv", better=better)
    score_tables(ScorePlan(**{"tables": (str(path),), **plan, **changes}, out=str(folder / "run")))
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with small groups of one axis, and with ids and paths wherever texts are."""
    folder = scored(tmp_path_factory.mktemp("shareable"))
    found = Results.load(folder)
    signature = dict(found.signature)
    signature["notes"] = [
        "audio: stereo mixed down: 3 utterances (first clips/zq3speaker1_0.wav)",
        "speaker zq1speaker2 reads slowly",
        "kept at /home/somebody/corpora/secret",
        "layout: odd.flac is in no table",
        "accent: 4 utterances have labels that the card does not map: 'isle' (4)",
        "2 empty hypotheses count as transcripts in which every word is deleted",
    ]
    signature["backends"] = {name: {"command": "/home/somebody/bin/asr --quick"} for name in signature["backends"]}
    signature["axes"]["accent"]["unmapped"] = {"isle": 4, "west": 24}
    failures = found.failures.with_columns(reason=pl.lit("audio: clips/zq0speaker0_0.wav cannot be read"))
    measured = conform(
        found.utterances.select("utterance_id", "speaker_id").with_columns(noise=pl.lit("zq1speaker1.wav")),
        TABLES["measurements"],
    )
    utterances = found.utterances.with_columns(audio=pl.concat_str(pl.lit("/home/somebody/"), "utterance_id"))
    dataclasses.replace(
        found, utterances=utterances, signature=signature, failures=failures, measurements=measured
    ).save(folder)
    return folder


SECRET = ("zq", "somebody", "clips/", "quokka", "wombat", "marble")


def leaked(text: str) -> list[str]:
    return [word for word in SECRET if word in text]


class TestNothingIsNamed:
    def test_the_run_itself_would_tell(self, run):
        assert set(leaked(report_json(run))) >= {"zq", "somebody", "clips/"}

    def test_text_and_json(self, run, capsys):
        show(run, width=100, share=Share())
        text = capsys.readouterr().out
        assert text.startswith("Shareable form: ")
        assert leaked(text) == []
        data = report_json(run, share=Share())
        assert leaked(data) == []
        assert json.loads(data)["shareable"]["least_speakers"] == 5
        (failed,) = json.loads(data)["tables"]["failures"]
        assert failed == {
            "condition": "as recorded",
            "backend": "system",
            "stage": failed["stage"],
            "reason": "reason withheld",
            "count": None,
        }

    def test_cards_of_every_form(self, run, tmp_path):
        files = write_card(run, tmp_path, formats=("md", "html", "json", "hub"), share=Share())
        assert len(files) == 4
        for path in files:
            text = path.read_text(encoding="utf-8")
            assert leaked(text) == []
            assert "hareable" in text

    def test_nor_when_a_card_is_refreshed_or_compared(self, run, tmp_path):
        write_card(run, tmp_path, formats=("md",), share=Share())
        update_card(tmp_path / "card.md", run, baseline=run, share=Share())
        text = (tmp_path / "card.md").read_text(encoding="utf-8")
        assert "paired by utterance and speaker" in text
        assert leaked(text) == []

    def test_a_page(self, run, tmp_path):
        for extra in ("altair", "itables", "jinja2", "vl_convert"):
            pytest.importorskip(extra)
        from asrfair.run.page import write_page

        text = write_page(run, tmp_path / "a.html", share=Share()).read_text(encoding="utf-8")
        assert leaked(text) == []
        assert "Left out of the shareable form: transcripts" in text
        assert "Shareable form: " in text.partition("<nav")[0]
        text = write_page(run, tmp_path / "b.html", share=Share(transcripts=True)).read_text(encoding="utf-8")
        assert set(leaked(text)) <= {"quokka", "wombat", "marble"}
        assert "quokka" in text
        section = text.partition('id="utterances"')[2].partition("</section>")[0]
        assert "speaker-0" in section
        assert "take turns" not in section
        assert not any(label in section for label in ("north", "south", "woman"))

    def test_tables(self, run):
        found = shareable(Results.load(run))
        for name in TABLES:
            assert leaked(getattr(found, name).write_json()) == [], name
        assert leaked(json.dumps(found.signature)) == []

    def test_tables_that_are_not_known_to_be_harmless_are_emptied(self, run):
        words = pl.DataFrame({"word": ["quokka"], "utterance_id": ["clips/zq3speaker1_0.wav"]})
        found = dataclasses.replace(Results.load(run), recognised=words, alternatives=words)
        shared = shareable(found, transcripts=True)
        assert shared.recognised.is_empty()
        assert shared.alternatives.is_empty()

    def test_a_label_that_the_card_does_not_map_is_not_named_where_it_is_rare(self, run):
        found = shareable(Results.load(run))
        assert "isle" not in json.dumps(found.signature)
        assert not found.rates["group"].fill_null("").str.contains("isle").any()
        assert found.signature["axes"]["accent"]["unmapped"] == {"west": 24}
        assert found.signature["shareable"]["labels_not_named"] >= 1

    def test_notes_stay_where_they_name_nobody(self, run):
        found = shareable(Results.load(run))
        assert found.signature["notes"] == [
            "audio: stereo mixed down: 3 utterances",
            "accent: some utterances have labels that the card does not map",
            "2 empty hypotheses count as transcripts in which every word is deleted",
        ]
        assert found.signature["shareable"]["notes_left_out"] == 3
        assert found.signature["backends"] == {"system": {"command": "asr --quick"}}


class TestPseudonyms:
    def test_another_share_has_others_in_another_order(self, run):
        found = Results.load(run)
        first, second = shareable(found), shareable(found)
        assert set(first.utterances["speaker_id"]) == {f"speaker-{k:03d}" for k in range(1, 46)}
        orders = [each.counts.select("utterance_id", "insertions", "substitutions") for each in (first, second)]
        assert not orders[0].equals(orders[1])
        assert first.counts["utterance_id"].is_sorted()

    def test_the_order_does_not_follow_the_ids(self):
        ids = pl.Series([f"u{k:03d}" for k in range(200)])
        names = pseudonyms(ids, prefix="u", digits=3)
        assert sorted(names["id"]) == ids.to_list()
        assert names["id"].to_list() != ids.to_list()
        assert names["pseudonym"].to_list() == [f"u-{k:03d}" for k in range(1, 201)]

    def test_tables_agree(self, run):
        found = shareable(Results.load(run))
        who = dict(found.utterances.select("utterance_id", "speaker_id").iter_rows())
        assert all(who[row["utterance_id"]] == row["speaker_id"] for row in found.counts.iter_rows(named=True))


class TestWithheld:
    def test_groups_of_few_and_the_smallest_beside_them(self, run):
        found = shareable(Results.load(run))
        empty = found.rates.filter(pl.col("wer").is_null())
        # The unlabelled and «isle» are five together, so no other accent has to go.
        assert set(empty.filter(axis="accent")["group"]) == {None}
        assert set(found.rates.filter(axis="accent")["group"]) == {"north", "south", "west", None}
        assert set(empty["note"]) == {
            "withheld: fewer than 5 speakers, or mostly one's words, or it would give away such a group"
        }
        numbers = [name for name, kind in found.rates.schema.items() if kind.is_numeric() and name != "level"]
        assert all(empty[name].is_null().all() for name in numbers)

    def test_more_are_withheld_for_a_larger_least_number(self, run):
        few = shareable(Results.load(run), least=2)
        # Of nobody there is nothing to show.
        assert set(few.rates.filter(pl.col("wer").is_null())["group"]) == {"isle*man"}
        many = shareable(Results.load(run), least=15)
        assert set(many.rates.filter(pl.col("wer").is_null(), axis="gender")["group"]) == set()
        assert many.rates.filter(pl.col("wer").is_not_null(), axis="accent").height <= 1

    def test_no_row_rests_on_a_withheld_group(self, run):
        whole, found = Results.load(run), shareable(Results.load(run))
        shown = {(row["axis"], row["group"]) for row in found.rates.filter(pl.col("wer").is_not_null()).to_dicts()}
        for name in ("disparities", "metrics", "tests", "handicaps"):
            rows = getattr(found, name).to_dicts()
            assert len(rows) <= len(getattr(whole, name))
            for row in rows:
                assert row["axis"] in (OVERALL, "gender") or (row["axis"], row["group"]) in shown, (name, row)
                other = row.get("reference_group")
                assert other in (None, OVERALL, "rest") or (row["axis"], other) in shown
        assert len(found.disparities.filter(axis="gender")) == len(whole.disparities.filter(axis="gender"))

    def test_what_rests_on_all_groups_goes_with_one_of_them(self, run):
        whole, found = Results.load(run), shareable(Results.load(run))
        over = ("gap", "worst_group", "between_group_sd", "gini", "theil", "generalised_entropy")
        of_accent = found.disparities.filter(axis="accent")
        assert set(over) <= set(whole.disparities.filter(axis="accent")["measure"])
        assert not set(over) & set(of_accent["measure"])
        assert "ratio" in set(of_accent["measure"])
        assert found.tests.filter(axis="accent", test="equality").is_empty()
        assert found.tests.filter(axis="gender", test="equality").height == 1

    def test_p_never_show_more_than_the_whole_report_and_tell_nothing_of_others(self, run):
        keys = ["axis", "group", "reference_group", "measure", "condition", "backend"]
        whole, found = Results.load(run).disparities, shareable(Results.load(run)).disparities
        both = found.join(whole, on=keys, nulls_equal=True, suffix="_whole").filter(pl.col("p").is_not_null())
        accent = both.filter(axis="accent")
        assert (accent["p_adjusted"] >= accent["p_adjusted_whole"] - 1e-12).all()
        # A family is an axis, a measure and a recogniser; its number of rows is known from the names of groups.
        ratios = accent.filter(measure="ratio")
        rows = whole.filter(axis="accent", measure="ratio").height
        assert ratios["p_adjusted"].to_list() == pytest.approx([min(p * rows, 1.0) for p in ratios["p"]])
        gender = both.filter(axis="gender")
        assert gender["p_adjusted"].to_list() == gender["p_adjusted_whole"].to_list()

    def test_the_unlabelled_stay_unlabelled_where_they_are_shown(self, run):
        found = Results.load(run)
        other = pl.col("accent").replace({"west": None, "isle": "north"})
        changed = {name: getattr(found, name).with_columns(accent=other) for name in ("counts", "utterances")}
        shared = shareable(dataclasses.replace(found, **changed))
        assert shared.counts["accent"].null_count() == 2 * (12 + 3)
        assert WITHHELD not in set(shared.counts["accent"])

    def test_labels_of_withheld_groups_are_one_level(self, run):
        found = shareable(Results.load(run))
        assert set(found.counts["accent"]) == {"north", "south", "west", WITHHELD}
        assert set(found.utterances["accent"]) == {"north", "south", "west", WITHHELD}
        view = View.of(found)
        cell = {"axis": "accent", "backend": "system", "condition": view.conditions[0]}
        assert view.absent(**cell) == []
        assert None not in {row["group"] for row in view.rates(**cell)}
        (row,) = found.rates.filter(pl.col("group").is_null(), axis="accent").to_dicts()
        assert view.errors(row) is None
        assert view.withheld("accent") == 2
        assert view.withheld_named("accent") == [None]

    def test_a_group_of_which_nothing_was_counted_is_withheld(self, run):
        found = Results.load(run)
        lost = dataclasses.replace(
            found,
            counts=found.counts.filter(pl.col("accent").ne_missing("west")),
            rates=found.rates.filter(pl.col("group").ne_missing("west")),
        )
        assert View.of(lost).absent(axis="accent", backend="system", condition=found.rates["condition"][0])
        shared = shareable(lost)
        assert not View.of(shared).absent(axis="accent", backend="system", condition=found.rates["condition"][0])
        assert WITHHELD in set(shared.utterances["accent"])

    def test_speakers_without_a_word_do_not_count(self, run):
        found = Results.load(run)
        silent = found.counts["speaker_id"].str.starts_with("zq5") & ~found.counts["speaker_id"].is_in(["zq5speaker0"])
        counts = found.counts.with_columns(
            reference_words=pl.when(silent | found.counts["speaker_id"].str.starts_with("zq6"))
            .then(0)
            .otherwise("reference_words")
        )
        shared = shareable(dataclasses.replace(found, counts=counts))
        assert set(shared.rates.filter(pl.col("wer").is_not_null(), axis="accent")["group"]) == {"north", "south"}

    def test_without_speakers_it_is_refused(self, run):
        found = Results.load(run)
        unknown = {
            name: getattr(found, name).with_columns(speaker_id=pl.lit(None, pl.String))
            for name in ("utterances", "counts", "failures")
        }
        with pytest.raises(InputError, match=r"--shareable: found no known speakers; expected 5 or more"):
            shareable(dataclasses.replace(found, **unknown))
        whole = shareable(dataclasses.replace(found, **unknown), least=1).rates
        assert set(whole.filter(pl.col("wer").is_null())["group"]) == {"isle*man"}

    def test_a_card_does_not_speak_of_them(self, run):
        card = make_card(run, share=Share())
        told = " ".join(card["statements"])
        assert "isle" not in told
        assert {row["wer"] for row in card["groups"] if row["group"] is None and row["axis"] == "accent"} == {None}
        assert card["shareable"]["cells_withheld"] > 0
        assert "Bonferroni where comparisons of the family are withheld" in told
        jsonschema = pytest.importorskip("jsonschema")
        jsonschema.Draft202012Validator(json.loads(schema())).validate(card)
        assert "shareable" not in make_card(run)


def atoms_of(counts: pl.DataFrame, axes: list[str]) -> tuple[list[tuple[str | None, ...]], list[int]]:
    """Return the combinations of labels on all axes, and how many speakers each has."""
    labelled = with_intersections(counts, axes)
    sizes: dict[tuple[str | None, ...], set[str]] = {}
    for speaker, *labels in labelled.select("speaker_id", *axes).iter_rows():
        sizes.setdefault(tuple(labels), set()).add(speaker)
    return list(sizes), [len(people) for people in sizes.values()]


def told_by_subtraction(counts, axes, shown, least):
    """Return the sets of fewer than ``least`` speakers whose sum is a linear combination of the shown sums.

    By brute force: every set of atoms, against the null space of all shown sums.
    """
    atoms, people = atoms_of(counts, axes)
    columns = [[1.0] * len(atoms)]
    columns += [[float(atom[axes.index(axis)] == group) for atom in atoms] for axis, group in shown]
    left, singular, _ = np.linalg.svd(np.array(columns).T)
    rank = int((singular > 1e-9).sum())
    free = left[:, rank:]
    few = [k for k, size in enumerate(people) if size < least]
    return [
        tuple(atoms[k] for k in some)
        for size in range(1, least)
        for some in itertools.combinations(few, size)
        if sum(people[k] for k in some) < least and np.allclose(free[list(some)].sum(axis=0), 0, atol=1e-8)
    ]


def invented(seed: int) -> tuple[pl.DataFrame, list[str], int]:
    rng = random.Random(seed)
    base = ["a", "b", "c"][: rng.randint(1, 3)]
    products = [name for name in ("a*b", "b*c", "a*b*c") if set(name.split("*")) <= set(base) and rng.random() < 0.7]
    levels = rng.randint(1, 4)
    rows = []
    for speaker in range(rng.randint(6, 50)):
        labels = {
            axis: rng.choice([None, *(f"{axis}{k}" for k in range(levels))]) if rng.random() < 0.9 else f"{axis}0"
            for axis in base
        }
        if "c" in base and rng.random() < 0.5:
            # One axis inside another, as towns in regions.
            labels["c"] = labels["a"]
        rows.append({"utterance_id": f"u{speaker}", "speaker_id": f"s{speaker}", "reference_words": 9, **labels})
    told = pl.DataFrame(rows, schema_overrides=dict.fromkeys(base, pl.String))
    return (
        conform(told.with_columns(condition=pl.lit("clean"), backend=pl.lit("x")), COUNTS, axes=base),
        base + products,
        rng.choice([2, 3, 5]),
    )


class TestAnAttacker:
    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10**6))
    def test_cannot_subtract_a_few_speakers_from_what_is_shown(self, seed):
        counts, axes, least = invented(seed)
        hidden = withheld(Population.of(counts, axes), least=least, references={}, start={})
        atoms, people = atoms_of(counts, axes)
        cells = {
            (axis, atom[k]): sum(size for other, size in zip(atoms, people, strict=True) if other[k] == atom[k])
            for atom in atoms
            for k, axis in enumerate(axes)
        }
        shown = [(axis, group) for axis, group in cells if group not in hidden[axis]]
        assert all(cells[cell] >= least for cell in shown)
        assert told_by_subtraction(counts, axes, shown, least) == []

    def test_could_without_the_second_step(self):
        """The attack works where only the small groups are withheld: it is no attack that finds nothing."""
        found = 0
        for seed in range(40):
            counts, axes, least = invented(seed)
            atoms, people = atoms_of(counts, axes)
            sizes: dict[tuple[str, str | None], int] = {}
            for atom, size in zip(atoms, people, strict=True):
                for k, axis in enumerate(axes):
                    sizes[axis, atom[k]] = sizes.get((axis, atom[k]), 0) + size
            shown = [cell for cell, size in sizes.items() if size >= least]
            found += bool(told_by_subtraction(counts, axes, shown, least))
        assert found >= 10

    def test_has_the_published_rates_alone(self, run):
        """The same attack on what a shareable report prints."""
        whole, found = Results.load(run), shareable(Results.load(run))
        axes = ["accent", "gender", "accent*gender"]
        rows = found.rates.filter(pl.col("reference_words").is_not_null(), pl.col("axis") != OVERALL)
        shown = list(rows.select("axis", "group").unique().iter_rows())
        assert len(shown) > 4
        assert told_by_subtraction(whole.counts, axes, shown, 5) == []

    def test_keeps_a_reference_group_as_long_as_it_can(self):
        rows = [
            {"utterance_id": f"{group}{k}", "speaker_id": f"{group}{k}", "reference_words": 1, "a": group}
            for group, size in (("x", 6), ("y", 7), ("z", 2))
            for k in range(size)
        ]
        counts = conform(pl.DataFrame(rows), COUNTS, axes=["a"])
        population = Population.of(counts, ["a"])
        assert withheld(population, least=5, references={}, start={}) == {"a": {"z", "x"}}
        assert withheld(population, least=5, references={"a": "x"}, start={}) == {"a": {"z", "y"}}

    def test_many_small_groups_that_are_few_together_are_joined_by_another(self):
        sizes = {"x": 12, "y": 11, **{f"one{k}": 1 for k in range(6)}}
        rows = [
            {"utterance_id": f"{group}{k}", "speaker_id": f"{group}{k}", "reference_words": 1, "a": group}
            for group, size in sizes.items()
            for k in range(size)
        ]
        population = Population.of(conform(pl.DataFrame(rows), COUNTS, axes=["a"]), ["a"])
        assert withheld(population, least=10, references={}, start={})["a"] == set(sizes) - {"x"}

    def test_does_not_make_more_be_withheld_than_is_needed(self):
        """The unlabelled and «other» need «woman» beside them; no accent has to go for that as well."""
        people = [
            ("x", "man", 9),
            ("x", "woman", 5),
            ("y", "man", 9),
            ("y", "woman", 5),
            ("x", "other", 1),
            ("y", None, 2),
        ]
        rows = [
            {"utterance_id": f"{a}{b}{k}", "speaker_id": f"{a}{b}{k}", "reference_words": 1, "a": a, "b": b}
            for a, b, size in people
            for k in range(size)
        ]
        population = Population.of(conform(pl.DataFrame(rows), COUNTS, axes=["a", "b"]), ["a", "b"])
        found = withheld(population, least=5, references={}, start={})
        assert found == {"a": set(), "b": {"other", None, "woman"}}

    def test_sets_of_three_and_four_are_looked_for(self):
        """In a line of sums every vector is zero over the sets that are made to be zero, and over no other."""
        free = np.random.default_rng(1).normal(size=(12, 3))
        free[2] = -free[0] - free[1]
        free[6] = -free[3] - free[4] - free[5]
        people = np.ones(12, dtype=np.int64)
        assert set(unions(free, people, least=5)) == {(0, 1, 2), (3, 4, 5, 6)}
        assert set(unions(free, people, least=4)) == {(0, 1, 2)}
        assert unions(free, people * 2, least=5) == []


class TestTwoRuns:
    def test_what_either_withholds_both_withhold(self, run, tmp_path):
        new = Results.load(scored(tmp_path, better=1))
        small = new.counts.filter(~pl.col("speaker_id").str.contains("zq[56]speaker[1-9]"))
        new = dataclasses.replace(new, counts=small)
        old, shared = shareable_pair(Results.load(run), new)
        for each in (old, shared):
            assert set(each.rates.filter(pl.col("wer").is_not_null(), axis="accent")["group"]) <= {"north", "south"} | {
                "west"
            }
            assert set(each.counts["accent"]) == set(old.counts["accent"])
        assert set(old.utterances["utterance_id"]) == set(shared.utterances["utterance_id"])

    def test_a_difference_of_transcripts_is_told_without_them(self, run, tmp_path):
        found = Results.load(run)
        other = found.utterances.with_columns(reference=pl.col("reference").str.replace("seven", "eleven"))
        folder = tmp_path / "other"
        dataclasses.replace(found, utterances=other).save(folder)
        changes = card_changes(run, folder, share=Share())
        assert any("references of" in each["what"] and each["matters"] for each in changes["differs"])
        assert leaked(json.dumps(changes)) == []
        assert "seven" not in json.dumps(changes)
        assert show_changes(run, folder, share=Share()).startswith("# What changed\n\n> Shareable form")

    def test_a_card_that_shows_more_is_refused(self, run, tmp_path):
        write_card(run, tmp_path / "open", formats=("json",))
        write_card(run, tmp_path / "shared", formats=("json",), share=Share())
        with pytest.raises(InputError, match="found a card that is not shareable; expected one of 5 or more"):
            card_changes(run, tmp_path / "open", share=Share())
        with pytest.raises(InputError, match="found a card shareable from 5 speakers on; expected one of 6 or more"):
            card_changes(run, tmp_path / "shared", share=Share(least=6))
        assert card_changes(run, tmp_path / "shared", share=Share())["shareable"]["least_speakers"] == 5


HIDDEN: dict[str, set[str | None]] = {"accent": {"isle", None}, "gender": set()}


class TestTables:
    def test_models_keep_terms_of_nobody(self):
        rows = conform(
            pl.DataFrame({"axis": "accent", "group": ["isle", "north", None], "term": ["isle", "north", "log_words"]}),
            TABLES["models"],
        )
        assert of_groups(rows, HIDDEN, least=5)["term"].to_list() == ["north", "log_words"]

    def test_handicaps_need_both_groups(self):
        rows = pl.DataFrame(
            {"axis": "accent", "group": ["isle", "north", "north"], "reference_group": ["south", "isle", "south"]}
        )
        assert of_groups(conform(rows, TABLES["handicaps"]), HIDDEN, least=5).height == 1

    def test_comparisons_of_few_speakers_of_shown_groups_go(self):
        rows = pl.DataFrame({"axis": "accent", "group": "north", "measure": ["ratio", "matched_ratio", "difference"]})
        few = rows.with_columns(speakers=pl.Series([9, 4, 9]), reference_speakers=pl.Series([9, 9, 4]))
        found = disparities(conform(few, TABLES["disparities"]), {"accent": set()}, [], least=5)
        assert found["measure"].to_list() == ["ratio"]
        metrics = conform(few.rename({"measure": "metric"}), TABLES["metrics"])
        assert of_groups(metrics, {"accent": set()}, least=5).height == 2

    def test_a_score_over_all_axes_goes_with_any_group(self):
        rows = conform(
            pl.DataFrame({"axis": OVERALL, "group": OVERALL, "measure": ["faas", "condition_ratio"], "speakers": 40}),
            TABLES["disparities"],
        )
        assert disparities(rows, HIDDEN, [], least=5)["measure"].to_list() == ["condition_ratio"]
        assert disparities(rows, {"accent": set()}, [], least=5).height == 2

    def test_sensitivity_goes_with_its_axis_and_with_families_across_axes(self):
        rows = conform(pl.DataFrame({"axis": ["accent", "gender"], "group": ["north", "man"]}), SENSITIVITY)
        assert sensitivity(rows, HIDDEN, {"family": ["axis"]})["axis"].to_list() == ["gender"]
        assert sensitivity(rows, HIDDEN, {"family": ["measure"]}).is_empty()
        assert sensitivity(rows, {"accent": set()}, {"family": ["measure"]}).height == 2

    def test_a_family_chosen_beforehand_is_one_family(self):
        rows = conform(
            pl.DataFrame(
                {
                    "axis": ["accent", "accent", "gender", "gender"],
                    "group": ["isle", "north", "man", "man"],
                    "measure": "ratio",
                    "p": [0.2, 0.01, 0.02, 0.03],
                    "p_adjusted": 0.5,
                    "exploratory": [False, False, False, True],
                }
            ),
            TABLES["disparities"],
        )
        found = disparities(rows, HIDDEN, ["axis"], least=5)
        assert found["p_adjusted"].to_list() == pytest.approx([0.03, 0.06, 0.5])

    def test_pairs_of_groups_are_one_test_of_the_family(self):
        rows = conform(
            pl.DataFrame(
                {
                    "axis": "accent",
                    "group": ["isle", "north", "north", "north"],
                    "reference_group": ["north", "south", "west", "south"],
                    "condition": "clean",
                    "backend": "x",
                    "measure": [*["pairwise_difference"] * 3, "ratio"],
                    "p": [0.1, 0.01, 0.02, 0.03],
                    "exploratory": True,
                }
            ),
            TABLES["disparities"],
        )
        assert disparities(rows, HIDDEN, [], least=5)["p_adjusted"].to_list() == pytest.approx([0.02, 0.04, 0.06])


class TestTexts:
    def test_paths_are_cut_to_their_last_part(self):
        data = {
            "command": "/usr/bin/env python ~/a/b.py --m=C:\\Users\\somebody\\m.bin",
            "n": [1, "see https://x.org/a/b"],
        }
        assert without_paths(data) == {"command": "env python b.py --m=m.bin", "n": [1, "see https://x.org/a/b"]}
        assert without_paths("km/h, 20/30 and/or") == "km/h, 20/30 and/or"

    def test_names_are_words_and_not_small_numbers(self):
        names = Names(["s1", "12", "the blue file", "12345"])
        assert names.are_in("as 's1' said")
        assert names.are_in("of the blue file, twice")
        assert names.are_in("12345.")
        assert not names.are_in("12 of s12")

    @pytest.mark.parametrize("count", ["1 speaker has", "2 speakers have", "1,234 speakers have"])
    def test_counted_notes_give_neither_number_nor_label(self, count):
        told = [f"accent: {count} more than one value: 'isle' and 'north' (1)"]
        assert notes(told, []) == (["accent: some speakers have more than one value"], 0)

    def test_notes_count_what_is_left_out(self):
        found = [
            "a: x: 2 utterances (first s1)",
            "s1 is loud",
            "accent: 1 speaker has more than one value: 'b and c' (1)",
            "accent: 3,210 utterances have labels that the card does not map: 'b' (1)",
        ]
        assert notes(found, ["s1"]) == (
            [
                "a: x: 2 utterances",
                "accent: some speakers have more than one value",
                "accent: some utterances have labels that the card does not map",
            ],
            1,
        )

    def test_reasons_are_kept_where_many_share_them_and_none_is_named(self):
        rows = pl.DataFrame(
            {
                "speaker_id": [f"s{k}" for k in range(8)],
                "reason": ["timeout: after 3 s"] * 5 + ["odd: one"] * 2 + ["s1 broke"],
            }
        )
        found = reasons(conform(rows, FAILURES), Names(["s1"]), least=5)
        assert found["reason"].to_list() == ["timeout"] * 5 + ["reason withheld"] * 3


class TestCommand:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["report", "--least-speakers", "3"], "--least-speakers: found it without --shareable"),
            (["report", "--html", "x.html", "--transcripts"], "--transcripts: found it without --shareable"),
            (
                ["report", "--shareable", "--transcripts"],
                "--transcripts: found a report as text; expected it with --html",
            ),
            (["report", "--shareable", "--least-speakers", "0"], "--least-speakers 0: expected 1 or more"),
            (["card", "--least-speakers", "3"], "--least-speakers: found it without --shareable"),
        ],
    )
    def test_options_that_do_not_go_together(self, run, options, message, capsys):
        assert main([options[0], str(run), *options[1:]]) == 2
        assert message in capsys.readouterr().err

    def test_a_voice_is_not_shareable(self, run, tmp_path, capsys):
        for extra in ("altair", "itables", "jinja2", "vl_convert"):
            pytest.importorskip(extra)
        page = str(tmp_path / "x.html")
        assert main(["report", str(run), "--shareable", "--html", page, "--audio", "2"]) == 2
        assert "--audio: found --shareable as well" in capsys.readouterr().err

    def test_report_and_card(self, run, tmp_path, capsys):
        assert main(["report", str(run), "--shareable", "--least-speakers", "3", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["shareable"]["least_speakers"] == 3
        assert main(["card", str(run), "--shareable", "--out", str(tmp_path / "card")]) == 0
        assert main(["card", "--diff", str(run), str(run), "--shareable", "--format", "json"]) == 0
        assert leaked((tmp_path / "card" / "card.md").read_text(encoding="utf-8")) == []


def test_an_empty_run_is_shareable(run):
    found = Results.load(run)
    empty = {name: getattr(found, name).clear() for name in TABLES}
    shared = shareable(dataclasses.replace(found, **empty))
    assert shared.rates.is_empty()
    assert SimpleNamespace(**shared.signature["shareable"]).cells_withheld == 0
