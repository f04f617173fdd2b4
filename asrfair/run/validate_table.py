"""Looking at a corpus's table: transcripts, durations, labels and ids; no file is opened."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from asrfair.corpus.consistency import (
    speakers_in_several_splits,
    speakers_with_several,
    twins_by_case,
)
from asrfair.corpus.labels import JOIN
from asrfair.errors import InputError
from asrfair.reading import read_table
from asrfair.report.text import counted, listed
from asrfair.run.validate_findings import findings
from asrfair.scoring import find_normalizer
from asrfair.stats.outliers import FEWEST, robust_z

# Layouts keep the columns of their source; these hold a length under every name that publishers give it.
DURATIONS: dict[str, float] = {"duration_s": 1.0, "duration": 1.0, "duration_ms": 0.001, "duration[ms]": 0.001}
CLIP_DURATIONS = "clip_durations.tsv"
"""Common Voice's own list, beside its tables: columns ``clip`` and ``duration[ms]``."""
DIFFERS_S, DIFFERS_SHARE = 0.1, 0.01
# Speech rates are compared on a logarithmic scale: twice as fast is as far as half as fast.
FAR = 5.0
# Of read speech it is 0.2; where all say the same at the same pace, a third faster would be far without this.
LEAST_SPREAD = 0.1
NORMALIZER = "basic"
# UTF-8 read as Latin-1 or Windows-1252: a lead byte's letter, then a continuation byte's sign.
MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u2013-\u2122]")
UNSEEN = ("Cc", "Cf", "Co", "Cn")
LINES = "\t\n\r"
JOINERS = "\u200c\u200d\u200e\u200f"
Found = tuple[int | None, str, str]


def transcripts(utterances: pl.DataFrame) -> Iterator[Found]:
    """Find transcripts that are missing, blank, without words, or wrongly decoded."""
    references = utterances["reference"]
    normalized = find_normalizer(NORMALIZER).normalize_all(references.drop_nulls().unique().to_list())
    for row, text in utterances.select("row", "reference").iter_rows():
        if text is None:
            yield row, "no reference", ""
        elif not text.strip():
            yield row, "empty reference", ""
        elif not normalized[text].strip():
            yield row, "no words", text
        elif not text.isascii() or not text.isprintable():
            yield from ((row, "garbled transcript", why) for why in _garbled(text))


def _garbled(text: str) -> Iterator[str]:
    if "\ufffd" in text:
        yield f"replacement characters: {text}"
    elif MOJIBAKE.search(text) and (better := _decoded_again(text)):
        yield f"'{text}' may be '{better}'"
    wrong = sorted({sign for sign in text if unicodedata.category(sign) in UNSEEN} - set(LINES + JOINERS))
    if wrong:
        yield f"control or unassigned characters: {', '.join(f'U+{ord(sign):04X}' for sign in wrong)}"


def _decoded_again(text: str) -> str | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


def stated_durations(raw: pl.DataFrame, root: Path) -> tuple[pl.DataFrame, str] | None:
    """Return what the corpus says of lengths (``utterance_id``, ``stated_s``) and where it says so; or None."""
    for name, scale in DURATIONS.items():
        if name in raw.columns:
            seconds = pl.col(name).cast(pl.Float64, strict=False) * scale
            return raw.select(pl.col("utterance_id").cast(pl.String), stated_s=seconds), f"column '{name}'"
    path = (root.parent if root.is_file() else root) / CLIP_DURATIONS
    if not path.is_file() or "audio" not in raw.columns:
        return None
    rows = read_table(path, quoted=False)
    clip, column = "clip", next((name for name in DURATIONS if name in rows.columns), "")
    if clip not in rows.columns or not column:
        raise InputError(f"{path}: found the columns {', '.join(rows.columns)}; expected clip and duration[ms]")
    listed_s = rows.select(clip=clip, stated_s=pl.col(column).cast(pl.Float64, strict=False) * DURATIONS[column])
    names = raw.select(pl.col("utterance_id").cast(pl.String), clip=pl.col("audio").str.replace(r"^.*/", ""))
    return names.join(listed_s.unique("clip"), on="clip", how="inner").drop("clip"), CLIP_DURATIONS


