"""What a corpus or a run can show, as a page; and what a comparison that found nothing could have found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from rich.console import Console
from rich.text import Text

from asrfair.report.page import QUIET, WARNING, Column, Page
from asrfair.report.sentences import SYNTHETIC, untold
from asrfair.report.text import Row, counted, factor, label, listed, number, percent, safe
from asrfair.report.view import is_few, speakers
from asrfair.tables import OVERALL

POWER = "80 % power"
"""The power of column ``detectable`` of table ``disparities``."""
REST = "rest"
LARGEST = 1.0
"""A difference of WERs from which on a corpus that can only show it is called too small."""
TOO_SMALL, NO_SPEAKERS = "too small", "no speakers"
# Parts of a note that the table's own cells already say.
SAID = ("no speakers", "1 speaker: too small", "under 10 speakers", "compared with: under 10 speakers")
COMPARED = "compared with: "
NOT_JUDGED = ("without speaker", "no reference words", COMPARED + "1 speaker", "spread of speakers unknown")


@dataclass(frozen=True)
class Survey:
    """What a coverage table was made of; ``axes`` maps each axis to who assigned its labels.

    ``spread`` says where the speakers' spread comes from, such as «assumed», ``wer`` at which WER all groups are
    taken to be, None where each has its own; shares are fractions.
    """

    title: str
    axes: Mapping[str, str]
    spread: str
    wer: float | None
    level: float
    power: float
    half_width: float
    notes: Sequence[str] = ()
    synthetic: bool = False


def could_have_found(row: Row, *, wer: float | None = None) -> str:
    """Say «this comparison, taken alone, could have found a ratio of 1.80 or more (80 % power)».

    Alone: before adjusting for the other comparisons. Empty where the row's ``detectable`` is unknown, or asks for a
    WER above 100 % beside the other side's ``wer``.
    """
    least = row.get("detectable")
    if least is None:
        return ""
    on_ratio = "ratio" in row["measure"]
    if wer is not None and (wer * least if on_ratio else wer + least) > LARGEST:
        return ""
    size = f"a ratio of {factor(least)}" if on_ratio else f"a difference of {100 * least:.1f} points"
    return f"this comparison, taken alone, could have found {size} or more ({POWER})"


def render_coverage(rows: pl.DataFrame, survey: Survey, console: Console) -> None:
    """Write the coverage table, the overall row first, then each axis, and what its numbers mean."""
    page = Page(console)
    parts = rows.partition_by("backend", "condition", maintain_order=True)
    page.line(survey.title, style="bold")
    if survey.synthetic:
        page.line(SYNTHETIC, style=WARNING)
    for note in untold(survey.notes, synthetic=survey.synthetic):
        page.line(f"Note: {note}", style=QUIET, hang=2)
    for part in parts:
        _part(page, part, survey)
    page.heading("What the numbers mean")
    for text in _explained(survey):
        page.line(text, indent=2, hang=2)


def _part(page: Page, part: pl.DataFrame, survey: Survey) -> None:
    overall, *_ = part.filter(pl.col("axis") == OVERALL).iter_rows(named=True)
    if overall["condition"] is not None:
        page.heading(f"{label(overall['backend'])}, {label(overall['condition'])}")
    minutes = "length unknown" if overall["minutes"] is None else f"{overall['minutes']:,.1f} minutes"
    page.line(
        f"{counted(overall['speakers'], 'speaker')}, {counted(overall['utterances'], 'utterance')}, {minutes}, "
        f"{counted(overall['words'], 'word')}",
    )
    axes = {axis: list[Row](part.filter(pl.col("axis") == axis).iter_rows(named=True)) for axis in survey.axes}
    spreads = {axis: _spread(rows[0], survey) for axis, rows in axes.items() if rows}
    common = len(set(spreads.values())) == 1
    if common:
        page.line(next(iter(spreads.values())))
    for axis, text in spreads.items():
        _axis(page, axes[axis], title=f"By {label(axis)} ({safe(survey.axes[axis])})", spread="" if common else text)


def _axis(page: Page, rows: list[Row], *, title: str, spread: str) -> None:
    against = next((row["reference_group"] for row in rows if row["reference_group"] is not None), None)
    to = "" if against is None else ", each against the rest" if against == REST else f", against {label(against)}"
    page.heading(f"{title}{to}")
    page.line(spread, indent=2, hang=2)
    columns = [
        Column("group", wraps=True, narrowest=10),
        Column("speak-\ners", align="right"),
        Column("utter-\nances", align="right", drop=1),
        Column("min-\nutes", align="right", drop=2),
        Column("words", align="right"),
        Column("design\neffect", align="right"),
        Column("finds\nratio points", align="right"),
        Column("needs\nmore", align="right"),
    ]
    page.table(columns, [_cells(row, reference=against) for row in rows])
    if any(is_few(row["speakers"]) for row in rows):
        page.line("*  fewer than 10 speakers", style=QUIET, indent=2, hang=3)
    for text in _remarks(rows):
        page.line(text, style=QUIET, indent=2, hang=2)


def _spread(row: Row, survey: Survey) -> str:
    """Say how much speakers differ: «Assumed: WER 15.0 %; speakers' WERs with a standard deviation of 62 % …»."""
    source = survey.spread[:1].upper() + survey.spread[1:]
    wer = "" if survey.wer is None else f"WER {percent(survey.wer)} %; "
    if row["speaker_cv2"] is None:
        return f"{source}: {wer}how much speakers differ is unknown, no group has two speakers and an error"
    deviation = f"{100 * row['speaker_cv2'] ** 0.5:.0f} % of their group's (cv2 {row['speaker_cv2']:.3g})"
    errors = f"errors' variance is {row['dispersion']:.2f} times their mean (dispersion)"
    return f"{source}: {wer}speakers' WERs have a standard deviation of {deviation}; {errors}"


