"""The wheel: what is in it, and that cards are found from wherever asrfair runs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from asrfair.cards import card_folder, shipped


def test_cards_are_found_wherever_asrfair_runs_from() -> None:
    assert {"timit", "common-voice", "fsdd", "demo"} <= set(shipped("corpora"))
    assert {"clean", "telephone", "pink-noise-10db", "babble-10db"} <= set(shipped("conditions"))


def wheel() -> Path:
    path = os.environ.get("ASRFAIR_WHEEL")
    if not path:
        pytest.skip("runs in the session `nox -s wheel`")
    return Path(path)


def test_the_wheel_holds_the_cards_inside_the_package() -> None:
    names = zipfile.ZipFile(wheel()).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"asrfair"}
    for kind in ("corpora", "conditions"):
        cards = [name for name in names if name.startswith(f"asrfair/{kind}/") and name.endswith(".toml")]
        assert len(cards) == len(shipped(kind)) > 3
    assert "asrfair/py.typed" in names
    assert "asrfair/corpus/demo_recipe.toml" in names
    assert not [name for name in names if name.endswith((".wav", ".parquet", ".csv"))]


def test_the_installed_wheel_is_what_is_tested() -> None:
    wheel()
    assert "site-packages" in str(card_folder("corpora"))
    assert card_folder("corpora").parent.name == "asrfair"


def test_cards_are_found_from_a_bare_checkout(tmp_path: Path) -> None:
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "asrfair").is_dir():
        pytest.skip("not in a checkout")
    program = "from asrfair.cards import shipped, card_folder; print(card_folder('corpora')); assert shipped('corpora')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == checkout / "corpora"
