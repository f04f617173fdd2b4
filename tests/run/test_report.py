"""``asrfair report`` as a user meets it: its forms, its options, odd terminals and odd runs."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from asrfair.cli import main
from asrfair.report import render
from asrfair.results import Results
from asrfair.run.report import report_json, run_timings
from asrfair.tables import TABLES, conform

ESCAPE = "\x1b"
HOSTILE = [
    "a\x1b[31mred\x07",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    "e\u0301\u0301\u0301",
    "\u202egnal",
    "<b>&'\"|`",
    "\u65e5\u672c",
]
ROWS = "utterance_id,speaker,reference,hypothesis,accent\n" + "".join(
    f"u{i},s{i % 16},the cat sat on the mat,the cat {'sat' if i % 3 else 'spat'} on the mat,{'xy'[i % 2]}\n"
    for i in range(64)
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small scored run."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "t.csv").write_text(ROWS, encoding="utf-8")
    out = str(folder / "run")
    assert main(["score", str(folder / "t.csv"), "--speaker", "speaker", "--by", "accent", "--out", out]) == 0
    return out


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["report", *arguments]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


@pytest.mark.parametrize("width", [40, 60, 80, 400])
def test_the_text_is_as_wide_as_asked(run: str, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, run, "--width", str(width)).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > min(width, 200) * 0.7


def test_json_is_all_there_is_on_standard_output(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(told(capsys, run, "--json"), parse_constant=lambda name: pytest.fail(f"found {name}"))
    assert data["asrfair_report"] == 1
    results = Results.load(Path(run))
    assert len(data["tables"]["rates"]) == results.rates.height
    assert data["tables"]["rates"][0]["wer"] == results.rates["wer"][0]
    assert data["overview"]["condition"] == results.signature["baseline_condition"]
    assert data["timing"] == []
    assert json.dumps(data["signature"]) == json.dumps(results.signature)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "39"], "--width 39: expected 40 to 400 columns"),
        (["--width", "401"], "--width 401: expected 40 to 400 columns"),
        (["--top", "0"], "--top 0: expected 1 or more groups"),
        (["--audio", "3"], "--audio: found a report as text; expected it with --html FILE"),
        (["--audio", "3", "--json"], "--audio: found a report as json; expected it with --html FILE"),
        (["--audio", "-1", "--html", "x.html"], "--audio -1: expected 0 or more utterances"),
        (["--width", "80", "--json"], "--width: found a report as json; expected it without --json"),
        (["--all", "--html", "x.html"], "--all: found a report as html; expected it without --html"),
        (["--top", "3", "--json"], "--top: found a report as json; expected it without --json"),
    ],
)
def test_options_without_a_use_are_refused(
    run: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", run, *options]) == 2
    assert capsys.readouterr().err == f"asrfair: {message}\n"


def test_json_and_a_page_are_two_commands(run: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", run, "--json", "--html", "x.html"])
    assert ended.value.code == 2


def on_a_terminal(*arguments: str, environment: Mapping[str, str]) -> str:
    """What a command writes to a terminal of its own, 80 columns wide."""
    parent, child = pty.openpty()
    variables = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "80",
        "LINES": "24",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=child, stdout=child, stderr=child, env={**variables, **environment}
    ) as process:
        os.close(child)
        found = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            found += part
        assert process.wait() == 0
    os.close(parent)
    return found.decode("utf-8")


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "dumb"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True),
    ],
)
def test_a_dumb_terminal_and_no_color_get_plain_text(
    run: str, environment: dict[str, str], plain: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = on_a_terminal("-m", "asrfair", "report", run, environment={**environment, "LANG": "C.UTF-8"})
    assert (ESCAPE not in shown) is plain
    piped = told(capsys, run)
    assert ESCAPE not in piped
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n") == piped


BAR = """
import sys, time
from rich.console import Console
from asrfair.report.progress import progress
with progress(Console(stderr=True)) as bar:
    task = bar.add_task("transcribing", total=40)
    for _ in range(40):
        time.sleep(0.02)
        bar.advance(task)
