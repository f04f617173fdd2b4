"""Audio files with a Praat TextGrid each: a tier's intervals are the utterances."""

import re
from dataclasses import dataclass
from pathlib import Path

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.praat import Interval, Tier, read_textgrid
from asrfair.corpus.rows import Row, frame, left_out
from asrfair.corpus.texts import compiled
from asrfair.corpus.tree import Found, list_files
from asrfair.errors import CardError, InputError, expected
from asrfair.reading import inside


@dataclass(frozen=True, kw_only=True)
class TextGridOptions(CommonOptions):
    """Audio files by ``pattern``, as in the layout ``files``, and beside each its TextGrid.

    ``textgrid`` says where it lies and ``tier`` is the tier's name: ``{folder}``, ``{stem}`` and the pattern's groups
    are filled in. If ``tier`` is blank, every interval tier is read. An interval whose text is in ``empty`` is none.
    ``whole`` joins a tier's intervals, such as words, to one utterance of the whole file. ``speaker_id`` names a group
    of the pattern; without one, and without ``tier``, the speaker is the tier's name. A file without a TextGrid is
    left out if ``partial``.
    """

    pattern: str
    textgrid: str = "{folder}/{stem}.TextGrid"
    tier: str = ""
    speaker_id: str = ""
    empty: tuple[str, ...] = ("",)
    whole: bool = False
    partial: bool = False
    split: str = ""
    encoding: str = "utf-8"


def read_textgrids(root: Path, options: TextGridOptions, split: str) -> Raw:
    """Read every file's tier; raises InputError naming file and line."""
    pattern = compiled("pattern", options.pattern)
    if options.speaker_id and options.speaker_id not in pattern.groupindex:
        raise CardError(expected("layout.speaker_id", f"'{options.speaker_id}'", pattern.groupindex))
    rows: list[Row] = []
    files = list_files(root, pattern, split=split or options.split)
    read = 0
    for found in files:
        name = inside(root, found.fill(options.textgrid, where="layout.textgrid"), where="layout.textgrid")
        if (root / name).is_file():
            rows += _rows(root / name, found, options)
            read += 1
        elif not options.partial:
            raise InputError(f"{root}: looked for {name} of {found.audio}; found none")
    notes = left_out(len(files), read, "they have no TextGrid ('partial')", what="files")
    return finish(frame(rows, where=root), root, options, split=split, where=root, notes=notes)


def _rows(path: Path, found: Found, options: TextGridOptions) -> list[Row]:
    wanted = found.fill(options.tier, where="layout.tier")
    tiers = _tiers(path, read_textgrid(path, encoding=options.encoding), wanted)
    rows: list[Row] = []
    for tier in tiers:
        spoken = [part for part in tier.intervals or () if part.text.strip() not in options.empty]
        facts: Row = {**found.groups, "audio": found.audio, "tier": tier.name}
        facts["speaker_id"] = found.groups[options.speaker_id] if options.speaker_id else None
        if not (options.tier or options.speaker_id):
            facts["speaker_id"] = tier.name
        stem = found.name if options.tier else f"{found.name}-{tier.name}"
        if options.whole:
            rows.append({**facts, "utterance_id": stem, "reference": " ".join(_clean(part) for part in spoken)})
            continue
        rows += [{**facts, **_part(part, f"{stem}-{number}")} for number, part in enumerate(spoken, start=1)]
    return rows


def _part(part: Interval, utterance_id: str) -> Row:
    return {
        "utterance_id": utterance_id,
        "reference": _clean(part),
        "start_s": repr(part.start_s),
        "end_s": repr(part.end_s),
    }


def _clean(part: Interval) -> str:
    return re.sub(r"\s+", " ", part.text).strip()


def _tiers(path: Path, tiers: list[Tier], wanted: str) -> list[Tier]:
    if not wanted:
        return [tier for tier in tiers if tier.intervals is not None]
    named = [tier for tier in tiers if tier.name == wanted]
    if len(named) != 1:
        found = f"{len(named)} tiers named '{wanted}'" if named else f"no tier '{wanted}'"
        raise InputError(expected(path, found, [" ".join(tier.name.split()) for tier in tiers]))
    if named[0].intervals is None:
        raise InputError(f"{path}: found the point tier '{wanted}'; expected an interval tier")
    return named
