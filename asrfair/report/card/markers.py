"""The markers of a card: what stands between them is asrfair's to replace, all else stays as it is, byte for byte.

A marker is an HTML comment alone on its line, ``<!-- asrfair:begin NAME -->`` or ``<!-- asrfair:end NAME -->``; lines
end as the file's first line does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from asrfair.errors import InputError, expected

OF = "asrfair:of"
"""Begins the comment that says whose card it is (`asrfair.report.card.identity`); it stands in a measured part."""
_MARKER = re.compile(r"^\ufeff?[ \t]*<!--[ \t]*asrfair:(?!of )[^\n]*$", re.MULTILINE)
_OF = re.compile(rf"^[ \t]*<!-- {OF} (.*) -->[ \t]*\r?$", re.MULTILINE)
_FORM = re.compile(r"\ufeff?[ \t]*<!--[ \t]*asrfair:(begin|end)[ \t]+(\S+)[ \t]*-->[ \t]*\r?")


def begin(name: str) -> str:
    """Return the marker before a measured part."""
    return f"<!-- asrfair:begin {name} -->"


def end(name: str) -> str:
    """Return the marker after a measured part."""
    return f"<!-- asrfair:end {name} -->"


@dataclass(frozen=True)
class _Part:
    """A measured part: its name, and where what stands between its markers begins and ends."""

    name: str
    start: int
    stop: int


def replaced(text: str, blocks: Mapping[str, str], *, where: object) -> str:
    """Return ``text`` with the parts between markers replaced by the block of their name.

    Raises InputError, naming the line, for a marker that is unknown, without its other end, inside another or twice,
    and where there is none at all.
    """
    parts = _parts(text, blocks, where=where)
    newline = _newline(text)
    pieces, place = [], 0
    for part in parts:
        block = blocks[part.name].strip("\n")
        inner = f"\n{block}\n\n".replace("\r\n", "\n").replace("\n", newline) if block else ""
        pieces += [text[place : part.start], inner]
        place = part.stop
    return "".join([*pieces, text[place:]])


def without_markers(text: str) -> str:
    """Return ``text`` without the lines of its markers and the one that says whose card it is."""
    return re.sub(rf"(?m)^(?:{_FORM.pattern}|{_OF.pattern.removeprefix('^')})\n?", "", text)


def identity_of(text: str) -> str | None:
    """Return what a card's text keeps of whose it is, as JSON; None where it keeps nothing."""
    found = _OF.search(text)
    return None if found is None else found[1]


def marked(text: str) -> bool:
    """Return whether a text has a marker."""
    return _MARKER.search(text) is not None


def _newline(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _parts(text: str, blocks: Mapping[str, str], *, where: object) -> list[_Part]:
    found: list[_Part] = []
    seen: dict[str, int] = {}
    opened: tuple[str, int, int] | None = None
    for match in _MARKER.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        kind, name = _kind(match[0], blocks, where=f"{where}, line {line}")
        if kind == "begin":
            if opened is not None:
                raise InputError(
                    f"{where}, line {line}: found '{begin(name)}' inside '{opened[0]}', begun in line {opened[1]}; "
                    f"expected '{end(opened[0])}' first"
                )
            if name in seen:
                raise InputError(
                    f"{where}, line {line}: found '{name}' again, as in line {seen[name]}; expected it once"
                )
            seen[name] = line
            opened = (name, line, _after(text, match.end()))
        else:
            if opened is None or opened[0] != name:
                wanted = f"'{end(opened[0])}'" if opened else f"'{begin(name)}' before it"
                raise InputError(f"{where}, line {line}: found '{end(name)}'; expected {wanted}")
            found.append(_Part(name, opened[2], match.start()))
            opened = None
    if opened is not None:
        raise InputError(
            f"{where}, line {opened[1]}: found '{begin(opened[0])}' alone; expected '{end(opened[0])}' after it"
        )
    if not found:
        raise InputError(f"{where}: found no marker such as '{begin('groups')}'; expected a card made by asrfair card")
    return found


def _kind(line: str, blocks: Mapping[str, str], *, where: str) -> tuple[str, str]:
    match = _FORM.fullmatch(line)
    if match is None:
        shown = line.strip()[:60]
        raise InputError(f"{where}: found '{shown}'; expected '{begin('NAME')}' or '{end('NAME')}' alone on its line")
    if match[2] not in blocks:
        raise InputError(expected(where, f"the unknown part '{match[2]}'", blocks))
    return match[1], match[2]


def _after(text: str, place: int) -> int:
    """Return where the next line begins."""
    newline = text.find("\n", place)
    return len(text) if newline < 0 else newline + 1
