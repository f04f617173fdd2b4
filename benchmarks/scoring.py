"""Measure what scoring gains over the plain calls, in one run and with every result compared.

    python benchmarks/scoring.py --pairs 100000

Ratios are of processor time, the plain call's over asrfair's: the median of interleaved rounds. Texts are drawn from
a seed: about 14 words a sentence, frequent words more often than rare ones, WER about 15 %, all pairs distinct. The
plain calls are loops of `jiwer.process_words` and `jiwer.process_characters`, one call a pair, and of
`whisper_normalizer.english.EnglishTextNormalizer`, one call a text. Exits with 1 where a result differs.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from asrfair.scoring import count_errors, find_normalizer
from asrfair.scoring.counting import count_characters, count_words
from asrfair.seeds import generator

COMMON = (
    "the of and to a in that it is was i for on you he be with as by at have are this not but had his they from she "
    "which or we an there her were do been all their has would will what if can when so no said who more about up them "
    "some could him into its then out my over your just like time people other only new these two may first any very "
    "know see well after also back way our such because good where much before right too through down make even most "
    "here year years work day long little came come great same another should must between three under never last "
    "house night water place young old left hand school world number colour centre grey second one half phone summer"
)
SPOKEN = (
    "don't",
    "it's",
    "I'm",
    "can't",
    "won't",
    "we've",
    "he's",
    "Mr.",
    "Dr.",
    "um",
    "uh",
    "gonna",
    "20",
    "1,000",
    "$5",
)
LETTERS = np.array(list("aaabcdeeeefghiiijklmnooopqrrsssttuuvwxyz"))
KINDS = ("hits", "substitutions", "deletions", "insertions")


def vocabulary(size: int) -> np.ndarray:
    draws = generator(1, "vocabulary")
    rare = {"".join(draws.choice(LETTERS, size=length)) for length in draws.integers(3, 12, size=size)}
    return np.array([*COMMON.split(), *sorted(rare - set(COMMON.split()))])


def sentences(count: int) -> tuple[list[str], list[str]]:
    """References as they are written, and what was heard: both lower case and without signs."""
    draws = generator(1, "sentences")
    words = vocabulary(20_000)
    share = 1 / np.arange(3, len(words) + 3)
    lengths = np.clip(draws.poisson(14, count), 2, None)
    said = np.split(draws.choice(words, size=lengths.sum(), p=share / share.sum()), np.cumsum(lengths)[:-1])
    return [" ".join(sentence.tolist()) for sentence in said], [heard(sentence, words, draws) for sentence in said]


def heard(sentence: np.ndarray, words: np.ndarray, draws: np.random.Generator) -> str:
    chance, other = draws.random(len(sentence)), draws.choice(words, size=len(sentence))
    kept = np.where(chance < 0.09, other, sentence).tolist()
    added = np.where(chance > 0.97, other, "").tolist()
    dropped = ((chance > 0.09) & (chance < 0.12)).tolist()
    return " ".join(
        f"{'' if drop else word} {more}".strip() for word, more, drop in zip(kept, added, dropped, strict=True)
    )


def written(sentence: str, draws: np.random.Generator) -> str:
    """Return the sentence with a capital, a full stop, now and then a comma, and one spoken form in two sentences."""
    words = sentence.split()
    at = int(draws.integers(len(words)))
    if draws.random() < 0.3:
        words[at] += ","
    if draws.random() < 0.5:
        words[at] = SPOKEN[int(draws.integers(len(SPOKEN)))]
    text = " ".join(words)
    return f"{text[0].upper()}{text[1:]}."


@dataclass(frozen=True)
class Comparison:
    """Two ways to one result; ``same`` says whether what they gave is equal."""

    name: str
    plain: Callable[[], Any]
    fast: Callable[[], Any]
    same: Callable[[Any, Any], bool]


def counting(references: list[str], hypotheses: list[str]) -> Iterator[Comparison]:
    import jiwer

    pairs = list(zip(references, hypotheses, strict=True))
    frame = pl.DataFrame({"reference": references, "hypothesis": hypotheses})
    none = find_normalizer("none")
    yield Comparison(
        "words",
        lambda: [jiwer.process_words(*pair) for pair in pairs],
        lambda: count_words(pl.Series(references), pl.Series(hypotheses)),
        lambda outputs, found: counts_of(outputs) == found.select(KINDS).rows(),
    )
    yield Comparison(
        "characters",
        lambda: [jiwer.process_characters(*pair) for pair in pairs],
        lambda: count_characters(pl.Series(references), pl.Series(hypotheses)),
        lambda outputs, found: counts_of(outputs) == found.select(f"character_{kind}" for kind in KINDS).rows(),
    )
    yield Comparison(
        "words and characters, normaliser none",
        lambda: [(jiwer.process_words(*pair), jiwer.process_characters(*pair)) for pair in pairs],
        lambda: count_errors(frame, normalizer=none),
        lambda outputs, found: all(
            counts_of([output[at] for output in outputs]) == found.select(f"{prefix}{kind}" for kind in KINDS).rows()
            for at, prefix in enumerate(("", "character_"))
        ),
    )


def counts_of(outputs: list[Any]) -> list[tuple[int, ...]]:
    return [tuple(getattr(output, kind) for kind in KINDS) for output in outputs]


def normalising(references: list[str]) -> Iterator[Comparison]:
    from whisper_normalizer.english import EnglishTextNormalizer

    draws = generator(1, "written")
    texts = [written(sentence, draws) for sentence in references]
    plain, fast = EnglishTextNormalizer(), find_normalizer("whisper-english")
    yield Comparison(
        "normalising, whisper-english",
        lambda: {text: plain(text) for text in texts},
        lambda: fast.normalize_all(texts),
        lambda one, other: one == other,
    )


def compare(comparison: Comparison, *, rounds: int) -> bool:
    """Print one line: both ways' processor time and the median ratio; return whether the results are equal."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        plain = comparison.plain()
        between = time.process_time()
        fast = comparison.fast()
        times.append((between - start, time.process_time() - between))
    same = comparison.same(plain, fast)
    slow, quick = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(one / other for one, other in times)
    print(f"{comparison.name:38} {slow:7.2f} s {quick:7.2f} s {ratio:6.1f} ×   {'equal' if same else 'DIFFERENT'}")
    return same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000, help="utterance pairs, and texts to normalise")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    references, hypotheses = sentences(arguments.pairs)
    counts = count_words(pl.Series(references), pl.Series(hypotheses)).sum().row(0, named=True)
    wer = (counts["substitutions"] + counts["deletions"] + counts["insertions"]) / counts["reference_words"]
    distinct = len(set(zip(references, hypotheses, strict=True)))
    print(f"{arguments.pairs} pairs, {distinct} distinct, WER {wer:.3f}: processor time plain, asrfair, ratio")
    comparisons = [*counting(references, hypotheses), *normalising(references)]
    different = [one.name for one in comparisons if not compare(one, rounds=arguments.rounds)]
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
