"""Looking at a corpus's audio by digest: recordings that occur twice, and speakers who share them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from asrfair.corpus.consistency import duplicate_audio, duplicate_speakers
from asrfair.report.text import counted, listed, number
from asrfair.run.validate_table import Found

OTHERS_SHOWN = 3


def duplicates(utterances: pl.DataFrame, seen: pl.DataFrame) -> Iterator[Found]:
    """Find utterances whose samples are equal, by digest, and pairs of speakers with equal recordings."""
    # Ids are unique within a split only; rows are unique throughout.
    numbered = utterances.with_columns(utterance_id=pl.col("row").cast(pl.String))
    digests = seen.select(utterance_id=pl.col("row").cast(pl.String), digest="digest")
    found = duplicate_audio(numbered, digests)
    twins = utterances.filter(pl.col("row").is_in(found["utterances"].explode().cast(pl.UInt32).implode()))
    facts = {
        row["row"]: row for row in twins.select("row", "utterance_id", "speaker_id", "split").iter_rows(named=True)
    }
    for each in found.iter_rows(named=True):
        rows = sorted(map(int, each["utterances"]))
        texts = f"; {len(each['references'])} transcripts differ" if len(each["references"]) > 1 else ""
        for row in rows:
            told = _others(row, rows, facts, splits=len(each["splits"]) > 1) + texts
            yield from ((row, kind, told) for kind in _kinds(each))
    for pair in duplicate_speakers(numbered, digests).iter_rows(named=True):
        shared = counted(pair["recordings"], "recording")
        where = f" ({listed(pair['splits'])})" if len(pair["splits"]) > 1 else ""
        yield None, "speakers share audio", f"'{pair['speaker_id']}' and '{pair['other']}': {shared}{where}"


def _kinds(found: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with equal recordings: each of two reasons, or that they are equal at all."""
    reasons = {"same audio, two speakers": found["speakers"], "same audio, two splits": found["splits"]}
    return [kind for kind, names in reasons.items() if len(names) > 1] or ["same audio"]


def _others(row: int, rows: Sequence[int], facts: Mapping[int, Mapping[str, Any]], *, splits: bool) -> str:
    """Name the first of the other rows, with the speaker where it is another, and the split where there are several."""
    first = [other for other in rows[: OTHERS_SHOWN + 1] if other != row][:OTHERS_SHOWN]
    left = len(rows) - 1 - len(first)
    names = ", ".join(_named(facts[other], beside=facts[row]["speaker_id"], splits=splits) for other in first)
    return f"as {names} and {number(left)} more" if left else f"as {names}"


def _named(facts: Mapping[str, Any], *, beside: str | None, splits: bool) -> str:
    speaker = facts["speaker_id"]
    whose = f" of '{speaker}'" if speaker is not None and speaker != beside else ""
    return f"'{facts['utterance_id']}'{whose}" + (f" ({facts['split']})" if splits else "")
