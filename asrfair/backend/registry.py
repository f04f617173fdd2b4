"""Which backends are installed, and making one from its name and options.

A backend is a class named in the entry-point group ``asrfair.backends``; its constructor's keyword-only
parameters are its options, their annotations what an option may be.
"""

import inspect
import typing
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from asrfair.backend.base import Backend
from asrfair.backend.credentials import refuse_key_options
from asrfair.cards import convert
from asrfair.errors import BackendError, CardError, expected

GROUP = "asrfair.backends"


def backend_classes() -> dict[str, EntryPoint]:
    """Return the entry point of every installed backend by its type name, sorted.

    Raises BackendError if two packages claim one name.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        known = found.setdefault(point.name, point)
        if known.value != point.value:
            raise BackendError(
                f"backend '{point.name}': found two of that name, {known.value} and {point.value}; "
                "expected one, uninstall the package of the other"
            )
    return found


def backend_class(type_name: str) -> type[Backend]:
    """Load a backend's class; raises BackendError if it is unknown or cannot be imported."""
    classes = backend_classes()
    if type_name not in classes:
        raise BackendError(expected(f"backend '{type_name}'", "no such backend", classes))
    point = classes[type_name]
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise BackendError(f"backend '{type_name}': {point.value} cannot be imported: {error}") from error
    return typing.cast(type[Backend], loaded)


def backend_options(kind: type[Backend]) -> dict[str, inspect.Parameter]:
    """Return the options of a backend class: the keyword-only parameters of its constructor, by name."""
    parameters = inspect.signature(kind).parameters
    return {name: part for name, part in parameters.items() if part.kind is inspect.Parameter.KEYWORD_ONLY}


def open_backend(type_name: str, *, argument: str | None, options: Mapping[str, Any]) -> Backend:
    """Make a backend; ``argument`` is the text after ``TYPE=``, which sets the option that the class names.

    Raises CardError for an unknown, missing or wrongly typed option, naming the valid ones, and BackendError
    for a backend that is unknown, not installed or unable to start.
    """
    kind = backend_class(type_name)
    where = f"backend '{type_name}'"
    given = _with_argument(kind, argument, options, where=where)
    valid = backend_options(kind)
    hints = typing.get_type_hints(kind.__init__)
    arguments = {}
    refuse_key_options(given, valid, where=where)
    for name, value in given.items():
        if name not in valid:
            raise CardError(expected(where, f"unknown option '{name}'", valid))
        # None is what the default says; TOML cannot write it, a caller from Python can.
        unset = value is None and valid[name].default is None
        arguments[name] = None if unset else convert(hints.get(name, Any), value, where=f"{where}: '{name}'")
    for name, part in valid.items():
        if part.default is inspect.Parameter.empty and name not in given:
            hint = f"; write {type_name}={name.upper()} or give the option" if name == kind.argument else ""
            raise CardError(f"{where}: option '{name}' is missing{hint}")
    return kind(**arguments)


def parse_backend(text: str) -> tuple[str, str, str | None]:
    """Return (name, type, argument) of ``TYPE``, ``TYPE=ARGUMENT`` or ``NAME:TYPE=ARGUMENT``.

    The name defaults to the type, the argument to None. Only the first ``=`` and a ``:`` before it count, so
    that an argument may hold both. Raises CardError.
    """
    head, equals, argument = text.partition("=")
    name, colon, type_name = head.partition(":")
    if not colon:
        type_name = name
    if not name.strip() or not type_name.strip() or ":" in type_name or (equals and not argument.strip()):
        raise CardError(f"backend: found {text!r}; expected TYPE, TYPE=ARGUMENT or NAME:TYPE=ARGUMENT")
    return name.strip(), type_name.strip(), argument if equals else None


def _with_argument(
    kind: type[Backend], argument: str | None, options: Mapping[str, Any], *, where: str
) -> dict[str, Any]:
    if argument is None:
        return dict(options)
    if kind.argument is None:
        raise CardError(f"{where}: found the argument {argument!r}; expected none")
    if kind.argument in options:
        raise CardError(f"{where}: option '{kind.argument}' is given twice, as an option and as {argument!r}")
    return {**options, kind.argument: argument}
