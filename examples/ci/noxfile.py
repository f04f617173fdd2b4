"""A recipe to copy: nox -s fairness -- PLAN POLICY."""

import os
import tomllib
from pathlib import Path

import nox

# What to install: a release, or a wheel or folder of your own; with the extras that your recogniser needs.
ASRFAIR = os.environ.get("ASRFAIR", "asrfair")
# 3: some transcriptions failed, or nothing had an interval. The policy says what that means.
FINISHED = [0, 3]


@nox.session
def fairness(session: nox.Session) -> None:
    """Run a plan and hold it to a policy: nox -s fairness -- PLAN POLICY [--baseline RUN]."""
    if len(session.posargs) < 2:
        session.error("expected: nox -s fairness -- PLAN.toml POLICY.toml")
    plan, policy, *options = session.posargs
    session.install(ASRFAIR)
    out = tomllib.loads(Path(plan).read_text(encoding="utf-8")).get("out", "asrfair-run")
    session.run("asrfair", "run", plan, success_codes=FINISHED)
    if "GITHUB_STEP_SUMMARY" in os.environ:
        options.append("--github")
    session.run(
        *("asrfair", "check", str(Path(plan).parent / out), "--policy", policy),
        *("--junit", "fairness.xml", "--json", "fairness.json", *options),
    )
