"""What a shareable form names and says: undeclared labels, one speaker's words, findings that are withheld."""

import dataclasses
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
from asrfair.report.shareable import shareable_told
from asrfair.results import Results
from asrfair.run.card import make_card, write_card
from asrfair.run.report import report_json, show
from asrfair.run.score import score_tables
from asrfair.run.shareable import Share, shareable
from asrfair.run.shareable_cells import Population, withheld
from asrfair.run.shareable_signature import folded
from asrfair.run.shareable_tables import disparities, models
from asrfair.run.shareable_text import Names, notes
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import COUNTS, INTERSECTION, TABLES, WITHHELD, conform

SAID = "the quokka sat upon seven marble stairs"
OWN = "born in Kiruna, raised in Hull by deaf parents"


def scored(folder: Path, people: dict[str, int], *, wrong: dict[str, int] | None = None, long: int = 1) -> Path:
    """Score ``people`` of each accent; the first speaker of all says ``long`` times as much as the others."""
    rows, first = [], True
    for accent, number in people.items():
        for speaker in range(number):
            said = " ".join([SAID] * (long if first else 1)).split()
            gone = min((wrong or {}).get(accent, 1) + speaker % 2, len(said))
            heard = ["wombat"] * gone + said[gone:]
            rows += [
                (f"{accent[:5]}{speaker}_{k}", f"{accent}{speaker}", accent, " ".join(said), " ".join(heard))
                for k in range(4)
            ]
            first = False
    names = ("id", "who", "accent", "reference", "hypothesis")
    pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_csv(folder / "table.csv")
    plan = {"id": "id", "speaker": "who", "by": ("accent",), "reference_groups": {"accent": "north"}}
    score_tables(ScorePlan(tables=(str(folder / "table.csv"),), **plan, out=str(folder / "run")))
    return folder / "run"


class TestLabelsOfTheirOwn:
    def test_are_not_named_where_no_card_declares_them(self, tmp_path, capsys):
        run = scored(tmp_path, {"north": 12, "south": 11, OWN: 1})
        assert OWN in report_json(run)
        show(run, width=200, share=Share())
        told = capsys.readouterr().out + report_json(run, share=Share())
        for path in write_card(run, tmp_path / "card", formats=("md", "html", "json"), share=Share()):
            told += path.read_text(encoding="utf-8")
        assert "Kiruna" not in told
        assert "2 groups" in told
        assert shareable(Results.load(run)).signature["shareable"]["withheld_by_axis"] == {"accent": 2}

    def test_nor_as_the_reference_group_or_in_a_family(self, tmp_path):
        found = Results.load(scored(tmp_path, {"north": 12, "south": 11, OWN: 1}))
        facts = found.signature["axes"]["accent"]
        facts["reference_group"] = OWN
        found.signature["confirm"] = [f"axis=accent, group={OWN}", "axis=accent, measure=ratio"]
        found.signature["signature"] += f"|confirm:group={OWN}"
        told = shareable(found).signature
        assert "Kiruna" not in json.dumps(told)
        assert told["confirm"] == ["axis=accent, measure=ratio"]

    def test_of_products_as_of_their_parts(self):
        hidden = {"a": {"odd", "x", None}, "b": {"y"}, "a*b": {"odd*p", "p*y", "p*p", "x*p", None}}
        axes = {"a": {"declared": True, "unmapped": {"odd": 1}}, "b": {"declared": False}, "a*b": {"declared": False}}
        assert folded({"axes": axes}, hidden) == {"a": {"odd"}, "b": {"y"}, "a*b": {"odd*p", "p*y"}}
        # A run of before does not say what its card declares.
        assert folded({"axes": {"a": {"unmapped": {}}}}, {"a": {"x", None}}) == {"a": {"x"}}
        assert folded({"axes": {}}, {"a*b": {"p*p"}}) == {"a*b": {"p*p"}}

    def test_numbers_that_are_names(self):
        names = Names(["1089", "s1"], numbers=True)
        assert names.are_in("speaker 1089's clip")
        assert names.are_in("1089-134686-0000")
        assert not names.are_in("11089 of 108")
        assert notes(["1089 reads slowly", "12 empty hypotheses"], ["1089"]) == (["12 empty hypotheses"], 1)


