"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("asrfair", deadline=None)
settings.load_profile("asrfair")

# Everything is decoded, in the programs that tests start too; a test of the cache names its own.
os.environ["ASRFAIR_CACHE"] = "none"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and transcripts for checks, which is not part of the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("skipped: no shared data")
    return folder
