"""The signature: what a run's numbers were made of, as a dict and as one line."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from asrfair.corpus import Axis
from asrfair.report.text import counted
from asrfair.tables import INTERSECTION


def short_signature(signature: Mapping[str, Any]) -> str:
    """Return the one-line signature: two numbers may be compared where these lines agree.

    What an older run folder does not say is left out.
    """
    corpus = signature.get("corpus") or {}
    parts = {
        "asrfair": signature["asrfair"],
        "corpus": "+".join(filter(None, [corpus.get("card"), corpus.get("digest")])),
        "normalizer": (signature.get("normalizer") or {}).get("label"),
        "jiwer": (signature.get("libraries") or {}).get("jiwer"),
        "conditions": _carded(signature["conditions"]),
        "probes": _carded(signature.get("probes") or {}),
        "backends": ",".join(f"{name}+{_digest(facts)}" for name, facts in signature["backends"].items()),
        "sample_rate": signature.get("sample_rate"),
        "device": signature.get("device"),
        "seed": signature["seed"],
        "method": (signature["method"] or "none").replace(" ", "-"),
        "level": signature["level"],
        "independent": "utterances" if signature["independent_utterances"] else None,
        "confirm": ";".join(text.replace(" ", "") for text in signature["confirm"]),
        "family": "-".join(signature["family"]),
        "replicates": signature["replicates"],
        "covariates": ",".join(signature["covariates"]),
        "limit": signature.get("limit"),
        "sample": signature.get("sample"),
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items() if value not in (None, ""))


def _carded(conditions: Mapping[str, Mapping[str, Any]]) -> str:
    return ",".join("+".join(filter(None, [name, facts.get("digest")])) for name, facts in conditions.items())


def _digest(facts: Mapping[str, Any]) -> str:
    """Return 8 hexadecimal digits over a backend's identity."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:8]


def axis_facts(
    chosen: Sequence[str],
    axes: Mapping[str, Axis],
    references: Mapping[str, str],
    unmapped: Mapping[str, Mapping[str, int]],
) -> dict[str, dict[str, Any]]:
    """Return, per chosen axis, who assigned its labels; a product joins the facts of its parts.

    ``declared`` says that the card names its levels, so that what it does not name is in ``unmapped``.
    """
    facts = {}
    for name in chosen:
        parts = [axes[part] for part in name.split(INTERSECTION)]
        facts[name] = {
            "assigned_by": " × ".join(dict.fromkeys(part.assigned_by for part in parts)),
            "note": "; ".join(part.note for part in parts if part.note),
            "instrument": "; ".join(dict.fromkeys(part.instrument for part in parts if part.instrument)),
            "date": "; ".join(dict.fromkeys(part.date for part in parts if part.date)),
            "declared": all(bool(part.levels or part.bands or part.taxonomy) for part in parts),
            "imputed": any(part.assigned_by == "imputed" for part in parts),
            "reference_group": references.get(name),
            "unmapped": dict(unmapped.get(name, {})),
        }
    return facts


def audio_notes(outcomes: pl.DataFrame) -> list[str]:
    """Count what the reader noted (a wrong file name, a stereo file mixed down), once per utterance."""
    noted = outcomes.select("utterance_id", "audio_notes").unique().drop_nulls()
    each = noted.with_columns(pl.col("audio_notes").str.split("; ")).explode("audio_notes")
    kinds = each.group_by("audio_notes").agg(pl.len(), pl.col("utterance_id").min()).sort("audio_notes")
    return [
        f"audio: {note}: {count} utterance{'s' if count > 1 else ''} (first {first})"
        for note, count, first in kinds.iter_rows()
    ]


def backend_notes(outcomes: pl.DataFrame) -> list[str]:
    """Count what was done to get answers out of backends, such as smaller batches."""
    kinds = outcomes.drop_nulls("backend_note").group_by("backend", "backend_note").len("count")
    return [
        f"{backend}: {note}: {counted(count, 'transcription')}"
        for backend, note, count in kinds.sort("backend", "backend_note").iter_rows()
    ]


def blank_notes(outcomes: pl.DataFrame) -> list[str]:
    """Say how many hypotheses are empty: they count as transcripts in which every word is deleted."""
    blank = int((outcomes["hypothesis"].str.strip_chars() == "").sum())
    if not blank:
        return []
    return [f"{blank} empty hypotheses count as transcripts in which every word is deleted"]


def wordless_notes(counts: pl.DataFrame) -> list[str]:
    """Say how many utterances have a reference without words: all that is recognised of them is inserted."""
    rows = counts.filter(pl.col("reference_words") == 0)
    if rows.is_empty():
        return []
    of = counted(rows["utterance_id"].n_unique(), "utterance")
    inserted = counted(int(rows["insertions"].sum()), "insertion")
    return [f"blank references, or without words once normalised: {of}, {inserted} among the errors"]


def imputed_notes(names: Iterable[str], axes: Mapping[str, Axis], *, allowed: Collection[str] = ()) -> list[str]:
    """Say which axes a run leaves out because their labels are imputed, and how to have them."""
    return [
        f"{name}: labels are imputed, and left out of a run (--allow-imputed {name})"
        for name in names
        if name in axes and axes[name].assigned_by == "imputed" and name not in allowed
    ]
