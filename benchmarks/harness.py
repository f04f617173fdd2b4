"""Time the whole harness against a plain script, with a recogniser that answers at once.

    python benchmarks/harness.py --script naive_pipeline.py [--utterances 200 2000] [--rounds 3] [--corpus DIR]

The script (librosa, audiomentations, whisper-normalizer, jiwer, pandas, scipy's bootstrap) makes a corpus with
``make_corpus(folder, n)`` and does the job with ``evaluate(rows, folder)``; asrfair does the same job over the same
files with conditions of the same kind: as recorded; the noise at 10 dB; the room; a telephone band with µ-law at 8 kHz.
Both hear from the script's own ``instant_recogniser``; asrfair's is an installed plug-in, through its entry point, as
anybody's would be, which gets all audio. Both normalise as Whisper does, and put intervals around eight accents.

Processor seconds include those of worker processes, of interpreters and imports. Marginal: between the two sizes, per
utterance and condition, so that what starts once does not count. Rounds take turns; medians.
"""

import argparse
import csv
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

CONDITIONS = ("clean", "noise", "reverb", "phone")
EFFECTS = {
    "clean": "",
    "noise": '[[effect]]\ntype = "recorded_noise"\nrecordings = "noise.wav"\nsnr_db = 10\nspeech_level = "rms"\n',
    "reverb": '[[effect]]\ntype = "measured_room"\nrecordings = "rir.wav"\n',
    "phone": '[[effect]]\ntype = "band_pass"\nlow_hz = 305\nhigh_hz = 3395\n[[effect]]\ntype = "g711"\nlaw = "mu"\n',
}
CARD = """
title = "Harness"
kind = "synthetic"
language = "en"
licence = "CC0"
citation = "made here"
homepage = ""
obtain = "made here"
[layout]
type = "table"
file = "manifest.csv"
columns = { audio = "path", reference = "text" }

[axes.accent]
column = "accent"
assigned_by = "by design"
"""
PLUG_IN = """
import csv, importlib.util, sys
from asrfair.backend.base import Outcome

class Instant:
    argument = None
    needs_audio = True
    sample_rate = None

    def __init__(self, *, script: str, manifest: str):
        self._script, self._manifest, self._answer = script, manifest, None

    def identity(self):
        return {"version": "1"}

    def transcribe(self, requests):
        if self._answer is None:
            found = importlib.util.spec_from_file_location("plain_script", self._script)
            script = importlib.util.module_from_spec(found)
            found.loader.exec_module(script)
            self._answer = script.instant_recogniser
            with open(self._manifest, newline="") as file:
                self._texts = {row["utterance_id"]: row["text"] for row in csv.DictReader(file)}
        return [
            Outcome(self._answer(self._texts[one.utterance_id], one.condition, one.utterance_id)) for one in requests
        ]

    def close(self):
        pass
"""


@dataclass(frozen=True)
class Spent:
    """Seconds of the processor and of the clock, and the largest process in megabytes."""

    processor: float
    clock: float
    megabytes: float


def load_script(path: Path) -> ModuleType:
    """Import the script without running it."""
    found = importlib.util.spec_from_file_location("plain_script", path)
    if found is None or found.loader is None:
        raise SystemExit(f"{path}: no script")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def run_script(path: Path, folder: Path) -> None:
    """Do the job as the script does, over a corpus that is there."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    load_script(path).evaluate(rows, folder)


def make_corpus(script: Path, folder: Path, utterances: int) -> None:
    """Make the script's corpus, and the cards and the plan that asrfair needs for it."""
    folder.mkdir(parents=True, exist_ok=True)
    load_script(script).make_corpus(folder, utterances)
    (folder / "card.toml").write_text(CARD, encoding="utf-8")
    for name, effects in EFFECTS.items():
        card = f'summary = "{name}"\nsource = "the plain script"\n{effects}'
        (folder / f"{name}.toml").write_text(card, encoding="utf-8")


def make_plug_in(folder: Path) -> None:
    """Write the recogniser as an installed package with its entry point."""
    facts = folder / "instant-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "instant_backend.py").write_text(PLUG_IN, encoding="utf-8")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: instant\nVersion: 1\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text("[asrfair.backends]\ninstant = instant_backend:Instant\n", encoding="utf-8")


