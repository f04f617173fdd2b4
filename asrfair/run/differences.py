"""What differs between two runs: what makes their numbers no comparison, and what is only to be told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.condition import load_conditions
from asrfair.errors import AsrfairError
from asrfair.report.text import counted, label, listed, safe
from asrfair.results import Results
from asrfair.run.covariates import CLEAN
from asrfair.tables import with_intersections

NOTHING = "none"
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Difference:
    """One thing that two runs do not have in common; ``matters`` if their numbers may differ because of it."""

    what: str
    old: str
    new: str
    matters: bool

    def __str__(self) -> str:
        return f"{self.what} ({self.old} in the old run, {self.new} in the new)"


@dataclass(frozen=True)
class Common:
    """What two runs have in common by name: utterances (their ids), conditions, axes in the old run's order."""

    utterances: pl.Series
    conditions: tuple[str, ...]
    axes: tuple[str, ...]


def common(old: Results, new: Results) -> Common:
    """Return what both runs have."""
    ids = old.utterances.select("utterance_id").join(
        new.utterances.select("utterance_id"), on="utterance_id", how="semi", maintain_order="left"
    )
    both = (
        tuple(name for name in old.signature.get(key) or {} if name in (new.signature.get(key) or {}))
        for key in ("conditions", "axes")
    )
    return Common(ids["utterance_id"], *both)


def is_synthetic(run: Results) -> bool:
    """Return whether a run's voices are not people's."""
    return str(_part(run.signature, "corpus", "kind")) == SYNTHETIC


def differences(old: Results, new: Results, shared: Common) -> list[Difference]:
    """Return every difference, those that matter first.

    Of scored tables the corpus's digest says nothing, as it covers the transcripts too: the shared utterances'
    own references, speakers and labels are compared instead, as they are for all runs.
    """
    found = [*_making(old.signature, new.signature), *_of_conditions(old, new, shared)]
    found += [*_of_utterances(old, new, shared), *_of_axes(old.signature, new.signature, shared)]
    found += _told(old.signature, new.signature)
    return sorted(found, key=lambda each: not each.matters)


