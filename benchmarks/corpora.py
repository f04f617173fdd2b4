"""Time listing a Common Voice release with 1,000,000 clips, and validating audio files, and measure peak memory.

    python benchmarks/corpora.py                       # both
    python benchmarks/corpora.py --only headers --files 20000

The table and the files are generated. Listing: the shipped card ``common-voice``, labels mapped, under 5 s and 1 GB.
Headers: `asrfair validate --quick` over files in the cache, at least 2,000 a second on two cores, the table and the
start of the worker processes included.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from asrfair.seeds import generator

SECONDS, GIGABYTES, FILES_PER_S = 5.0, 1.0, 2000.0
RATE = 16_000
HEADER = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale segment"
)
# Some in the card, one not, several in one field, none.
ACCENTS = (
    "United States English",
    "England English",
    "India and South Asia (India, Pakistan, Sri Lanka)",
    "Scottish English",
    "United States English,Midwestern,Low,Demure",
    "a bit of everything",
    "",
    "",
)
AGES = ("teens", "twenties", "thirties", "fourties", "")
GENDERS = ("male_masculine", "female_feminine", "")
WORDS = ("the", "of", '"and"', "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are", "as")
CARD = """\
title = "Benchmark"
kind = "read"
language = "en"
licence = "made on the spot"
[layout]
type = "table"
file = "table.csv"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
"""
LIST = "from pathlib import Path; import sys; from asrfair.corpus import load_corpus; "
LIST += (
    "c = load_corpus('common-voice', Path(sys.argv[1])); print(len(c.utterances), c.utterances['accent'].n_unique())"
)


def write_release(root: Path, *, rows: int) -> None:
    """Write ``test.tsv`` in the columns of release 17 and later."""
    rng = generator(0, "corpora")
    speakers = [rng.bytes(64).hex() for _ in range(max(1, rows // 20))]
    drawn = zip(
        rng.integers(0, len(speakers), rows).tolist(),
        rng.integers(0, len(WORDS), (rows, 10)).tolist(),
        *(rng.integers(0, len(labels), rows).tolist() for labels in (AGES, GENDERS, ACCENTS)),
        strict=True,
    )
    with (root / "test.tsv").open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER.replace(" ", "\t") + "\n")
        for number, (speaker, words, age, gender, accent) in enumerate(drawn):
            sentence = " ".join(WORDS[word] for word in words)
            file.write(
                f"{speakers[speaker]}\tcommon_voice_en_{number}.mp3\t{number:064x}\t{sentence}\t\t2\t0\t"
                f"{AGES[age]}\t{GENDERS[gender]}\t{ACCENTS[accent]}\t\ten\t\n"
            )


def write_files(root: Path, *, files: int) -> None:
    """Write short WAV files of noise in folders of a thousand, a table and a card."""
    rng = generator(0, "files")
    lines = ["utterance_id,speaker_id,audio,reference,accent"]
    for number in range(files):
        name = f"{number // 1000:03}/{number:06}.wav"
        (root / name).parent.mkdir(exist_ok=True)
        soundfile.write(root / name, rng.normal(0, 0.1, RATE // 2), RATE)
        lines.append(f"u{number},s{number % 500},{name},these are words,{'nsew'[number % 4]}")
    (root / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "card.toml").write_text(CARD, encoding="utf-8")


def run(command: list[str]) -> tuple[float, float, float]:
    """Return a command's seconds, those of processors, and the largest memory of a command so far in GB."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Linux counts in kilobytes, macOS in bytes.
    peak = after.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak / 1e9


def listing(root: Path, *, rows: int) -> bool:
    """Time listing in a fresh process, Python's own start included; the best of three."""
    write_release(root, rows=rows)
    size = (root / "test.tsv").stat().st_size / 1e6
    times, processor, peak = zip(*(run([sys.executable, "-c", LIST, str(root)]) for _ in range(3)), strict=True)
    print(
        f"listing {rows:,} rows ({size:,.0f} MB): {min(times):.2f} s, {min(processor):.2f} s of processors "
        f"(target {SECONDS:.0f}), peak memory {max(peak):.2f} GB (target {GIGABYTES:.0f})"
    )
    return min(times) < SECONDS and max(peak) < GIGABYTES


def headers(root: Path, *, files: int) -> bool:
    """Time `asrfair validate --quick`, once to warm the cache and then the best of three."""
    write_files(root, files=files)
    command = [sys.executable, "-m", "asrfair", "validate", f"{root / 'card.toml'}={root}", "--quick"]
    times = [run(command) for _ in range(4)][1:]
    best = min(seconds for seconds, *_ in times)
    print(f"headers of {files:,} files: {best:.2f} s, {files / best:,.0f} a second (target {FILES_PER_S:,.0f})")
    return files / best >= FILES_PER_S


def decoding(root: Path, *, files: int) -> None:
    """Time the whole check of the same files, for comparison."""
    command = [sys.executable, "-m", "asrfair", "validate", f"{root / 'card.toml'}={root}", "--workers", "2"]
    seconds, _, peak = run(command)
    print(
        f"decoding them: {seconds:.2f} s, {files / seconds:,.0f} a second, {peak:.2f} GB in the largest process so far"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("listing", "headers"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=20_000)
    options = parser.parse_args()
    os.environ["COLUMNS"] = "80"
    good = True
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "headers":
            good &= listing(Path(folder), rows=options.rows)
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "listing":
            good &= headers(Path(folder), files=options.files)
            decoding(Path(folder), files=options.files)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
