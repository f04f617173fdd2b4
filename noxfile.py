"""The project's checks. `nox -s tests` is what the README names; `.ci/run` runs them all."""

import os
import shutil
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
# pip, not uv: it honours a machine's own pip configuration.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
PROJECT = nox.project.load_toml("pyproject.toml")


# A process per core; a module's tests stay together, since they share what they made.
SPREAD = ("--numprocesses=auto", "--dist=loadfile")


def _group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against an editable install, with the demo's synthesiser and recogniser."""
    session.install("-e", ".[demo,codecs,rooms,plot,html,hub]", *_group("tests"))
    session.run("pytest", *SPREAD, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*_group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".", *_group("types"))
    session.run("mypy", *session.posargs)


@nox.session
def cards(session: nox.Session) -> None:
    """Check every shipped card and list them."""
    session.install("-e", ".")
    for kind in ("corpora", "conditions", "backends"):
        session.run("asrfair", "list", kind)
    for kind, folder in (("corpus", "corpora"), ("condition", "conditions")):
        for card in sorted(Path(folder).glob("*.toml")):
            session.run("asrfair", "show", kind, card.stem, silent=True)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it by path and run the tests away from the checkout."""
    session.install(*_group("wheel"))
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder), silent=True)
    (built,) = folder.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install(f"{built}[demo,codecs,rooms,plot,html,hub]", *_group("tests"))
    shutil.copytree("tests", folder / "tests")
    shutil.copy("pyproject.toml", folder)
    with session.chdir(folder):
        session.run("pytest", *SPREAD, *session.posargs, env={"ASRFAIR_WHEEL": str(built)})


@nox.session
def torch(session: nox.Session) -> None:
    """Run conditions and models by torch, on the processor, with the real torchaudio and tiny or random models."""
    session.install("-e", ".[torch,codecs,rooms,transformers,faster-whisper]", *_group("tests"))
    models = ("bundles", "local", "transformers", "faster_whisper", "models_from_the_hub")
    tests = ("condition/test_batches.py", "run/test_device.py", *(f"backend/test_{name}.py" for name in models))
    # Several threads a model, on cores that are busy, take many times as long as one.
    session.run("pytest", *(f"tests/{name}" for name in tests), *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def sherpa(session: nox.Session) -> None:
    """Run tiny random ONNX models of every family through the real sherpa-onnx."""
    session.install("-e", ".[sherpa-onnx]", "onnx>=1.18", *_group("tests"))
    session.run("pytest", "tests/backend/test_sherpa.py", *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run recognisers that are services against local servers that speak their wire formats."""
    session.install("-e", ".[services,google,transcribe]", "moto[server]>=5.1", *_group("tests"))
    names = ("service", "openai", "deepgram", "google", "azure", "transcribe")
    runs = ("tests/run/test_services.py", "tests/run/test_transcribe.py")
    session.run("pytest", *(f"tests/backend/test_{name}.py" for name in names), *runs, *session.posargs)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Compare what goes to a service with what its maker's own client sends."""
    makers = ("openai", "deepgram-sdk", "google-cloud-speech", "azure-ai-transcription")
    session.install("-e", ".[services,google]", *makers, *_group("tests"))
    session.run("pytest", "tests/backend/test_official_clients.py", *session.posargs)


@nox.session
def ray(session: nox.Session) -> None:
    """Run a plan on a real two-node Ray cluster on this machine, and kill its parts."""
    session.install("-e", ".[ray]", *_group("tests"))
    session.run("pytest", "tests/run/test_ray.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo from nothing, as a newcomer would, and hold it to the policies of examples/ci."""
    session.install(".[demo]")
    folder = Path(session.create_tmp()) / "asrfair-demo"
    shutil.rmtree(folder, ignore_errors=True)
    # From nothing: what an earlier run on this machine has transcribed is not taken.
    nothing = {"ASRFAIR_CACHE": "none"}
    session.run("asrfair", "demo", "--out", os.fspath(folder), *session.posargs, env=nothing)
    for name, code in (("passes", 0), ("fails", 1), ("not-judged", 3)):
        policy = f"examples/ci/policy-{name}.toml"
        session.run("asrfair", "check", os.fspath(folder / "run"), "--policy", policy, success_codes=[code])


@nox.session(default=False)
def fairness(session: nox.Session) -> None:
    """Run a plan and hold it to a policy: nox -s fairness -- PLAN POLICY [--baseline RUN]."""
    if len(session.posargs) < 2:
        session.error("expected: nox -s fairness -- PLAN.toml POLICY.toml")
    plan, policy, *options = session.posargs
    session.install(".[demo]")
    out = tomllib.loads(Path(plan).read_text(encoding="utf-8")).get("out", "asrfair-run")
    session.run("asrfair", "run", plan, success_codes=[0, 3])
    session.run(
        *("asrfair", "check", os.fspath(Path(plan).parent / out), "--policy", policy),
        *("--junit", "fairness.xml", "--json", "fairness.json", *options),
    )


QUICK = {
    "coverage": ["--quick", "--check"],
    "groups": ["--replicates", "200", "--few", "0"],
    "tests": ["--replicates", "200"],
    "handicap": ["--quick", "--check"],
    "gate": ["--quick", "--check"],
}
FULL = {"coverage": ["--check"], "groups": [], "tests": [], "models": [], "handicap": ["--check"], "gate": ["--check"]}


@nox.session
def coverage(session: nox.Session) -> None:
    """Simulate whether intervals and tests mean what they say: two minutes, or half an hour with `-- full`."""
    session.install("-e", ".")
    for script, arguments in (FULL if session.posargs == ["full"] else QUICK).items():
        session.run("python", f"benchmarks/{script}.py", *arguments)
