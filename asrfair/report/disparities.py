"""Comparisons: groups against the reference and against all, costs of conditions, recognisers side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from asrfair.report.findings import SHOWN, Contrast, contrasts, extra_finding, extra_parts
from asrfair.report.footnotes import footnotes
from asrfair.report.page import QUIET, Column, Page, Subhead
from asrfair.report.text import (
    Row,
    chance,
    counted,
    factor,
    factor_interval,
    label,
    number,
    points,
    short_points_interval,
    under,
)
from asrfair.report.view import View, speakers
from asrfair.tables import OVERALL

LEAST_PER_CONDITION = 3
Found = dict[str, list[Contrast]]
Cells = list[str | Text]


@dataclass(frozen=True)
class Told:
    """How a family of comparisons is told.

    ``names_other``: the title ends with the other group; ``per_scale``: each scale has its own p and finding, which
    are ``words`` where both agree; ``signs``: beside the p of sign flips.
    """

    title: str
    names_other: bool = False
    per_scale: bool = False
    signs: bool = False
    words: tuple[str, str] = ("costs more", "costs less")


def against_reference(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write differences and ratios to the reference group, condition by condition."""
    reference = view.axis(axis).get("reference_group")
    if reference is None:
        page.gap()
        who = view.who("speakers")
        page.line(f"No reference group is named for this axis: groups are compared with all {who}.", indent=2)
        return
    found = _by_condition(view, "reference", axis=axis, backend=backend, conditions=view.conditions)
    _write(page, view, Told(f"Disparities against {label(reference)}", names_other=True), found, top=top)


