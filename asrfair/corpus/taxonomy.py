"""Taxonomies of accents and of first languages: what a label claims of region, language and how English was learnt.

Shipped: ``accents.toml`` and ``languages.toml`` beside this file; a user's own by path. Codes are ISO 3166-1 and 3166-2
for regions and ISO 639-3 for languages. An entry says only what its label says: where «Indian» does not tell whether
English is a first or a second language, neither does the taxonomy.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from asrfair.cards import build, digest, read_toml
from asrfair.errors import CardError, expected

Derived = Literal["name", "region", "country", "native", "first_language"]
SHIPPED = {name: Path(__file__).with_name(f"{name}.toml") for name in ("accents", "languages")}
REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
LANGUAGE = re.compile(r"[a-z]{3}")


@dataclass(frozen=True)
class Entry:
    """What a level claims.

    ``region`` is an ISO 3166-1 code such as "US", or 3166-2 such as "GB-SCT"; ``native`` is "L1" where English is
    the first language, "L2" where it is a later one; ``first_language`` is an ISO 639-3 code. Blank: not said.
    ``aliases`` are other texts for the level; capitals and repeated blanks do not matter. ``unspecific``: beside a
    label of the same field that claims as much and more, it says nothing.
    """

    aliases: tuple[str, ...] = ()
    region: str = ""
    native: Literal["", "L1", "L2"] = ""
    first_language: str = ""
    unspecific: bool = False

    def say(self, what: Derived, *, name: str) -> str | None:
        """Return one claim, None where the entry does not make it."""
        claims = {
            "name": name,
            "region": self.region,
            "country": self.region.partition("-")[0],
            "native": self.native,
            "first_language": self.first_language,
        }
        return claims[what] or None

    def implied(self, others: Iterable["Entry"]) -> bool:
        """Return whether it is unspecific and one of the others makes its claims, and more."""
        return self.unspecific and any(self._within(other) for other in others)

    def _within(self, other: "Entry") -> bool:
        mine, theirs = ((each.region, each.native, each.first_language) for each in (self, other))
        return mine != theirs and all(claim in ("", more) for claim, more in zip(mine, theirs, strict=True))


@dataclass(frozen=True)
class Taxonomy:
    """Levels by name; ``names`` has the level of every folded name and alias, ``digest`` is the file's."""

    title: str
    levels: Mapping[str, Entry]
    names: Mapping[str, str]
    digest: str

    def find(self, label: str) -> str | None:
        """Return the name of the level that a label means, None where it means none."""
        return self.names.get(folded(label))

    def entry(self, label: str) -> Entry | None:
        """Return what the level that a label means claims, None where it means none."""
        name = self.find(label)
        return None if name is None else self.levels[name]


@dataclass(frozen=True)
class _File:
    title: str
    levels: dict[str, Entry]


def folded(label: str) -> str:
    """Return a label without what does not matter: capitals, blanks around it and repeated ones."""
    return " ".join(label.split()).casefold()


@lru_cache(maxsize=8)
def load_taxonomy(name: str) -> Taxonomy:
    """Read a shipped taxonomy by name or a user's by path; raises CardError, also for an alias of two levels."""
    if not name.endswith(".toml") and name not in SHIPPED:
        raise CardError(expected(f"taxonomy '{name}'", "no such taxonomy (your own: a path ending in .toml)", SHIPPED))
    path = SHIPPED.get(name, Path(name))
    file = build(_File, read_toml(path), where=str(path))
    for level, entry in file.levels.items():
        if entry.region and not REGION.fullmatch(entry.region):
            raise CardError(f"{path}: {level}: found the region '{entry.region}'; expected ISO 3166, such as GB-SCT")
        if entry.first_language and not LANGUAGE.fullmatch(entry.first_language):
            raise CardError(f"{path}: {level}: found the language '{entry.first_language}'; expected ISO 639-3")
    return Taxonomy(file.title, file.levels, _names(file.levels, where=path), digest(path))


def _names(levels: Mapping[str, Entry], *, where: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for level, entry in levels.items():
        for label in (level, *entry.aliases):
            other = names.setdefault(folded(label), level)
            if other != level:
                raise CardError(f"{where}: found the alias '{label}' of '{other}' and '{level}'; expected it of one")
    return names
