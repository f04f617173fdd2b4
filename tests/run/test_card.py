"""The card of a run: its files, refreshed in place, compared with an earlier run; and the command."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrfair.cli import main
from asrfair.report.card_markers import begin, end
from asrfair.results import Results
from asrfair.run.card import card_changes, make_card, show_changes, update_card, write_card

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
    assert [entry["verdict"] for entry in changes["disparities"] if entry["group"] == "south"] == ["narrowed"]
    text = show_changes(old, new)
    assert "south by accent (self-reported), with ours" in text
    assert "WER 50.0 % [" in text
    assert "WER fell" in text
    assert "the disparity to north narrowed: -20.0 points" in text


def test_a_run_against_itself_has_not_changed(make: Make) -> None:
    run = make(errors=BEFORE)
    text = show_changes(run, run)
    assert "no change could be shown" in text
    assert not re.search(r"WER (rose|fell)|narrowed:|widened:", text)


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
    from asrfair.run.card import schema

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
    from asrfair.report.card_changes import changes_told

    told = changes_told(card["deployment"])
    assert all(sentence.startswith("Among synthetic voices: ") for sentence in told)
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
        (("groups", 0, "wer"), "a lot", "'groups[0].wer': found str; expected a number or null"),
        (("groups", 1, "low"), float("nan"), "'groups[1].low': found float; expected a number or null"),
        (("overall", 0, "speakers"), [1], "'overall[0].speakers': found list"),
        (("groups", 0, "group"), {}, "'groups[0].group': found dict; expected a text"),
        (("groups", 0), 3, "'groups[0]': found int; expected a rate"),
        (("what_was_measured", "level"), 95, "'what_was_measured.level': found int; expected a number between 0 and 1"),
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


def test_the_command_prints_the_schema_and_changes(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = str(make(errors=BEFORE)), str(make(errors=AFTER))
    capsys.readouterr()
    assert main(["card", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert main(["card", "--diff", old, new]) == 0
    assert capsys.readouterr().out.startswith("# What changed\n")
    assert main(["card", "--diff", old, new, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["paired"] is True


def test_a_real_run_of_published_transcripts(shared_data: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from asrfair.run.card import schema

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
