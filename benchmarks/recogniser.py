"""Time runs with the bundled recogniser: how much of the time is not its own, and what a second process brings.

    python benchmarks/recogniser.py [--limit 60] [--rounds 1]

The demo's corpus, conditions and recognisers (extra ``demo``), without the cache. Overhead: the share of the clock from
the interpreter's start to the end of the report, that is not within `Backend.transcribe`, with one process (wanted:
under 5 %). Two processes: clock with one over clock with two (wanted: at least 1.8, on two idle cores; the load is
told). ``--limit 0`` takes all of the corpus.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import tomli_w

from asrfair.corpus.synthesis import synthesise
from asrfair.run.demo import SEED, demo_plan

OVERHEAD, SPEED_UP = 0.05, 1.8


def clock_of(plan: Path, out: Path, *, workers: int) -> tuple[float, float, float]:
    """Run the plan; return its seconds of the clock, of the processor, and those within the recognisers."""
    command = [sys.executable, "-P", "-m", "asrfair", "run", str(plan), "--out", str(out), "--workers", str(workers)]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | {"ASRFAIR_CACHE": "none"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    # 3 says that a run could not be judged, as one of few utterances may be.
    if process.returncode not in (0, 3):
        raise SystemExit(f"asrfair run: exit code {process.returncode}")
    inside = pl.read_parquet(out / "timings.parquet")["seconds"].sum()
    return clock, used.ru_utime + used.ru_stime, float(inside)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        synthesise(folder / "corpus", seed=SEED, progress=lambda done, total: None)
        keys = demo_plan(folder, workers=1).record() | ({"limit": options.limit} if options.limit else {})
        plan = folder / "plan.toml"
        plan.write_text(tomli_w.dumps(keys), encoding="utf-8")
        for number in range(options.rounds):
            load = os.getloadavg()[0]
            one, processor, inside = clock_of(plan, folder / f"one-{number}", workers=1)
            two, *_ = clock_of(plan, folder / f"two-{number}", workers=2)
            print(
                f"one process {one:.1f} s of the clock ({processor:.1f} of the processor), {inside:.1f} s within the "
                f"recognisers: overhead {1 - inside / one:.1%} (wanted: under {OVERHEAD:.0%}); two processes {two:.1f} "
                f"s: {one / two:.2f} times as fast (wanted: {SPEED_UP}); load {load:.1f} before, "
                f"{os.getloadavg()[0]:.1f} after",
                flush=True,
            )


if __name__ == "__main__":
    main()
