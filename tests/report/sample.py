"""Small results written by hand: the numbers are invented, their shape is a run's."""

import copy
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.report import render
from asrfair.results import Results
from asrfair.tables import COUNTS, TABLES, conform

SIGNATURE: dict[str, Any] = {
    "asrfair": "0.1.0",
    "kind": "run",
    "signature": "asrfair:0.1.0|corpus:words-4f1c|norm:basic-1|backend:small-91aa|level:0.95|seed:0",
    "created": "2026-03-02",
    "python": "3.11.7",
    "libraries": {"jiwer": "4.0.0"},
    "seed": 0,
    "sample_rate": 16000,
    "normalizer": {"name": "basic", "version": "1", "label": "basic-1", "spec": "basic"},
    "level": 0.95,
    "method": "speaker-clustered log t",
    "corpus": {
        "card": "words",
        "title": "Words of four regions",
        "kind": "read",
        "licence": "CC0-1.0",
        "citation": "Invented for a test",
        "utterances": 190,
        "speakers": 38,
        "hours": 0.21,
        "digest": "4f1c",
    },
    "axes": {
        "accent": {
            "assigned_by": "self-reported",
            "note": None,
            "imputed": False,
            "reference_group": "american",
            "unmapped": {"mid-atlantic": 5},
        }
    },
    "conditions": {"clean": {}, "pink-10db": {}, "telephone": {}},
    "baseline_condition": "clean",
    "backends": {"small": {"type": "replay"}, "large": {"type": "replay"}},
    "baseline_backend": "small",
    "independent_utterances": False,
    "limit": None,
    "failure_limit": 0.05,
    "notes": ["2 blank hypotheses were counted as deletions of every word."],
}
# group, speakers, utterances, words, WER in clean
GROUPS: list[tuple[str | None, int, int, int, float | None]] = [
    ("scottish", 8, 40, 320, 0.312),
    ("indian", 12, 60, 474, 0.164),
    ("american", 14, 70, 566, 0.122),
    ("welsh", 1, 5, 41, 0.22),
    ("irish", 2, 10, 0, None),
    (None, 1, 5, 40, 0.175),
]
COSTS = {"clean": 1.0, "pink-10db": 1.75, "telephone": 1.3}
EXTRA = {("scottish", "pink-10db"): 1.25}
# Where points and factor point in opposite directions: the recogniser, the group and the condition.
OPPOSED = ("large", "indian", "telephone")


def results(**tables: Any) -> Results:
    """Return results with the given tables conformed to the contract; others are empty."""
    signature = tables.pop("signature", None)
    made = {
        name: conform(tables.get(name, pl.DataFrame()), schema, axes=_axes(tables.get(name), name))
        if tables.get(name) is not None
        else pl.DataFrame(schema=schema)
        for name, schema in TABLES.items()
    }
    return Results(**made, signature=copy.deepcopy(SIGNATURE) if signature is None else signature)


def _axes(rows: pl.DataFrame | None, name: str) -> list[str]:
    return [] if rows is None else [c for c in rows.columns if c not in TABLES[name]]


def signature(**changes: Any) -> dict[str, Any]:
    """Return the sample's signature with changed entries."""
    return {**copy.deepcopy(SIGNATURE), **changes}


def rate(axis: str, group: str | None, condition: str, backend: str, **values: Any) -> dict[str, Any]:
    """Return a ``rates`` row; what is not given is null, failures are none."""
    row = {"axis": axis, "group": group, "condition": condition, "backend": backend, "failures": 0}
    return {**row, "normalizer": "basic-1", "method": "speaker-clustered log t", "level": 0.95, **values}


def disparity(
    measure: str, estimate: float | None, low: float | None, high: float | None, **values: Any
) -> dict[str, Any]:
    """Return a ``disparities`` row; reference columns default to the row's own."""
    row = {"measure": measure, "estimate": estimate, "low": low, "high": high, **values}
    row.setdefault("reference_condition", row["condition"])
    row.setdefault("reference_backend", row["backend"])
    return {"normalizer": "basic-1", "method": "speaker-clustered log t", "level": 0.95, **row}


