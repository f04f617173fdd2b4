"""The findings in a line each, over all recognisers: who is shown to be served worse than whom, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from asrfair.report import sentences
from asrfair.report.findings import SHOWN, Contrast, Standing, Verdict, contrasts
from asrfair.report.page import Page
from asrfair.report.text import counted, factor, factor_interval, label, listed, number, points, points_interval
from asrfair.report.view import View

MOST = 6
NOTHING = (
    "No group could be shown to be served worse than another. That does not make them equal: how large a disparity "
    "cannot be ruled out is said below."
)
Key = tuple[str, str | None, Verdict, str]


@dataclass(frozen=True)
class Shown:
    """One finding, with the recognisers that show it: an axis, a group, its verdict and whom it is compared with."""

    axis: str
    group: str | None
    verdict: Verdict
    other: str
    found: tuple[tuple[str, Contrast], ...]

    @property
    def largest(self) -> float:
        """The largest difference of rates, in either direction."""
        return max(abs(contrast.size or 0.0) for _, contrast in self.found)


def lead(page: Page, view: View, standings: Sequence[Standing]) -> None:
    """Write the findings about groups, those of the most recognisers first, or that there is none."""
    if not standings:
        return
    found = shown(view, standings)
    for finding in found[:MOST]:
        page.line(f"{_told(view, finding)}.", indent=2, hang=2)
    if len(found) > MOST:
        page.line(f"and {counted(len(found) - MOST, 'more finding')} about groups", indent=2)
    if not found:
        judged = any(contrast.judged for standing in standings for contrast in standing.contrasts)
        page.line(NOTHING if judged else "No group could be judged against another.", indent=2, hang=2)


def shown(view: View, standings: Sequence[Standing]) -> list[Shown]:
    """Return what is shown about groups under the main condition, joined over recognisers."""
    joined: dict[Key, list[tuple[str, Contrast]]] = {}
    for standing in standings:
        for verdict in SHOWN:
            for contrast in standing.with_verdict(verdict, view.alpha):
                key = (standing.axis, contrast.group, verdict, standing.other)
                joined.setdefault(key, []).append((standing.backend, contrast))
        against = against_all(view, standing)
        if against is not None:
            key = (standing.axis, against.group, "worse", view.who("all speakers"))
            joined.setdefault(key, []).append((standing.backend, against))
    found = [Shown(*key, found=tuple(pairs)) for key, pairs in joined.items()]
    return sorted(found, key=lambda finding: (finding.verdict != "worse", -len(finding.found), -finding.largest))


def against_all(view: View, found: Standing) -> Contrast | None:
    """Return that the worst group is served worse than everybody, where the reference group cannot show it."""
    worst = found.worst
    own = None if worst is None else found.contrast(worst["group"])
    if found.reference is None or own is None or own.verdict(view.alpha) == "worse":
        return None
    everybody = contrasts(view, "overall", axis=found.axis, backend=found.backend, condition=found.condition)
    against = next((contrast for contrast in everybody if contrast.group == own.group), None)
    return against if against is not None and against.verdict(view.alpha) == "worse" else None


def _told(view: View, finding: Shown) -> str:
    backends = [backend for backend, _ in finding.found]
    several = len(view.backends) > 1
    if several and len(backends) > 2:
        where = f" with {number(len(backends))} of {counted(len(view.backends), 'recogniser')}"
    else:
        where = f" with {listed(map(label, backends))}" if several else ""
    rows = [contrast.row for _, contrast in finding.found]
    mark = sentences.unnamed(view, rows[0])
    return (
        f"By {label(finding.axis)}, {label(finding.group)} is served {finding.verdict} than {finding.other}{where}: "
        f"{_sizes([contrast for _, contrast in finding.found])}{mark}"
    )


def _sizes(found: Sequence[Contrast]) -> str:
    """Say one size with its interval, or the range of several on the scale that they share."""
    rows = [contrast.row for contrast in found]
    on_ratio = [contrast.row is contrast.ratio for contrast in found]
    if len(rows) == 1:
        row = rows[0]
        if on_ratio[0]:
            return f"{factor(row['estimate'])} times the WER {factor_interval(row)}"
        return f"{points(row['estimate'])} points {points_interval(row)}"
    shown, unit = (factor, "times the WER") if all(on_ratio) else (points, "points")
    sizes = [row["estimate"] if all(on_ratio) else contrast.size for row, contrast in zip(rows, found, strict=True)]
    known = [size for size in sizes if size is not None]
    return f"{shown(min(known))} to {shown(max(known))} {unit}" if known else "by an unknown size"