def against_overall(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write differences and ratios to all speakers under the main condition."""
    found = _by_condition(view, "overall", axis=axis, backend=backend, conditions=[view.condition])
    _write(page, view, Told(view.who("Disparities against all speakers together")), found, top=top)


def interactions(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write whether a condition costs a group more than it costs the reference group."""
    reference = label(view.axis(axis).get("reference_group"))
    found = _by_condition(view, "interaction", axis=axis, backend=backend, conditions=_other_conditions(view))
    title = f"Extra cost of a condition compared with its cost to {reference}"
    _write(page, view, Told(title, names_other=True, per_scale=True), found, top=top)


def condition_costs(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write what each condition costs, paired by speaker."""
    found = _by_condition(view, "condition", axis=axis, backend=backend, conditions=_other_conditions(view))
    title = f"Cost of a condition against {label(view.signature.get('baseline_condition'))}, {_paired(view)}"
    _write(page, view, Told(title, signs=True), found, top=top)


def backend_comparison(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    """Write how a further recogniser compares with the baseline one, paired by speaker."""
    conditions = view.conditions if axis == OVERALL else [view.condition]
    found = _by_condition(view, "backend", axis=axis, backend=backend, conditions=conditions)
    title = f"{label(backend)} against {label(view.signature.get('baseline_backend'))}, {_paired(view)}"
    _write(page, view, Told(title, signs=True), found, top=top)


def _paired(view: View) -> str:
    return view.who("paired by speaker")


def _other_conditions(view: View) -> list[str]:
    return [name for name in view.conditions if name != view.signature.get("baseline_condition")]


def _by_condition(view: View, family: str, *, axis: str, backend: str, conditions: Sequence[str | None]) -> Found:
    found: Found = {condition: [] for condition in conditions if condition is not None}
    for contrast in contrasts(view, family, axis=axis, backend=backend):
        if contrast.row["condition"] in found:
            found[contrast.row["condition"]].append(contrast)
    return {condition: rows for condition, rows in found.items() if rows}


def _write(page: Page, view: View, told: Told, found: Found, *, top: int) -> None:
    if not found:
        return
    share = top if len(found) == 1 else max(LEAST_PER_CONDITION, top // len(found))
    shown = {condition: kept(rows, share, most=top, alpha=view.alpha) for condition, rows in found.items()}
    flat = [contrast for rows in shown.values() for contrast in rows]
    by_group = flat[0].row["axis"] != OVERALL
    only = f", in {label(next(iter(found)))}" if len(found) == 1 and by_group else ""
    page.gap()
    page.line(f"{told.title}{only}{_other_speakers(view, told, flat)}", indent=2, hang=2)
    columns, cells = compared(page, view, flat, told)
    body = _body(view, found, shown, cells, by_group=by_group)
    page.table([name_column(view, "group" if by_group else "condition"), *columns], body)
    explain(page, cells)
    footnotes(page, view, [(label(c.group if by_group else c.row["condition"]), row) for c in flat for row in c.rows])


def kept(rows: Sequence[Contrast], share: int, *, most: int, alpha: float) -> list[Contrast]:
    """Keep the first ``share``, and those that show something up to ``most`` of them."""
    showing = [k for k, contrast in enumerate(rows) if contrast.shown(alpha)]
    places = {*range(share), *showing[:most]}
    return [contrast for k, contrast in enumerate(rows) if k in places]


def _body(view: View, found: Found, shown: Found, cells: Sequence[Cells], *, by_group: bool) -> list[Cells | Subhead]:
    body: list[Cells | Subhead] = []
    each = iter(cells)
    for condition, rows in shown.items():
        if len(found) > 1 and by_group:
            body.append(Subhead(f"{under(condition)}"))
        for contrast in rows:
            name = label(contrast.group) if by_group else label(condition)
            body.append([f"{name} ({speakers(contrast.row['speakers'])})", *next(each)])
        if len(found[condition]) > len(rows):
            more = sum(contrast.shown(view.alpha) for contrast in found[condition])
            more -= sum(contrast.shown(view.alpha) for contrast in rows)
            left = counted(len(found[condition]) - len(rows), "more group")
            body.append(Subhead(f"and {left}{f', {number(more)} of which show a disparity' if more else ''}"))
    return body


def _other_speakers(view: View, told: Told, found: Sequence[Contrast]) -> str:
    counts = sorted({c.row["reference_speakers"] for c in found if c.row["reference_speakers"] is not None})
    if not told.names_other or not counts:
        return ""
    most = counted(counts[-1], view.who("speaker"))
    return f" ({most})" if len(counts) == 1 else f" ({number(counts[0])} to {most})"


def name_column(view: View, name: str) -> Column:
    """Return the column that names what is compared, with its speakers."""
    return Column(f"{name} ({view.who('speakers')})", wraps=True, narrowest=10)


def compared(page: Page, view: View, found: Sequence[Contrast], told: Told) -> tuple[list[Column], list[Cells]]:
    """Return the columns that follow a comparison's name, and their cells row by row."""
    columns = [
        Column("points", drop=2),
        Column("ratio", wraps=True, narrowest=14),
        Column("adj. p", align="right", drop=1),
        Column("finding"),
    ]
    differences = aligned([contrast.difference for contrast in found], points, short_points_interval)
    ratios = aligned([contrast.ratio for contrast in found], factor, factor_interval)
    verdicts = [_extra(page, view, c, told) if told.per_scale else finding(page, view, c) for c in found]
    cells: list[Cells] = [[*row, *verdict] for *row, verdict in zip(differences, ratios, verdicts, strict=True)]
    for column, texts in (
        (Column("could\nfind", align="right", spare=True), [_findable(view, contrast) for contrast in found]),
        (Column("sign flips,\nadj. p", align="right", spare=True), _signs(view, found) if told.signs else []),
    ):
        if any(texts):
            columns.append(column)
            for row, text in zip(cells, texts, strict=True):
                row.append(text)
    return columns, cells


def explain(page: Page, cells: Sequence[Cells]) -> None:
    """Write what two lines and the marks in the cells of comparisons mean."""
    if any("\n" in str(cell) for row in cells for cell in row):
        page.line("adj. p and finding: of the points, then of the ratio", style=QUIET, indent=2, hang=2)
    mark = page.glyphs.unnamed
    if any(isinstance(cell, Text) and cell.plain.endswith(f" {mark}") for row in cells for cell in row):
        page.line(f"{mark}  not named beforehand: exploratory", style=QUIET, indent=2, hang=3)


def aligned(
    rows: Sequence[Row | None], estimate: Callable[[float | None], str], interval: Callable[[Row], str]
) -> list[str]:
    """Return estimates with their intervals, the estimates in line; «-» where there is none."""
    estimates = ["-" if row is None or row["estimate"] is None else estimate(row["estimate"]) for row in rows]
    width = max(map(len, estimates), default=0)
    ends = [interval(row) if row is not None and row["low"] is not None else "" for row in rows]
    return [f"{number.rjust(width)} {end}".rstrip() for number, end in zip(estimates, ends, strict=True)]


def finding(page: Page, view: View, contrast: Contrast) -> Cells:
    """Return p and what it shows of the deciding row, marked where that was not named beforehand."""
    verdict = contrast.verdict(view.alpha)
    shown = verdict in SHOWN
    mark = f" {page.glyphs.unnamed}" if shown and view.is_unnamed(contrast.row) else ""
    return [_chance(contrast.p), Text(f"{verdict}{mark}", style="bold" if shown else QUIET)]


def _extra(page: Page, view: View, contrast: Contrast, told: Told) -> Cells:
    """Return p and finding with a line for each scale, one line where both say the same."""
    rows = [row for row in (contrast.difference, contrast.ratio) if row is not None and row["estimate"] is not None]
    chances = [_chance(row["p_adjusted"]) for row in rows]
    verdict = extra_finding(contrast, view.alpha, words=told.words)
    if len(set(chances)) > 1 and "," not in verdict and verdict in extra_parts(contrast, view.alpha):
        verdict = "\n".join(extra_parts(contrast, view.alpha))
    shown = contrast.shown_rows(view.alpha)
    mark = f" {page.glyphs.unnamed}" if any(map(view.is_unnamed, shown)) else ""
    text = verdict.replace(", ", ",\n").rstrip("\n") + mark
    return [
        "\n".join(chances if len(set(chances)) > 1 else chances[:1]) or "-",
        Text(text, style="bold" if shown else QUIET),
    ]


def _findable(view: View, contrast: Contrast) -> str:
    """Return the smallest ratio, or difference, that a comparison that shows nothing could have found."""
    row = contrast.row
    least = row.get("detectable")
    if least is None or not contrast.judged or contrast.shown(view.alpha):
        return ""
    return factor(least) if row is contrast.ratio else f"{100 * least:.1f} points"


def _signs(view: View, found: Sequence[Contrast]) -> list[str]:
    """Return the adjusted p of the flipping of speakers' signs for each comparison."""
    keys = ("axis", "group", "condition", "reference_condition", "backend", "reference_backend")
    tests = {tuple(row[key] for key in keys): row["p_adjusted"] for row in view.rows("tests", test="sign_flip")}
    chances = [tests.get(tuple(contrast.row[key] for key in keys)) for contrast in found]
    return ["" if p is None else chance(p) for p in chances]


def _chance(p: float | None) -> str:
    return "-" if p is None else chance(p)
