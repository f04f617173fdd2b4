"""The house: who may import whom, and how long a module may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "asrfair"
BASE = {
    "__init__",
    "archives",
    "audio",
    "av_audio",
    "cards",
    "containers",
    "delimited",
    "errors",
    "gunzip",
    "parquet",
    "parquet_footer",
    "reading",
    "results",
    "schemas",
    "schemas_told",
    "seeds",
    "sounds",
    "tables",
}
STAGES = {"corpus", "condition", "backend", "scoring", "stats", "report"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def home(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        for name in names:
            parts = name.split(".")
            if parts[0] == "asrfair":
                yield parts[1] if len(parts) > 1 else "__init__"


def allowed(source: str, target: str) -> bool:
    if source == "__main__":
        return target == "cli"
    if target == "cli":
        return source == "cli"
    if target == "run":
        return source in ("run", "cli", "__init__")
    if target in BASE:
        return True
    if target in STAGES:
        return source in (target, "run")
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows(path: Path) -> None:
    wrong = {target for target in imported(path) if not allowed(home(path), target)}
    assert not wrong, f"{path.name} in {home(path)} imports {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_every_module_has_a_home() -> None:
    if not PACKAGE.is_dir():
        pytest.skip("not in a checkout")
    assert {home(path) for path in MODULES} == BASE | STAGES | {"run", "cli", "__main__"}


def test_forbidden_arrows_are_seen() -> None:
    assert not allowed("stats", "report")
    assert not allowed("tables", "stats")
    assert not allowed("report", "run")
    assert not allowed("run", "cli")
