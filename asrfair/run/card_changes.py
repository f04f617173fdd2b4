"""What changed from an old run or card to a new one, and whether it is more than noise; as data for the card.

Runs on the same utterances, made alike, are paired by utterance and speaker (`asrfair.run.compare`). Of other runs, and
of cards, the rates' own intervals decide, as if no speaker were in both (`asrfair.stats.independent`); the p are Holm's
over all groups of an axis and recogniser. Where two runs were made differently in a way that matters nothing is judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from asrfair.errors import InputError
from asrfair.report import metrics_card
from asrfair.report.compare.changes import gap_finding
from asrfair.report.findings import Contrast
from asrfair.results import Results
from asrfair.run.card_losses import failures_apart, failures_paired
from asrfair.run.compare import joined
from asrfair.run.differences import Difference, common, differences, is_synthetic
from asrfair.run.pairing import Pair, recognisers

Data = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
PAIRED = "paired by utterance and speaker"
INDEPENDENT = "from each run's own intervals, as if no speaker were in both (MOVER)"
SIDE = ("speakers", "reference_words", "wer", "low", "high")
CELL = ("axis", "group", "condition")
CHANGED = {"worse": "raised", "better": "lowered"}


def changes_of_runs(old: Results, new: Results) -> Data:
    """Return what changed between two runs: paired where they share utterances and were made alike."""
    shared = common(old, new)
    if shared.utterances.is_empty() or not shared.conditions:
        return changes_of_cards(metrics_card(old), metrics_card(new))
    pairs = recognisers(old, new)
    found = differences(old, new, shared)
    if any(each.matters for each in found):
        return changes_of_cards(metrics_card(old), metrics_card(new), differs=[asdict(each) for each in found])
    together = joined(old, new)
    entries: list[Data] = []
    disparities: list[Data] = []
    for pair in pairs:
        entries += _paired(together, pair.name, pair.side("old"), pair.side("new"))
        disparities += _disparities(together, pair.name, pair.side("new"))
    return {
        **_sides(old.signature, new.signature),
        "about_people": not any(map(is_synthetic, (old, new))),
        "paired": True,
        "comparable": True,
        "method": PAIRED,
        "utterances": len(shared.utterances),
        "level": together.signature["level"],
        "differs": [asdict(each) for each in found],
        "entries": entries,
        "disparities": disparities,
        "only_old": _alone(old.rates.to_dicts(), new.rates.to_dicts(), pairs, side="old"),
        "only_new": _alone(new.rates.to_dicts(), old.rates.to_dicts(), pairs, side="new"),
        "left_out": together.signature["comparison"]["left_out"],
        "failures": list(failures_paired(together.signature["comparison"]["failures"])),
    }


def _paired(together: Results, name: str, old: str, new: str) -> Iterator[Data]:
    rates = {(*_cell(row), row["backend"]): row for row in together.rates.iter_rows(named=True)}
    for contrast in _contrasts(together, "backend", new):
        row = contrast.row
        sides = {side: rates.get((*_cell(row), backend)) for side, backend in (("old", old), ("new", new))}
        yield {
            **_entry(together.signature, contrast, name, CHANGED),
            **{key: _side(value) for key, value in sides.items()},
        }


def _disparities(together: Results, name: str, new: str) -> list[Data]:
    """Return whether each group's gap to its reference group changed; words as `gap_finding` has them."""
    signature = together.signature
    alpha = round(1 - float(signature["level"]), 12)
    gaps = {
        (row["axis"], row["group"], row["condition"]): (row["old"], row["new"])
        for row in signature["comparison"]["gaps"]
        if row["pair"] == name
    }
    found = []
    for contrast in _contrasts(together, "backend_interaction", new):
        gap = gaps.get(_cell(contrast.row), (None, None))
        reference = {"reference_group": contrast.row["reference_group"], "old_gap": gap[0], "new_gap": gap[1]}
        verdict = gap_finding(contrast, alpha, gap)
        scales = (("p_points", contrast.difference), ("p_factor", contrast.ratio))
        chances = {key: None if row is None else row["p_adjusted"] for key, row in scales}
        found.append(_entry(signature, contrast, name, {}) | reference | chances | {"verdict": verdict})
    return found