def realistic() -> Results:
    """Return four accents, three conditions and two recognisers, with small, lone and unlabelled groups."""
    rates, disparities = [], []
    for backend, factor in (("small", 1.0), ("large", 0.8)):
        for condition, cost in COSTS.items():
            overall = 0.19 * factor * cost
            rates.append(_rate("overall", "overall", condition, backend, overall, (38, 190, 1441)))
            for group, speakers, utterances, words, wer in GROUPS:
                extra = 1.0 if backend == "large" else EXTRA.get((group or "", condition), 1.0)
                base = 0.172 / 0.8 if (group, backend) == ("scottish", "large") else wer
                value = None if base is None else base * factor * cost * extra
                rates.append(_rate("accent", group, condition, backend, value, (speakers, utterances, words)))
        disparities += _contrasts(backend)
    failures = [
        {
            "utterance_id": f"u{k}",
            "speaker_id": "s1",
            "condition": "telephone",
            "backend": "small",
            "stage": "transcribe",
            "reason": "no speech found",
        }
        for k in range(3)
    ]
    for row in rates:
        if row["backend"] == "small" and row["condition"] == "telephone" and row["group"] in ("overall", "scottish"):
            row["failures"] = 3
    return results(
        rates=pl.DataFrame(rates, infer_schema_length=None),
        disparities=pl.DataFrame(disparities, infer_schema_length=None),
        failures=pl.DataFrame(failures),
        counts=irish_counts(),
    )


def irish_counts() -> pl.DataFrame:
    """Return counts of the group that said no words: two insertions in each cell."""
    rows = [
        {
            **dict.fromkeys(COUNTS, 0),
            "utterance_id": "i1",
            "speaker_id": "s9",
            "condition": condition,
            "backend": backend,
            "normalizer": "basic-1",
            "insertions": 2,
            "accent": "irish",
        }
        for condition in COSTS
        for backend in ("small", "large")
    ]
    return pl.DataFrame(rows)


def _rate(
    axis: str, group: str | None, condition: str, backend: str, wer: float | None, sizes: Sequence[int]
) -> dict[str, Any]:
    speakers, utterances, words = sizes
    judged = wer is not None and speakers >= 2
    spread = 1 + 1.6 / max(speakers, 1) ** 0.7
    notes = ["1 speaker: not judged"] if speakers < 2 else ["under 10 speakers"] if speakers < 10 else []
    if wer is None:
        notes = ["no reference words"]
    return rate(
        axis,
        group,
        condition,
        backend,
        speakers=speakers,
        utterances=utterances,
        reference_words=words,
        wer=wer,
        low=wer / spread if judged and wer else None,
        high=wer * spread if judged and wer else None,
        note="; ".join(notes) or None,
    )


