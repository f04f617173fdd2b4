"""Coverage of a run: groups × conditions, with the smallest disparity that each comparison could have shown.

The numbers are those of column ``detectable`` of table ``disparities``.
"""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from asrfair.report.coverage import POWER
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.heat import CONDITION_WIDTH, folded
from asrfair.report.page import GAP, QUIET, WARNING, Column, Page
from asrfair.report.rates import FEW
from asrfair.report.text import UNKNOWN, Row, counted, factor, label, sized
from asrfair.report.view import View, is_few, speakers

NONE, REFERENCE, NOT_JUDGED, LONE = "none", "reference", "not judged", "1 speaker"
NAMES_WIDTH = 22
SIZES = 25
Cell = tuple[str | None, str]


def what_can_be_shown(page: Page, view: View, *, top: int) -> None:
    """Write for each axis how much there is of each group and what a comparison of it could have shown.

    Of more than ``top`` groups those with the fewest speakers are shown; with the baseline recogniser.
    """
    backend = view.signature.get("baseline_backend")
    backend = backend if backend in view.backends else next(iter(view.backends), None)
    told = [axis for axis in view.axes if backend is not None and view.rates(axis=axis, backend=backend)]
    if backend is None or not told:
        return
    page.heading("Coverage: what could have been found")
    for axis in told:
        _axis(page, view, axis=axis, backend=backend, top=top)
    page.gap()
    who = view.who("speakers")
    more = "" if view.signature.get("shareable") else f" How many more {who} a group needs: asrfair coverage RUN."
    page.line(
        f"A number: the smallest ratio of WERs that the comparison, taken alone, would have shown with {POWER}, "
        f"with {label(backend)}; adjusting for many comparisons asks for more.{more}",
        style=QUIET,
        indent=2,
        hang=2,
    )


def _axis(page: Page, view: View, *, axis: str, backend: str, top: int) -> None:
    reference = view.axis(axis).get("reference_group")
    other = view.who("all speakers") if reference is None else label(reference)
    family = "overall" if reference is None else "reference"
    rows = {(row["group"], row["condition"]): row for row in view.rates(axis=axis, backend=backend)}
    absent = [row for name in view.conditions for row in view.absent(axis=axis, backend=backend, condition=name)]
    rows = {(row["group"], row["condition"]): row for row in absent} | rows
    found = {(c.group, c.row["condition"]): c for c in contrasts(view, family, axis=axis, backend=backend)}
    main: dict[str | None, Row] = {}
    for (group, condition), row in rows.items():
        if group not in main or condition == view.condition:
            main[group] = row
    groups = sorted(main.values(), key=_fewest_first)
    shown = groups[:top]
    page.gap()
    page.line(f"{view.provenance(axis)}, against {other}", style="bold", indent=2, hang=2)
    names = max(cell_len(label(row["group"])) for row in shown)
    block = max((page.width - min(names, NAMES_WIDTH) - SIZES - GAP) // (CONDITION_WIDTH - 2), 1)
    for start in range(0, len(view.conditions), block):
        if start:
            page.gap()
        names_of = view.conditions[start : start + block]
        columns = [
            Column("group", wraps=True, narrowest=10),
            Column(view.who("speakers"), align="right"),
            Column("words", align="right", drop=1),
            *(Column(folded(label(name)), align="right") for name in names_of),
        ]
        page.table(columns, [_row(view, row, names_of, rows, found, reference=reference) for row in shown])
    if any(is_few(row["speakers"]) for row in shown):
        page.line(view.who(FEW), style=QUIET, indent=2, hang=3)
    if len(groups) > top:
        page.line(f"and {counted(len(groups) - top, 'more group')}, of more {view.who('speakers')}", indent=2)


def _fewest_first(row: Row) -> tuple[bool, int, str]:
    return row["group"] is None, row["speakers"] or 0, row["group"] or ""


def _row(
    view: View,
    row: Row,
    conditions: Sequence[str],
    rows: dict[Cell, Row],
    found: dict[Cell, Contrast],
    *,
    reference: str | None,
) -> list[str | Text]:
    group = row["group"]
    count = speakers(row["speakers"])
    cells = [_shows(rows.get((group, name)), found.get((group, name)), reference=reference) for name in conditions]
    return [
        label(group),
        count if count.endswith("*") else f"{count} ",
        sized(row, "reference_words"),
        *(_told(view, cell) for cell in cells),
    ]


def _told(view: View, text: str) -> Text:
    gap = text in (NONE, LONE, NOT_JUDGED)
    return Text(view.who(text), style=WARNING if gap else QUIET if text in ("-", REFERENCE, UNKNOWN) else "bold")


def _shows(row: Row | None, contrast: Contrast | None, *, reference: str | None) -> str:
    """Return what a cell could have shown, or why it could show nothing."""
    if row is None or row["utterances"] == 0:
        return NONE
    if row["speakers"] == 1:
        return LONE
    if row["group"] is None:
        return "-"
    if row["group"] == reference:
        return REFERENCE
    ratio, difference = (None, None) if contrast is None else (contrast.ratio, contrast.difference)
    for found, shown in ((ratio, factor), (difference, _in_points)):
        if found is not None and found["detectable"] is not None:
            return shown(found["detectable"])
    return UNKNOWN if contrast is not None and contrast.judged else NOT_JUDGED


def _in_points(difference: float | None) -> str:
    return "-" if difference is None else f"{100 * difference:.1f} points"
