"""What a shareable form's signature tells: which labels may be named, and what is withheld."""

from collections.abc import Collection, Mapping
from typing import Any

from asrfair.results import Results
from asrfair.run.shareable_cells import Group, Hidden
from asrfair.run.shareable_text import Names, notes, without_paths
from asrfair.tables import INTERSECTION


def folded(signature: Mapping[str, Any], hidden: Hidden) -> Hidden:
    """Return the withheld labels that the corpus's card does not declare: speakers' own words, not to be named.

    All of an axis without declared levels; of a product those with such a part.
    """
    axes: Mapping[str, Mapping[str, Any]] = signature.get("axes") or {}

    def rare(axis: str, label: str) -> bool:
        facts = axes.get(axis) or {}
        if facts.get("declared"):
            return label in (facts.get("unmapped") or ())
        return axis not in hidden or label in hidden[axis]

    def is_rare(axis: str, group: str) -> bool:
        parts, labels = axis.split(INTERSECTION), group.split(INTERSECTION)
        if len(parts) != len(labels):
            return True
        return any(rare(part, label) for part, label in zip(parts, labels, strict=True))

    return {axis: {group for group in groups if group and is_rare(axis, group)} for axis, groups in hidden.items()}


def signed(
    run: Results, hidden: Hidden, unnamed: Hidden, names: Collection[str], *, least: int, transcripts: bool
) -> dict[str, Any]:
    """Return the signature without names, paths and rare labels; ``shareable`` says what is withheld."""
    signature: dict[str, Any] = without_paths(dict(run.signature))
    axes: dict[str, dict[str, Any]] = signature.get("axes") or {}
    rare: set[Group] = set().union(*unnamed.values())
    for axis, facts in axes.items():
        raw = facts.get("unmapped") or {}
        gone = {label for label in raw if label in hidden.get(axis, ())}
        facts["unmapped"] = {label: count for label, count in raw.items() if label not in gone}
        rare |= gone
        if facts.get("reference_group") in unnamed.get(axis, ()):
            facts["reference_group"] = None
    rare_words = Names(filter(None, rare))
    signature["confirm"] = [text for text in signature.get("confirm") or () if not rare_words.are_in(str(text))]
    told, left = notes(run.signature.get("notes") or (), [*names, *filter(None, rare)])
    form = {
        "least_speakers": least,
        "groups_withheld": sum(len(groups) for groups in hidden.values()),
        "withheld_by_axis": {axis: len(hidden[axis]) for axis in axes if hidden.get(axis)},
        "axes_withheld": [axis for axis in axes if hidden.get(axis)],
        "labels_not_named": sum(len(labels) for labels in unnamed.values()),
        "notes_left_out": left,
        "transcripts": transcripts,
    }
    parts = str(signature.get("signature") or "unsigned").split("|")
    line = "|".join([part for part in parts if not rare_words.are_in(part)] + [f"shareable:{least}"])
    return {**signature, "axes": axes, "notes": without_paths(told), "signature": line, "shareable": form}