def _cells(row: Row, *, reference: str | None) -> list[str | Text]:
    count = speakers(row["speakers"])
    needed = row["more_speakers"]
    return [
        label(row["group"]) + (" (reference)" if row["group"] == reference else ""),
        count if count.endswith("*") else f"{count} ",
        number(row["utterances"]),
        "?" if row["minutes"] is None else f"{row['minutes']:,.1f}",
        number(row["words"]),
        "-" if row["design_effect"] is None else f"{row['design_effect']:.1f}",
        _finds(row, reference=reference),
        "-" if needed is None else "enough" if needed == 0 else number(needed),
    ]


def _finds(row: Row, *, reference: str | None) -> Text:
    ratio, difference = row["detectable_ratio"], row["detectable_difference"]
    if row["utterances"] == 0:
        return Text(NO_SPEAKERS, style=QUIET)
    if row["speakers"] is not None and row["speakers"] < 2:
        return Text(TOO_SMALL, style=QUIET)
    if row["group"] is None or row["group"] == reference:
        return Text("-", style=QUIET)
    if ratio is None and any(part in (row["note"] or "") for part in NOT_JUDGED):
        return Text("not judged", style=QUIET)
    if ratio is None or difference is None or difference >= LARGEST:
        return Text(TOO_SMALL, style=QUIET)
    return Text(f"{factor(ratio)}  {100 * difference:5.1f}", style="bold")


def _remarks(rows: Sequence[Row]) -> Iterator[str]:
    """Say what the table's cells do not, once for all groups that share it."""
    told: dict[str, list[str]] = {}
    for row in rows:
        for part in (row["note"] or "").split("; "):
            of_length = part.endswith(" of unknown length")
            if part and not part.startswith(SAID) and not (of_length and row["minutes"] is None):
                told.setdefault(part, []).append(label(row["group"]))
    for part, groups in told.items():
        yield f"{part}: {listed(groups)}"


def _explained(survey: Survey) -> Iterator[str]:
    yield (
        "speakers, words: those with reference words, and the words that can be got wrong; a speaker, not an "
        "utterance, is what a group has more or less of."
    )
    yield (
        "design effect: how many times the variance of a WER is that of as many words each by another speaker. "
        "Words divided by it are the words that count."
    )
    yield (
        f"finds: the smallest ratio of WERs, and difference in points, that a comparison shows with "
        f"{100 * survey.power:g} % power at the {100 * survey.level:g} % level, each tested on its own scale. For one "
        "comparison taken alone: adjusting for many asks for more."
    )
    yield (
        f"needs more: how many more speakers, who talk as much as these, until a group's WER is known to "
        f"{100 * survey.half_width:g} % of itself (upper end of the {100 * survey.level:g} % interval)."
    )
    yield (
        f"{TOO_SMALL}: under two speakers, of whom nothing can be said, or so few that only {100 * LARGEST:.0f} points "
        "or more would be found."
    )
