"""What an effect is: a function of a waveform, its parameters with their ranges, and what it needs.

Conventions
-----------
An effect takes the signal (float64, shape=(n,), full scale ±1, finite, n ≥ 1), the circumstances, and its
parameters by keyword; it returns float64 of the same shape unless it says otherwise. Values above full scale
are kept. A parameter's annotation is what a card's value is checked against.
"""

import inspect
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.cards import convert
from asrfair.errors import CardError, expected

Signal = NDArray[np.float64]
Parameter = float | int | str


@dataclass(frozen=True)
class Range:
    """Both ends of the values that a parameter may take, in the parameter's unit."""

    low: float
    high: float


@dataclass(frozen=True)
class Circumstances:
    """What an effect is given beside the signal: the rate in Hz, its randomness, and its materials at that rate."""

    sample_rate: int
    rng: np.random.Generator
    materials: Sequence[Signal] = ()


@dataclass(frozen=True)
class Effect:
    """A function of signal, circumstances and parameters, and the kind of material it needs, if any."""

    function: Callable[..., Signal]
    needs: Literal["talkers", "recording"] | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Return the type, with its range, of each parameter by name."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        return {name: hints[name] for name in self._signature()}

    def check(self, values: Mapping[str, Any], *, where: str, optional: Collection[str] = ()) -> dict[str, Parameter]:
        """Return a card's values with defaults filled in, in the function's order.

        Raises CardError for an unknown parameter, a wrong type, a value out of range, and a missing parameter
        unless it is in ``optional``.
        """
        hints, signature = self.parameters(), self._signature()
        for name in values:
            if name not in hints:
                raise CardError(expected(where, f"unknown parameter '{name}'", hints))
        checked = {}
        for name, hint in hints.items():
            if name in values:
                checked[name] = _check_value(hint, values[name], where=f"{where}: '{name}'")
            elif signature[name].default is not inspect.Parameter.empty:
                checked[name] = signature[name].default
            elif name not in optional:
                raise CardError(f"{where}: parameter '{name}' is missing")
        return checked

    def _signature(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.function).parameters
        return {name: part for name, part in parameters.items() if part.kind is part.KEYWORD_ONLY}


def _check_value(hint: Any, value: Any, *, where: str) -> Parameter:
    checked: Parameter = convert(hint, value, where=where)
    for limit in getattr(hint, "__metadata__", ()):
        # Written so that NaN fails as well.
        if isinstance(limit, Range) and not limit.low <= float(checked) <= limit.high:
            raise CardError(f"{where}: found {value!r}; expected {limit.low:g} to {limit.high:g}")
    return checked
