"""Cards: TOML files that hold data only, read strictly into frozen dataclasses.

A card's name is its file name without ``.toml``. Shipped cards lie in the folders ``corpora`` and
``conditions``: inside the installed package, or beside it in a checkout. A user's own card is given by path.
"""

import dataclasses
import hashlib
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from asrfair.errors import CardError, expected

T = TypeVar("T")
PACKAGE = Path(__file__).resolve().parent


def card_folder(kind: str) -> Path:
    """Return the folder of the shipped cards of a kind, ``corpora`` or ``conditions``."""
    inside = PACKAGE / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def shipped(kind: str) -> dict[str, Path]:
    """Return the shipped cards of a kind, sorted by name."""
    return {path.stem: path for path in sorted(card_folder(kind).glob("*.toml"))}


def find_card(kind: str, name: str) -> Path:
    """Return the path of a shipped card by name, or of a user's card by path (ending in ``.toml``)."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise CardError(f"{name}: no such card file")
        return path
    cards = shipped(kind)
    if name not in cards:
        raise CardError(expected(f"{kind} card '{name}'", "no such card (your own: a path ending in .toml)", cards))
    return cards[name]


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises CardError naming the file and the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CardError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{path}: not readable as TOML: {error}") from error


def digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def build(kind: type[T], values: Mapping[str, Any], *, where: str) -> T:
    """Make a dataclass from a TOML table, strictly: unknown key, missing key or wrong type raises CardError.

    ``where`` names the file and the table in messages. A field with the metadata ``derived`` is not a key.
    Nested dataclasses, ``dict[str, dataclass]``, ``tuple[X, ...]`` and optional fields are followed.
    """
    every = dataclasses.fields(kind)  # type: ignore[arg-type]
    fields = {field.name: field for field in every if "derived" not in field.metadata}
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            raise CardError(expected(where, f"unknown key '{key}'", fields))
    arguments = {}
    for name, field in fields.items():
        if name in values:
            arguments[name] = convert(hints[name], values[name], where=f"{where}: '{name}'")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise CardError(f"{where}: key '{name}' is missing; expected {_wanted(name, hints[name])}")
    return kind(**arguments)


def _wanted(name: str, hint: Any) -> str:
    """Return what a missing key should be: of named tables, with the keys that each must have."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) not in (dict, Mapping) or not dataclasses.is_dataclass(inner[1]):
        return _hint_name(hint)
    fields = dataclasses.fields(inner[1])
    missing = dataclasses.MISSING
    needed = [field.name for field in fields if field.default is missing and field.default_factory is missing]
    return f"at least one table [{name}.NAME]" + (f" with {' and '.join(needed)}" if needed else "")


def convert(hint: Any, value: Any, *, where: str) -> Any:
    """Return ``value`` checked against a type hint, lists made into tuples; raises CardError."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return convert(inner[0], value, where=where)
    if origin in (typing.Union, types.UnionType):
        return _convert_union([part for part in inner if part is not type(None)], value, where=where)
    if origin is tuple and isinstance(value, list):
        return tuple(convert(inner[0], item, where=where) for item in value)
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: convert(inner[1], item, where=f"{where}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        if value not in inner:
            raise CardError(expected(where, repr(value), inner))
        return value
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return build(typing.cast(type[Any], hint), value, where=where)
    if hint is Any or (isinstance(hint, type) and isinstance(value, hint) and type(value) is not bool):
        return value
    if hint is bool and type(value) is bool:
        return value
    if hint is float and type(value) is int:
        return float(value)
    raise CardError(f"{where}: found {_toml_type(value)} {value!r}; expected {_hint_name(hint)}")


def _convert_union(parts: list[Any], value: Any, *, where: str) -> Any:
    for part in parts:
        try:
            return convert(part, value, where=where)
        except CardError:
            if len(parts) == 1:
                raise
    raise CardError(
        f"{where}: found {_toml_type(value)} {value!r}; expected {' or '.join(_hint_name(p) for p in parts)}"
    )


def _toml_type(value: Any) -> str:
    names = {
        bool: "a boolean",
        str: "text",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), type(value).__name__)


def _hint_name(hint: Any) -> str:
    names = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"a list of {_hint_name(typing.get_args(hint)[0])}"
    if origin in (dict, Mapping) or dataclasses.is_dataclass(hint):
        return "a table"
    return names.get(hint, str(hint))