def _contrasts(together: Results, stem: str, new: str) -> list[Contrast]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in together.disparities.iter_rows(named=True):
        for scale in ("difference", "ratio"):
            if row["measure"] == f"{stem}_{scale}" and row["backend"] == new:
                found.setdefault(_cell(row), {})[scale] = row
    return [Contrast(difference=rows.get("difference"), ratio=rows.get("ratio")) for rows in found.values()]


def _entry(signature: Mapping[str, Any], contrast: Contrast, name: str, words: Mapping[str, str]) -> Data:
    alpha = round(1 - float(signature["level"]), 12)
    row = contrast.row
    verdict = contrast.verdict(alpha)
    return {
        **_where(signature.get("axes") or {}, row["axis"], row["group"], row["condition"], name),
        "speakers": row["speakers"],
        **_scale(contrast.difference, "difference"),
        **_scale(contrast.ratio, "ratio"),
        "p_adjusted": contrast.p,
        "verdict": words.get(verdict, verdict),
        "note": row["note"],
    }


def _scale(row: Mapping[str, Any] | None, name: str) -> Data:
    ends = {"estimate": None, "low": None, "high": None} if row is None else row
    return {name: {key: ends[key] for key in ("estimate", "low", "high")}}


def _where(axes: Mapping[str, Any], axis: str, group: str | None, condition: str, name: str) -> Data:
    about = axes.get(axis) or {}
    origin = {"assigned_by": about.get("assigned_by"), "imputed": bool(about.get("imputed"))}
    return {"axis": axis, **origin, "group": group, "condition": condition, "backend": name}


def _side(row: Mapping[str, Any] | None) -> Data | None:
    return None if row is None else {key: row[key] for key in SIDE}


def _cell(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in CELL)


def changes_of_cards(old: Mapping[str, Any], new: Mapping[str, Any], *, differs: Sequence[Data] | None = None) -> Data:
    """Return what changed between two cards' rates, each from its own interval; ``differs`` if known already."""
    told = list(_differs(old["what_was_measured"], new["what_was_measured"]) if differs is None else differs)
    comparable = not any(each["matters"] for each in told)
    names = _names(old["what_was_measured"]["backends"], new["what_was_measured"]["backends"])
    rows = [[_of_card(row) for row in (*card["overall"], *card["groups"])] for card in (old, new)]
    axes = {axis["axis"]: axis for axis in new["what_was_measured"]["axes"]}
    entries = [entry for name in names for entry in _independent(rows, name, axes, new, comparable=comparable)]
    return {
        **_sides(old["what_was_measured"] | {"signature": old.get("signature")},
                 new["what_was_measured"] | {"signature": new.get("signature")}),
        "about_people": all(card["what_was_measured"]["about_people"] for card in (old, new)),
        "paired": False,
        "comparable": comparable,
        "method": INDEPENDENT,
        "utterances": None,
        "level": new["what_was_measured"]["level"],
        "differs": told,
        "entries": entries,
        "disparities": [],
        "only_old": _alone(rows[0], rows[1], names, side="old"),
        "only_new": _alone(rows[1], rows[0], names, side="new"),
        "left_out": [],
        "failures": list(failures_apart(rows[0], rows[1], names)),
    }  # fmt: skip


def _of_card(row: Mapping[str, Any]) -> Data:
    return {"axis": "overall", "group": "overall", **row}


def _names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Pair]:
    both = [name for name in new if name in old]
    if both:
        return [Pair(name, name) for name in both]
    if len(old) == len(new) == 1:
        return [Pair(*old, *new)]
    told = "; ".join(", ".join(map(str, side)) or "none" for side in (old, new))
    raise InputError(f"card: found no recogniser of one name in both ({told}); expected one in each, or a shared name")


def _independent(
    rows: Sequence[Rows], name: Pair, axes: Mapping[str, Any], new: Mapping[str, Any], *, comparable: bool
) -> list[Data]:
    """Return an entry for each cell that both have; Holm's family is an axis."""
    before, after = (
        {_cell(row): row for row in side if row["backend"] == own}
        for side, own in zip(rows, (name.old, name.new), strict=True)
    )
    shared = [cell for cell in after if cell in before]
    found: list[Data] = []
    for axis in dict.fromkeys(cell[0] for cell in shared):
        cells = [cell for cell in shared if cell[0] == axis]
        found += _family([before[cell] for cell in cells], [after[cell] for cell in cells], name, axes, new, comparable)
    return found


