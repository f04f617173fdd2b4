"""What a comparison leaves open, and what it could have found, where no disparity could be shown."""

from asrfair.report.coverage import could_have_found
from asrfair.report.findings import Contrast, Standing, open_factor, open_points
from asrfair.report.text import counted, factor, label, number
from asrfair.report.view import View


def no_disparity(view: View, standing: Standing) -> str:
    """Say how large a disparity the data leave open, and how large a one they would have shown."""
    widest, in_points = standing.widest(), standing.widest_in_points()
    parts = []
    if widest is not None:
        parts.append(f"up to a factor of {factor(open_factor(widest))} cannot be ruled out ({_whom(view, widest)})")
    if in_points is not None:
        most = f"{100 * (open_points(in_points) or 0.0):.1f} points"
        parts.append(f"up to {most} cannot be ruled out ({_whom(view, in_points)})")
    if not parts:
        return f"No group could be judged against {standing.other}."
    found = findable(widest or in_points)
    return f"No disparity against {standing.other} could be shown; one of {', one of '.join(parts)}{found}."


def findable(contrast: Contrast | None) -> str:
    """Say, after a semicolon, what a comparison could have found; nothing where that is unknown."""
    told = "" if contrast is None else could_have_found(contrast.row)
    return f"; {told}" if told else ""


def _whom(view: View, contrast: Contrast) -> str:
    row = contrast.row
    return (
        f"{label(contrast.group)}, {counted(row['speakers'], view.who('speaker'))}, "
        f"against {number(row['reference_speakers'])}"
    )
