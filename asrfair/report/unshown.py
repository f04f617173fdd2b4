"""What a comparison leaves open, and what it could have found, where no disparity could be shown."""

from dataclasses import dataclass

from asrfair.report.coverage import could_have_found
from asrfair.report.findings import Contrast, Standing
from asrfair.report.shareable import none_among
from asrfair.report.text import counted, factor, label, number, points
from asrfair.report.view import View


def no_disparity(view: View, standing: Standing) -> str:
    """Say how much worse, or better, than the other side the data leave open, and what they would have shown.

    Told is the group whose interval reaches furthest to the worse side; groups that could not be judged are counted.
    """
    widest, in_points = standing.widest(), standing.widest_in_points()
    parts = []
    if widest is not None and widest.ratio is not None:
        row = widest.ratio
        low, high = f"{factor(row['low'])} times", f"{factor(row['high'])} times"
        open_ends = _Open(low, high, excludes_alike=not row["low"] <= 1 <= row["high"])
        parts.append(open_ends.told(f"that of {standing.other}", _whom(view, widest)))
    if in_points is not None and in_points.difference is not None:
        row = in_points.difference
        low, high = f"{points(row['low'])} points", f"{points(row['high'])} points"
        open_ends = _Open(low, high, excludes_alike=not row["low"] <= 0 <= row["high"])
        parts.append(open_ends.told(f"against {standing.other}", _whom(view, in_points)))
    if not parts:
        return f"{none_among(view, standing.axis)} could be judged against {standing.other}{_gone(view, standing)}."
    told = f"{', '.join(parts)}{_unjudged(standing)}{findable(view, standing, widest or in_points)}"
    return f"No disparity against {standing.other} could be shown; {told}."


@dataclass(frozen=True)
class _Open:
    """The ends of an interval of a comparison that is not shown, and whether it leaves out that both are alike."""

    low: str
    high: str
    excludes_alike: bool

    def told(self, against: str, whom: str) -> str:
        """Say what cannot be ruled out; intervals are not adjusted, so that one may say more than its p."""
        if self.excludes_alike:
            ends = f"from {self.low} to {self.high} {against}"
            return f"WER {ends} cannot be ruled out ({whom}; the interval is not adjusted, as p is)"
        return f"WER up to {self.high}, or down to {self.low}, {against} cannot be ruled out ({whom})"


def _gone(view: View, standing: Standing) -> str:
    """Say, after a comma, that the reference group itself is withheld; nothing where it is not."""
    return ", which is withheld" if standing.reference in view.withheld_named(standing.axis) else ""


def _unjudged(standing: Standing) -> str:
    """Say, after a semicolon, how many of the comparisons could not be judged; nothing where all could."""
    missing = sum(not contrast.judged for contrast in standing.contrasts)
    of = counted(len(standing.contrasts), "comparison")
    return f"; {number(missing)} of {of} could not be judged" if missing else ""


def findable(view: View, standing: Standing, contrast: Contrast | None) -> str:
    """Say, after a semicolon, what a comparison could have found; nothing where that is unknown or out of reach."""
    if contrast is None:
        return ""
    other = view.overall(backend=standing.backend, condition=standing.condition)
    if standing.reference is not None:
        other = next((row for row in standing.judged if row["group"] == standing.reference), None)
    told = could_have_found(contrast.row, wer=None if other is None else other["wer"])
    return f"; {told}" if told else ""


def _whom(view: View, contrast: Contrast) -> str:
    row = contrast.row
    return (
        f"{label(contrast.group)}, {counted(row['speakers'], view.who('speaker'))}, "
        f"against {number(row['reference_speakers'])}"
    )