def plan_of(script: Path, folder: Path, out: Path, workers: int) -> str:
    """Return the plan of asrfair's run."""
    return f"""
conditions = {[str(folder / f"{name}.toml") for name in CONDITIONS]}
normalizer = "whisper-english"
workers = {workers}
out = "{out}"
[corpus]
card = "{folder / "card.toml"}"
root = "{folder}"
[backends.instant]
script = "{script}"
manifest = "{folder / "manifest.csv"}"
"""


def spend(command: list[str], paths: list[Path]) -> Spent:
    """Run a command, quietly, and return what it and its children took."""
    path = os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get("PYTHONPATH")])])
    # A cache of its own: what another round has left there would not be done again.
    with tempfile.TemporaryFile() as told, tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPATH": path, "ASRFAIR_CACHE": cache}
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=told, stderr=told, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        clock = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(told.read().decode(errors="replace"))
    return Spent(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 1024)


def both(script: Path, folder: Path, plug_in: Path, workers: int) -> tuple[Spent, Spent]:
    """Run the script, then asrfair, over a corpus."""
    # Without this folder, in which a coverage.py would be taken for the package of that name.
    theirs = spend([sys.executable, "-P", __file__, "--script", str(script), "--one", str(folder)], [])
    with tempfile.TemporaryDirectory() as place:
        plan = Path(place) / "plan.toml"
        plan.write_text(plan_of(script, folder, Path(place) / "run", workers), encoding="utf-8")
        ours = spend([sys.executable, "-P", "-m", "asrfair", "run", str(plan)], [plug_in])
    return theirs, ours


def compare(script: Path, folders: dict[int, Path], plug_in: Path, rounds: int, workers: int) -> None:
    """Print what both take at each size, and per utterance and condition between the sizes."""
    found = {size: [] for size in folders}
    for number in range(rounds):
        for size, folder in folders.items():
            pair = both(script, folder, plug_in, workers)
            found[size].append(pair)
            load = os.getloadavg()[0]
            print(f"  round {number + 1}, {size}: " + told(pair) + f"   load {load:.1f}", file=sys.stderr, flush=True)
    print(f"{'utterances':>10}{'script CPU s':>14}{'asrfair CPU s':>15}{'ratio':>7}{'clock s':>16}{'MB':>12}")
    middle = {size: [[middle_of(pairs, side, key) for key in KEYS] for side in (0, 1)] for size, pairs in found.items()}
    for size, (theirs, ours) in middle.items():
        print(
            f"{size:>10,}{theirs[0]:>14.2f}{ours[0]:>15.2f}{ours[0] / theirs[0]:>7.2f}"
            f"{theirs[1]:>9.2f}{ours[1]:>7.2f}{theirs[2]:>7.0f}{ours[2]:>5.0f}"
        )
    if len(folders) > 1:
        small, large = min(folders), max(folders)
        cells = (large - small) * len(CONDITIONS)
        theirs_ms, ours_ms = (1000 * (middle[large][side][0] - middle[small][side][0]) / cells for side in (0, 1))
        print(
            f"marginal, ms of processor per utterance and condition: script {theirs_ms:.2f}, asrfair {ours_ms:.2f}, "
            f"asrfair / script {ours_ms / theirs_ms:.3f} (wanted: at most 0.333)"
        )


KEYS = ("processor", "clock", "megabytes")


def middle_of(pairs: list[tuple[Spent, Spent]], side: int, key: str) -> float:
    return statistics.median(getattr(pair[side], key) for pair in pairs)


def told(pair: tuple[Spent, Spent]) -> str:
    return "; ".join(
        f"{name} {spent.processor:.2f} CPU s, {spent.clock:.2f} s"
        for name, spent in zip(("script", "asrfair"), pair, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script", type=Path, required=True, help="the plain script")
    parser.add_argument("--utterances", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="asrfair's processes (default: one per core)")
    parser.add_argument("--corpus", type=Path, help="where the corpora are kept for reuse")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    script = options.script.resolve()
    if options.one:
        run_script(script, options.one)
        return
    with tempfile.TemporaryDirectory() as place:
        plug_in = Path(place) / "plug-in"
        make_plug_in(plug_in)
        corpora = (options.corpus or Path(place)).resolve()
        folders = {size: corpora / str(size) for size in sorted(options.utterances)}
        for size, folder in folders.items():
            if not (folder / "card.toml").is_file():
                make_corpus(script, folder, size)
        compare(script, folders, plug_in, options.rounds, options.workers)


if __name__ == "__main__":
    main()