class TestOneSpeakersWords:
    def test_make_a_cell_theirs(self, tmp_path):
        run = scored(tmp_path, {"south": 6, "north": 40, "west": 12}, long=25)
        south = shareable(Results.load(run)).rates.filter(axis="accent", group="south")
        assert south["wer"].to_list() in ([], [None])
        less = tmp_path / "less"
        less.mkdir()
        run = scored(less, {"south": 6, "north": 40, "west": 12}, long=15)
        assert shareable(Results.load(run)).rates.filter(axis="accent", group="south")["wer"][0] > 0

    def test_may_be_those_of_unknown_speakers(self):
        def people(words: list[int], speakers: list[str | None]) -> int:
            rows = {"utterance_id": [f"u{k}" for k in range(len(words))], "speaker_id": speakers}
            counts = conform(pl.DataFrame({**rows, "reference_words": words, "x": "p"}), COUNTS, axes=["x"])
            population = Population.of(counts, ["x"])
            return population.people(population.labelled(), "x")["p"]

        assert people([8, 1, 1, 1], ["a", "b", "c", "d"]) == 4
        assert people([13, 1, 1, 1], ["a", "b", "c", "d"]) == 1
        assert people([6, 1, 1, 1, 9], ["a", "b", "c", "d", None]) == 1

    def test_of_all_together_are_refused(self, tmp_path):
        run = scored(tmp_path, {"north": 6, "south": 6}, long=100)
        with pytest.raises(InputError, match=r"one with over 80% of the words; expected 5 or more"):
            shareable(Results.load(run))


class TestWithheldIsNotAbsent:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        return scored(tmp_path, {"north": 20, "south": 9, "isle": 2}, wrong={"south": 5})

    def test_in_a_report(self, run, capsys):
        show(run, width=200)
        assert "south is served worse than north" in capsys.readouterr().out
        show(run, width=200, share=Share())
        text = capsys.readouterr().out
        assert "of the groups shown, none could be judged against another (2 groups withheld)" in text
        assert "Highest of the groups shown: north" in text
        assert "No second group is shown to compare with." in text
        assert "could not be judged" not in text.lower()
        assert "no group could" not in text.lower()
        assert text.count("Withheld here") == 2
        for word in ("unknown utterances", "not judged", "asrfair report", "asrfair coverage", "pseudonym"):
            assert word not in text, word

    def test_in_a_card(self, run, tmp_path):
        card = make_card(run, share=Share())
        told = " ".join(card["statements"])
        assert "one group is shown, north" in told
        assert "1 group: north; 2 withheld" in told
        assert "could not be judged" not in told
        assert card["not_judged"] == []
        write_card(run, tmp_path / "card", formats=("md",), share=Share())
        text = (tmp_path / "card" / "card.md").read_text(encoding="utf-8")
        assert "### Withheld here" in text
        assert "By accent: 2 groups." in text or "By accent: 2 groups (" in text
        assert "Every group that is shown could be judged." in text or "One acoustic condition" in text

    def test_a_whole_report_speaks_of_none(self, run, capsys):
        show(run, width=200)
        assert "ithheld" not in capsys.readouterr().out

    def test_the_form_says_that_findings_may_be_missing(self, run):
        form = shareable(Results.load(run)).signature["shareable"]
        told = " ".join(shareable_told(form))
        assert "A comparison that the whole report shows can be 'not shown' here." in told
        assert "pseudonyms" not in told
        assert "pseudonyms" in " ".join(shareable_told(form | {"transcripts": True}))


def test_shown_rows_without_p_are_no_tests():
    rows = {"axis": "accent", "group": ["isle", "north", "south", "west"], "measure": "ratio"}
    rows |= {"p": [None, 0.01, None, 0.02], "p_adjusted": 0.5, "exploratory": True}
    found = disparities(conform(pl.DataFrame(rows), TABLES["disparities"]), {"accent": {"isle"}}, ["axis"], least=5)
    # The withheld one may have p or not: that is not told.
    assert found["p_adjusted"].to_list() == pytest.approx([0.03, None, 0.06])


class TestModels:
    def test_levels_of_another_axis_and_raw_ratios_of_a_part(self):
        cell = {"condition": "clean", "backend": "x", "normalizer": "n"}
        rows = pl.DataFrame(
            {
                "axis": "accent",
                "group": ["north", None, None],
                "term": ["accent[north]", "gender[odd]", "gender[man]"],
                "model": "m",
                "utterances": [9, None, None],
                "raw_ratio": [1.5, None, None],
                **cell,
            }
        )
        rates = conform(pl.DataFrame({"axis": "accent", "group": ["north"], "utterances": 9, **cell}), TABLES["rates"])
        hidden = {"accent": set(), "gender": {"odd"}}

        def told(**changes: object) -> pl.DataFrame:
            changed = rows.with_columns(pl.lit(value).alias(name) for name, value in changes.items())
            return models(conform(changed, TABLES["models"]), rates, hidden, least=5)

        assert told()["term"].to_list() == ["accent[north]", "gender[man]"]
        assert told()["raw_ratio"].to_list() == [1.5, None]
        assert told(utterances=8)["raw_ratio"].to_list() == [None, None]
        assert told(note="left out: 3 utterances without age")["raw_ratio"][0] is None
        assert told(note="left out: 3 utterances without accent")["raw_ratio"][0] == 1.5


