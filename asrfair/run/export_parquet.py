"""Parquet: the utterance table with its labels, and embedded audio as Hugging Face datasets have it.

Audio is a struct of ``bytes`` and ``path``; the file's metadata names the features under the key ``huggingface``. Files
are cut at `SHARD_BYTES` of audio.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.results import write_bytes
from asrfair.run.export_audio import sound_bytes, whole
from asrfair.run.export_table import Export, Written

SHARD_BYTES = 200_000_000
# A row costs its group to read.
GROUP_ROWS = 64
AUDIO = pl.Struct({"bytes": pl.Binary, "path": pl.String})
ARROW_SCHEMA = b"ARROW:schema"
HUGGING_FACE = {pl.String: "string", pl.Float64: "float64", pl.Int64: "int64", pl.Boolean: "bool"}


def write_parquet(rows: pl.DataFrame, export: Export) -> Written:
    """Write ``utterances.parquet``, or with audio ``data/SPLIT-00000.parquet`` and so on."""
    within = f"{export.within()}/" if export.within() else ""
    columns = {label: label for label in export.labels}
    if not export.audio:
        _write(export.out / "utterances.parquet", rows, {})
        return Written(layout={"type": "table", "file": f"{within}utterances.parquet"}, columns=columns)
    stem = export.split or "test"
    for number, part in enumerate(_shards(rows, export)):
        features = {"huggingface": json.dumps({"info": {"features": _features(part)}})}
        _write(export.out / "data" / f"{stem}-{number:05d}.parquet", part, features)
    return Written(layout={"type": "table", "file": f"data/{stem}-*.parquet"}, columns=columns)


def _write(path: Path, rows: pl.DataFrame, metadata: dict[str, str]) -> None:
    """Write a file whose texts and bytes are plain ones to pyarrow.

    Polars calls them large in the schema that it adds under `ARROW_SCHEMA`; `datasets` then finds that they are not
    what ``huggingface`` says, and takes no audio for audio. Under another name of equal length pyarrow passes it over,
    and goes by Parquet's own types.
    """
    buffer = io.BytesIO()
    rows.write_parquet(buffer, row_group_size=GROUP_ROWS if metadata else None, metadata=metadata)
    with buffer.getbuffer() as view:
        # The footer, and at the very end its length and the magic number.
        footer = slice(len(view) - 8 - int.from_bytes(view[-8:-4], "little"), len(view) - 8)
        view[footer] = bytes(view[footer]).replace(ARROW_SCHEMA, ARROW_SCHEMA.lower())
    write_bytes(path, buffer.getvalue())


def _shards(rows: pl.DataFrame, export: Export) -> Iterator[pl.DataFrame]:
    """Yield the rows with their sounds, a file's worth at a time; what has no audio stays without."""
    first, size = 0, 0
    sounds: list[dict[str, Any] | None] = []
    for place, row in enumerate(rows.iter_rows(named=True), start=1):
        data, ending = sound_bytes(row, export) if row["audio"] is not None else (b"", "")
        sounds.append({"bytes": data, "path": f"{row['utterance_id']}{ending}"} if data else None)
        size += len(data)
        export.advance()
        if size >= SHARD_BYTES or place == len(rows):
            audio = pl.Series("audio", sounds, dtype=AUDIO)
            yield whole(rows[first:place]).with_columns(audio)
            first, size, sounds = place, 0, []


def _features(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the columns as the library ``datasets`` describes them, so that it decodes the audio."""
    kinds = {name: HUGGING_FACE.get(type(kind), "string") for name, kind in rows.schema.items() if name != "audio"}
    plain = {name: {"dtype": kind, "_type": "Value"} for name, kind in kinds.items()}
    return {name: plain.get(name, {"_type": "Audio"}) for name in rows.columns}