def _making(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    facts = [("kind of run", "kind"), ("limit of utterances", "limit"), ("sample per group", "sample")]
    both_run = old.get("kind") == new.get("kind") == "run"
    if both_run:
        facts.append(("sample rate in Hz", "sample_rate"))
    for what, key in facts:
        yield from _unequal(what, old.get(key), new.get(key))
    yield from _unequal("normaliser", _normalizer(old), _normalizer(new))
    yield from _unequal("kind of speech", _part(old, "corpus", "kind"), _part(new, "corpus", "kind"))
    if both_run:
        for what, key in (("corpus", "card"), ("corpus card's digest", "card_digest"), ("corpus's digest", "digest")):
            yield from _unequal(what, _part(old, "corpus", key), _part(new, "corpus", key))


def _normalizer(signature: Mapping[str, Any]) -> str:
    """Return label and specification; of a file its content counts, which the label covers, not where it lies."""
    facts = signature.get("normalizer") or {}
    spec = str(facts.get("spec") or "")
    parts = [facts.get("label"), spec if spec and "=" not in spec and spec != facts.get("name") else None]
    return ", ".join(str(part) for part in parts if part) or NOTHING


def _of_conditions(old: Results, new: Results, shared: Common) -> Iterator[Difference]:
    for name in shared.conditions:
        facts = [_part(run.signature, "conditions", name) or {} for run in (old, new)]
        yield from _unequal(f"condition {label(name)}", *(each.get("digest") for each in facts))
    columns = ["ladder", "parameter", "value", "unit"]
    rows = [run.conditions.filter(pl.col("condition").is_in(shared.conditions)) for run in (old, new)]
    steps = [{row["condition"]: [row[key] for key in columns] for row in table.iter_rows(named=True)} for table in rows]
    for name in shared.conditions:
        yield from _unequal(f"rung of condition {label(name)}", *(_rung(step.get(name)) for step in steps))
    random = [name for name in shared.conditions if not _is_untouched(old.signature, name)]
    if old.signature.get("kind") == new.signature.get("kind") == "run" and random:
        yield from _unequal("seed of the conditions", old.signature.get("seed"), new.signature.get("seed"))


def _rung(step: Sequence[Any] | None) -> str | None:
    return None if step is None or step[0] is None else " ".join(str(part) for part in step[1:] if part is not None)


def _is_untouched(signature: Mapping[str, Any], name: str) -> bool:
    """Return whether a condition is the shipped one without effects: no other can be told from its digest."""
    if name != CLEAN:
        return False
    try:
        (clean,) = load_conditions([CLEAN])
    except AsrfairError:
        return False
    return not clean.steps and (_part(signature, "conditions", name) or {}).get("digest") == clean.digest


def _of_utterances(old: Results, new: Results, shared: Common) -> Iterator[Difference]:
    """Compare the shared utterances' references, speakers and labels."""
    columns = ["reference", "speaker_id", *shared.axes]
    rows = [
        with_intersections(run.utterances, shared.axes)
        .select("utterance_id", *columns)
        .rename({name: f"{name}_{side}" for name in columns})
        for run, side in ((old, "old"), (new, "new"))
    ]
    both = rows[0].join(rows[1], on="utterance_id")
    for name in columns:
        sides = f"{name}_old", f"{name}_new"
        other = both.filter(pl.col(sides[0]).ne_missing(pl.col(sides[1])))
        if len(other):
            what = {"reference": "references", "speaker_id": "speakers"}.get(name, f"labels of {label(name)}")
            first = other.sort("utterance_id").row(0, named=True)
            where = f"{what} of {counted(len(other), 'shared utterance')}, first {label(first['utterance_id'])}"
            yield Difference(where, _short(first[sides[0]]), _short(first[sides[1]]), matters=True)
    yield from _of_words(old, new, shared)


def _of_words(old: Results, new: Results, shared: Common) -> Iterator[Difference]:
    """Compare the numbers of words where both were given counts, and so have no references."""
    if _part(old.signature, "normalizer", "name") != "given-counts" or _normalizer(old.signature) != _normalizer(
        new.signature
    ):
        return
    words = [
        run.counts.filter(pl.col("utterance_id").is_in(shared.utterances.implode()))
        .group_by("utterance_id")
        .agg(pl.col("reference_words").max().alias(side))
        for run, side in ((old, "old"), (new, "new"))
    ]
    other = words[0].join(words[1], on="utterance_id").filter(pl.col("old") != pl.col("new")).sort("utterance_id")
    if len(other):
        what = f"reference words of {counted(len(other), 'shared utterance')}, first {label(other['utterance_id'][0])}"
        yield Difference(what, str(other["old"][0]), str(other["new"][0]), matters=True)


def _of_axes(old: Mapping[str, Any], new: Mapping[str, Any], shared: Common) -> Iterator[Difference]:
    for axis in shared.axes:
        facts = [old["axes"][axis], new["axes"][axis]]
        yield from _unequal(f"who assigned {label(axis)}", *(_origin(each) for each in facts))
        references = [each.get("reference_group") for each in facts]
        yield from _unequal(f"reference group of {label(axis)}", *references, matters=False)


def _origin(facts: Mapping[str, Any]) -> str:
    origin = str(facts.get("assigned_by") or "unknown")
    return f"{origin}, imputed" if facts.get("imputed") and "imputed" not in origin else origin


def _told(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what a reader should know of, though the counts are analysed together and alike."""
    for what, key in (("asrfair", "asrfair"), ("Python", "python"), ("device of the conditions", "device")):
        yield from _unequal(what, old.get(key), new.get(key), matters=False)
    libraries = [signature.get("libraries") or {} for signature in (old, new)]
    for name in sorted({*libraries[0], *libraries[1]}):
        yield from _unequal(name, libraries[0].get(name), libraries[1].get(name), matters=False)
    for what, key in (("conditions", "conditions"), ("axes", "axes")):
        names = [list(signature.get(key) or {}) for signature in (old, new)]
        only = [[name for name in names[side] if name not in names[1 - side]] for side in (0, 1)]
        if only[0] or only[1]:
            told = [listed(map(label, each)) or NOTHING for each in only]
            yield Difference(f"{what} in one run only", told[0], told[1], matters=False)
    yield from _of_backends(old, new)


def _of_backends(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield how recognisers of one name changed, which is what a comparison is about."""
    for name, facts in (old.get("backends") or {}).items():
        other = (new.get("backends") or {}).get(name, facts)
        for key in dict.fromkeys([*facts, *other]):
            yield from _unequal(f"recogniser {label(name)}: {safe(key)}", facts.get(key), other.get(key), matters=False)


def _unequal(what: str, old: Any, new: Any, *, matters: bool = True) -> Iterator[Difference]:
    if (None if old == "" else old) != (None if new == "" else new):
        yield Difference(what, _short(old), _short(new), matters)


def _short(value: Any) -> str:
    return NOTHING if value is None or value == "" else label(str(value))


def _part(signature: Mapping[str, Any], *keys: str) -> Any:
    found: Any = signature
    for key in keys:
        found = (found or {}).get(key)
    return found
