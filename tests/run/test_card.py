"""The card of a run: its files, refreshed in place, compared with an earlier run; and the command."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from asrfair.cli import main
from asrfair.report.card.markers import begin, end
from asrfair.results import Results
from asrfair.run.card import card_changes, make_card, show_changes, update_card, write_card
from asrfair.run.card_schema import schema

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
Make = Callable[..., Path]


def transcripts(path: Path, *, errors: dict[str, int], first: int = 0, speakers: int = 24, name: str = "u") -> Path:
    """Write a table in which every speaker of a group gets some of 20 words wrong, and one more or less by turns."""
    lines = ["id,speaker,accent,reference,hypothesis"]
    for speaker in range(first, first + speakers):
        accent = "north" if speaker % 2 else "south"
        for utterance in range(2):
            wrong = max(errors[accent] + (speaker // 2) % 3 - 1, 0)
            heard = ["wrong"] * min(wrong, 10) + WORDS[min(wrong, 10) :]
            lines.append(f"{name}{speaker}-{utterance},s{speaker},{accent},{' '.join(WORDS)},{' '.join(heard)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Score a made table and return the run folder; the same again is not computed again."""
    made: dict[str, Path] = {}

    def run(*options: str, **table: Any) -> Path:
        key = repr((options, table))
        if key not in made:
            folder = tmp_path_factory.mktemp("card")
            source = transcripts(folder / "table.csv", **table)
            common = ["--id", "id", "--speaker", "speaker", "--reference", "reference", "--hypothesis", "hypothesis"]
            groups = ["--by", "accent", "--reference-group", "accent=north", "--assigned-by", "accent=self-reported"]
            assert main(["score", f"ours={source}", *common, *groups, *options, "--out", str(folder / "run")]) == 0
            made[key] = folder / "run"
        return made[key]

    return run


BEFORE = {"north": 2, "south": 5}
AFTER = {"north": 2, "south": 3}


def test_the_files_are_written_and_say_the_same_again(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    run = make(errors=BEFORE)
    written = write_card(run, tmp_path, formats=("md", "html", "json", "hub"))
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "card.json",
        "card.md",
        "card.html",
        "hub/ours/README.md",
    ]
    contents = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_card(run, tmp_path, formats=("md", "html", "json", "hub"))] == contents


