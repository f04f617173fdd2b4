"""The calibration error of one cell: how far confidences are from the share of right words, bin by bin.

What the numbers are, and where they come from: `asrfair.stats.calibration`.
"""

from dataclasses import dataclass

import numpy as np

from asrfair.stats.arrays import Floats

_STEPS = 60
"""Halvings of the range in which an end lies: to the precision of a double."""
_WIDEST = 1e6


@dataclass(frozen=True)
class Gaps:
    """The gaps of one cell between confidence and right words.

    ``words`` and ``excess`` (confidence minus right words, summed) have shape=(speakers, bins); ``gap``, ``mass``
    (of the words) and ``variance`` (of the gap) shape=(bins,). ``overall`` is the mean gap, ``independent`` its
    variance if words were independent, ``plain`` is Q = Σ p d², ``bias`` Σ p v and ``scale`` the unit of Q.
    """

    words: Floats
    excess: Floats
    gap: Floats
    mass: Floats
    variance: Floats
    overall: float
    independent: float
    plain: float
    bias: float
    scale: float

    @property
    def squared(self) -> float:
        """The root mean square gap, its bias taken off."""
        return float(np.sqrt(max(self.plain - self.bias, 0.0)))

    @property
    def absolute(self) -> float:
        """The mean absolute gap, its bias taken off."""
        from scipy import special

        deviation = np.sqrt(self.variance)
        z = np.divide(self.gap, deviation, out=np.zeros_like(self.gap), where=deviation > 0)
        folded = deviation * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + self.gap * special.erf(z / np.sqrt(2))
        expected = np.where(deviation > 0, folded, np.abs(self.gap))
        return max(float((self.mass * (2 * np.abs(self.gap) - expected)).sum()), 0.0)


def gaps(words: Floats, right: Floats, confidence: Floats) -> Gaps:
    """Return the gaps of words, right words and summed confidences by speaker and bin, shape=(speakers, bins)."""
    number, whole = words.sum(axis=0), words.sum()
    excess = confidence - right
    gap, mass = excess.sum(axis=0) / number, number / whole
    share = (right.sum(axis=0) + 1) / (number + 2)
    residual = (excess - gap * words) / number
    speakers = (words > 0).sum(axis=0)
    residual *= np.sqrt(speakers / np.maximum(speakers - 1, 1))
    covariance = residual.T @ residual
    alone = share * (1 - share) / number
    # A bin of one speaker shows no spread. The floor acts on the sum: bin by bin it would add a bias of its own.
    covariance = covariance + np.diag(np.where(speakers > 1, 0.0, alone))
    if (mass * alone).sum() > (mass * np.diag(covariance)).sum():
        covariance = np.diag(alone)
    variance = np.diag(covariance)
    plain, bias = float((mass * gap**2).sum()), float((mass * variance).sum())
    everyone = len(words)
    return Gaps(
        words=words,
        excess=excess,
        gap=gap,
        mass=mass,
        variance=variance,
        overall=float(excess.sum() / whole),
        independent=float((mass**2 * share * (1 - share) / number).sum()),
        plain=plain,
        bias=bias,
        scale=max(_spread(mass, covariance, everyone) / bias, _influence(words, excess, gap, plain) / (4 * plain or 1)),
    )


def _spread(mass: Floats, covariance: Floats, speakers: int) -> float:
    """Return Σ p_b p_c V_bc², what the estimate of V adds to it taken off (as of a Wishart matrix)."""
    weighted = np.sqrt(mass)[:, None] * covariance * np.sqrt(mass)
    square, trace = float((weighted**2).sum()), float(np.trace(weighted))
    df = max(speakers - 1, 1)
    least = trace**2 / len(mass)
    if df == 1:
        return trace**2
    return float(np.clip(df**2 / ((df - 1) * (df + 2)) * (square - trace**2 / df), least, trace**2))


def _influence(words: Floats, excess: Floats, gap: Floats, plain: float) -> float:
    """Return the variance of Q over speakers, to first order: gaps change, and so do the masses of bins."""
    residual = excess - gap * words
    values = (2 * residual @ gap + words @ gap**2 - plain * words.sum(axis=1)) / words.sum()
    speakers = len(words)
    return float((values**2).sum() * speakers / max(speakers - 1, 1))


def error_ends(found: Gaps, alpha: float) -> tuple[float, float]:
    """Return the ends of the interval of the root mean square gap, at error probability ``alpha``."""
    degrees = found.bias / found.scale
    other = max(len(found.words) - 1, 1)
    statistic = found.plain / found.bias
    return tuple(  # type: ignore[return-value]
        float(np.sqrt(found.scale * _noncentrality(statistic, degrees, other, probability)))
        for probability in (1 - alpha / 2, alpha / 2)
    )


def _noncentrality(statistic: float, degrees: float, other: float, probability: float) -> float:
    """Return the noncentrality at which F is below the statistic with that probability; 0 where none is so small."""
    from scipy import special

    def below(noncentrality: float) -> float:
        return float(special.ncfdtr(degrees, other, noncentrality, statistic))

    if below(0.0) <= probability:
        return 0.0
    low, high = 0.0, 1.0
    while below(high) > probability and high < _WIDEST:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) > probability else (low, middle)
    return (low + high) / 2
