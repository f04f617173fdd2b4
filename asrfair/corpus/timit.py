"""TIMIT's directories: the LDC's tree and the flat sample that NLTK distributes, in upper or lower case.

``…/DR1/FCJF0/SA1.WAV`` or ``…/dr1-fcjf0/sa1.wav``, beside each a ``.TXT`` whose line is «first sample, last
sample, sentence», and one table of speakers, ``SPKRINFO.TXT``. The speaker table's dates have two-digit years;
all lie in the twentieth century (the recordings were made in 1986 and 1987).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from asrfair.corpus.common import Raw
from asrfair.corpus.rows import there
from asrfair.errors import InputError, WrongRootError

UTTERANCE = re.compile(r"(?:^|/)dr(\d)[-/]([fm])([a-z]{3}\d)/(s[aix]\d+)\.wav$", re.IGNORECASE)
SPEAKER_COLUMNS = (
    "initials",
    "sex",
    "dialect_region",
    "usage",
    "recorded",
    "born",
    "height",
    "race",
    "education",
)


@dataclass(frozen=True)
class TimitOptions:
    """TIMIT has one layout; a split is ``train`` or ``test`` (the speaker table's TRN and TST), or empty for all."""


def read_timit(root: Path, options: TimitOptions, split: str) -> Raw:
    """List the sentences with text and speaker facts; raises InputError naming what was looked for."""
    speakers = _read_speakers(_speaker_table(root))
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix.lower() == ".wav")
    matches = [(name, match) for name in files if (match := UTTERANCE.search(name))]
    if not matches:
        wanted = "sentences like DR1/FCJF0/SA1.WAV or dr1-fcjf0/sa1.wav"
        raise WrongRootError(f"{root}: looked for {wanted}; found {there(root)}")
    rows = []
    for name, match in matches:
        initials, sentence = match[3].upper(), match[4].lower()
        if initials not in speakers:
            raise InputError(f"{root}: found {name}; expected its speaker {initials} in SPKRINFO.TXT")
        speaker_id = f"{match[2]}{match[3]}".lower()
        rows.append(
            {
                "utterance_id": f"{speaker_id}-{sentence}",
                "speaker_id": speaker_id,
                "audio": name,
                "reference": _read_sentence(root / name),
                "sentence_type": sentence[:2],
                **speakers[initials],
            }
        )
    table = pl.DataFrame(rows, infer_schema_length=None)
    return Raw(table.filter(pl.col("usage") == _usage(split)) if split else table)


def _usage(split: str) -> str:
    if split not in ("train", "test"):
        raise InputError(f"TIMIT: found the split '{split}'; expected train or test")
    return {"train": "TRN", "test": "TST"}[split]


def _speaker_table(root: Path) -> Path:
    for folder in (root, *sorted(path for path in root.glob("*") if path.is_dir())):
        for path in sorted(folder.glob("*")):
            if path.name.lower() in ("spkrinfo.txt", "spkrinfo.doc"):
                return path
    wanted = "SPKRINFO.TXT here and one folder down (DOC)"
    raise WrongRootError(f"{root}: looked for {wanted}; found {there(root)}")


def _read_speakers(path: Path) -> dict[str, dict[str, str | None]]:
    speakers = {}
    for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), start=1):
        if not line.strip() or line.startswith(";"):
            continue
        values = line.split(maxsplit=len(SPEAKER_COLUMNS))[: len(SPEAKER_COLUMNS)]
        if len(values) < len(SPEAKER_COLUMNS):
            raise InputError(f"{path}: line {number}: found {len(values)} fields; expected {len(SPEAKER_COLUMNS)}")
        speaker: dict[str, str | None] = dict(zip(SPEAKER_COLUMNS, values, strict=True))
        speaker["age"] = _age(values[4], values[5])
        speakers[values[0].upper()] = speaker
    return speakers


def _age(recorded: str, born: str) -> str | None:
    """Return the age in whole years on the day of recording, or None where a date is unknown."""
    days = [re.fullmatch(r"(\d\d)/(\d\d)/(\d\d)", text) for text in (recorded, born)]
    if not (days[0] and days[1]):
        return None
    (month, day, year), (birth_month, birth_day, birth_year) = (
        tuple(map(int, found.groups())) for found in days if found
    )
    return str(year - birth_year - ((month, day) < (birth_month, birth_day)))


def _read_sentence(audio: Path) -> str | None:
    for suffix in (".TXT", ".txt"):
        path = audio.with_suffix(suffix)
        if path.is_file():
            parts = path.read_text(encoding="latin-1").strip().split(maxsplit=2)
            return parts[2] if len(parts) == 3 else None
    return None
