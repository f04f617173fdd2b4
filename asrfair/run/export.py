"""Writing a corpus for other tools: Kaldi, NeMo, Lhotse or Parquet, with its labels and where they came from.

Besides the format's own files a folder gets ``card.toml`` (the same corpus again, for asrfair), ``provenance.json``
(who assigned which label, licence, versions) and ``README.txt`` (what was left out or changed). ``identity.json`` marks
the folder: another export is not written over it. Labels are the card's levels, not the raw ones. Synthetic
utterances are marked as such in every format. What a shareable export leaves behind is in `run.export_shareable`.
"""

import dataclasses
import json
import secrets
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape

from asrfair import __version__
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import AsrfairError, InputError
from asrfair.report.progress import progress
from asrfair.report.text import counted, safe
from asrfair.results import write_text
from asrfair.run.export_audio import FOLDER, copy_audio, named_audio
from asrfair.run.export_kaldi import write_kaldi
from asrfair.run.export_manifests import write_lhotse, write_nemo
from asrfair.run.export_parquet import write_parquet
from asrfair.run.export_shareable import Shared, Sharing, check_format, shareable
from asrfair.run.export_table import Export, Writer, Written
from asrfair.run.folder import IDENTITY, claim
from asrfair.run.synthetic import flagged

WRITERS: dict[str, Writer] = {
    "kaldi": write_kaldi,
    "nemo": write_nemo,
    "lhotse": write_lhotse,
    "parquet": write_parquet,
}
FORMATS = tuple(WRITERS)
AS = {"kaldi": "for Kaldi", "nemo": "for NeMo", "lhotse": "for Lhotse", "parquet": "as Parquet"}
# Of card.toml: what a card says about itself, in its order.
FACTS = ("title", "kind", "language", "licence", "citation", "homepage", "obtain")
AXIS_FACTS = ("assigned_by", "note", "reference_group", "instrument", "date")


def export_corpus(
    card: str,
    root: Path,
    *,
    target: str,
    out: Path,
    split: str,
    audio: bool,
    relative: bool,
    console: Console,
    sharing: Sharing | None = None,
) -> None:
    """Write a corpus to a folder and say what was written; raises InputError or RunFolderError.

    With ``audio`` the sounds go with it, each utterance a file (in Parquet: embedded bytes); without, paths lead to the
    corpus's own files, absolute or ``relative`` to its root. Utterances without audio are left out and counted, except
    from Parquet. With ``sharing`` it may be handed on, and nothing leads back to the corpus's own files.
    """
    if sharing:
        check_format(target, sharing, audio=audio, relative=relative)
    corpus = load_corpus(card, root, split=split)
    identity = _identity(corpus, target=target, split=split, audio=audio, relative=relative, shareable=bool(sharing))
    corpus, flag = flagged(corpus)
    total = len(corpus.utterances)
    corpus = _with_audio(corpus, target)
    left_out = total - len(corpus.utterances)
    shared = shareable(corpus, sharing, flag=flag, audio=audio) if sharing else Shared(corpus)
    corpus, rows = shared.corpus, shared.corpus.utterances
    _refuse_same(out, corpus.audio_root)
    claim(out, identity, what="export")
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("exporting", total=len(rows))
        export = Export(
            corpus,
            out,
            audio=audio,
            relative=relative,
            split=split,
            advance=lambda: bar.advance(task),
            target=target,
            flag=flag,
            shareable=bool(sharing),
        )
        try:
            if audio and target != "parquet":
                rows = copy_audio(rows, export)
            elif not audio and not sharing:
                rows = named_audio(rows, export, embedded=target == "parquet")
            written = WRITERS[target](rows, export)
        except AsrfairError:
            _clear(out)
            raise
        bar.update(task, completed=len(rows))
    notes = [f"{counted(left_out, 'utterance')} without audio left out."] if left_out else []
    notes += [*_synthetic(export, written), *_rewritten(export), *written.notes]
    write_text(out / "card.toml", _card(export, written, shared.caveats))
    notes += shared.notes
    provenance = _provenance(corpus, identity, notes) | ({"shareable": shared.facts} if sharing else {})
    write_text(out / "provenance.json", json.dumps(provenance, indent=1, ensure_ascii=False) + "\n")
    write_text(out / "README.txt", _readme(export, target, rows, notes))
    speakers = rows["speaker_id"].drop_nulls().n_unique()
    written_of = f"{counted(len(rows), 'utterance')}, {counted(speakers or None, 'speaker')}"
    console.print(f"{out}: {written_of}, {AS[target]}", markup=False, soft_wrap=True)
    console.print(f"Load it: {_loading(export)}", markup=False, soft_wrap=True)
    for note in notes:
        console.print(escape(f"Note: {safe(note)}"))


