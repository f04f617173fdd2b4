"""What was measured of the sound: the conditions as they came out, and the recordings as they came, by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from asrfair.report.page import QUIET, WARNING, Column, Page
from asrfair.report.text import counted, label, number
from asrfair.report.view import View
from asrfair.tables import with_intersections

RECORDED = "as recorded"
EVERYBODY = "all"


@dataclass(frozen=True)
class _Shown:
    """A column of a table: the title, what it is of a set of measurements, its decimals, and whether it may go."""

    title: str
    value: pl.Expr
    decimals: int
    drop: int = 0


def _median(column: str, *, per: float = 1.0) -> pl.Expr:
    return pl.col(column).median() / per


LEVEL = _Shown("speech\ndB", _median("active_level_db"), 1)
PEAK = _Shown("peak\ndB", _median("peak_db"), 1, drop=3)
CLIPPED = _Shown("clip-\nped %", pl.col("clipped_share").mean() * 100, 1, drop=3)
BAND = _Shown("band\nkHz", _median("bandwidth_hz", per=1000), 1, drop=4)
LOUDNESS = _Shown("loudness\nLUFS", _median("loudness_lufs"), 1, drop=5)
ESTIMATE = _Shown("SNR\nabout dB", _median("estimated_snr_db"), 0)
RATE = _Shown("words\nper s", pl.col("rate").median(), 1)
ASKED = _Shown("SNR\nasked", _median("requested_snr_db"), 1)
FOUND = _Shown("mea-\nsured", _median("snr_db"), 1)
LOWEST = _Shown("low-\nest", pl.col("snr_db").min(), 1, drop=2)
HIGHEST = _Shown("high-\nest", pl.col("snr_db").max(), 1, drop=1)
DIRECT = _Shown("direct to\nreverberant dB", _median("direct_to_reverberant_db"), 1)
REVERBERATION = _Shown("RT60\ns", _median("rt60_s"), 2)

ADDED = (ASKED, FOUND, LOWEST, HIGHEST)
CONDITIONS = (*ADDED, LEVEL, PEAK, CLIPPED, BAND)
ROOMS = (DIRECT, REVERBERATION)
RECORDINGS = (ESTIMATE, BAND, LOUDNESS, CLIPPED, RATE)


def conditions_measured(page: Page, view: View) -> None:
    """Write what came out of the conditions, and which missed what they say; nothing where nothing was measured.

    A note on a measured row of a condition says how the condition misses its own specification.
    """
    rows = view.results.measurements
    heard = rows.filter(pl.col("duration_s").is_not_null())
    named = [name for name in view.conditions if (heard["condition"] == name).any()]
    if not named:
        return
    page.heading("Conditions, as measured")
    parts = {name: _of(heard, name) for name in (None, *named)}
    page.line(f"medians over {_sizes([*map(len, parts.values())])}; levels in dB of full scale", indent=2, hang=2)
    shown = [column for column in CONDITIONS if column not in ADDED or _has(heard, "requested_snr_db")]
    head = Column("condition", wraps=True, narrowest=10)
    page.table(
        [head, *map(_column, shown), Column("mis-\nses", align="right")],
        [
            [label(name) if name is not None else RECORDED, *_cells(part, shown), _misses(part, name)]
            for name, part in parts.items()
        ],
    )
    _missed(page, heard, rows, named)
    rooms = [name for name in named if _has(parts[name], "rt60_s", "direct_to_reverberant_db")]
    if rooms:
        page.gap()
        page.table([head, *map(_column, ROOMS)], [[label(name), *_cells(parts[name], ROOMS)] for name in rooms])
    page.line(
        "SNR: power of active speech (ITU-T P.56) over that of the noise, measured on what was added; lowest and "
        "highest of the utterances. Clipped: mean share of samples. A miss: an SNR off by more than 0.2 dB, or "
        "clipping that was not asked for.",
        style=QUIET,
        indent=2,
        hang=2,
    )


def _of(rows: pl.DataFrame, condition: str | None) -> pl.DataFrame:
    return rows.filter(pl.col("condition").eq_missing(pl.lit(condition, dtype=pl.String)))


def _has(rows: pl.DataFrame, *columns: str) -> bool:
    return any(rows[column].is_not_null().any() for column in columns)


def _sizes(sizes: Sequence[int]) -> str:
    if min(sizes) == max(sizes):
        return f"{counted(max(sizes), 'utterance')} each"
    return f"{number(min(sizes))} to {counted(max(sizes), 'utterance')}"


def _column(shown: _Shown) -> Column:
    return Column(shown.title, align="right", drop=shown.drop)


def _cells(rows: pl.DataFrame, columns: Sequence[_Shown]) -> list[str]:
    values = rows.select(shown.value.alias(str(place)) for place, shown in enumerate(columns)).row(0)
    return [_told(value, shown.decimals) for value, shown in zip(values, columns, strict=True)]


def _told(value: float | None, decimals: int) -> str:
    if value is None:
        return "-"
    least = 10.0**-decimals
    if 0 < value < least / 2:
        return f"<{least:.{decimals}f}"
    # Adding 0 turns −0.0 into 0.0.
    return f"{round(value, decimals) + 0:.{decimals}f}"


def _misses(rows: pl.DataFrame, condition: str | None) -> str:
    return "" if condition is None else number(len(rows) - rows["note"].null_count())


def _missed(page: Page, heard: pl.DataFrame, rows: pl.DataFrame, named: Sequence[str]) -> None:
    for name in named:
        own = _of(heard, name)
        notes = own["note"].drop_nulls().str.split("; ").explode().value_counts(sort=True)
        for note, count in notes.sort(["count", "note"], descending=[True, False]).iter_rows():
            text = f"{label(name)} misses what it says in {number(count)} of {counted(len(own), 'utterance')}: {note}"
            page.line(text, style=WARNING, indent=2, hang=2)
        silent = len(_of(rows, name)) - len(own)
        if silent:
            page.line(f"{label(name)}: {counted(silent, 'utterance')} could not be heard", indent=2, hang=2)


def recordings_measured(page: Page, view: View, *, top: int) -> None:
    """Write how the groups of each axis were recorded; nothing where the recordings were not measured."""
    heard = _of(view.results.measurements, None).filter(pl.col("duration_s").is_not_null())
    if heard.is_empty():
        return
    rows = heard.join(_spoken(view), on="utterance_id", how="left", maintain_order="left").with_columns(
        rate=pl.when(pl.col("active_s") > 0).then(pl.col("words") / pl.col("active_s"))
    )
    page.heading("Recordings, as they came")
    page.line("before any condition; medians", indent=2)
    everybody = [EVERYBODY, number(len(rows)), *_cells(rows, RECORDINGS)]
    utterances = with_intersections(view.results.utterances, view.axes)
    axes = [axis for axis in view.axes if axis in utterances.columns]
    for axis in axes:
        labelled = rows.join(utterances.select("utterance_id", group=axis), on="utterance_id", how="left")
        _axis(page, labelled, everybody, title=view.provenance(axis), top=top)
    if not axes:
        page.table(_heads("recordings"), [everybody])
    page.gap()
    page.line(
        "SNR: an estimate, over the quietest tenth of each recording (after NIST's stnr), too high where the noise has "
        "pauses itself. Band: up to where the spectrum stays within 50 dB of its highest. Loudness: ITU-R BS.1770. "
        "Clipped: mean share of samples. Words per second of active speech. Where groups were recorded differently, "
        "adjust for it: --covariate recording_snr_db, and the like.",
        style=QUIET,
        indent=2,
        hang=2,
    )


def _spoken(view: View) -> pl.DataFrame:
    counts = view.results.counts
    return counts.group_by("utterance_id").agg(words=pl.col("reference_words").max())


def _heads(first: str) -> list[Column]:
    return [
        Column(first, wraps=True, narrowest=14),
        Column("utter-\nances", align="right", drop=1),
        *map(_column, RECORDINGS),
    ]


def _axis(page: Page, rows: pl.DataFrame, everybody: list[str], *, title: str, top: int) -> None:
    names = rows["group"].unique().sort(nulls_last=True).to_list()
    groups = {name: rows.filter(pl.col("group").eq_missing(pl.lit(name, dtype=pl.String))) for name in names[:top]}
    page.gap()
    page.line(f"by {title}", indent=2, hang=2)
    page.table(
        _heads("group"),
        [
            everybody,
            *([label(name), number(len(found)), *_cells(found, RECORDINGS)] for name, found in groups.items()),
        ],
    )
    if len(names) > top:
        page.line(f"and {counted(len(names) - top, 'more group')}", style=QUIET, indent=2)