def _family(
    old: Rows, new: Rows, name: Pair, axes: Mapping[str, Any], card: Mapping[str, Any], comparable: bool
) -> list[Data]:
    from asrfair.stats.independent import independent_changes

    alpha = round(1 - float(card["what_was_measured"]["level"] or 0.95), 12)
    changes = independent_changes(_stated(old, alpha), _stated(new, alpha), alpha=alpha)
    entries = []
    for k, (before, after) in enumerate(zip(old, new, strict=True)):
        estimate, low, high, p = (
            None if value != value else float(value)
            for value in (changes.estimate[k], changes.low[k], changes.high[k], changes.p_adjusted[k])
        )
        judged = p is not None and comparable
        shown = judged and p is not None and p < alpha
        verdict = ("raised" if (estimate or 0) > 0 else "lowered") if shown else "not shown" if judged else "not judged"
        ends = {"estimate": estimate, "low": low if judged else None, "high": high if judged else None}
        entries.append(
            {
                **_where(axes, after["axis"], after["group"], after["condition"], name.name),
                "speakers": None,
                "difference": ends,
                "ratio": dict.fromkeys(("estimate", "low", "high")),
                "p_adjusted": p if judged else None,
                "verdict": verdict,
                "note": None,
                "old": _side(before),
                "new": _side(after),
            }
        )
    return entries


def _stated(rows: Rows, alpha: float) -> Any:
    import numpy as np

    from asrfair.stats.independent import StatedRates

    def column(key: str) -> Any:
        return np.asarray([float("nan") if row[key] is None else row[key] for row in rows], float)

    wer, low, high, speakers = map(column, ("wer", "low", "high", "speakers"))
    return StatedRates(estimate=wer, low=low, high=high, speakers=speakers, alpha=np.full(len(rows), alpha))


def _sides(old: Mapping[str, Any], new: Mapping[str, Any]) -> Data:
    return {
        side: {"created": facts.get("created"), "asrfair": facts.get("asrfair"), "signature": facts.get("signature")}
        for side, facts in (("old", old), ("new", new))
    }


def _alone(rows: Rows, others: Rows, names: Sequence[Any], *, side: str) -> list[Data]:
    """Return the groups that only one side measured."""
    other = "new" if side == "old" else "old"
    own = {getattr(name, side): getattr(name, other) for name in names}
    there = {(*_cell(row), row["backend"]) for row in others}
    missing = [row for row in rows if row["backend"] in own and (*_cell(row), own[row["backend"]]) not in there]
    return [
        {"axis": axis, "group": group} for axis, group in dict.fromkeys((row["axis"], row["group"]) for row in missing)
    ]


def _differs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Data]:
    """Yield how two cards were made differently; what matters makes their numbers no comparison."""
    normalizers = [(facts.get("normalizer") or {}).get("label") for facts in (old, new)]
    yield from _unequal("normaliser", *normalizers, matters=True)
    for name in new["conditions"]:
        if name in old["conditions"]:
            digests = [facts["conditions"][name].get("digest") for facts in (old, new)]
            yield from _unequal(f"condition {name}", *digests, matters=True)
    for what, key in (("sample rate in Hz", "sample_rate"), ("level", "level")):
        yield from _unequal(what, old.get(key), new.get(key), matters=True)
    for what, key in (("limit of utterances", "limit"), ("sample per group", "sample")):
        yield from _unequal(what, old.get(key), new.get(key), matters=False)
    facts = [("corpus", "card"), ("kind of speech", "kind")]
    if old.get("kind") == new.get("kind") == "run":
        # Of scored tables the digest covers the transcripts too.
        facts.append(("corpus's digest", "digest"))
    for what, key in facts:
        yield from _unequal(what, old["corpus"].get(key), new["corpus"].get(key), matters=key == "kind")
    for name in new["backends"]:
        if name in old["backends"]:
            identities = [_identity(facts["backends"][name]) for facts in (old, new)]
            yield from _unequal(f"recogniser {name}", *identities, matters=False)
    yield from _unequal("asrfair", old.get("asrfair"), new.get("asrfair"), matters=False)


def _identity(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def _unequal(what: str, old: Any, new: Any, *, matters: bool) -> Iterator[Data]:
    if old != new:
        before, now = ("none" if value is None else str(value) for value in (old, new))
        yield asdict(Difference(what, before, now, matters))
