"""NeMo and Lhotse manifests: JSON lines, labels as extra keys and as custom fields."""

import gzip
import json
import math
import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.report.text import counted
from asrfair.results import write_bytes, write_text
from asrfair.run.export_audio import Headers, written_time
from asrfair.run.export_table import Export, Written

NEMO = "manifest.json"
RECORDINGS, SUPERVISIONS = "recordings.jsonl.gz", "supervisions.jsonl.gz"


def write_nemo(rows: pl.DataFrame, export: Export) -> Written:
    """Write ``manifest.json``; the speaker is ``speaker``, the language ``lang``, labels are keys by their names."""
    labels = {label: _key(label, NEMO_KEYS) for label in export.labels}
    lines = []
    headers, within = Headers(export), export.within()
    for row in rows.iter_rows(named=True):
        start, duration = _times(row, headers, int)
        entry = {
            "audio_filepath": _beside(row["audio"], within) if export.relative and not export.audio else row["audio"],
            "duration": duration,
            "offset": None if row["start_s"] is None and row["end_s"] is None else start,
            "text": row["reference"],
            "utterance_id": row["utterance_id"],
            "speaker": row["speaker_id"],
            "lang": row["language"],
            "channel": row["channel"],
            **{key: row[label] for label, key in labels.items()},
        }
        lines.append(_line({name: value for name, value in entry.items() if value is not None}))
        _advance(export)
    write_text(export.out / NEMO, "".join(lines))
    layout = {"type": "nemo", "file": f"{within}/{NEMO}" if within else NEMO}
    notes = []
    silent = rows["reference"].null_count()
    if silent:
        of = counted(silent, "utterance")
        notes.append(f"{of} without a text: NeMo takes that for an empty one, so do not score against it.")
    if rows["channel"].drop_nulls().len():
        notes.append("the key channel is asrfair's: NeMo picks channels by its configuration (channel_selector).")
    return Written(layout=layout, columns=labels, notes=tuple(notes))


def write_lhotse(rows: pl.DataFrame, export: Export) -> Written:
    """Write recordings and supervisions; labels are ``custom`` fields, the gender lhotse's own."""
    headers = Headers(export)
    recordings: dict[str, str] = {}
    supervisions = []
    for row in rows.iter_rows(named=True):
        info = headers.of(row["audio"])
        name = f"recording-{len(recordings):06d}" if row["audio"] not in recordings else ""
        if name:
            recordings[row["audio"]] = name
        start, duration = _times(row, headers, _half_up)
        channels = list(range(info.channels)) if row["channel"] is None else [row["channel"]]
        entry = {
            "id": row["utterance_id"],
            "recording_id": recordings[row["audio"]],
            "start": start,
            "duration": duration,
            "channel": channels[0] if len(channels) == 1 else channels,
            "text": row["reference"],
            "language": row["language"],
            "speaker": row["speaker_id"],
            "gender": row.get("gender") if isinstance(row.get("gender"), str) else None,
            "custom": {label: row[label] for label in export.labels if row[label] is not None},
        }
        supervisions.append(_line({key: value for key, value in entry.items() if value not in (None, {})}))
        _advance(export)
    _write_zipped(
        export.out / RECORDINGS, (_line(_recording(name, audio, headers)) for audio, name in recordings.items())
    )
    _write_zipped(export.out / SUPERVISIONS, supervisions)
    within = f"{export.within()}/" if export.within() else ""
    layout = {"type": "lhotse", "recordings": f"{within}{RECORDINGS}", "supervisions": f"{within}{SUPERVISIONS}"}
    return Written(layout=layout, columns={label: label for label in export.labels})


NEMO_KEYS = ("audio_filepath", "duration", "offset", "text", "utterance_id", "speaker", "lang", "channel", "id")


def _times(row: Mapping[str, Any], headers: Headers, taken: Callable[[float], int]) -> tuple[float, float]:
    """Return start and duration as another tool is to have them; ``taken`` as of `written_time`."""
    info = headers.of(row["audio"])
    rate = info.sample_rate
    start = 0.0 if row["start_s"] is None else row["start_s"]
    end = info.duration_s if row["end_s"] is None else row["end_s"]
    first = round(start * rate)
    count = round(end * rate) - first
    return written_time(start, first, rate, taken=taken), written_time(end - start, count, rate, taken=taken)


def _half_up(number: float) -> int:
    # As lhotse.utils.compute_num_samples: 12568.499999999998 is half a sample more than 12568.
    return math.floor(round(number, 8) + 0.5)


def _recording(name: str, audio: str, headers: Headers) -> dict[str, Any]:
    info = headers.of(audio)
    channels = list(range(info.channels))
    return {
        "id": name,
        "sources": [{"type": "file", "channels": channels, "source": audio}],
        "sampling_rate": info.sample_rate,
        "num_samples": round(info.duration_s * info.sample_rate),
        "duration": info.duration_s,
        "channel_ids": channels,
    }


def _beside(audio: str, within: str) -> str:
    """Return a path relative to the manifest's folder, as NeMo takes it, instead of the corpus's root."""
    return posixpath.relpath(audio, within or ".")


def _key(label: str, taken: Iterable[str]) -> str:
    return f"label_{label}" if label in taken else label


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _write_zipped(path: Path, lines: Iterable[str]) -> None:
    # Without a time, so that the same corpus gives the same bytes.
    write_bytes(path, gzip.compress("".join(lines).encode(), mtime=0))


def _advance(export: Export) -> None:
    if not export.audio:
        export.advance()
