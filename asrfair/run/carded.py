"""What a corpus's card says of transcript tables: levels for their labels, who assigned these, reference groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from asrfair.corpus import Axis, label, load_card
from asrfair.run.transcripts import ScorePlan


@dataclass(frozen=True)
class Carded:
    """A card's axes among the planned ones, its facts for the signature, and its caveats; empty without a card."""

    axes: Mapping[str, Axis] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=lambda: {"card": "", "card_digest": None, "kind": "unknown"})
    caveats: tuple[str, ...] = ()

    def labelled(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, dict[str, int]]]:
        """Return the rows with levels in place of raw labels, and by axis how many rows a label is not mapped in.

        An axis is read from the column of its name, else from the card's own column. What is a level already stays.
        """
        strange: dict[str, dict[str, int]] = {}
        for name, axis in self.axes.items():
            source = next((column for column in (name, *axis.columns) if column in rows.columns), None)
            if source is None:
                continue
            found = label(rows[source], _with_own_levels(axis))
            rows = rows.with_columns(found.levels.alias(name))
            strange |= {name: dict(found.unmapped)} if found.unmapped else {}
        return rows, strange

    def references(self, utterances: pl.DataFrame, planned: Mapping[str, str]) -> dict[str, str]:
        """Return the planned reference groups, and the card's where they are there."""
        own = {name: axis.reference_group for name, axis in self.axes.items() if axis.reference_group}
        there = {name: group for name, group in own.items() if (utterances[name] == group).any()}
        return {**there, **planned}


def carded(plan: ScorePlan) -> tuple[ScorePlan, Carded]:
    """Return the plan with what its corpus's card says of it, and the card's part; raises CardError.

    What the plan itself says wins: of title, licence, citation, the synthetic column, and an axis's bands and origin.
    """
    if not plan.card:
        return plan, Carded()
    card = load_card(plan.card)
    axes = {name: card.axes[name] for name in plan.parts if name in card.axes}
    assigned = {name: axis.assigned_by for name, axis in axes.items()}
    texts = {name: getattr(plan, name) or getattr(card, name) for name in ("title", "licence", "citation", "synthetic")}
    facts = {"card": card.name, "card_digest": card.digest, "kind": card.kind}
    of_card = {name: axis for name, axis in axes.items() if name not in plan.bands}
    return replace(plan, **texts, assigned_by={**assigned, **plan.assigned_by}), Carded(of_card, facts, card.caveats)


def _with_own_levels(axis: Axis) -> Axis:
    """Return the axis with its levels as labels too: tables that travelled hold them."""
    return replace(axis, levels={**{level: level for level in axis.levels.values()}, **axis.levels})
