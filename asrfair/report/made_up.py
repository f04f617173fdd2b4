"""What recognisers make up, how sure they say they are, and whether they say the same again: where there are rows."""

from collections.abc import Callable, Sequence

from asrfair.report.footnotes import footnotes
from asrfair.report.page import QUIET, Column, Page
from asrfair.report.text import Row, counted, label, percent, points, under
from asrfair.report.view import View, is_few
from asrfair.tables import OVERALL

PER_MINUTE = ("probe_words_per_minute", "insertions_per_minute", "words_without_speech_per_minute")
SHARES = ("probe_utterances_with_words_share", "utterances_with_loops_share")
CALIBRATION = ("overconfidence", "calibration_error", "expected_calibration_error")
REPEATS = ("repeat_differing_share", "repeat_changed_words_share", "repeat_sd_wer")
APART = (*PER_MINUTE, *SHARES, *CALIBRATION, *REPEATS)
"""Metrics that have sections of their own here: not all are shares."""
NAMES = {
    "probe_words_per_minute": "words",
    "probe_utterances_with_words_share": "utterances with words",
    "insertions_per_minute": "insertions",
    "utterances_with_loops_share": "loops",
    "words_without_speech_per_minute": "words in pauses",
    "overconfidence": "confidence minus right",
    "calibration_error": "calibration error",
    "expected_calibration_error": "expected calibration error",
}
Shown = Callable[[float], str]


def made_up(page: Page, view: View, *, top: int) -> None:
    """Write how many words are recognised where nothing is said, and what of speech was never said.

    Writes nothing where neither was counted.
    """
    probes, speech = (_by_cell(view, names) for names in zip(PER_MINUTE[:2], SHARES, strict=True))
    if not probes and not speech:
        return
    page.heading("Words that nobody said")
    if probes:
        titles = ["words per\nminute", "utterances with\nany word, %"]
        _cells(page, view, probes, first="nothing said", titles=titles, names=(PER_MINUTE[0], SHARES[0]))
        page.line(
            "Probes: the speech is taken away and its length kept, so that every word is made up. They are in no WER.",
            style=QUIET,
            indent=2,
            hang=2,
        )
    if speech:
        titles = ["insertions per\nminute", "utterances\nwith loops, %"]
        names = [PER_MINUTE[1], SHARES[1]]
        if view.rows("metrics", metric=PER_MINUTE[2]):
            titles, names = [*titles, "words in pauses\nper minute"], [*names, PER_MINUTE[2]]
        _cells(page, view, speech, first="condition", titles=titles, names=names)
        page.line(
            "An insertion is not always made up: a word heard as two is one. A loop: one word four times in a row or "
            "more, or two to ten words three times, which the reference does not have. Words in pauses: wrong ones "
            "that lie where nobody speaks, by the recogniser's own times.",
            style=QUIET,
            indent=2,
            hang=2,
        )
    for axis in view.axes:
        _groups(page, view, axis=axis, top=top, condition=view.condition, names=(PER_MINUTE[1], SHARES[1]))
        for probe in dict.fromkeys(row["condition"] for row in probes.values()):
            _groups(page, view, axis=axis, top=top, condition=probe, names=(PER_MINUTE[0], SHARES[0]))


def calibration(page: Page, view: View) -> None:
    """Write how far word confidences are from the share of right words; nothing where there are no confidences."""
    cells = _by_cell(view, CALIBRATION)
    if not cells:
        return
    page.heading("How sure it says it is")
    titles = ("confidence minus\nright, points", "calibration\nerror, points", "expected calibra-\ntion error, points")
    _cells(page, view, cells, first="condition", titles=titles, names=CALIBRATION)
    for backend in view.backends:
        _curve(page, view, backend)
    page.line(
        view.who(
            "Word confidences against the share of right words, in at most ten bins with as many words each. "
            "Calibration error: root mean square gap; expected calibration error: mean absolute gap; of both the bias "
            "of few words is taken off. Above zero, the first number is too sure of itself. By group: table metrics."
        ),
        style=QUIET,
        indent=2,
        hang=2,
    )


def repeated(page: Page, view: View) -> None:
    """Write whether recognisers said the same when asked again; nothing where none was asked."""
    rows = {row["backend"]: row for row in view.rows("metrics", metric=REPEATS[0])}
    if not rows:
        return
    page.heading("Said again")
    for backend in view.backends:
        row = rows.get(backend)
        if row is not None:
            page.line(f"{label(backend)}: {_said_again(view, row)}", indent=2, hang=2)


def _said_again(view: View, row: Row) -> str:
    told = f"{row['note']}; of all, at most {percent(row['high'])} % do ({view.level} interval)"
    if not row["estimate"]:
        return f"{told}."
    own = {"axis": OVERALL, "backend": row["backend"]}
    changed = next(iter(view.rows("metrics", metric=REPEATS[1], **own)), None)
    spread = next(iter(view.rows("metrics", metric=REPEATS[2], condition=view.condition, **own)), None)
    if changed is not None and changed["estimate"] is not None:
        told += f"; {percent(changed['estimate'])} % of the words change"
    if spread is not None:
        told += f"; from run to run the WER {under(view.condition)} has a standard deviation of "
        told += f"{100 * spread['estimate']:.2g} points, which comes on top of its interval"
    return f"{told}. Rates say theirs in their notes."


