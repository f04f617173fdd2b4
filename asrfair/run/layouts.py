"""What a card's ``[layout]`` may say: the layouts, and the keys of one with their defaults."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from asrfair.corpus.common import CommonOptions
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import CardError, expected


def layout_lines() -> dict[str, str]:
    """Return the layouts, each with the first sentence of what it reads."""
    return {name: described(layout.options).partition("\n")[0] for name, layout in LAYOUTS.items()}


def described(options: type[Any]) -> str:
    """Return what the docstring of a class of options says, without its signs for code."""
    return (inspect.getdoc(options) or "").replace("``", "'")


def show_layout(name: str, console: Console) -> None:
    """Print what a layout reads and every key with its default, its own ones first; raises CardError."""
    if name not in LAYOUTS:
        raise CardError(expected("layout", f"no '{name}'", LAYOUTS))
    options = LAYOUTS[name].options
    common = {field.name for field in dataclasses.fields(CommonOptions)} if issubclass(options, CommonOptions) else {}
    console.print(Text(f'[layout] type = "{name}"', style="bold"))
    _print_keys(options, console, without=common)
    if common:
        console.print(Text("\nKeys of every layout", style="bold"))
        _print_keys(CommonOptions, console)
    for key, table in _tables(options):
        console.print(Text(f"\n[layout.{key}]", style="bold"))
        _print_keys(table, console)


def _print_keys(options: type[Any], console: Console, *, without: typing.Collection[str] = ()) -> None:
    for paragraph in described(options).split("\n\n"):
        console.print(Text(" ".join(paragraph.split())))
    keys = Table("key", "default", box=None, pad_edge=False)
    for field in dataclasses.fields(options):
        if field.name not in without:
            keys.add_row(Text(field.name), Text(_default(field)))
    if keys.row_count:
        console.print(Padding(keys, (1, 0, 0, 2)))


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default_factory is not dataclasses.MISSING:
        return _written(field.default_factory())
    return "to be given" if field.default is dataclasses.MISSING else _written(field.default)


def _written(value: object) -> str:
    """Return a default as a card would say it."""
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _tables(options: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """Yield the keys that are tables of their own, and the class of their keys."""
    hints = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        hint = hints[field.name]
        parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        yield from ((field.name, part) for part in parts if dataclasses.is_dataclass(part) and isinstance(part, type))
