"""Writing a corpus for other tools: Kaldi, NeMo, Lhotse or Parquet, with its labels and where they came from.

Besides the format's own files a folder gets ``card.toml`` (the same corpus again, for asrfair), ``provenance.json``
(who assigned which label, licence, versions) and ``README.txt`` (what was left out or changed). ``identity.json`` marks
the folder: another export is not written over it. Labels are the card's levels, not the raw ones.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape

from asrfair import __version__
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import InputError
from asrfair.report.progress import progress
from asrfair.report.text import safe
from asrfair.results import write_text
from asrfair.run.export_audio import copy_audio, named_audio
from asrfair.run.export_kaldi import write_kaldi
from asrfair.run.export_manifests import write_lhotse, write_nemo
from asrfair.run.export_parquet import write_parquet
from asrfair.run.export_table import Export, Writer, Written
from asrfair.run.folder import claim

WRITERS: dict[str, Writer] = {
    "kaldi": write_kaldi,
    "nemo": write_nemo,
    "lhotse": write_lhotse,
    "parquet": write_parquet,
}
FORMATS = tuple(WRITERS)
# Of card.toml: what a card says about itself, in its order.
FACTS = ("title", "kind", "language", "licence", "citation", "homepage", "obtain")
AXIS_FACTS = ("assigned_by", "note", "reference_group", "instrument", "date")


def export_corpus(
    card: str, root: Path, *, target: str, out: Path, split: str, audio: bool, relative: bool, console: Console
) -> None:
    """Write a corpus to a folder and say what was written; raises InputError or RunFolderError.

    With ``audio`` the sounds go with it, each utterance a file (in Parquet: embedded bytes); without, paths lead to the
    corpus's own files, absolute or ``relative`` to its root. Utterances without audio are left out and counted, except
    from Parquet.
    """
    corpus = load_corpus(card, root, split=split)
    rows, left_out = _with_audio(corpus, target)
    _refuse_inside(out, corpus.audio_root)
    identity = {
        "export": target,
        "corpus": corpus.card.digest,
        "utterances": corpus.digest,
        "split": split,
        "audio": audio,
        "relative": relative,
    }
    claim(out, identity)
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("exporting", total=len(rows))
        export = Export(corpus, out, audio=audio, relative=relative, split=split, advance=lambda: bar.advance(task))
        if audio and target != "parquet":
            rows = copy_audio(rows, export)
        elif not audio:
            rows = named_audio(rows, export, embedded=target == "parquet")
        written = WRITERS[target](rows, export)
    notes = [f"{left_out} utterances without audio are left out."] if left_out else []
    notes += written.notes
    write_text(out / "card.toml", _card(corpus, written))
    write_text(
        out / "provenance.json", json.dumps(_provenance(corpus, identity, notes), indent=1, ensure_ascii=False) + "\n"
    )
    write_text(out / "README.txt", _readme(export, target, rows, notes))
    speakers = rows["speaker_id"].drop_nulls().n_unique()
    console.print(escape(f"{out}: {len(rows)} utterances, {speakers or 'unknown'} speakers, for {target}"))
    for note in notes:
        console.print(escape(f"Note: {safe(note)}"))


def _with_audio(corpus: Corpus, target: str) -> tuple[pl.DataFrame, int]:
    if target == "parquet":
        return corpus.utterances, 0
    rows = corpus.utterances.filter(pl.col("audio").is_not_null())
    if rows.is_empty():
        raise InputError(f"{corpus.audio_root}: found no utterance with audio; expected some to export to {target}")
    return rows, len(corpus.utterances) - len(rows)


def _refuse_inside(out: Path, root: Path) -> None:
    """Raise InputError for an export over the corpus itself: its files would count as the corpus's."""
    if out.resolve() == root.resolve():
        raise InputError(f"{out}: found the corpus's own folder; expected another folder for the export")


def _card(corpus: Corpus, written: Written) -> str:
    """Return a card that loads the export with its levels and their provenance."""
    card = corpus.card
    lines = [f"{name} = {_toml(getattr(card, name))}" for name in FACTS]
    lines += [f"caveats = {_toml(list(card.caveats))}", "", "[layout]"]
    lines += [f"{name} = {_toml(value)}" for name, value in written.layout.items()]
    lines += ["", "[axes]"] if not card.axes else []
    for name, axis in card.axes.items():
        facts = {fact: getattr(axis, fact, "") for fact in AXIS_FACTS}
        levels = written.levels.get(name)
        lines += ["", f"[axes.{_toml(name)}]", f"column = {_toml(written.columns[name])}", "optional = true"]
        lines += [f"{fact} = {_toml(value)}" for fact, value in facts.items() if value]
        lines += [f"levels = {_toml(levels)}"] if levels else []
    for name, covariate in card.covariates.items():
        lines += ["", f"[covariates.{_toml(name)}]", f"column = {_toml(written.columns[name])}"]
        lines += [f"unit = {_toml(covariate.unit)}", f"note = {_toml(covariate.note)}"]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Return a value as TOML; a JSON string is a TOML string but for the one control character that JSON lets pass."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _provenance(corpus: Corpus, identity: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    card = corpus.card
    return {
        "made_by": f"asrfair {__version__}",
        "export": identity,
        "corpus": {name: getattr(card, name) for name in ("name", "digest", *FACTS)},
        "caveats": list(card.caveats),
        "labels": {name: _facts(axis) for name, axis in card.axes.items()},
        "covariates": {name: _facts(covariate) for name, covariate in card.covariates.items()},
        "unmapped": {name: dict(labels) for name, labels in corpus.unmapped.items()},
        "utterances": len(corpus.utterances),
        "notes": [*corpus.notes, *notes],
    }


def _facts(described: Any) -> dict[str, Any]:
    """Return what the card says of a label, without what is empty."""
    return {
        name: value for name, value in dataclasses.asdict(described).items() if value not in ("", (), {}, None, False)
    }


def _readme(export: Export, target: str, rows: pl.DataFrame, notes: list[str]) -> str:
    card = export.corpus.card
    inside = export.out.resolve().is_relative_to(export.corpus.audio_root.resolve())
    moved = "" if inside else f", with this folder put into it as {export.out.name}"
    if export.audio:
        places, root = "The audio is in this folder.", "this folder"
    elif export.relative:
        places, root = "Paths count from the corpus's root.", f"the corpus's root{moved}"
        if target == "nemo":
            places = "Paths count from this folder's place in the corpus's root."
    else:
        places, root = "Paths lead to the corpus's own files on this machine.", str(export.root)
    lines = [
        f"{card.title}, exported for {target} by asrfair {__version__}",
        "",
        f"{len(rows)} utterances. Licence: {card.licence}",
        "It is the corpus's licence, and binds whoever gets this folder.",
        places,
        "",
        "Labels, and who assigned them (all of it in provenance.json):",
        *(f"  {name}: {axis.assigned_by}{f' ({axis.note})' if axis.note else ''}" for name, axis in card.axes.items()),
        "",
        *(f"Note: {note}" for note in [*notes, *card.caveats]),
        "",
        f"card.toml loads it in asrfair: asrfair validate card.toml=FOLDER, where FOLDER is {root}",
    ]
    return "\n".join(safe(line) for line in lines) + "\n"
