"""Which words, and which confusions, are missed more for a group than for the reference group.

Conventions
-----------
A word is missed where it was substituted or deleted; insertions belong to no word. A *confusion* is one word taken
for another. Both are counted per occurrence of the word in the reference, so a word's frequency does not matter:
the question is what happens *given the same word*. The row of kind ``all`` takes a comparison's tested words
together, without a test; its ``reference_rate`` is the reference group's on the words as the group said them,
Σ n_w·r_w / Σ n_w. A group with more errors overall misses most words more: a word says something of its own where
its ratio is beyond that of ``all``.

Test
----
Speakers are the units, and only those who said the word. A speaker who said it n times and was misheard m times has
the residual r = m − n·p, with p pooled over both groups, and z = r/√v with v = n·(1 + (n − 1)·ρ); ρ ∈ [0, 1], how much
alike a speaker's attempts are, comes from the moments of the same residuals. The difference of the two groups' rates
is Σ c·z with c = ±√v/(words of the group); the z are permuted over the speakers, who keep their n and their group, and
p = (1 + #{|D*| ≥ |D|})/(permutations + 1).

What it takes for granted: under equality all speakers who said the word, of either group, vary alike around p once
it is allowed for how often they said it; exact where all said it equally often. With 4 speakers against 40 false
alarms at 5 % are 3–6 % also where one group says the word five times as often (permuting the residuals r
themselves gives 25 %, and permuting all speakers, whether they said the word or not, 15–20 % on rare words), and
9–11 % where speakers of the smaller group differ from each other far more (ρ = .3 against .05). With no difference
anywhere 1–6 % of such comparisons report a word after the control of false discoveries, but 10 % where 4 speakers said
each word once and 40 others five times: residuals of few words are more skewed than the others' that replace them.

As long as fewer than `ENOUGH` permutations are beyond, ten times as many are drawn, up to the number asked for; p
stays valid because the bounds for going on fall. False discoveries are controlled over the words, and over the
confusions, of a comparison.

References
----------
Williams 1982 (extra-binomial variation by moments); Freedman and Lane 1983 (permuting residuals); Phipson and
Smyth 2010 (p of random permutations); Besag and Clifford 1991 (sequential p); Benjamini and Hochberg 1995.
"""

from collections.abc import Callable, Iterator, Sequence
from math import comb

import numpy as np
import polars as pl

from asrfair.seeds import generator
from asrfair.stats.adjust import benjamini_hochberg
from asrfair.stats.arrays import Bools, Floats, ratio
from asrfair.tables import WORDS, conform

LEAST_ERRORS = 4
"""A word (or confusion) is tested from this many errors on, in both groups together."""
LEAST_SPEAKERS = 2
"""A word is tested where this many speakers of either group said it."""
LEAST_SPLITS = 20
"""… and where those who said it can be split over the groups in this many ways: fewer cannot show anything."""
FIRST_DRAWS = 199
ENOUGH = 20
CHUNK = 1_000_000
CELL = ("condition", "backend")
ITEM = ("reference_word", "heard")


def word_rows(
    aligned: pl.DataFrame,
    *,
    axis: str,
    reference: str,
    groups: Sequence[str],
    permutations: int,
    seed: int,
    done: Callable[[], None] = lambda: None,
) -> pl.DataFrame:
    """Return table ``words`` of one axis.

    ``aligned`` has a row per aligned word: ``speaker_id``, ``label`` (the speaker's group on this axis),
    ``condition``, ``backend``, ``operation``, ``reference_word``, ``hypothesis_word``. ``groups`` are compared with
    ``reference``. Words without a speaker or label are left out; so are speakers of both groups. Rows are sorted by
    condition, backend, group as given, kind (all, word, confusion), then p and the difference of rates. ``done`` is
    called after each comparison.
    """
    known = aligned.filter(pl.col("operation") != "insert", pl.col("speaker_id").is_not_null())
    parts = [pl.DataFrame(schema=WORDS)]
    for (condition, backend), cell in sorted(known.group_by(*CELL), key=lambda item: item[0]):
        for group in groups:
            names = {"axis": axis, "group": group, "condition": str(condition), "backend": str(backend)}
            rows = _both(cell, group, reference)
            tables = _compare(rows, permutations=permutations, seed=seed, names=tuple(names.values()))
            named = {name: pl.lit(value) for name, value in (names | {"reference_group": reference}).items()}
            parts.extend(table.with_columns(**named) for table in tables)
            done()
    return pl.concat([conform(part, WORDS) for part in parts])


def labelled(labels: pl.Series, reference: str) -> list[str]:
    """Return the groups there are besides the reference group, by name."""
    return [group for group in labels.drop_nulls().unique().sort() if group != reference]


def _both(rows: pl.DataFrame, group: str, reference: str) -> pl.DataFrame:
    """Return the words of speakers who are in one of the two groups only, with ``member`` of the group."""
    two = rows.filter(pl.col("label").is_in([group, reference]))
    labels = pl.col("label").n_unique().over("speaker_id")
    return two.filter(labels == 1).with_columns(member=pl.col("label") == group)