def _contrasts(backend: str) -> list[dict[str, Any]]:
    """Return every family of comparisons for two groups and one lone speaker."""
    found: list[dict[str, Any]] = []
    base = {"axis": "accent", "reference_group": "american", "backend": backend, "reference_speakers": 14}
    for condition, cost in COSTS.items():
        cell = {**base, "condition": condition}
        for group, speakers, ratio, low, high, p in (
            ("scottish", 8, *((2.56, 1.72, 3.80, 0.0004) if backend == "small" else (1.41, 0.87, 2.29, 0.31))),
            ("indian", 12, 1.34, 0.91, 1.98, 0.19 if backend == "small" else 0.31),
        ):
            own = {**cell, "group": group, "speakers": speakers, "note": "under 10 speakers" if speakers < 10 else None}
            gap = 0.122 * cost * (ratio - 1)
            found.append(disparity("ratio", ratio, low, high, p=p / 2, p_adjusted=p, **own))
            found.append(disparity("difference", gap, gap * 0.4, gap * 1.7, p=p / 2, p_adjusted=p, **own))
            if condition == "clean":
                all_of = {**own, "reference_group": "overall", "reference_speakers": 38}
                found.append(
                    disparity("ratio_to_overall", ratio * 0.64, low * 0.64, high * 0.64, p=p, p_adjusted=p, **all_of)
                )
                found.append(
                    disparity("difference_to_overall", gap - 0.06, gap - 0.11, gap - 0.01, p=p, p_adjusted=p, **all_of)
                )
            else:
                extra = EXTRA.get((group, condition), 1.02)
                more = {**own, "reference_condition": "clean", "p": 0.02, "p_adjusted": 0.04 if extra > 1.1 else 0.71}
                found.append(disparity("interaction_ratio", extra, extra * 0.9, extra * 1.1, **more))
                found.append(disparity("interaction_difference", extra * 0.1, extra * 0.01, extra * 0.2, **more))
                if (backend, group, condition) == OPPOSED:
                    found[-2] |= {"estimate": 0.8, "low": 0.7, "high": 0.92, "p_adjusted": 0.012}
                    found[-1] |= {"p_adjusted": 0.031}
        lone = {**cell, "group": "welsh", "speakers": 1, "note": "1 speaker: not judged"}
        found.append(disparity("ratio", 1.8, None, None, **lone))
        found.append(disparity("difference", 0.098, None, None, **lone))
    found += _costs(backend)
    if backend == "large":
        found += _backends()
    return found


def _costs(backend: str) -> list[dict[str, Any]]:
    groups = [("overall", "overall", 38), ("accent", "scottish", 8), ("accent", "american", 14)]
    found = []
    for condition in ("pink-10db", "telephone"):
        for axis, group, speakers in groups:
            own: dict[str, Any] = {"axis": axis, "group": group, "reference_group": group, "backend": backend}
            own |= {"condition": condition, "reference_condition": "clean", "p": 0.0001, "p_adjusted": 0.0002}
            own |= {"speakers": speakers, "reference_speakers": speakers}
            cost = 0.14 if condition == "pink-10db" else 0.06
            found.append(disparity("condition_difference", cost, cost - 0.03, cost + 0.04, **own))
            found.append(
                disparity("condition_ratio", COSTS[condition], COSTS[condition] - 0.2, COSTS[condition] + 0.25, **own)
            )
    return found


def _backends() -> list[dict[str, Any]]:
    found = []
    for axis, group in (("overall", "overall"), ("accent", "scottish"), ("accent", "american")):
        own: dict[str, Any] = {"axis": axis, "group": group, "reference_group": group, "backend": "large"}
        own |= {"reference_backend": "small", "condition": "clean", "speakers": 14, "reference_speakers": 14}
        p = {"overall": 0.003, "scottish": 0.08, "american": 0.04}[group]
        found.append(disparity("backend_difference", -0.04, -0.06, -0.01, p=p, p_adjusted=p, **own))
        found.append(disparity("backend_ratio", 0.8, 0.7, 0.93, p=p, p_adjusted=p, **own))
    return found


def written(found: Results, *, width: int = 80, encoding: str = "utf-8", top: int = 20, **options: Any) -> str:
    """Return the report as text: fixed width, no colour, as when piped."""
    file = _Encoded(encoding)
    console = Console(
        file=file, width=width, color_system=None, force_terminal=False, legacy_windows=False, _environ={}
    )
    render(found, console, top=top, **options)
    return file.getvalue()


class _Encoded(StringIO):
    """A text file that refuses what its encoding cannot hold."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


def lines_with(text: str, *parts: str) -> list[str]:
    """Return the lines that hold every part."""
    return [line for line in text.splitlines() if all(part in line for part in parts)]


def overview_of(text: str) -> str:
    """Return the findings in words, on one line each paragraph."""
    return " ".join(text.split("In short", 1)[1].split("WER in per cent", 1)[0].split())


def about(axis: str = "accent", **changes: Any) -> Mapping[str, Any]:
    """Return a signature's ``axes`` with one axis changed."""
    return {axis: {**SIGNATURE["axes"]["accent"], **changes}}
