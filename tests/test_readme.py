"""The README says what is so: tables, commands, options, blocks of code."""

import re
import shlex
from pathlib import Path

import pytest

from asrfair.cli import build_parser
from asrfair.stats import MEASURES
from asrfair.tables import TABLES

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.fixture(scope="module")
def readme() -> str:
    if not README.is_file():
        pytest.skip("no README beside the tests")
    return README.read_text(encoding="utf-8")


def test_every_table_is_listed_column_by_column(readme: str) -> None:
    _, _, section = readme.partition("\n## Tables\n")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section.partition("\n## ")[0], flags=re.MULTILINE))
    assert set(rows) == set(TABLES)
    for name, schema in TABLES.items():
        assert re.findall(r"`(\w+)`", rows[name]) == list(schema)


def test_every_measure_is_named(readme: str) -> None:
    for measure in MEASURES:
        assert f"`{measure}`" in readme


def test_every_command_line_parses(readme: str) -> None:
    text = readme.replace("\\\n", " ")
    lines = re.findall(r"^    asrfair (.+)$", text, flags=re.MULTILINE)
    assert len(lines) >= 3
    for line in lines:
        build_parser().parse_args(shlex.split(line))


def test_every_command_is_told(readme: str) -> None:
    told = set(re.findall(r"`asrfair (\w+)", readme))
    (commands,) = (action.choices for action in build_parser()._subparsers._group_actions)
    assert set(commands) <= told


def test_python_blocks_compile(readme: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        compile(block, "README.md", "exec")