def _clear(out: Path) -> None:
    """Take away what an export that failed has made so far, where it is nothing but sounds."""
    if {path.name for path in out.iterdir()} <= {IDENTITY, FOLDER, "data"}:
        for name in (FOLDER, "data"):
            shutil.rmtree(out / name, ignore_errors=True)
        (out / IDENTITY).unlink(missing_ok=True)


def _loading(export: Export) -> str:
    """Return the command that loads the export, and what has to be done first."""
    root = export.out if export.root == export.out.resolve() else export.root
    if export.out.resolve().is_relative_to(export.root):
        return shlex.join(["asrfair", "validate", f"{export.out / 'card.toml'}={root}"])
    card = root / export.out.name / "card.toml"
    return f"put the folder into {root}, then {shlex.join(['asrfair', 'validate', f'{card}={root}'])}"


def _identity(corpus: Corpus, *, shareable: bool, **asked: Any) -> dict[str, Any]:
    """Return what the folder depends on; a shareable one is made once, and tells nothing of the table it came from."""
    once = {"shareable": secrets.token_hex(8)} if shareable else {"utterances": corpus.digest}
    return {"export": asked.pop("target"), "corpus": corpus.card.digest, **once, **asked}


def _with_audio(corpus: Corpus, target: str) -> Corpus:
    if target == "parquet":
        return corpus
    rows = corpus.utterances.filter(pl.col("audio").is_not_null())
    if rows.is_empty():
        raise InputError(f"{corpus.audio_root}: found no utterance with audio; expected some to export to {target}")
    return dataclasses.replace(corpus, utterances=rows)


def _rewritten(export: Export) -> list[str]:
    """Say how many sounds are not the corpus's own files any more."""
    if not export.rewritten:
        return []
    sounds = counted(len(export.rewritten), "sound")
    return [f"{sounds} written anew as 16-bit WAV of one channel; one beyond full scale is scaled down as a whole."]


def _synthetic(export: Export, written: Written) -> list[str]:
    """Say how many utterances are synthetic, and where that is marked."""
    if not export.flag:
        return []
    flags, name = export.corpus.utterances[export.flag], written.columns[export.flag]
    return [f"{flags.sum()} of {len(flags)} utterances are synthetic ({name} is true): they say nothing about people."]


def _refuse_same(out: Path, root: Path) -> None:
    """Raise InputError for an export over the corpus itself: its files would count as the corpus's."""
    if out.resolve() == root.resolve():
        raise InputError(f"{out}: found the corpus's own folder; expected another folder for the export")


def _card(export: Export, written: Written, caveats: Iterable[str]) -> str:
    """Return a card that loads the export with its levels and their provenance."""
    corpus, card = export.corpus, export.corpus.card
    lines = [f"{name} = {_toml(getattr(card, name))}" for name in ("name", *FACTS)]
    lines += [f"synthetic = {_toml(written.columns[export.flag])}"] if export.flag else []
    lines += [f"caveats = {_toml([*card.caveats, *caveats])}", "", "[layout]"]
    lines += [f"{name} = {_toml(value)}" for name, value in written.layout.items()]
    lines += ["", "[axes]"] if not card.axes else []
    for name, axis in card.axes.items():
        facts = {fact: getattr(axis, fact, "") for fact in AXIS_FACTS}
        levels = written.levels.get(name)
        lines += ["", f"[axes.{_toml(name)}]", f"column = {_toml(written.columns[name])}", "optional = true"]
        lines += [f"{fact} = {_toml(value)}" for fact, value in facts.items() if value]
        lines += [f"levels = {_toml(levels)}"] if levels else []
    for name, covariate in card.covariates.items():
        if corpus.utterances[name].null_count() == len(corpus.utterances):
            continue  # Some formats have no place for a column that is unknown throughout.
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
    if export.shareable and not export.audio:
        places, root = "There is no audio, and no path to any.", "."
    elif export.audio:
        places, root = "The audio is in this folder.", "."
    elif export.relative:
        places, root = "Paths count from the corpus's root.", f"ROOT, where ROOT is the corpus's root{moved}"
        if target == "nemo":
            places = "Paths count from this folder's place in the corpus's root."
    else:
        places, root = "Paths lead to the corpus's own files on this machine.", shlex.quote(str(export.root))
    lines = [
        f"{card.title}, exported {AS[target]} by asrfair {__version__}",
        "",
        f"{counted(len(rows), 'utterance')}. Licence: {card.licence}",
        "It is the corpus's licence, and binds whoever gets this folder.",
        places,
        "",
        "Labels, and who assigned them (all of it in provenance.json):",
        *(f"  {name}: {axis.assigned_by}{f' ({axis.note})' if axis.note else ''}" for name, axis in card.axes.items()),
        "",
        *(f"Note: {note}" for note in [*notes, *card.caveats]),
        "",
        f"To load it in asrfair, in this folder: asrfair validate card.toml={root}",
    ]
    return "\n".join(safe(line) for line in lines) + "\n"
