"""A Kaldi data directory: ``wav.scp``, ``segments``, ``text``, ``utt2spk``, ``spk2utt`` and a map per label.

Files are sorted as the C locale sorts. Source: kaldi-asr.org/doc/data_prep.html and utils/validate_data_dir.sh.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

import polars as pl

from asrfair.errors import InputError
from asrfair.report.text import counted
from asrfair.results import write_text
from asrfair.run.export_audio import Headers, is_plain_wav, written_time
from asrfair.run.export_table import Export, Written

GENDERS = {"female": "f", "male": "m"}
# What Kaldi has a meaning of its own for.
TAKEN = (
    "utt2spk",
    "spk2utt",
    "utt2lang",
    "utt2language",
    "utt2dur",
    "utt2num_frames",
    "utt2uniq",
    "spk2warp",
    "utt2warp",
)
BLANK = re.compile(r"\s")


def write_kaldi(rows: pl.DataFrame, export: Export) -> Written:
    """Write the directory; raises InputError for ids with blanks, and for paths that Kaldi would run as commands."""
    for column in ("utterance_id", "speaker_id"):
        _check_ids(rows[column])
    headers = Headers(export)
    notes: list[str] = []
    recordings = _recordings(rows, export)
    _write(export.out / "wav.scp", {name: audio for audio, name in recordings.items()})
    others = 0 if export.audio else sum(not is_plain_wav(headers.of(audio)) for audio in recordings)
    if others:
        notes.append(
            f"{others} files are no 16-bit WAV, which Kaldi reads by a command of your own only; with --audio they "
            "are written as such."
        )
    parted = rows["start_s"].drop_nulls().len() + rows["end_s"].drop_nulls().len() + rows["channel"].drop_nulls().len()
    if parted:
        _write(export.out / "segments", _segments(rows, recordings, headers))
    if rows["channel"].drop_nulls().len():
        notes.append(
            "segments have a fifth field, the channel, that extract-segments reads; validate_data_dir.sh and kaldiio "
            "refuse; with --audio there is none."
        )
    texts = {name: text for name, text in rows.select("utterance_id", "reference").iter_rows() if text is not None}
    _write(export.out / "text", texts)
    notes += _speakers(rows, export)
    columns: dict[str, str] = {}
    levels: dict[str, dict[str, str]] = {}
    language: dict[str, str] = {}
    for label in export.labels:
        columns[label], levels[label] = _label(rows, label, export.out, {*TAKEN, *columns.values()})
    if rows["language"].drop_nulls().n_unique() > 1 or (rows["language"] != export.corpus.card.language).any():
        # utt2lang must have every utterance.
        name = "utt2language" if rows["language"].null_count() else "utt2lang"
        _write(export.out / name, dict(rows.select("utterance_id", "language").drop_nulls().iter_rows()))
        language = {"language": name}
    changed = sum(" ".join(text.split()) != text for text in texts.values())
    if changed:
        notes.append(f"{counted(changed, 'reference')} with blanks or line ends joined to one blank.")
    if len(texts) < len(rows):
        silent = counted(len(rows) - len(texts), "utterance")
        notes.append(f"{silent} without a reference, and so without a line in text.")
    folder = {"folder": export.within()} if export.within() else {}
    return Written(layout={"type": "kaldi", **folder, **language}, columns=columns, levels=levels, notes=tuple(notes))


def _check_ids(ids: pl.Series) -> None:
    odd = ids.filter(ids.str.contains(r"\s") | (ids == ""))
    if len(odd):
        raise InputError(f"{ids.name}: found {odd[0]!r}; expected no blanks: Kaldi's files are separated by them")


def _recordings(rows: pl.DataFrame, export: Export) -> dict[str, str]:
    """Return the recording's name by audio path: the utterance's own, if it is the file's only one."""
    uses = rows.group_by("audio", maintain_order=True).agg(pl.col("utterance_id").first(), pl.len())
    names: dict[str, str] = {}
    taken = {utterance for _, utterance, count in uses.iter_rows() if count == 1}
    for audio, utterance, count in uses.iter_rows():
        if audio != " ".join(audio.split()):
            # Lines are written with single blanks: another path, or a command, might come of it.
            raise InputError(
                f"{export.corpus.audio_root}: found the audio path {audio!r}; expected no blanks in it but single "
                "spaces, for Kaldi's files"
            )
        if audio.startswith("|") or audio.endswith("|") or re.search(r":\d+$|\]$|[\r\n]", audio):
            raise InputError(
                f"{export.corpus.audio_root}: found the audio path {audio!r}, which Kaldi takes for no file"
            )
        if count == 1:
            names[audio] = utterance
            continue
        stem = BLANK.sub("_", PurePosixPath(audio).stem)
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        names[audio] = name
    return names


