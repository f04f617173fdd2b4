"""What a run no longer transcribes of its baseline run: cells that a regression rule cannot judge on what is left.

A paired comparison knows the utterances alone that both recognisers transcribed. Whoever drops or fails on the hard
ones would look better, so that what is gone is counted by cell, whatever the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from asrfair.report.text import counted, label, listed
from asrfair.results import Results
from asrfair.run.differences import Common
from asrfair.run.pairing import Pair
from asrfair.tables import INTERSECTION, OVERALL, with_intersections

MOST = 6
Place = tuple[str, str | None, str, str]
"""An axis, a group, a condition and a recogniser by the name of its pair."""


@dataclass(frozen=True)
class Missing:
    """What the baseline run transcribed and the run does not; ``failed`` of the ``utterances`` were tried in vain.

    ``cells`` counts by place, ``groups`` are those of each axis with anything missing; ``conditions`` and ``backends``
    are the baseline run's alone.
    """

    cells: dict[Place, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()

    def reason(self, axis: str, groups: Sequence[str | None], condition: str | None, backend: str | None) -> str | None:
        """Say what is missing in a comparison of groups; None where nothing is."""
        if condition in self.conditions or backend in self.backends:
            what = f"condition {label(condition)}" if condition in self.conditions else f"recogniser {label(backend)}"
            return f"the {what} of the baseline run is missing in this run"
        found = [
            self.cells.get((axis, group, condition, backend), (0, 0))
            for group in groups
            if condition is not None and backend is not None
        ]
        missing, failed = (sum(numbers) for numbers in zip(*found, strict=True)) if found else (0, 0)
        if not missing:
            return None
        vain = f", {failed:,} of them as failed transcriptions" if failed else ""
        what = f"{counted(missing, 'utterance')} that the baseline run transcribed"
        return f"{what} {_are(missing)} missing in this run{vain}"

    def note(self) -> str | None:
        """Say what is missing in all; None where nothing is."""
        cells = [
            f"{counted(missing, 'utterance')} with {label(backend)} in {label(condition)}"
            for (axis, _, condition, backend), (missing, _) in self.cells.items()
            if axis == OVERALL
        ]
        parts = [f"the {kind} {listed(map(label, names))}" for kind, names in self._alone() if names]
        parts += [listed(cells, most=MOST)] if cells else []
        return f"Of what the baseline run transcribed this run lacks {'; '.join(parts)}." if parts else None

    def _alone(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        return ("conditions", self.conditions), ("recognisers", self.backends)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def find_missing(old: Results, new: Results, shared: Common, pairs: Sequence[Pair]) -> Missing:
    """Return what the old run's recognisers transcribed, in the conditions of both runs, and the new run's did not."""
    cells: dict[Place, tuple[int, int]] = {}
    groups: dict[str, list[str]] = {}
    for pair in pairs:
        for axis, group, condition, utterances, failed in _of_pair(old, new, shared, pair).iter_rows():
            cells[axis, group, condition, pair.name] = (utterances, failed)
            if group is not None and group not in groups.setdefault(axis, []):
                groups[axis].append(group)
    there = {pair.old for pair in pairs}
    return Missing(
        cells=cells,
        groups={axis: tuple(sorted(names)) for axis, names in groups.items()},
        conditions=tuple(name for name in old.signature.get("conditions") or {} if name not in shared.conditions),
        backends=tuple(name for name in old.signature.get("backends") or {} if name not in there),
    )


def _of_pair(old: Results, new: Results, shared: Common, pair: Pair) -> pl.DataFrame:
    """Return axis, group (as the old run labels it), condition, and how many are missing and how many failed."""
    key = ["utterance_id", "condition"]
    parts = tuple(dict.fromkeys(part for axis in shared.axes for part in axis.split(INTERSECTION)))
    before = old.counts.filter(pl.col("backend") == pair.old, pl.col("condition").is_in(shared.conditions))
    now = new.counts.filter(pl.col("backend") == pair.new).select(key)
    tried = new.failures.filter(pl.col("backend").eq_missing(pair.new) | pl.col("backend").is_null())
    anywhere = pl.col("condition").is_null()
    named, unnamed = tried.filter(~anywhere).select(key), tried.filter(anywhere).select("utterance_id")
    gone = before.select(*key, *parts).join(now, on=key, how="anti")
    failed = pl.concat(
        [gone.join(named, on=key, how="semi"), gone.join(unnamed, on="utterance_id", how="semi")]
    ).unique(key)
    rows = gone.join(failed.select(*key, failed=pl.lit(value=True)), on=key, how="left").with_columns(
        pl.col("failed").fill_null(value=False)
    )
    whole = with_intersections(rows, shared.axes).with_columns(pl.lit(OVERALL).alias(OVERALL))
    return pl.concat(
        [
            pl.DataFrame(
                schema={"axis": pl.String, "group": pl.String, "condition": pl.String, "n": pl.Int64, "f": pl.Int64}
            ),
            *(
                whole.group_by(pl.col(axis).alias("group"), "condition")
                .agg(n=pl.len().cast(pl.Int64), f=pl.col("failed").sum().cast(pl.Int64))
                .sort("condition", "group", nulls_last=True)
                .select(pl.lit(axis).alias("axis"), "group", "condition", "n", "f")
                for axis in (OVERALL, *shared.axes)
            ),
        ]
    )


def failed_note(results: Results) -> list[str]:
    """Say how many transcriptions of a run failed, and of which groups; nothing where none did."""
    rows = results.rates.group_by("axis", "group").agg(
        failed=pl.col("failures").sum(), tried=(pl.col("failures") + pl.col("utterances")).sum()
    )
    whole = rows.filter(pl.col("axis") == OVERALL, pl.col("failed") > 0)
    if whole.is_empty():
        return []
    share = pl.col("failed") / pl.col("tried")
    groups = rows.filter(pl.col("axis") != OVERALL, pl.col("group").is_not_null(), pl.col("failed") > 0)
    told = [
        f"{label(row['group'])} by {label(row['axis'])}: {row['failed']:,} of {row['tried']:,}"
        for row in groups.sort(share, "axis", "group", descending=[True, False, False]).iter_rows(named=True)
    ]
    failed, tried = whole.select("failed", "tried").row(0)
    where = f" ({listed(told, most=MOST)})" if told else ""
    return [f"{failed:,} of {counted(tried, 'transcription')} failed{where} and are in no WER."]
