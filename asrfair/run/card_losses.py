"""What a comparison for the card is made without: transcriptions that failed in either run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from asrfair.run.pairing import Pair

Data = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
CELL = ("axis", "group", "condition")


def failures_paired(failed: Iterable[Mapping[str, Any]]) -> Iterator[Data]:
    """Yield how many transcriptions of the shared utterances failed in each run, and in the new one alone."""
    for row in failed:
        counts = {"old": row["old"] + row["both"], "new": row["new"] + row["both"], "new_alone": row["new"]}
        yield {"backend": row["pair"], **{key: row[key] for key in CELL}, **counts}


def failures_apart(old: Rows, new: Rows, names: Iterable[Pair]) -> Iterator[Data]:
    """Yield how many transcriptions failed in each of two cards' cells; which of them in one alone is unknown."""
    for name in names:
        before, now = (
            {tuple(row[key] for key in CELL): int(row["failures"] or 0) for row in rows if row["backend"] == own}
            for rows, own in ((old, name.old), (new, name.new))
        )
        for cell in dict.fromkeys([*before, *now]):
            counts = {"old": before.get(cell, 0), "new": now.get(cell, 0)}
            if any(counts.values()):
                yield {"backend": name.name, **dict(zip(CELL, cell, strict=True)), **counts, "new_alone": None}
