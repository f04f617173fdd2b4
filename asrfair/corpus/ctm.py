"""NIST's time-marked words (CTM) as references: a channel of a recording is an utterance, or is cut at its pauses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, find, frame, no_split, placed
from asrfair.corpus.stm import CHANNELS, channel_number
from asrfair.corpus.timemarks import Word, by_recording, read_words
from asrfair.errors import InputError


@dataclass(frozen=True)
class CtmOptions(CommonOptions):
    """CTM files by ``file``, which may hold ``{split}`` and wildcards; where the root is itself a file, that one.

    ``audio`` and ``speaker_id`` are templates of ``{file}`` and ``{channel}``, for the format knows no speakers.
    ``channels`` gives a channel's number from 0; a recording that holds one channel needs ``mono = true``. Where
    ``pause_s`` is given, an utterance ends where no word follows for longer than this; otherwise it is the whole
    channel. ``alternatives`` says what is done about ``<ALT_BEGIN>``: refuse, take the first, or keep them,
    as ``{ a / b / @ }``, for the normaliser ``alternations``.
    """

    file: str = "*.ctm"
    audio: str = "{file}.wav"
    speaker_id: str = "{file}-{channel}"
    channels: dict[str, int] = field(default_factory=lambda: dict(CHANNELS))
    mono: bool = False
    pause_s: float | None = None
    alternatives: Literal["refuse", "first", "keep"] = "refuse"
    split: str = ""
    encoding: str = "utf-8"


def read_ctm(root: Path, options: CtmOptions, split: str) -> Raw:
    """Read words into utterances; raises InputError naming file and line."""
    if root.is_file() or "{split}" not in options.file:
        no_split(split, where=root)
    split = split or options.split
    rows = []
    for path in [root] if root.is_file() else find(root, options.file, split=split):
        for words in by_recording(read_words(path, encoding=options.encoding)).values():
            rows += [_row(part, options, where=str(path)) for part in _parts(words, options.pause_s)]
    return finish(frame(rows, where=root), root, options, split=split, where=root)


def _parts(words: Sequence[Word], pause_s: float | None) -> Iterator[list[Word]]:
    part: list[Word] = []
    end = 0.0
    for word in words:
        if part and pause_s is not None and word.start_s - end > pause_s:
            yield part
            part = []
        part.append(word)
        end = max(end, word.end_s)
    yield part


def _row(words: Sequence[Word], options: CtmOptions, *, where: str) -> Row:
    first = words[0]
    if options.alternatives == "refuse" and any(word.alternatives for word in words):
        raise InputError(
            f"{where}: found alternatives in {first.file} {first.channel} after {first.start_s:g} s; expected one "
            'text: alternatives = "first" in the layout takes the first, "keep" leaves them to the normaliser'
        )
    named = {"file": first.file, "channel": first.channel}
    cut, keep = options.pause_s is not None, options.alternatives == "keep"
    return {
        "utterance_id": f"{first.file}-{first.channel}" + (f"-{first.start_s:.3f}" if cut else ""),
        "speaker_id": placed(options.speaker_id, where="layout.speaker_id", **named),
        "reference": " ".join(filter(None, (word.choice if keep else word.text for word in words))),
        "audio": placed(options.audio, where="layout.audio", **named),
        "start_s": repr(first.start_s) if cut else None,
        "end_s": repr(max(word.end_s for word in words)) if cut else None,
        "channel": None if options.mono else channel_number(first.channel, options.channels, where=where),
        "file": first.file,
    }