def _segments(rows: pl.DataFrame, recordings: Mapping[str, str], headers: Headers) -> dict[str, str]:
    """Return every utterance's part; a whole file ends at its duration, for the checks of Kaldi refuse -1."""
    segments = {}
    columns = ("utterance_id", "audio", "start_s", "end_s", "channel")
    for name, audio, start, end, channel in rows.select(columns).iter_rows():
        info = headers.of(audio)
        given = (0.0 if start is None else start, info.duration_s if end is None else end)
        first, last = (written_time(time, round(time * info.sample_rate), info.sample_rate) for time in given)
        times = f"{first!r} {last!r}"
        segments[name] = f"{recordings[audio]} {times}{'' if channel is None else f' {channel}'}"
    return segments


def _speakers(rows: pl.DataFrame, export: Export) -> list[str]:
    known = rows.select("utterance_id", "speaker_id").drop_nulls()
    _write(export.out / "utt2spk", dict(known.iter_rows()))
    grouped = known.group_by("speaker_id").agg("utterance_id")
    _write(
        export.out / "spk2utt",
        {speaker: " ".join(sorted(names, key=str.encode)) for speaker, names in grouped.iter_rows()},
    )
    notes = []
    if len(known) < len(rows):
        notes.append(
            f"{counted(len(rows) - len(known), 'utterance')} without a known speaker, so without a line in utt2spk; "
            "Kaldi's tools want one each: let each be a speaker of its own there, but not in a fairness evaluation."
        )
    pairs = sorted((name.encode(), speaker.encode()) for name, speaker in known.iter_rows())
    if pairs != sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        notes.append(
            "utterance ids do not sort as their speakers' do: Kaldi's checks of utt2spk want ids that begin with the "
            "speaker's."
        )
    return notes


def _label(rows: pl.DataFrame, label: str, out: Path, taken: Collection[str]) -> tuple[str, dict[str, str]]:
    """Write a label's map, by speaker where every speaker has one value; return its name and the card's levels."""
    values = rows.select("utterance_id", "speaker_id", pl.col(label).cast(pl.String))
    values = values.filter(pl.col(label).str.strip_chars() != "")
    several = rows.group_by("speaker_id").agg(pl.col(label).n_unique()).filter(pl.col(label) > 1)
    by_speaker = not rows["speaker_id"].null_count() and several.is_empty()
    name = f"{'spk' if by_speaker else 'utt'}2{re.sub(r'[^A-Za-z0-9_]', '_', label)}"
    name += "_label" if name in taken else ""
    while name in taken:
        name += "_"
    found = set(values[label])
    levels: dict[str, str] = {}
    if label == "gender" and by_speaker:
        # validate_data_dir.sh takes m and f only, and of every speaker.
        if found <= GENDERS.keys() and values["speaker_id"].n_unique() == rows["speaker_id"].n_unique():
            levels = {short: level for level, short in GENDERS.items() if level in found}
            values = values.with_columns(pl.col(label).replace(GENDERS))
        else:
            name = "spk2gender_label"
    keys = values["speaker_id" if by_speaker else "utterance_id"]
    _write(out / name, dict(zip(keys, values[label], strict=True)))
    return name, levels


def _write(path: Path, values: Mapping[str, str]) -> None:
    write_text(path, "".join(f"{line}\n" for line in _lines(values)))


def _lines(values: Mapping[str, str]) -> Iterable[str]:
    for key in sorted(values, key=str.encode):
        value = " ".join(values[key].split())
        yield f"{key} {value}" if value else key