def durations(seen: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """Compare measured lengths (``row``, ``seconds``) with stated ones (``row``, ``stated_s``)."""
    off = (pl.col("seconds") - pl.col("stated_s")).abs()
    least = pl.max_horizontal(pl.lit(DIFFERS_S), DIFFERS_SHARE * pl.col("stated_s"))
    wrong = seen.join(stated, on="row").filter(off > least).sort("row")
    return findings(
        (row, "duration differs", f"{seconds:.2f} s of audio, {said:.2f} s stated")
        for row, seconds, said in wrong.select("row", "seconds", "stated_s").iter_rows()
    )


def speech_rates(utterances: pl.DataFrame, seen: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Find utterances with far more or fewer words per second of active speech than the others of their language.

    Far: more than `FAR` robust standard deviations of the logarithm (`asrfair.stats.outliers`), in words and in letters
    per second: in words alone, one long word is slow speech. The notes tell of languages where nothing could be judged.
    """
    rows = utterances.select("row", "language", "reference").join(
        seen.filter(pl.col("active_s").is_not_null()).select("row", "active_s"), on="row"
    )
    rows = rows.filter(pl.col("reference").is_not_null()).sort("row")
    texts = find_normalizer(NORMALIZER).normalize_all(rows["reference"].unique().to_list())
    said = [texts[text] for text in rows["reference"]]
    rows = rows.with_columns(
        words=pl.Series([len(text.split()) for text in said], dtype=pl.Int64),
        letters=pl.Series([len(text.replace(" ", "")) for text in said], dtype=pl.Int64),
    )
    found, notes = [], []
    for (language,), part in rows.filter(pl.col("words") > 0).group_by("language", maintain_order=True):
        rates = part["words"].to_numpy() / part["active_s"].to_numpy()
        logs = [np.log(part[name].to_numpy() / part["active_s"].to_numpy()) for name in ("words", "letters")]
        far = [robust_z(each, least=LEAST_SPREAD) for each in logs]
        if np.isnan(far).all():
            notes.append(
                f"speech rates of {counted(len(part), 'utterance')} in {language} not judged: fewer than {FEWEST}"
            )
        middle = float(np.median(rates))
        for place in np.flatnonzero((np.abs(far) > FAR).all(axis=0)):
            what = f"{rates[place]:.1f} words a second, the median is {middle:.1f}: {part['reference'][int(place)]}"
            found.append((part["row"][int(place)], "speech rate", what))
    return findings(sorted(found)), notes


def labels(utterances: pl.DataFrame, axes: Sequence[str], unmapped: Mapping[str, Mapping[str, int]]) -> Iterator[Found]:
    """Find labels that the card does not map, speakers with two values, and names that differ in case only."""
    for axis in axes:
        if unmapped.get(axis):
            # A level may be several labels of one field, joined.
            parts = pl.col(axis).str.split(JOIN).list.eval(pl.element().is_in(list(unmapped[axis]))).list.any()
            rows = utterances.filter(parts | pl.col(axis).is_in(list(unmapped[axis])))
            for row, label in rows.select("row", axis).iter_rows():
                yield row, "label not mapped", f"{axis}: '{label}'"
        several = speakers_with_several(utterances, axis)["speaker_id"]
        told = _values(utterances.filter(pl.col("speaker_id").is_in(several.implode())), axis)
        for row, speaker in _of_speakers(utterances, several):
            yield row, "speaker with two values", f"{axis}: '{speaker}' is {told[speaker]}"
    for column in ("utterance_id", "speaker_id", *axes):
        for ids in twins_by_case(utterances, column)["ids"]:
            yield None, "ids differ in case only", f"{column}: {_quoted(ids)}"


def _values(utterances: pl.DataFrame, axis: str) -> dict[str, str]:
    """Return each speaker's values, the most frequent first, with their utterances: «'US' (5), 'Scottish' (1)»."""
    counts = utterances.drop_nulls(axis).group_by("speaker_id", axis).len().sort("len", axis, descending=[True, False])
    return {
        str(speaker): listed(f"'{value}' ({count})" for value, count in part.select(axis, "len").iter_rows())
        for (speaker,), part in counts.group_by("speaker_id", maintain_order=True)
    }


def speakers(utterances: pl.DataFrame) -> Iterator[Found]:
    """Find utterances without a speaker, where others have one."""
    unknown = utterances["speaker_id"].is_null()
    if not unknown.all():
        yield from ((row, "no speaker", "no speaker id") for row in utterances["row"].filter(unknown))


def without_speakers(utterances: pl.DataFrame) -> list[str]:
    """Say what follows where no utterance has a speaker."""
    if utterances["speaker_id"].null_count() < len(utterances):
        return []
    return ["no utterance has a speaker: a run gives no interval and judges no disparity (or --independent-utterances)"]


def _of_speakers(utterances: pl.DataFrame, speakers: Collection[str]) -> Iterator[tuple[int, str]]:
    rows = utterances.filter(pl.col("speaker_id").is_in(list(speakers)))
    yield from rows.select("row", "speaker_id").iter_rows()


def _quoted(names: Iterable[str]) -> str:
    return listed(f"'{name}'" for name in names)


def splits(utterances: pl.DataFrame) -> Iterator[Found]:
    """Find utterance ids and speakers that several splits share."""
    shared = utterances.filter(pl.col("split").n_unique().over("utterance_id") > 1)
    there = dict(shared.group_by("utterance_id").agg(pl.col("split").unique().sort()).iter_rows())
    for row, name in shared.select("row", "utterance_id").iter_rows():
        yield row, "id in two splits", f"in {listed(there[name])}"
    where = dict(speakers_in_several_splits(utterances).iter_rows())
    for row, speaker in _of_speakers(utterances, where):
        yield row, "speaker in two splits", f"'{speaker}' in {listed(where[speaker])}"
