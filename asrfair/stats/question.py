"""What is asked of the counts: axes, references, baselines, and how intervals and families of p-values are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asrfair.errors import InputError, expected
from asrfair.tables import OVERALL

FAMILY = ("axis", "measure", "backend")
"""The columns whose equal values make a family of p-values, unless the plan names others."""
FAMILIES = ("axis", "group", "condition", "backend", "measure")
"""The columns that a family may be made of."""
MOST_REPLICATES = 1_000_000


@dataclass(frozen=True)
class Question:
    """How the numbers are to be made.

    ``axes`` may be products like ``accent*gender``. ``interval`` names the method of the intervals of rates
    (`asrfair.stats.methods`), ``replicates`` how many bootstrap samples or permutations, ``seed`` what they
    start from. ``above`` lists the WERs that utterances and speakers are counted above. ``confirm`` names the
    family of disparities that was chosen beforehand (`asrfair.stats.adjust`); every other row is exploratory,
    adjusted among rows equal in the ``family`` columns. ``covariates`` are columns that models adjust for, with
    their ``units``; ``faas`` adds the score of ASR-FAIRBENCH, for comparison with published ones.
    """

    axes: Sequence[str]
    reference_groups: Mapping[str, str] = field(default_factory=dict)
    baseline_condition: str | None = None
    baseline_backend: str | None = None
    level: float = 0.95
    independent_utterances: bool = False
    family: Sequence[str] = FAMILY
    confirm: Sequence[str] = ()
    interval: str = "skewed-log-t"
    replicates: int = 2000
    seed: int = 0
    above: Sequence[float] = (0.5,)
    covariates: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    faas: bool = False

    @property
    def alpha(self) -> float:
        """The two-sided error probability of the intervals."""
        return 1 - self.level

    def check(self) -> None:
        """Raise InputError for a value that no analysis can use."""
        from asrfair.stats.adjust import parse_confirm
        from asrfair.stats.methods import find_method

        _check(0 < self.level < 1, "level", self.level, "a number between 0 and 1, such as 0.95")
        _check(100 <= self.replicates <= MOST_REPLICATES, "replicates", self.replicates, f"100 to {MOST_REPLICATES:,}")
        _check(all(0 <= x < 100 for x in self.above), "above", list(self.above), "WERs as fractions, such as 0.5")
        distinct = OVERALL not in self.axes and len(set(self.axes)) == len(self.axes)
        _check(distinct, "axes", ", ".join(self.axes), f"different names, none of them '{OVERALL}'")
        for name in self.family or ("",):
            if name not in FAMILIES:
                raise InputError(expected("family", f"unknown column '{name}'", FAMILIES))
        for axis in self.reference_groups:
            if axis not in self.axes:
                raise InputError(expected("reference groups", f"unknown axis '{axis}'", self.axes))
        find_method(self.interval)
        parse_confirm(self.confirm)


def _check(good: bool, key: str, found: object, wanted: str) -> None:
    if not good:
        raise InputError(f"{key}: found {found}; expected {wanted}")