def test_what_the_owner_wrote_survives_and_is_in_the_page(make: Make, tmp_path: Path) -> None:
    write_card(make(errors=BEFORE), tmp_path)
    card = tmp_path / "card.md"
    text = card.read_text(encoding="utf-8")
    own = text.replace("## Further information\n", "## Further information\n\nWrite to the *desk*.\n", 1)
    card.write_text(own, encoding="utf-8")
    write_card(make(errors=AFTER), tmp_path)
    now = card.read_text(encoding="utf-8")
    assert "Write to the *desk*." in now
    assert "Write to the <em>desk</em>." in (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "WER 50.0 %" in own
    assert "WER 50.0 %" not in now


def test_an_update_touches_the_figures_alone(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "OUR.md"
    write_card(make(errors=BEFORE), tmp_path)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    own = "\ufeff" + text.replace("# Service card: ours", "# Our card\u00a0").replace("\n", "\r\n")
    path.write_bytes(own.encode("utf-8"))
    path.chmod(0o640)
    assert update_card(path, make(errors=AFTER)) == (path,)
    now = path.read_bytes().decode("utf-8")
    assert now != own
    assert path.stat().st_mode & 0o777 == 0o640
    measured = re.compile(rf"(?s){begin('NAME')}.*?{end('NAME')}".replace("NAME", r"\S+"))
    assert measured.sub("", now) == measured.sub("", own)
    assert not re.search(r"[^\r]\n", now)
    update_card(path, make(errors=BEFORE))
    assert path.read_bytes().decode("utf-8") == own


def test_a_card_is_not_made_into_that_of_another_service(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    table = transcripts(tmp_path / "table.csv", errors=AFTER)
    columns = ["--id", "id", "--speaker", "speaker", "--reference", "reference", "--hypothesis", "hypothesis"]
    axes = ["--by", "accent", "--assigned-by", "accent=self-reported"]
    assert main(["score", f"their-->s={table}", *columns, *axes, "--out", str(other)]) == 0
    write_card(make(errors=BEFORE), tmp_path)
    path = tmp_path / "card.md"
    before = path.read_bytes()
    capsys.readouterr()
    for command in (["card", "--update", str(path), str(other)], ["card", str(other), "--out", str(tmp_path)]):
        assert main(command) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "found a card of ours on" in told
        assert "the run is of their-->s on" in told
        assert "--even-so" in told
    assert path.read_bytes() == before
    assert main(["card", "--update", str(path), str(other), "--even-so", "--format", "md,html"]) == 0
    # A name that would end the comment does not, and the page has none of it.
    assert "their-->s" not in path.read_text(encoding="utf-8").split("\n\n")[1]
    assert "asrfair:of" not in (tmp_path / "card.html").read_text(encoding="utf-8")
    assert main(["card", "--update", str(path), str(other)]) == 0
    assert main(["card", "--schema", "--even-so"]) == 2


def test_an_update_of_a_link_writes_the_file_behind_it(make: Make, tmp_path: Path) -> None:
    write_card(make(errors=BEFORE), tmp_path)
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "card.md")
    files = update_card(link, make(errors=AFTER), html=True)
    assert link.is_symlink()
    assert files == (link, tmp_path / "link.html")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# Ours\n", "found no markers of asrfair; expected a card that asrfair card made: move this one away"),
        (b"\xff\xfe# Ours\n", "byte 0 is no UTF-8"),
        (b"<!-- asrfair:begin groups -->\n", "line 1: found '<!-- asrfair:begin groups -->' alone"),
    ],
)
def test_a_card_that_cannot_be_refreshed_is_left_alone(
    make: Make, tmp_path: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(errors=BEFORE)
    (tmp_path / "card.md").write_bytes(content)
    capsys.readouterr()
    for arguments in (["--out", str(tmp_path)], ["--update", str(tmp_path / "card.md")]):
        assert main(["card", str(run), *arguments]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1
        assert (tmp_path / "card.md").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["card.md"]


def test_a_folder_that_cannot_be_written_is_told(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    run = make(errors=BEFORE)
    capsys.readouterr()
    assert main(["card", str(run), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be" in capsys.readouterr().err


def test_the_same_utterances_are_paired_and_the_change_is_shown(make: Make) -> None:
    old, new = make(errors=BEFORE), make(errors=AFTER)
    changes = card_changes(old, new)
    assert (changes["paired"], changes["comparable"], changes["utterances"]) == (True, True, 48)
    verdicts = {(entry["axis"], entry["group"]): entry["verdict"] for entry in changes["entries"]}
    assert verdicts["accent", "south"] == "lowered"
    assert verdicts["accent", "north"] == "not shown"
    assert [entry["verdict"] for entry in changes["disparities"] if entry["group"] == "south"] == ["narrower"]
    text = show_changes(old, new)
    assert "south by accent (self-reported), with ours" in text
    assert "WER 50.0 % [" in text
    assert "WER fell" in text
    assert "the gap to north was +30.0 points before and is +10.0 points now, narrower: change of the gap" in text


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        # A group that is served better than the reference group: to its cost is towards it.
        ({"north": 6, "south": 2}, {"north": 6, "south": 4}, "narrower"),
        ({"north": 6, "south": 4}, {"north": 6, "south": 2}, "wider"),
        ({"north": 2, "south": 4}, {"north": 2, "south": 6}, "wider"),
        # From 15 points and 1.5 times to 5 points and 2 times: the scales disagree.
        ({"north": 6, "south": 9}, {"north": 1, "south": 2}, "narrower in points"),
        # The sign turns.
        ({"north": 4, "south": 2}, {"north": 4, "south": 6}, "to its cost"),
    ],
)
def test_a_gap_is_wider_where_the_groups_are_further_apart(
    make: Make, before: dict[str, int], after: dict[str, int], told: str
) -> None:
    old, new = make(errors=before), make(errors=after)
    (entry,) = [each for each in card_changes(old, new)["disparities"] if each["group"] == "south"]
    assert entry["verdict"].split(",")[0] == told
    assert entry["new_gap"] - entry["old_gap"] == pytest.approx(entry["difference"]["estimate"])
    text = show_changes(old, new)
    assert f"was {100 * entry['old_gap']:+.1f} points before and is {100 * entry['new_gap']:+.1f} points now" in text
    assert f"{entry['verdict']}: change of the gap" in text


def test_what_vanished_and_what_failed_is_told(make: Make, tmp_path: Path) -> None:
    old = make(errors=BEFORE)
    whole = Results.load(old)
    gone = pl.col("utterance_id").is_in(["u0-0", "u1-0", "u2-0"])
    tables = {name: getattr(whole, name).filter(~gone) for name in ("utterances", "counts", "hypotheses")}
    dataclasses.replace(whole, **tables).save(tmp_path / "fewer")
    changes = card_changes(old, tmp_path / "fewer")
    assert {(row["side"], row["group"]): row["utterances"] for row in changes["left_out"]} == {
        ("old", "overall"): 3,
        ("old", "south"): 2,
        ("old", "north"): 1,
    }
    text = show_changes(old, tmp_path / "fewer")
    assert (
        "Left out: 3 utterances of the earlier run that the later lacks (north by accent 1, south by accent 2)." in text
    )
    lost = whole.counts.filter(gone).with_columns(stage=pl.lit("recognition"), reason=pl.lit("broken"))
    failures = lost.select(whole.failures.columns)
    kept = whole.counts.filter(~gone)
    dataclasses.replace(whole, counts=kept, failures=failures).save(tmp_path / "failed")
    changes = card_changes(old, tmp_path / "failed")
    assert {(row["group"], row["old"], row["new"], row["new_alone"]) for row in changes["failures"]} == {
        ("overall", 0, 3, 3),
        ("south", 0, 2, 2),
        ("north", 0, 1, 1),
    }
    text = show_changes(old, tmp_path / "failed")
    assert "0 before, 3 now (3 in this run alone); south by accent: 0 before, 2 now (2 in this run alone)" in text
    assert "They are in no WER; where more fail, a change in WER tells only a part." in text


def test_a_card_with_changes_keeps_to_the_schema(make: Make, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    whole = Results.load(make(errors=AFTER))
    gone, failed = (pl.col("utterance_id") == name for name in ("u0-0", "u1-0"))
    lost = whole.counts.filter(failed).with_columns(stage=pl.lit("recognition"), reason=pl.lit("broken"))
    tables = {name: getattr(whole, name).filter(~gone & ~failed) for name in ("counts", "hypotheses")}
    tables |= {"utterances": whole.utterances.filter(~gone), "failures": lost.select(whole.failures.columns)}
    card = make_card(dataclasses.replace(whole, **tables), baseline=make(errors=BEFORE))
    deployment = card["deployment"]
    assert all(deployment[name] for name in ("left_out", "failures", "disparities"))
    assert [str(each.message) for each in jsonschema.Draft202012Validator(json.loads(schema())).iter_errors(card)] == []
    broken = card | {"deployment": deployment | {"left_out": [{"side": "neither"}]}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(schema()))


def test_failures_of_cards_are_told_of_each(make: Make, tmp_path: Path) -> None:
    run = make(errors=BEFORE)
    write_card(run, tmp_path / "old", formats=("json",))
    card = json.loads((tmp_path / "old" / "card.json").read_text(encoding="utf-8"))
    for row in (*card["overall"], *card["groups"]):
        row["failures"] = 4 if row.get("group") in (None, "south") else 0
    (tmp_path / "new.json").write_text(json.dumps(card), encoding="utf-8")
    text = show_changes(tmp_path / "old", tmp_path / "new.json")
    assert "0 before, 4 now; south by accent: 0 before, 4 now." in text


def test_a_run_against_itself_has_not_changed(make: Make) -> None:
    run = make(errors=BEFORE)
    text = show_changes(run, run)
    assert "- Nothing differs: every rate is the same before and now.\n" in text
    assert not re.search(r"could be shown|WER (rose|fell)|narrower|wider", text)
    assert "Nothing differs" not in show_changes(run, make(errors=AFTER))


def test_other_utterances_are_compared_by_their_own_intervals(make: Make) -> None:
    old, new = make(errors=BEFORE), make(errors=AFTER, first=100, name="v")
    changes = card_changes(old, new)
    assert (changes["paired"], changes["comparable"]) == (False, True)
    verdicts = {(entry["axis"], entry["group"]): entry["verdict"] for entry in changes["entries"]}
    assert verdicts["accent", "south"] == "lowered"
    assert verdicts["accent", "north"] == "not shown"
    text = show_changes(old, new)
    assert "judged from each run's own intervals, as if no speaker were in both" in text


def test_overlapping_noise_is_never_called_a_change(make: Make) -> None:
    few = make(errors={"north": 2, "south": 3}, speakers=6)
    others = make(errors={"north": 2, "south": 2}, speakers=6, first=100, name="v")
    changes = card_changes(few, others)
    assert changes["paired"] is False
    assert {entry["verdict"] for entry in changes["entries"]} <= {"not shown", "not judged"}
    for entry in changes["entries"]:
        assert entry["verdict"] == "not judged" or entry["difference"]["low"] <= 0 <= entry["difference"]["high"]
    assert "WER fell" not in show_changes(few, others)


def test_cards_say_what_their_runs_say_unpaired(make: Make, tmp_path: Path) -> None:
    old, new = make(errors=BEFORE), make(errors=AFTER)
    for name, run in (("old", old), ("new", new)):
        write_card(run, tmp_path / name, formats=("json",))
    changes = card_changes(tmp_path / "old" / "card.json", tmp_path / "new")
    assert changes["paired"] is False
    both = card_changes(old, tmp_path / "new" / "card.json")
    assert both["entries"] == changes["entries"]
    assert {entry["verdict"] for entry in changes["entries"] if entry["group"] == "south"} == {"lowered"}


def test_runs_made_otherwise_are_no_comparison(make: Make, tmp_path: Path) -> None:
    old, new = make(errors=BEFORE), make("--normalizer", "none", errors=AFTER)
    for changes in (card_changes(old, new), _of_cards(old, new, tmp_path)):
        assert changes["comparable"] is False
        assert {entry["verdict"] for entry in changes["entries"]} == {"not judged"}
        assert [each["what"] for each in changes["differs"] if each["matters"]] == ["normaliser"]
    text = show_changes(old, new)
    assert "no change could be judged" in text
    assert "WER fell" not in text


def _of_cards(old: Path, new: Path, folder: Path) -> Any:
    paths = [write_card(run, folder / name, formats=("json",))[0] for name, run in (("old", old), ("new", new))]
    return card_changes(*paths)


def test_a_baseline_is_told_in_the_section_on_deployment(make: Make, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    run = make(errors=AFTER)
    card = make_card(run, baseline=make(errors=BEFORE))
    assert list(jsonschema.Draft202012Validator(json.loads(schema())).iter_errors(card)) == []
    write_card(run, tmp_path, baseline=make(errors=BEFORE))
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    part = text.split(begin("deployment"))[1].split(end("deployment"))[0]
    assert "on the 48 utterances that both have" in part
    write_card(run, tmp_path)
    assert "No earlier run was compared with" in (tmp_path / "card.md").read_text(encoding="utf-8")


def test_synthetic_voices_change_as_voices(make: Make) -> None:
    old, new = (Results.load(make(errors=errors)) for errors in (BEFORE, AFTER))
    for run in (old, new):
        run.signature["corpus"]["kind"] = "synthetic"  # type: ignore[index]
    card = make_card(new, baseline=old)
    from asrfair.report.card.changes import changes_told

    told = changes_told(card["deployment"])
    assert told[0].startswith("Among synthetic voices: the later run (")
    assert all(sentence.startswith("Among synthetic voices: ") for sentence in told)
    assert any(sentence.startswith("Among synthetic voices: south by accent") for sentence in told)
    assert "speaker" not in " ".join(told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["card"], "card: found no run; expected a run folder"),
        (["card", "--update", "nowhere.md"], "card: found no run; expected a run folder"),
        (["card", "--update", "nowhere.md", "RUN"], "nowhere.md: no such file; expected a card in Markdown"),
        (["card", "RUN", "--format", "md,pdf"], "--format: found 'pdf'; expected one of: md, html, json, hub"),
        (["card", "RUN", "--format", ""], "--format: found ''; expected one of: md, html, json, hub"),
        (["card", "RUN", "--top", "0"], "--top 0: expected 1 or more groups"),
        (["card", "RUN", "--baseline", "nowhere"], "nowhere: no finished run here"),
        (["card", "--diff", "nowhere", "RUN"], "nowhere: found no run and no card.json"),
        (["card", "--diff", "RUN", "RUN", "--out", "x"], "card --diff: found --out as well; expected it without"),
        (["card", "RUN", "--schema"], "card --schema: found"),
        (["card", "--diff", "RUN", "RUN", "--format", "hub"], "card --diff, --format: found 'hub'"),
    ],
)
def test_wrong_usage_is_one_line(
    make: Make, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(make(errors=BEFORE))
    capsys.readouterr()
    assert main([run if part == "RUN" else part for part in arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "found no card; expected format 2"),
        ('{"asrfair_card": 1}', "found a card of format 1; expected format 2: make it again"),
        ('{"asrfair_card": 99}', "found a card of format 99"),
        ('{"asrfair_card": 2}', "'what_was_measured': found nothing; expected dict"),
        ('{"asrfair_card": 2, "what_was_measured": {}, "overall": [], "groups": []}', "'what_was_measured.backends'"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_card_that_is_none_is_told(
    make: Make, tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "card.json"
    card.write_text(content, encoding="utf-8")
    run = str(make(errors=BEFORE))
    capsys.readouterr()
    assert main(["card", "--diff", str(card), run]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("groups", 0, "wer"), "a lot", "'groups[0].wer': found str; expected a number from 0 up"),
        (("groups", 1, "low"), float("nan"), "'groups[1].low': found float; expected a number from 0 up, or null"),
        (("groups", 1, "wer"), -0.1, "'groups[1].wer': found -0.1; expected a number from 0 up, or null"),
        (("groups", 1, "low"), 0.9, "expected low <= wer <= high"),
        (("groups", 1, "wer"), 9, "expected low <= wer <= high"),
        (("groups", 1, "high"), 0.001, "expected low <= wer <= high"),
        (("overall", 0, "speakers"), -3, "'overall[0].speakers': found -3; expected a whole number from 0 up"),
        (("overall", 0, "speakers"), 2.5, "'overall[0].speakers': found 2.5; expected a whole number from 0 up"),
        (("overall", 0, "failures"), "x", "'overall[0].failures': found str; expected a whole number from 0 up"),
        (("what_was_measured", "created"), 3, "'what_was_measured.created': found 3; expected a text or null"),
        (("what_was_measured", "asrfair"), [], "'what_was_measured.asrfair': found list; expected a text or null"),
        (("what_was_measured", "kind"), {}, "'what_was_measured.kind': found dict; expected a text or null"),
        (("what_was_measured", "normalizer"), "basic", "'what_was_measured.normalizer': found str; expected a table"),
        (("signature",), 7, "'signature': found 7; expected a text or null"),
        (("overall", 0, "speakers"), [1], "'overall[0].speakers': found list"),
        (("groups", 0, "group"), {}, "'groups[0].group': found dict; expected a text"),
        (("groups", 0), 3, "'groups[0]': found 3; expected a rate"),
        (("what_was_measured", "level"), 95, "'what_was_measured.level': found 95; expected a number between 0 and 1"),
        (("what_was_measured", "axes", 0), "accent", "'what_was_measured.axes[0]': found str"),
        (("what_was_measured", "backends", "ours"), None, "'what_was_measured.backends.ours': found nothing"),
        (("what_was_measured", "conditions"), [], "'what_was_measured.conditions': found list; expected dict"),
    ],
)
def test_a_card_with_a_wrong_value_is_told(
    make: Make, tmp_path: Path, path: tuple[Any, ...], value: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(errors=BEFORE)
    card = make_card(run)
    inner: Any = card
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    capsys.readouterr()
    assert main(["card", "--diff", str(run), str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_a_card_that_does_not_say_how_it_was_made_is_compared(make: Make, tmp_path: Path) -> None:
    run = make(errors=BEFORE)
    card = make_card(run)
    del card["signature"]
    for key in ("created", "asrfair", "kind", "normalizer"):
        card["what_was_measured"][key] = None
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    changes = card_changes(tmp_path, run)
    assert changes["old"] == {"created": None, "asrfair": None, "signature": None}
    assert [each["what"] for each in changes["differs"] if each["matters"]] == ["normaliser"]
    assert "an unknown date" in show_changes(tmp_path, run)


def test_unpaired_changes_are_adjusted_by_holm_over_the_groups_of_an_axis_and_recogniser(
    make: Make, tmp_path: Path
) -> None:
    import numpy as np

    from asrfair.stats.contrasts import mover_contrast
    from asrfair.stats.independent import StatedRates

    old, new = make_card(make(errors=BEFORE)), make_card(make(errors=AFTER))
    rates = [(0.10, 0.08, 0.125), (0.10, 0.08, 0.125), (0.10, 0.08, 0.125), (0.10, 0.08, 0.125)]
    moved = [(0.10, 0.08, 0.125), (0.11, 0.09, 0.135), (0.138, 0.112, 0.17), (0.20, 0.17, 0.235)]
    for card, cells in ((old, rates), (new, moved)):
        row = card["groups"][0]
        card["what_was_measured"]["backends"] = {"ours": {}, "theirs": {}}
        card["what_was_measured"]["axes"] = [{"axis": "accent"}, {"axis": "gender"}]
        card["groups"] = [
            {**row, "axis": axis, "group": f"g{k}", "backend": backend, "speakers": 30}
            | dict(zip(("wer", "low", "high"), cell, strict=True))
            for axis, many in (("accent", 4), ("gender", 3))
            for backend in ("ours", "theirs")
            for k, cell in enumerate(cells[:many])
        ]
    paths = []
    for name, card in (("old", old), ("new", new)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(card), encoding="utf-8")
    entries = [each for each in card_changes(*paths)["entries"] if each["axis"] != "overall"]
    for axis, many in (("accent", 4), ("gender", 3)):
        for backend in ("ours", "theirs"):
            sides = []
            for cells in (rates, moved):
                wer, low, high = (np.array([cell[k] for cell in cells[:many]]) for k in (0, 1, 2))
                sides.append(StatedRates(wer, low, high, np.full(many, 30.0), np.full(many, 0.05)))
            judged = np.ones(many, dtype=bool)
            p = mover_contrast(sides[1], sides[0], alpha=0.05, judged=judged, hidden=~judged).p
            # Holm by its definition: the k-th smallest times what is left, never below an earlier one.
            wanted, most = {}, 0.0
            for place, k in enumerate(np.argsort(p)):
                most = max(most, min((many - place) * float(p[k]), 1.0))
                wanted[f"g{k}"] = most
            found = [each for each in entries if (each["axis"], each["backend"]) == (axis, backend)]
            assert {each["group"]: each["p_adjusted"] for each in found} == pytest.approx(wanted)
            cell = next(each for each in found if each["group"] == "g2")
            if many == 4:
                assert p[2] < 0.05 < cell["p_adjusted"]
                assert cell["verdict"] == "not shown"
                assert next(each for each in found if each["group"] == "g3")["verdict"] == "raised"


def test_the_command_prints_the_schema_and_changes(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = str(make(errors=BEFORE)), str(make(errors=AFTER))
    capsys.readouterr()
    assert main(["card", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert main(["card", "--diff", old, new]) == 0
    assert capsys.readouterr().out.startswith("# What changed\n")
    assert main(["card", "--diff", old, new, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["paired"] is True


def test_the_schema_is_printed_without_loading_anything_heavy() -> None:
    program = (
        "import sys; from asrfair.cli import main; code = main(['card', '--schema']);"
        "heavy = {'polars', 'numpy', 'scipy', 'rich'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or code)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_a_real_run_of_published_transcripts(shared_data: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    root = shared_data / "artie-bias-corpus"
    people = ["--labels", str(root / "data" / "artie-bias-corpus.tsv"), "--key-stem", "--speaker", "client_id"]
    columns = ["--id", "path", "--hypothesis", "prediction", "--reference", "sentence", "--null", "NA"]
    groups = ["--by", "accent", "--reference-group", "accent=us"]
    run = tmp_path / "run"
    table = f"deepspeech={root / 'predictions' / 'deepspeech' / 'v0-7-3.tsv'}"
    assert main(["score", table, *people, *columns, *groups, "--out", str(run)]) == 0
    card = make_card(run)
    assert list(jsonschema.Draft202012Validator(json.loads(schema())).iter_errors(card)) == []
    served = [sentence for sentence in card["statements"] if "is served worse than us" in sentence]
    assert any("indian is served worse than us: WER 54.4 %" in sentence for sentence in served)
    assert os.fspath(shared_data) not in json.dumps(card)
