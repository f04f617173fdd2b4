"""What an effect is: a function of a waveform, its parameters with their ranges, and what it needs.

Conventions
-----------
An effect takes the signal (float64, shape=(n,), full scale ±1, finite, n ≥ 1), the circumstances, and its
parameters by keyword; it returns float64 of the same shape unless it says otherwise. Values above full scale
are kept. A linear effect takes the circumstances and its parameters alone and returns a `Linear`; neighbours
share one Fourier transform. An effect that adds noise takes the utterance's length in samples, the circumstances and
its own parameters, and returns the noise alone: a new array, float64, shape=(length,), at any level. It is added at
its SNR, in one place for all (`asrfair.condition.snr`). A parameter's annotation is what a card's value is checked
against.
"""

import inspect
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.cards import convert
from asrfair.errors import CardError, expected

Signal = NDArray[np.float64]
Spectrum = NDArray[np.complex128] | NDArray[np.float64]
Parameter = float | int | str | tuple[float, ...] | tuple[str, ...]
Parameters = Mapping[str, Parameter]
Kind = Literal["talkers", "voices", "recording", "response"]
"""Materials: other talkers; one utterance of each of many voices; one noise recording; one impulse response."""


@dataclass(frozen=True)
class Range:
    """Both ends of the values that a parameter may take, in the parameter's unit."""

    low: float
    high: float


SnrDb = Annotated[float, Range(-30, 60)]
SpeechLevel = Literal["active", "rms"]
NOISE_PARAMETERS: Mapping[str, Any] = {"snr_db": SnrDb, "speech_level": SpeechLevel}
"""What every effect that adds noise has beside its own: the SNR, and the level of the speech that it refers to."""


@dataclass(frozen=True)
class Circumstances:
    """What an effect is given beside the signal: the rate in Hz, its randomness, and its materials.

    ``materials`` are at the working rate of the run. What a linear effect returns may depend on the rate and the
    materials, not on ``rng``.
    """

    sample_rate: int
    rng: np.random.Generator
    materials: Sequence[Signal] = ()


@dataclass(frozen=True)
class Linear:
    """A linear, time-invariant effect.

    ``spectrum(size)`` is its transfer function, shape=(size // 2 + 1,), at the frequencies of
    ``numpy.fft.rfftfreq(size, 1 / sample_rate)``. An impulse at 0 s is spread over −``before_s`` to ``after_s``.
    """

    spectrum: Callable[[int], Spectrum]
    before_s: float
    after_s: float


@dataclass(frozen=True)
class Effect:
    """A function and its parameters, and what must be known of it.

    needs       the kind of material it needs, if any
    linear      whether the function returns a `Linear`
    adds_noise  whether the function returns noise to be added to speech; its SNR is measured on what came out
    removes_speech  whether nothing of the speech is left after it; a later step's SNR still refers to that speech
    rate        the sample rate in Hz that it works at, from its parameters and the working rate; None: any
    ready       raises CardError, before a run, where what it needs is not installed, or parameters do not go
                together; of the parameters and the working rate
    clipped     the share of samples that it clipped against full scale, of the sound before and after it; None: it
                clips nothing, or that is what it is for
    describe    what is known of it beside its parameters, as columns of table ``measurements``; of a `Circumstances`
                and the parameters
    """

    function: Callable[..., Any]
    needs: Kind | None = None
    linear: bool = False
    adds_noise: bool = False
    removes_speech: bool = False
    rate: Callable[[Parameters, int], int] | None = None
    ready: Callable[[Parameters, int], None] | None = None
    clipped: Callable[[Signal, Signal], float] | None = None
    describe: Callable[..., Mapping[str, float]] | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Return the type, with its range, of each parameter by name."""
        hints = {**typing.get_type_hints(self.function, include_extras=True), **NOISE_PARAMETERS}
        return {name: hints[name] for name in self._defaults()}

    def check(self, values: Mapping[str, Any], *, where: str, optional: Collection[str] = ()) -> dict[str, Parameter]:
        """Return a card's values with defaults filled in, in the function's order.

        Raises CardError for an unknown parameter, a wrong type, a value out of range, and a missing parameter
        unless it is in ``optional``.
        """
        hints, defaults = self.parameters(), self._defaults()
        for name in values:
            if name not in hints:
                raise CardError(expected(where, f"unknown parameter '{name}'", hints))
        checked = {}
        for name, hint in hints.items():
            if name in values:
                checked[name] = _check_value(hint, values[name], where=f"{where}: '{name}'")
            elif defaults[name] is not inspect.Parameter.empty:
                checked[name] = defaults[name]
            elif name not in optional:
                raise CardError(f"{where}: parameter '{name}' is missing")
        return checked

    def _defaults(self) -> dict[str, Any]:
        """Return the default of each parameter, ``inspect.Parameter.empty`` where it must be given."""
        parameters = inspect.signature(self.function).parameters
        own = {name: part.default for name, part in parameters.items() if part.kind is part.KEYWORD_ONLY}
        return {"snr_db": inspect.Parameter.empty, **own, "speech_level": "active"} if self.adds_noise else own


def _check_value(hint: Any, value: Any, *, where: str) -> Parameter:
    checked: Parameter = convert(hint, value, where=where)
    for limit in getattr(hint, "__metadata__", ()):
        # Written so that NaN fails as well.
        if isinstance(limit, Range) and not all(limit.low <= float(part) <= limit.high for part in _parts(checked)):
            raise CardError(f"{where}: found {value!r}; expected {limit.low:g} to {limit.high:g}")
    return checked


def _parts(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)