class TestProbes:
    """Of the probes there are fewer people in a group than of the speech."""

    def told(self, run: Path, probed: dict[str, int]) -> set[str | None]:
        found = Results.load(run)
        who = [f"{accent}{k}" for accent, number in probed.items() for k in range(number)]
        of = {"condition": "silence", "backend": "system", "normalizer": "basic-1"}
        once = (
            found.utterances.filter(pl.col("speaker_id").is_in(who))
            .unique("speaker_id")
            .select("utterance_id", "speaker_id")
        )
        probes = conform(once.with_columns(words=pl.lit(1), **{k: pl.lit(v) for k, v in of.items()}), TABLES["probes"])
        rows = {"axis": ["overall", *["accent"] * len(probed)], "group": ["overall", *probed]}
        rows |= {"metric": "probe_words_per_minute", "speakers": [len(who), *probed.values()], **of}
        metrics = pl.concat([found.metrics, conform(pl.DataFrame(rows), TABLES["metrics"])])
        shared = shareable(dataclasses.replace(found, probes=probes, metrics=metrics))
        return set(shared.metrics.filter(metric="probe_words_per_minute")["group"])

    def test_no_few_of_them_follow_from_all(self, tmp_path):
        run = scored(tmp_path, {"north": 12, "south": 11, "west": 9})
        assert self.told(run, {"north": 12, "south": 11, "west": 9}) == {"overall", "north", "south", "west"}
        # The one of the west would be all without the others.
        assert len(self.told(run, {"north": 12, "south": 11, "west": 1})) == 2
        assert self.told(run, {"north": 2, "south": 1}) == set()

    def test_repetitions_of_a_few_are_not_told(self, tmp_path):
        found = Results.load(scored(tmp_path, {"north": 12, "south": 11}))
        row = {"axis": "overall", "group": "overall", "metric": "repeat_differing_share", "backend": "system"}
        metrics = pl.concat([found.metrics, conform(pl.DataFrame(row), TABLES["metrics"])])

        def told(speakers: int) -> bool:
            ids = found.utterances.unique("speaker_id").head(speakers).select("utterance_id")
            repeats = conform(ids.with_columns(backend=pl.lit("system")), TABLES["repeats"])
            shared = shareable(dataclasses.replace(found, repeats=repeats, metrics=metrics))
            return "repeat_differing_share" in set(shared.metrics["metric"])

        assert told(5)
        assert not told(4)


def several(seed: int) -> tuple[pl.DataFrame, list[str]]:
    """Return counts of speakers of whom some have other labels in other utterances."""
    rng = random.Random(seed)
    rows = []
    for speaker in range(24):
        labels = ["p", "p"]
        for k in range(rng.choice([1, 2, 4])):
            if k == 0 or rng.random() < 0.5:
                labels = [rng.choices("pqrst", [10, 6, 3, 1, 1])[0] for _ in labels]
            rows.append((f"u{speaker}-{k}", f"s{speaker}", 5, *labels))
    table = pl.DataFrame(rows, schema=["utterance_id", "speaker_id", "reference_words", "a", "b"], orient="row")
    axes = ["a", "b", INTERSECTION.join("ab")]
    return conform(table.with_columns(condition=pl.lit("c"), backend=pl.lit("x")), COUNTS, axes=["a", "b"]), axes


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_who_is_in_several_atoms_counts_once(seed):
    """Sets of atoms of fewer than five different speakers, however many they are atom by atom, follow from nothing."""
    counts, axes = several(seed)
    hidden = withheld(Population.of(counts, axes), least=5, references={}, start={})
    labelled = counts.with_columns(pl.concat_str("a", "b", separator=INTERSECTION).alias(axes[-1]))
    who: dict[tuple[str, ...], set[str]] = {}
    for speaker, *labels in labelled.select("speaker_id", *axes).iter_rows():
        who.setdefault(tuple(labels), set()).add(speaker)
    atoms = list(who)
    columns = [[1.0] * len(atoms)]
    columns += [
        [float(atom[k] == group) for atom in atoms]
        for k, axis in enumerate(axes)
        for group in {atom[k] for atom in atoms} - hidden[axis] - {WITHHELD}
    ]
    left, singular, _ = np.linalg.svd(np.array(columns).T)
    free = left[:, int((singular > 1e-9).sum()) :]
    few = [k for k, atom in enumerate(atoms) if len(who[atom]) < 5]
    for size in range(1, 5):
        for some in itertools.combinations(few, size):
            if len(set().union(*(who[atoms[k]] for k in some))) < 5:
                assert not np.allclose(free[list(some)].sum(axis=0), 0, atol=1e-8), [atoms[k] for k in some]
