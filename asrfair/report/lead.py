"""The findings in a line each, over all recognisers: who is shown to be served worse than whom, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from asrfair.report import sentences
from asrfair.report.findings import SHOWN, Contrast, Standing, Verdict, contrasts
from asrfair.report.page import Page
from asrfair.report.shareable import none_among
from asrfair.report.text import counted, factor, factor_interval, label, listed, number, points, points_interval, under
from asrfair.report.view import View

MOST = 6
MOST_ELSEWHERE = 4
NOTHING = "could be shown to be served worse than another"
NOT_EQUAL = "That does not make them equal: how large a disparity cannot be ruled out is said below."
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
    others = elsewhere(view, standings)
    if not found:
        judged = any(contrast.judged for standing in standings for contrast in standing.contrasts)
        page.line(_none(view, judged=judged, alike=not others), indent=2, hang=2)
    for line in _told_elsewhere(view, others):
        page.line(line, indent=2, hang=2)


def _none(view: View, *, judged: bool, alike: bool) -> str:
    """Say that nothing is shown under the main condition; of all conditions only where none shows anything."""
    who = none_among(view)
    within = f"{_under(view.condition)}, {who[0].lower()}{who[1:]}"
    hidden = view.withheld()
    gone = f" ({counted(hidden, 'group')} withheld)" if hidden else ""
    if not judged:
        return f"{within} could be judged against another{gone}."
    if not alike:
        return f"{within} {NOTHING}{gone}."
    return f"{who} {NOTHING}{gone} ({listed(map(under, view.conditions))}). {NOT_EQUAL}"


def _under(condition: str | None) -> str:
    told = under(condition)
    return f"{told[0].upper()}{told[1:]}"


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


def elsewhere(view: View, standings: Sequence[Standing]) -> list[Shown]:
    """Return what is shown about groups under other conditions, where the main one does not show the same.

    Joined over conditions and recognisers, the largest first; each contrast's row names its condition.
    """
    joined: dict[Key, list[tuple[str, Contrast]]] = {}
    for found in standings:
        own = {(c.group, verdict) for verdict in SHOWN for c in found.with_verdict(verdict, view.alpha)}
        family = "overall" if found.reference is None else "reference"
        for contrast in contrasts(view, family, axis=found.axis, backend=found.backend):
            verdict = contrast.verdict(view.alpha)
            told = contrast.row["condition"] == found.condition or (contrast.group, verdict) in own
            if verdict in SHOWN and not told and contrast.group != contrast.row["reference_group"]:
                key = (found.axis, contrast.group, verdict, found.other)
                joined.setdefault(key, []).append((found.backend, contrast))
    made = [Shown(*key, found=tuple(pairs)) for key, pairs in joined.items()]
    return sorted(made, key=lambda finding: (finding.verdict != "worse", -finding.largest))


def _told_elsewhere(view: View, found: Sequence[Shown]) -> list[str]:
    """Say the largest findings under other conditions, a line for each axis and verdict; the rest are counted."""
    sides: dict[tuple[str, Verdict, str], list[Shown]] = {}
    for finding in found:
        sides.setdefault((finding.axis, finding.verdict, finding.other), []).append(finding)
    return [
        f"By {label(axis)}, under other conditions, shown served {verdict} than {other}: "
        f"{listed((_largest(view, finding) for finding in each), most=MOST_ELSEWHERE)}."
        for (axis, verdict, other), each in sides.items()
    ]


def _largest(view: View, finding: Shown) -> str:
    """Say the largest of a finding: «Lancashire (telephone, 1.75 times [1.20, 2.50]; 8 voices against 10)»."""
    backend, contrast = max(finding.found, key=lambda pair: abs(pair[1].size or 0.0))
    row = contrast.row
    told = [label(row["condition"]), *([f"with {label(backend)}"] if len(view.backends) > 1 else [])]
    told.append(_size(contrast))
    of = f"; the largest of {number(len(finding.found))}" if len(finding.found) > 1 else ""
    mark = sentences.unnamed(view, row)
    return f"{label(finding.group)} ({', '.join(told)}; {sentences.both_sides(view, contrast)}{of}){mark}"


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
    found = [contrast for _, contrast in finding.found]
    mark = sentences.unnamed(view, found[0].row)
    return (
        f"By {label(finding.axis)}, {label(finding.group)} is served {finding.verdict} than {finding.other}{where}: "
        f"{_sizes(view, finding)}{mark}"
    )


def _sizes(view: View, finding: Shown) -> str:
    """Say one size with its interval and speakers, or the range of several on the scale that they share.

    Of several the weakest has its interval: the one whose nearer end is nearest to no disparity.
    """
    found = [contrast for _, contrast in finding.found]
    if len(found) == 1:
        return f"{_size(found[0], whole=True)} ({sentences.both_sides(view, found[0])})"
    on_ratio = all(contrast.row is contrast.ratio for contrast in found)
    shown, unit = (factor, "times the WER") if on_ratio else (points, "points")
    sizes = [contrast.row["estimate"] if on_ratio else contrast.size for contrast in found]
    known = [size for size in sizes if size is not None]
    if not known:
        return "by an unknown size"
    backend, weakest = min(finding.found, key=lambda pair: _nearest(pair[1]))
    said = f"with {label(backend)} {_size(weakest)}; {sentences.both_sides(view, weakest)}"
    return f"{shown(min(known))} to {shown(max(known))} {unit} (weakest {said})"


def _size(contrast: Contrast, *, whole: bool = False) -> str:
    row = contrast.row
    if row is contrast.ratio:
        return f"{factor(row['estimate'])} times{' the WER' if whole else ''} {factor_interval(row)}"
    return f"{points(row['estimate'])} points {points_interval(row)}"


def _nearest(contrast: Contrast) -> tuple[bool, float]:
    """Order findings by the end of the interval next to no disparity, the ratios before the differences."""
    row = contrast.row
    if row is not contrast.ratio:
        return True, min(abs(row["low"]), abs(row["high"]))
    return False, row["low"] if row["estimate"] > 1 else 1 / row["high"]