def _by_cell(view: View, names: Sequence[str]) -> dict[tuple[str, str], Row]:
    """Return, per backend and condition in order, a row of all speakers: the first metric of these that there is."""
    found: dict[tuple[str, str], Row] = {}
    for name in names:
        for row in view.rows("metrics", axis=OVERALL, metric=name):
            if row["backend"] in view.backends:
                found.setdefault((row["backend"], row["condition"]), row)
    order = sorted(found, key=lambda cell: (view.backends.index(cell[0]), view.place(cell[1])))
    return {cell: found[cell] for cell in order}


def _cells(
    page: Page,
    view: View,
    cells: dict[tuple[str, str], Row],
    *,
    first: str,
    titles: Sequence[str],
    names: Sequence[str],
) -> None:
    several = len(view.backends) > 1
    columns = [
        *([Column("recogniser", wraps=True, narrowest=10)] if several else []),
        Column(first, wraps=True, narrowest=10),
        *(Column(title, align="right", drop=place) for place, title in enumerate(titles)),
    ]
    body = []
    for backend, condition in cells:
        values = [_value(view, name, axis=OVERALL, backend=backend, condition=condition) for name in names]
        body.append([*([label(backend)] if several else []), label(condition), *values])
    page.table(columns, body)
    rows = [row for name in names for row in view.rows("metrics", metric=name, axis=OVERALL)]
    told = [(view.who(_whose(row)), row) for row in rows if (row["backend"], row["condition"]) in cells]
    footnotes(page, view, told)


def _whose(row: Row) -> str:
    return f"{NAMES[row['metric']]} {under(row['condition'])}"


def _groups(page: Page, view: View, *, axis: str, top: int, condition: str | None, names: Sequence[str]) -> None:
    """Write the groups of an axis under one condition with each recogniser, the most words per minute first."""
    for backend in view.backends:
        cell = {"axis": axis, "backend": backend, "condition": condition}
        every = {name: view.rows("metrics", metric=name, **cell) for name in names}
        by_group = {name: {row["group"]: row for row in rows} for name, rows in every.items()}
        rows = every[names[0]] or every[names[1]]
        if not rows:
            continue
        rows = sorted(rows, key=lambda row: (row["estimate"] is None, -(row["estimate"] or 0.0), label(row["group"])))
        who = f" with {label(backend)}" if len(view.backends) > 1 else ""
        page.gap()
        page.line(f"By {label(axis)}{who}, {under(condition)}", indent=2, hang=2)
        minute = "words" if names[0] == PER_MINUTE[0] else "insertions"
        share = "with any word, %" if names[0] == PER_MINUTE[0] else "with loops, %"
        columns = [
            Column("group", wraps=True, narrowest=10),
            Column(view.who("speakers"), align="right", drop=2),
            Column(f"{minute}\nper minute", align="right"),
            Column(f"utterances\n{share}", align="right", drop=1),
        ]
        body = [
            [
                label(row["group"]),
                _speakers(row),
                *(_told(by_group[name].get(row["group"]), name) for name in names),
            ]
            for row in rows[:top]
        ]
        page.table(columns, body)
        if len(rows) > top:
            page.line(f"and {counted(len(rows) - top, 'more group')}", style=QUIET, indent=2, hang=2)


def _speakers(row: Row) -> str:
    if row["speakers"] is None:
        return "-"
    return f"{row['speakers']:,}{'!' if is_few(row['speakers']) else ''}"


def _curve(page: Page, view: View, backend: str) -> None:
    """Write the reliability curve of all speakers under the main condition."""
    rows = view.rows("calibration", axis=OVERALL, backend=backend, condition=view.condition)
    if not rows:
        return
    page.gap()
    who = f"{label(backend)}, " if len(view.backends) > 1 else ""
    page.line(f"{who}{under(view.condition)}: words by confidence", indent=2, hang=2)
    columns = [
        Column("confidence"),
        Column("words", align="right", drop=1),
        Column("mean\nconfidence", align="right"),
        Column("right, %", align="right"),
    ]
    body = [
        [
            f"{row['from_confidence']:.3f} to {row['to_confidence']:.3f}",
            f"{row['words']:,}",
            f"{row['mean_confidence']:.3f}",
            _with_interval({**row, "estimate": row["right_share"]}, percent),
        ]
        for row in sorted(rows, key=lambda row: row["from_confidence"])
    ]
    page.table(columns, body)


def _value(view: View, name: str, **cell: str | None) -> str:
    """Return a metric's estimate with its interval; «-» where it has none."""
    return _told(next(iter(view.rows("metrics", metric=name, **cell)), None), name)


def _told(row: Row | None, name: str) -> str:
    return "-" if row is None else _with_interval(row, shown_as(name))


def shown_as(metric: str) -> Shown:
    """Return how a metric is written: per minute, in signed points, or in per cent."""
    return per_minute if metric in PER_MINUTE else points if metric == CALIBRATION[0] else percent


def _with_interval(row: Row, shown: Shown) -> str:
    if row["estimate"] is None:
        return "-"
    if row["low"] is None or row["high"] is None:
        return f"{shown(row['estimate'])} not judged"
    return f"{shown(row['estimate'])} [{shown(row['low'])}, {shown(row['high'])}]"


def per_minute(value: float) -> str:
    """Return a number per minute: two digits after the point below ten, one above."""
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"