def _compare(rows: pl.DataFrame, *, permutations: int, seed: int, names: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    said = rows.group_by("reference_word", "speaker_id").agg(
        pl.col("member").first(), count=pl.len(), errors=(pl.col("operation") != "equal").sum()
    )
    words = said.with_columns(heard=pl.lit(None, pl.String))
    for kind, occurrences in (("word", words), ("confusion", _confusions(rows, said))):
        items = _items(occurrences)
        if kind == "word" and len(items):
            yield _together(items)
        p = [
            permuted_p(
                *(item[name].to_numpy() for name in ("count", "errors", "member")),
                permutations=permutations,
                rng=generator(seed, "words", *names, kind, *(str(text) for text in item.select(ITEM).row(0))),
            )
            for item in _each(occurrences, items)
        ]
        found = items.with_columns(p=pl.Series(p, dtype=pl.Float64), tested=pl.lit(len(items)))
        yield found.with_columns(p_fdr=benjamini_hochberg(np.array(p)), kind=pl.lit(kind)).sort(
            "p", pl.col("rate") - pl.col("reference_rate"), *ITEM, descending=[False, True, False, False]
        )


def _confusions(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Return each frequent confusion by speaker, also of those who said the word and were not so misheard."""
    confused = (
        rows.filter(pl.col("operation") == "substitute")
        .rename({"hypothesis_word": "heard"})
        .group_by(*ITEM, "speaker_id")
        .agg(errors=pl.len())
    )
    pairs = confused.group_by(ITEM).agg(pl.col("errors").sum()).filter(pl.col("errors") >= LEAST_ERRORS)
    everyone = pairs.select(ITEM).join(said.drop("errors"), on="reference_word")
    return everyone.join(confused, on=[*ITEM, "speaker_id"], how="left").with_columns(pl.col("errors").fill_null(0))


def _items(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the words or confusions that are tested, with their sums in both groups, by name."""
    member = pl.col("member")
    sums = occurrences.group_by(ITEM).agg(
        speakers=member.sum(),
        reference_speakers=(~member).sum(),
        count=pl.col("count").filter(member).sum(),
        errors=pl.col("errors").filter(member).sum(),
        reference_count=pl.col("count").filter(~member).sum(),
        reference_errors=pl.col("errors").filter(~member).sum(),
    )
    own, other = pl.col("speakers"), pl.col("reference_speakers")
    often = sums.filter(
        own >= LEAST_SPEAKERS,
        other >= LEAST_SPEAKERS,
        pl.col("errors") + pl.col("reference_errors") >= LEAST_ERRORS,
    )
    splits = [comb(a + b, a) >= LEAST_SPLITS for a, b in often.select(own, other).iter_rows()]
    return _rated(often.filter(pl.Series(splits, dtype=pl.Boolean)).sort(ITEM))


def _rated(sums: pl.DataFrame) -> pl.DataFrame:
    rate, reference_rate = (ratio(sums[f"{side}errors"], sums[f"{side}count"]) for side in ("", "reference_"))
    return sums.with_columns(
        rate=rate, reference_rate=reference_rate, ratio=pl.Series(ratio(rate, reference_rate)).fill_nan(None)
    )


def _together(items: pl.DataFrame) -> pl.DataFrame:
    """Return one row of all tested words; the reference group's rate is that on the words as the group said them."""
    expected = float((items["count"] * items["reference_rate"]).sum())
    sums = items.select(pl.col("count", "errors", "reference_count", "reference_errors").sum())
    return sums.select(
        pl.all(),
        kind=pl.lit("all"),
        rate=pl.col("errors") / pl.col("count"),
        reference_rate=expected / pl.col("count"),
        ratio=pl.col("errors") / pl.lit(expected or None),
        tested=pl.lit(len(items)),
    )


def _each(occurrences: pl.DataFrame, items: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the speakers' rows of each item, in the order of the items."""
    kept = occurrences.join(items.select(ITEM), on=ITEM, how="semi", nulls_equal=True).sort(*ITEM, "speaker_id")
    return kept.partition_by(ITEM, maintain_order=True)


def permuted_p(count: Floats, errors: Floats, member: Bools, *, permutations: int, rng: np.random.Generator) -> float:
    """Return p of one word from the speakers who said it (the module says how), each argument of shape=(speakers,)."""
    z, spread = _standardised(count.astype(np.float64), errors.astype(np.float64))
    weight = spread * np.where(member, 1 / count[member].sum(), -1 / count[~member].sum())
    found = abs(weight @ z)
    beyond = drawn = 0
    while drawn < permutations and beyond < ENOUGH:
        most = min(permutations, max(FIRST_DRAWS, 10 * drawn + 9))
        while drawn < most:
            size = min(most - drawn, max(1, CHUNK // len(z)))
            shuffled = rng.permuted(np.broadcast_to(z, (size, len(z))), axis=1)
            # Rounding must not make an equal split look smaller than the one observed.
            beyond += int((np.abs(shuffled @ weight) >= found - 1e-9).sum())
            drawn += size
    return (beyond + 1) / (drawn + 1)


def _standardised(count: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return the speakers' standardised residuals, mean zero, and what they were divided by, each shape=(speakers,)."""
    p, speakers = errors.sum() / count.sum(), len(count)
    residual = errors - count * p
    chi_square = (residual**2 / count).sum() / (p * (1 - p)) if 0 < p < 1 else 0.0
    repeated = (count - 1).sum()
    alike = (chi_square * speakers / (speakers - 1) - speakers) / repeated if repeated else 0.0
    spread = np.sqrt(count * (1 + (count - 1) * min(1.0, max(0.0, alike))))
    z = residual / spread
    return z - z.mean(), spread
