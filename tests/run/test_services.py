"""A whole run by a service: no key in what is kept or printed, and a run that was stopped goes on."""

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend import registry, retrying
from asrfair.cli import main
from asrfair.results import Results
from tests.backend.servers import KEY, VARIABLE, Asked, Provider, Say, openai_answer, serve

PIECES = [KEY[start : start + 6].encode() for start in range(len(KEY) - 5)]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.setattr(retrying, "FIRST_STEP_S", 0.001)
    point = EntryPoint(name="openai", value="asrfair.backend.openai:OpenAIBackend", group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point])
    with serve(openai_answer) as running:
        yield running


@pytest.fixture
def plan(provider: Provider, corpus: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(f"""
out = "run"
workers = 1
by = ["accent"]
failure_limit = 1.0
[corpus]
card = "corpus/small.toml"
root = "corpus"
[backends.ours]
type = "openai"
model = "m"
base_url = "{provider.url}/v1"
key_variable = "{VARIABLE}"
tries = 2
concurrency = 1
""")
    return path


def found_keys(folder: Path) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(piece in path.read_bytes() for piece in PIECES)
    ]


def test_the_key_is_nowhere(provider: Provider, plan: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The service echoes the key in refusals, in outages, in what is no JSON and in a transcript."""
    echo = f"Incorrect API key provided: {KEY}"
    said = [
        Say(400, {"error": {"message": echo}}),
        Say(500, echo),
        Say(500, echo),
        Say(200, echo),
        Say(200, {"text": KEY}),
    ]
    provider.instead = [None, *said]
    assert main(["run", str(plan)]) == 0
    out, err = capfd.readouterr()
    run = plan.parent / "run"
    failures = Results.load(run).failures
    assert len(failures) == 4
    assert all("[hidden]" in reason or "found the key" in reason for reason in failures["reason"])
    # The corpus is searched too: a search that finds nothing anywhere would say nothing.
    assert found_keys(plan.parent) == []
    (plan.parent / "seen").write_text(KEY)
    assert found_keys(plan.parent) == [str(plan.parent / "seen")]
    assert not [piece for piece in PIECES if piece.decode() in out + err]


def test_wrong_credentials_stop_and_nothing_is_lost(
    provider: Provider, plan: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(asked: Asked) -> Say | None:
        return Say(401, {"error": {"message": KEY}}) if len(provider.asked) > 10 else None

    provider.always = refuse  # type: ignore[assignment]
    assert main(["run", str(plan)]) == 2
    assert f"asrfair: openai: 401: the service refuses the key ({VARIABLE})" in capfd.readouterr().err
    assert len(provider.asked) == 11
    provider.always = None
    assert main(["run", str(plan)]) == 0
    # Of 20, two whole batches of 4 were kept.
    assert len(provider.asked) <= 11 + 12
    assert len(Results.load(plan.parent / "run").hypotheses) == 20


def test_an_outage_stops_and_the_run_goes_on(provider: Provider, plan: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan.write_text(plan.read_text() + "give_up_after = 3\n")
    provider.always = lambda asked: Say(503, "down") if len(provider.asked) > 8 else None  # type: ignore[assignment,return-value]
    assert main(["run", str(plan)]) == 2
    assert "given up after 3 failures in a row" in capfd.readouterr().err
    provider.always = None
    assert main(["run", str(plan)]) == 0
    results = Results.load(plan.parent / "run")
    assert (len(results.hypotheses), len(results.failures)) == (20, 0)


def test_a_key_in_the_plan_is_refused_and_kept_nowhere(
    provider: Provider, plan: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = plan.read_text()
    plan.unlink()
    other = plan.parent / "other.toml"
    for line in (f'api_key = "{KEY}"', f'prompt = "{KEY}"'):
        other.write_text(f"{text}{line}\n")
        assert main(["run", str(other)]) == 2
        err = capfd.readouterr().err
        assert err.count("\n") == 1
        assert "expected" in err
        other.unlink()
        assert not [piece for piece in PIECES if piece.decode() in err]
        assert found_keys(plan.parent) == []
    assert provider.asked == []


def test_identity_of_the_run_names_service_and_model(provider: Provider, plan: Path) -> None:
    main(["run", str(plan)])
    signature = Results.load(plan.parent / "run").signature
    assert signature["backends"]["ours"]["service"] == f"{provider.url}/v1"
    assert json.dumps(signature).count(VARIABLE) == 0
