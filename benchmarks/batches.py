"""Measure what conditions cost in batches by torch beside the default path, in one run.

    python -m pip install -e '.[torch]' && python benchmarks/batches.py [--quick]

The chain and the utterances are those of `conditions.py`. Times are of the clock, an utterance of 10 s, medians of
interleaved rounds; SNRs are measured in both. The device is the first GPU, or else the processor with one thread, as
the default path has one.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from asrfair.audio import write_wav
from asrfair.condition import Condition, Spoken, check_device, hear, hear_batch, load_condition
from conditions import CARD, RATE_HZ, room_response, utterance

SECONDS = 10.0


def chain() -> Condition:
    with TemporaryDirectory() as folder:
        write_wav(Path(folder) / "room.wav", room_response() / 2, RATE_HZ)
        (Path(folder) / "chain.toml").write_text(CARD, encoding="utf-8")
        return load_condition(str(Path(folder) / "chain.toml"))


def one_by_one(condition: Condition, batch: list[Spoken]) -> None:
    for one in batch:
        name, materials = one.utterance_id, one.materials
        hear(condition, one.samples, sample_rate=RATE_HZ, seed=1, utterance_id=name, materials=materials)


def together(condition: Condition, batch: list[Spoken], *, size: int, device: str) -> None:
    for first in range(0, len(batch), size):
        hear_batch(condition, batch[first : first + size], sample_rate=RATE_HZ, seed=1, device=device)


def seconds_of(path: Callable[[], None]) -> float:
    started = time.perf_counter()
    path()
    return time.perf_counter() - started


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds of 8 utterances instead of nine of 64")
    options = parser.parse_args()
    rounds, count = (2, 8) if options.quick else (9, 64)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    check_device(device)
    torch.set_num_threads(1)
    condition, samples, materials = chain(), utterance(SECONDS), {1: [room_response()]}
    batch = [Spoken(f"u{number}", samples, materials) for number in range(count)]
    paths: dict[str, Callable[[], None]] = {"default": partial(one_by_one, condition, batch)}
    for size in sorted({min(size, count) for size in (1, 4, 32)}):
        paths[f"{device}, batches of {size}"] = partial(together, condition, batch, size=size, device=device)
    for path in paths.values():
        path()
    times = [{name: seconds_of(path) / count for name, path in paths.items()} for _ in range(rounds)]
    for name in paths:
        middle = statistics.median(spent[name] for spent in times)
        ratio = statistics.median(spent["default"] / spent[name] for spent in times)
        real = SECONDS / middle
        print(f"{name:<24}{1e3 * middle:8.2f} ms{ratio:8.2f} × the default's throughput{real:8.0f} × real time")


if __name__ == "__main__":
    main()
