"""The hand-written samples, loaded from beside the tests."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The module of hand-written results."""
    return _beside("sample")


@pytest.fixture(scope="session")
def more() -> ModuleType:
    """The module that adds tests, models, metrics and measures over all groups to the sample."""
    return _beside("more")


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"report_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
