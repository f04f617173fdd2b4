"""Runs on a real Ray cluster: the tables of a run on one machine, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import asrfair
from asrfair.errors import AsrfairError, IncompleteError, InputError
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.tables import TABLES

ray = pytest.importorskip("ray", reason="skipped: extra ray is not installed (it has a nox session of its own)")

# Ray leaves sockets to the end of the process and warns of what it will change.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SLOW = 0.15


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    """Two recognisers, one of them slow enough to be interrupted, under four conditions."""
    slow = f"{recogniser.removesuffix(' 0')} {SLOW}"
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": recogniser}, "slow": {"type": "command", "command": slow}},
        conditions=("clean", "white-noise-10db", "telephone", "babble-10db"),
        by=("accent", "gender"),
        seed=3,
        workers=2,
        out=str(tmp_path / "local"),
    )


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes on this machine, of one core each."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    yield nodes
    ray.shutdown()
    nodes.shutdown()


def on(plan: Plan, address: str, out: Path, **changes: Any) -> Plan:
    return replace(plan, engine="ray", address=address, out=str(out), **changes)


def tables(folder: str | Path) -> dict[str, bytes]:
    return {name: (Path(folder) / f"{name}.parquet").read_bytes() for name in TABLES if name != "timings"}


def wait_for(what: Callable[[], bool], *, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.05)


def shards(folder: Path) -> int:
    return len([path for path in folder.glob("work/batch-*.parquet") if "measured" not in path.name])


def test_in_process_in_processes_and_on_a_cluster_the_tables_are_the_same(
    plan: Plan, cluster: Any, tmp_path: Path
) -> None:
    asrfair.evaluate(plan)
    asrfair.evaluate(replace(plan, workers=1, out=str(tmp_path / "one")))
    asrfair.evaluate(on(plan, cluster.address, tmp_path / "ray"))
    wanted = tables(plan.out)
    assert tables(tmp_path / "one") == wanted
    assert tables(tmp_path / "ray") == wanted


def test_what_the_cache_knows_is_not_done_on_the_cluster(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    kept = str(tmp_path / "cache")
    asrfair.evaluate(replace(plan, limit=6, cache=kept, out=str(tmp_path / "part")))
    told: list[Any] = []
    asrfair.evaluate(on(plan, cluster.address, tmp_path / "ray", cache=kept), progress=told.append)
    assert (told[-1].cached, told[-1].transcripts) == (6 * 8, 20 * 8)
    asrfair.evaluate(plan)
    assert tables(tmp_path / "ray") == tables(plan.out)
    # And what was done there is known here.
    asrfair.evaluate(replace(plan, cache=kept, out=str(tmp_path / "again")), progress=told.append)
    assert told[-1].cached == 20 * 8
    # Nothing is left to do: no cluster is looked for.
    asrfair.evaluate(on(plan, "127.0.0.1:1", tmp_path / "nowhere", cache=kept))
    assert tables(tmp_path / "nowhere") == tables(plan.out)


def test_a_run_goes_on_without_a_node_that_dies(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    out = tmp_path / "ray"
    removed: list[int] = []

    def progress(done: Any) -> None:
        # Both nodes are at work by then: the second is killed as a machine that loses power is.
        if done.utterances >= 8 and not removed:
            removed.append(done.utterances)
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)

    asrfair.evaluate(on(plan, cluster.address, out), progress=progress)
    assert removed
    asrfair.evaluate(plan)
    assert tables(out) == tables(plan.out)


def workers() -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "ray::_Worker" in line]


def test_a_run_goes_on_without_a_worker_that_dies(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    out = tmp_path / "ray"
    killed: list[int] = []

    def progress(done: Any) -> None:
        if done.utterances >= 4 and not killed:
            killed.extend(workers()[:1])
            os.kill(killed[0], signal.SIGKILL)

    asrfair.evaluate(on(plan, cluster.address, out), progress=progress)
    assert killed
    asrfair.evaluate(plan)
    assert tables(out) == tables(plan.out)


DRIVER = """
import sys
import asrfair
if __name__ == "__main__":
    asrfair.evaluate(sys.argv[1])
"""


def test_a_driver_that_dies_leaves_what_is_finished_and_no_worker(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    import tomli_w

    planned = on(plan, cluster.address, tmp_path / "ray")
    (tmp_path / "plan.toml").write_text(tomli_w.dumps(planned.record()), encoding="utf-8")
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    driver = subprocess.Popen(
        [sys.executable, str(tmp_path / "driver.py"), str(tmp_path / "plan.toml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: shards(tmp_path / "ray") >= 2)
    driver.kill()
    driver.wait()
    saved = shards(tmp_path / "ray")
    assert 2 <= saved < 5
    wait_for(lambda: not workers())
    done: list[int] = []
    asrfair.evaluate(planned, progress=lambda told: done.append(told.utterances))
    assert done[0] == 4 * saved
    asrfair.evaluate(plan)
    assert tables(tmp_path / "ray") == tables(plan.out)


def test_a_batch_that_kills_its_workers_ends_the_run_with_what_is_finished(
    plan: Plan, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A recogniser whose program takes the worker that started it along.
    program = tmp_path / "killer.py"
    program.write_text(
        "import json, os, signal, sys\n"
        "for line in sys.stdin:\n"
        "    name = json.loads(line)['utterance_id']\n"
        "    if name == 'u13':\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
        "    print(json.dumps({'utterance_id': name, 'hypothesis': 'one'}), flush=True)\n",
        encoding="utf-8",
    )
    backends = {"killer": {"type": "command", "command": f"{sys.executable} {program}"}}
    out = tmp_path / "ray"
    with pytest.raises(IncompleteError, match="3 workers died one after another at the same batch"):
        asrfair.evaluate(on(plan, cluster.address, out, backends=backends, conditions=("clean",)))
    assert shards(out) >= 1


def test_what_a_worker_cannot_do_is_told_as_it_is(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    script = tmp_path / "gone.py"
    script.write_text("raise SystemExit('no model here')", encoding="utf-8")
    silent = {"gone": {"type": "command", "command": f"{sys.executable} {tmp_path / 'silent.py'}", "timeout_s": 1.0}}
    (tmp_path / "silent.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    with pytest.raises(AsrfairError, match="no answer within 1 s"):
        asrfair.evaluate(on(plan, cluster.address, tmp_path / "ray", backends=silent, conditions=("clean",)))


def test_no_cluster_there(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a Ray cluster"):
        asrfair.evaluate(on(plan, "auto", tmp_path / "ray"))


def test_a_cluster_of_its_own_for_one_run(plan: Plan, tmp_path: Path) -> None:
    small = on(plan, "", tmp_path / "ray", conditions=("clean",), workers=1)
    asrfair.evaluate(small)
    assert not ray.is_initialized()
    local = replace(plan, conditions=("clean",))
    asrfair.evaluate(local)
    assert tables(tmp_path / "ray") == tables(local.out)
