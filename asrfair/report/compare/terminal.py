"""Two runs compared, on a terminal: who gained, who lost, whether a disparity widened, and what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from asrfair.report import sentences
from asrfair.report.compare.changes import Pairing, Sizes, changes, gap_finding, gap_sizes, gaps, pairings, view_of
from asrfair.report.disparities import Cells
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.page import QUIET, WARNING, Column, Page, Subhead
from asrfair.report.text import (
    corpus_title,
    counted,
    factor,
    factor_interval,
    label,
    listed,
    number,
    p_equals,
    points,
    points_interval,
    under,
)
from asrfair.report.view import View
from asrfair.results import Results
from asrfair.tables import OVERALL

MOST_LEFT_OUT = 8


def render_comparison(results: Results, console: Console, *, old: str, new: str, top: int = 20) -> None:
    """Write a joint analysis (`asrfair.run.compare`); ``old`` and ``new`` name the runs."""
    page, view = Page(console), view_of(results)
    facts = view.signature["comparison"]
    if view.synthetic:
        page.line(sentences.SYNTHETIC, style=WARNING)
        page.gap()
    _what(page, view, facts, old=old, new=new)
    if facts["identical"]:
        page.gap()
        page.line("Nothing differs: every utterance has the same counts in both runs.", style="bold")
        return
    _overview(page, view)
    for pair in pairings(view):
        page.heading(f"{label(pair.name)}: change in WER, old to new, {view.who('paired by speaker')}")
        for axis in (OVERALL, *view.axes):
            changes(page, view, pair, axis=axis, top=top)
        for axis in view.axes:
            gaps(page, view, pair, axis=axis, top=top)
    _left_out(page, view, facts)
    _failures(page, view, facts)
    _closing(page, view)


def _what(page: Page, view: View, facts: Mapping[str, Any], *, old: str, new: str) -> None:
    page.line("Two runs compared", style="bold")
    page.line(page.glyphs.rule * len("Two runs compared"), style=QUIET)
    names = pairings(view)
    for side, run in (("old", old), ("new", new)):
        told = listed((label(getattr(pair, side).removesuffix(f" ({side})")) for pair in names), most=6)
        page.line(f"{side}  {label(run)}: {told}", indent=2, hang=5)
    corpus = view.corpus
    title = label(corpus_title(corpus, unknown="corpus unknown"))
    people = counted(corpus.get("speakers"), "voice" if view.synthetic else "speaker")
    both = f"{counted(facts['shared'], 'utterance')} in both runs, {people}"
    normalizer = label(str((view.signature.get("normalizer") or {}).get("label") or "unknown"))
    page.line(f"{title}; {both}; texts normalised by {normalizer}; {view.level} intervals", indent=2, hang=2)
    serious = [each for each in facts["differences"] if each["matters"]]
    if serious:
        page.gap()
        page.line(
            "The runs differ in ways that matter: what follows may come from these differences.",
            style=WARNING,
            indent=2,
            hang=2,
        )
        _differences(page, serious)
    others = [each for each in facts["differences"] if not each["matters"]]
    if others:
        page.gap()
        page.line("What else differs:", indent=2)
        _differences(page, others)


def _differences(page: Page, found: Sequence[Mapping[str, Any]]) -> None:
    for each in found:
        page.line(f"{each['what']}: {each['old']} (old), {each['new']} (new)", indent=4, hang=2)


def _overview(page: Page, view: View) -> None:
    """Write, for each recogniser, what happened under the main condition, and count the rest."""
    page.heading("Overview")
    condition = view.condition
    for pair in pairings(view):
        lead = f"{label(pair.name)}, {under(condition)}"
        page.line(lead, style="bold", indent=2)
        for contrast in contrasts(view, "backend", axis=OVERALL, backend=pair.new, condition=condition):
            page.line(f"{view.who('All speakers')}: {_change(view, contrast)}", indent=4, hang=2)
        for axis in view.axes:
            found = contrasts(view, "backend", axis=axis, backend=pair.new, condition=condition)
            page.line(f"By {view.provenance(axis)}: {_tally(view, found)}.", indent=4, hang=2)
            moved = contrasts(view, "backend_interaction", axis=axis, backend=pair.new, condition=condition)
            if moved:
                page.line(_widened(view, moved, gap_sizes(view), pair), indent=4, hang=2)


def _change(view: View, contrast: Contrast) -> str:
    """Say a change with its interval and p: «-1.2 points [-2.0, -0.4], ratio 0.91 [0.84, 0.98], …: better»."""
    parts = []
    if contrast.difference is not None:
        row = contrast.difference
        parts.append(f"{points(row['estimate'])} points {points_interval(row)}")
    if contrast.ratio is not None and contrast.ratio["estimate"] is not None:
        parts.append(f"ratio {factor(contrast.ratio['estimate'])} {factor_interval(contrast.ratio)}")
    verdict = {"not shown": "no change shown", "not judged": "could not be judged"}
    told = verdict.get(contrast.verdict(view.alpha), f"served {contrast.verdict(view.alpha)}")
    return f"{', '.join(parts)}, adjusted {p_equals(contrast.p)}: {told}."


def _tally(view: View, found: Sequence[Contrast]) -> str:
    """Say who gained and who lost by name, and count the others."""
    by = {kind: [c for c in found if c.verdict(view.alpha) == kind] for kind in ("better", "worse")}
    told = [
        f"{what} {listed([_named(c) for c in by[kind]])}" if by[kind] else f"{what} none"
        for kind, what in (("better", "gained:"), ("worse", "lost:"))
    ]
    for kind, what in (("not shown", "no change shown"), ("not judged", "could not be judged")):
        rest = sum(c.verdict(view.alpha) == kind for c in found)
        told += [f"{what}: {number(rest)}"] if rest else []
    return "; ".join(told)


def _named(contrast: Contrast) -> str:
    row = contrast.difference
    return label(contrast.group) + ("" if row is None else f" ({points(row['estimate'])} {points_interval(row)})")


def _widened(
    view: View,
    found: Sequence[Contrast],
    sizes: Sizes,
    pair: Pairing,
) -> str:
    """Say whose gap to the reference group is shown to have changed, and count the others."""
    reference = label(found[0].row["reference_group"])
    told: dict[str, list[str]] = {}
    for contrast in found:
        gap = sizes.get((pair.name, contrast.row["axis"], contrast.group, contrast.row["condition"]), (None, None))
        finding = gap_finding(contrast, view.alpha, gap)
        shown = finding not in ("not shown", "not judged")
        told.setdefault(finding, []).append(_named(contrast) if shown else "")
    parts = [f"{finding}: {listed(names)}" for finding, names in told.items() if names[0]]
    rest = {"not shown": "no change shown", "not judged": "could not be judged"}
    parts += [f"{rest[finding]}: {number(len(names))}" for finding, names in told.items() if not names[0]]
    return f"Did the disparity against {reference} widen? {'; '.join(parts)}."


def _left_out(page: Page, view: View, facts: Mapping[str, Any]) -> None:
    """Write how many utterances only one run has."""
    rows = facts["left_out"]
    if not rows:
        return
    page.heading("Left out: utterances in one run only")
    for side in ("old", "new"):
        for axis in (OVERALL, *view.axes):
            own = sorted(
                (row for row in rows if row["side"] == side and row["axis"] == axis), key=lambda r: -r["utterances"]
            )
            if own and axis == OVERALL:
                page.line(f"only in the {side} run: {counted(own[0]['utterances'], 'utterance')}", indent=2)
            elif own:
                told = (f"{label(row['group'])} {number(row['utterances'])}" for row in own)
                page.line(f"by {label(axis)}: {listed(told, most=MOST_LEFT_OUT)}", indent=4, hang=2)


def _failures(page: Page, view: View, facts: Mapping[str, Any]) -> None:
    """Write how many of the shared utterances the recognisers failed on, and how those are treated."""
    rows = facts["failures"]
    if not rows:
        return
    page.heading("Failures on utterances of both runs")
    page.line(
        "A failed utterance has no errors to compare: it is left out of the changes above, and counted here. "
        "Where more fail in one run than in the other, a change in WER tells only a part.",
        indent=2,
        hang=2,
    )
    columns = [
        Column("recogniser, condition, group", wraps=True, narrowest=20),
        *(Column(title, align="right") for title in ("only\nold", "only\nnew", "both")),
    ]
    body: list[Cells | Subhead] = []
    order = sorted(rows, key=lambda row: (row["axis"] != OVERALL, -(row["old"] + row["new"] + row["both"])))
    for row in order[:MOST_LEFT_OUT]:
        group = view.who("all speakers") if row["axis"] == OVERALL else f"{label(row['axis'])} {label(row['group'])}"
        name = ", ".join([label(row["pair"]), label(row["condition"]), group])
        body.append([name, number(row["old"]), number(row["new"]), number(row["both"])])
    page.table(columns, body)
    if len(order) > MOST_LEFT_OUT:
        page.line(f"and {counted(len(order) - MOST_LEFT_OUT, 'more row')} in the JSON", style=QUIET, indent=2)


def _closing(page: Page, view: View) -> None:
    page.heading("How this was made")
    columns = ", ".join(view.signature.get("family") or ())
    page.line(
        f"The counts of both runs are analysed together. Intervals are {view.level} and "
        f"{view.who('speaker')}-clustered; p are adjusted by Holm among rows equal in {columns}. A change is shown "
        f"where its adjusted p is below {view.alpha:g}; what is not shown may still be there.",
        indent=2,
        hang=2,
    )
    for side, text in view.signature["comparison"]["signatures"].items():
        page.line(f"{side}: {label(text) if text is None else text}", style=QUIET, indent=2, hang=2)