print("the report")
"""


def test_progress_on_a_terminal_is_a_bar_with_the_time_left_that_ends_clean() -> None:
    shown = on_a_terminal("-c", BAR, environment={"TERM": "xterm-256color"})
    frames = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame) for frame in re.split(r"\r|\n", shown)]
    bars = [frame for frame in frames if frame.startswith("transcribing")]
    assert any(re.search(r" \d+/40 0:00:00 0:00:0\d$", frame) for frame in bars)
    assert bars[-1].endswith("40/40 0:00:00 0:00:00") or re.search(r"40/40 0:00:0\d 0:00:00$", bars[-1])
    # The cursor is back, and what follows stands on a line of its own.
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") > -1
    assert [frame for frame in frames if frame][-1] == "the report"


def test_progress_in_a_pipe_or_on_a_dumb_terminal_has_no_control_codes() -> None:
    piped = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, check=True)
    assert ESCAPE not in piped.stderr + piped.stdout
    assert piped.stdout == "the report\n"
    assert "transcribing: 40/40" in piped.stderr
    assert ESCAPE not in on_a_terminal("-c", BAR, environment={"TERM": "dumb"})


def test_a_run_that_counted_nothing_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = {name: pl.DataFrame(schema=schema) for name, schema in TABLES.items()}
    Results(**empty, signature={"signature": "x"}).save(tmp_path)
    assert "Nothing was counted: no rates to report." in told(capsys, str(tmp_path))
    assert json.loads(told(capsys, str(tmp_path), "--json"))["overview"]["findings"] == []


def test_labels_and_transcripts_of_every_kind_make_tidy_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.jsonl"
    rows = [
        {
            "utterance_id": f"u{i}",
            "speaker": f"s{i % 24}",
            "reference": f"a {label}",
            "hypothesis": "a",
            "accent": label,
        }
        for i, label in enumerate(HOSTILE * 8)
    ]
    table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    out = str(tmp_path / "run")
    main(["score", str(table), "--speaker", "speaker", "--by", "accent", "--normalizer", "none", "--out", out])
    for width in ("40", "80"):
        text = told(capsys, out, "--width", width)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
        assert width == "40" or "a\\x1b[31mred\\x07" in text
        assert "\u2068\u05e2\u05d1\u05e8\u05d9\u05ea\u2069" in text
    assert json.loads(told(capsys, out, "--json"))["tables"]["rates"]


def many_groups(count: int) -> Results:
    """Results of so many groups under two conditions, made without an analysis."""
    number = pl.arange(count, eager=True)
    names = ("group " + number.cast(pl.String)).alias("group")
    base = {"axis": "accent", "backend": "b", "normalizer": "basic-1", "method": "m", "level": 0.95}
    conditions = ("clean", "noise")
    wer = 0.1 + number / count / 2
    groups = [
        pl.DataFrame(names).with_columns(
            *(pl.lit(value).alias(name) for name, value in {**base, "condition": condition}.items()),
            wer.alias("wer"),
            (wer / 2).alias("low"),
            (wer * 2).alias("high"),
            *(
                pl.lit(size).alias(name)
                for name, size in (("speakers", 12), ("utterances", 24), ("reference_words", 90))
            ),
            pl.lit(0).alias("failures"),
        )
        for condition in conditions
    ]
    overall = groups[0].head(1).with_columns(axis=pl.lit("overall"), group=pl.lit("overall"))
    compared = [
        rows.select("axis", "group", "condition", "backend", "speakers", "low", "high", estimate="wer").with_columns(
            reference_group=pl.lit("group 0"),
            reference_condition=pl.lit(rows["condition"][0]),
            reference_backend=pl.lit("b"),
            measure=pl.lit(measure),
            reference_speakers=pl.lit(12),
            p_adjusted=pl.lit(0.001),
        )
        for rows in groups
        for measure in ("difference", "ratio", "difference_to_overall", "ratio_to_overall")
    ]
    tables = {"rates": pl.concat([overall, *groups]), "disparities": pl.concat(compared)}
    about = {"assigned_by": "asked", "reference_group": "group 0"}
    signature = {
        "axes": {"accent": about},
        "conditions": {name: {} for name in conditions},
        "baseline_condition": "clean",
        "backends": {"b": {}},
        "baseline_backend": "b",
        "level": 0.95,
        "signature": "x",
    }
    made = {name: conform(tables.get(name, pl.DataFrame()), schema) for name, schema in TABLES.items()}
    return Results(
        **{name: rows if name in tables else rows.clear() for name, rows in made.items()}, signature=signature
    )


def test_ten_thousand_groups_are_told_in_seconds_the_worst_shown_and_the_rest_counted() -> None:
    results = many_groups(10_000)
    # Of this process: the machine's other work is none of the report's.
    started = time.process_time()
    file = StringIO()
    render(results, Console(file=file, width=80, color_system=None, legacy_windows=False, _environ={}))
    # Measured: 1.5 s on one core.
    assert time.process_time() - started < 10
    lines = file.getvalue().splitlines()
    assert len(lines) < 500
    assert "  and 9,979 more groups: 9,979 judged, WER 10.0 to 59.9 %" in lines
    assert sum("and 9,980 more groups, 9,980 of which show a disparity" in line for line in lines) >= 1


def test_the_data_of_many_groups_leaves_none_out() -> None:
    data = json.loads(report_json(many_groups(300)))
    assert len(data["tables"]["rates"]) == 601
    assert len(data["overview"]["findings"]) == 299


def test_nothing_timed_has_no_timings(run: str) -> None:
    assert run_timings(Results.load(Path(run))).is_empty()
