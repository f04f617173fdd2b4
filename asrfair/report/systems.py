"""Recognisers against the baseline one: by group, the gap to the reference group, and sclite's test."""

from rich.text import Text

from asrfair.report.disparities import Told, backend_comparison, compared, explain, kept, name_column
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.footnotes import footnotes
from asrfair.report.page import Page, Subhead
from asrfair.report.text import counted, label, number, p_equals, under
from asrfair.report.view import View, speakers
from asrfair.tables import OVERALL

MOST_GAPS = 6


def systems(page: Page, view: View, *, axis: str, top: int) -> None:
    """Write how each further recogniser compares with the baseline one, then whether it widens gaps."""
    others = [name for name in view.backends if name != view.signature.get("baseline_backend")]
    if axis == OVERALL and len(others) > 1 and len(view.conditions) == 1:
        _side_by_side(page, view, others)
    else:
        for backend in others:
            backend_comparison(page, view, axis=axis, backend=backend, top=top)
    if axis == OVERALL:
        _segment_tests(page, view, others)
    else:
        _gaps(page, view, axis=axis, backends=others, top=top)


def _side_by_side(page: Page, view: View, backends: list[str]) -> None:
    """Write all further recognisers against the baseline one in one table."""
    found = [contrast for backend in backends for contrast in contrasts(view, "backend", axis=OVERALL, backend=backend)]
    if not found:
        return
    told = Told(f"Against {label(found[0].row['reference_backend'])}, {view.who('paired by speaker')}", signs=True)
    page.gap()
    page.line(told.title, indent=2, hang=2)
    columns, cells = compared(page, view, found, told)
    names = [f"{label(c.row['backend'])} ({speakers(c.row['speakers'])})" for c in found]
    page.table(
        [name_column(view, "recogniser"), *columns], [[name, *row] for name, row in zip(names, cells, strict=True)]
    )
    explain(page, cells)
    footnotes(page, view, [(label(contrast.row["backend"]), row) for contrast in found for row in contrast.rows])


def _segment_tests(page: Page, view: View, backends: list[str]) -> None:
    """Write sclite's test under the main condition, told with what it assumes."""
    told = []
    for backend in backends:
        for row in view.rows("tests", test="mapsswe", axis=OVERALL, backend=backend, condition=view.condition):
            z = "not judged" if row["p"] is None else f"Z = {row['statistic']:+.2f}, {p_equals(row['p'])}"
            told.append(f"{label(backend)} {z}" if len(backends) > 1 else z)
    condition = f", {label(view.condition)}" if len(view.conditions) > 1 else ""
    lead = view.who(f"MAPSSWE (as sclite has it; these speakers only{condition})")
    page.line(f"{lead}: {'; '.join(told)}" if told else "", indent=2, hang=2)


def _gaps(page: Page, view: View, *, axis: str, backends: list[str], top: int) -> None:
    """Write, for each recogniser, the groups whose gap to the reference group changes, the likeliest changes first."""
    found = {backend: _likeliest(view, axis=axis, backend=backend) for backend in backends}
    found = {backend: rows for backend, rows in found.items() if rows}
    if not found:
        return
    share = max(1, MOST_GAPS // len(found))
    shown = {backend: kept(rows, share, most=top, alpha=view.alpha) for backend, rows in found.items()}
    flat = [contrast for rows in shown.values() for contrast in rows]
    reference, baseline = (label(flat[0].row[key]) for key in ("reference_group", "reference_backend"))
    told = Told(
        f"Is the gap to {reference} wider than with {baseline}? Change {under(view.condition)}; worse is to the "
        "group's cost",
        per_scale=True,
        words=("worse", "better"),
    )
    page.gap()
    page.line(told.title, indent=2, hang=2)
    columns, cells = compared(page, view, flat, told)
    each = iter(cells)
    body: list[list[str | Text] | Subhead] = []
    for backend, rows in shown.items():
        body.append(Subhead(f"with {label(backend)}{_of(len(rows), len(found[backend]))}"))
        body += [[f"{label(c.group)} ({speakers(c.row['speakers'])})", *next(each)] for c in rows]
    page.table([name_column(view, "group"), *columns], body)
    explain(page, cells)
    footnotes(page, view, [(label(contrast.group), row) for contrast in flat for row in contrast.rows])


def _of(shown: int, groups: int) -> str:
    return "" if shown == groups else f" ({number(shown)} of {counted(groups, 'group')})"


def _likeliest(view: View, *, axis: str, backend: str) -> list[Contrast]:
    found = contrasts(view, "backend_interaction", axis=axis, backend=backend, condition=view.condition)
    judged = [contrast for contrast in found if contrast.judged]
    return sorted(judged, key=_least_p) or found[:1]


def _least_p(contrast: Contrast) -> float:
    return min(float(row["p"]) for row in contrast.rows if row["p"] is not None)
