"""The ladders of a run as they are told.

Conventions: rungs are told from the most favourable on, as `asrfair.stats.handicap` orders them, or where it has no
rows, so that the last rung has the higher WER of all speakers together.
"""

import math
from dataclasses import dataclass

import polars as pl

from asrfair.report.view import View
from asrfair.tables import OVERALL

_WANTED = {
    ("snr_db", False): "less noise",
    ("rt60_s", True): "less reverberation",
    ("loss_percent", True): "less loss",
    ("kbps", False): "more bit rate",
    ("distance_m", True): "less distance",
}
"""What a group that is served worse needs, by the ending of the parameter and whether more of it is harder."""
_TITLES = {
    "snr_db": "SNR",
    "rt60_s": "reverberation time",
    "loss_percent": "packet loss",
    "kbps": "bit rate",
    "distance_m": "distance",
}
"""A parameter's name to a reader, by its ending."""


@dataclass(frozen=True)
class Ladder:
    """A ladder as it is told: ``rungs`` are values and conditions, the most favourable first."""

    name: str
    parameter: str
    unit: str
    rungs: tuple[tuple[float, str], ...]

    @property
    def more_is_harder(self) -> bool:
        """Whether the parameter rises with difficulty."""
        return self.rungs[-1][0] > self.rungs[0][0]

    @property
    def decimals(self) -> int:
        """Decimals that tell apart a hundredth of the ladder, or nearly."""
        span = abs(self.rungs[-1][0] - self.rungs[0][0])
        return min(max(2 - math.floor(math.log10(span)), 0), 4) if span else 1

    @property
    def wanted(self) -> str:
        """What a group that is served worse needs."""
        for (ending, harder), words in _WANTED.items():
            if self.parameter.endswith(ending) and harder == self.more_is_harder:
                return words
        return f"{'less' if self.more_is_harder else 'more'} {self.parameter.rpartition('.')[2]}"

    @property
    def title(self) -> str:
        """The parameter to a reader: «SNR» for ``white_noise.snr_db``, as it is called where it has no such name."""
        return next((words for ending, words in _TITLES.items() if self.parameter.endswith(ending)), self.parameter)

    @property
    def what(self) -> str:
        """The parameter with its unit: «SNR in dB»."""
        return f"{self.title} in {self.unit}" if self.unit else self.title


def found_ladders(view: View) -> list[Ladder]:
    """Return the ladders of two rungs or more that were counted, by name."""
    counted_in = set(view.whole.rates["condition"])
    rows = view.whole.conditions.filter(
        pl.col("ladder").is_not_null(), pl.col("value").is_not_null(), pl.col("condition").is_in(counted_in)
    )
    found = []
    for (name,), rungs in sorted(rows.group_by(["ladder"]), key=lambda item: str(item[0][0])):
        if rungs.height > 1:
            ordered = rungs.sort("value", descending=_falls(view, str(name), rungs))
            parameter, unit = ordered.select("parameter", "unit").row(0)
            values = zip(ordered["value"].to_list(), ordered["condition"].to_list(), strict=True)
            found.append(Ladder(str(name), str(parameter), str(unit or ""), tuple(values)))
    return found


def _falls(view: View, name: str, rungs: pl.DataFrame) -> bool:
    """Return whether less of the parameter is harder."""
    told = view.whole.handicaps.filter(pl.col("ladder") == name)["at"].drop_nulls().unique(maintain_order=True)
    if told.len() > 1:
        return bool(told[0] > told[-1])
    ends = rungs.sort("value")["condition"].to_list()
    pooled = view.whole.rates.filter(pl.col("axis") == OVERALL)
    low, high = (pooled.filter(pl.col("condition") == ends[k])["wer"].drop_nulls().mean() for k in (0, -1))
    return isinstance(low, float) and isinstance(high, float) and low > high
