"""Whose card it is: its recognisers and its corpus, kept in its first measured part.

So that an update with the run of another service is noticed before it makes one service's card into another's.
"""

import json
from collections.abc import Mapping
from typing import Any

from asrfair.report.card.markers import OF, identity_of
from asrfair.report.text import label, listed

Card = Mapping[str, Any]


def identity_line(card: Card) -> str:
    """Return the line that keeps whose card it is: a comment, in which no name can end it."""
    # «--» and «>» would end the comment.
    text = json.dumps(_identity(card)).replace("-", "\\u002d").replace(">", "\\u003e")
    return f"<!-- {OF} {text} -->"


def differs(text: str, card: Card) -> str:
    """Say whose card ``text`` is and whose ``card``, where these are not the same; nothing where they are.

    A card without such a line, of an earlier version or by hand, is anybody's.
    """
    kept, own = _kept(text), _identity(card)
    if kept is None or all(kept.get(key) == value for key, value in own.items()):
        return ""
    return f"found a card {_told(kept)}; the run is {_told(own)}"


def _told(identity: Mapping[str, Any]) -> str:
    recognisers = identity.get("recognisers")
    names = [label(str(name)) for name in recognisers] if isinstance(recognisers, list) else []
    corpus = identity.get("corpus")
    return f"of {listed(names) or 'nothing'} on {'an unnamed corpus' if corpus is None else label(str(corpus))}"


def _identity(card: Card) -> dict[str, Any]:
    measured = card["what_was_measured"]
    corpus = measured["corpus"]
    return {"recognisers": sorted(measured["backends"]), "corpus": corpus.get("card") or corpus.get("title")}


def _kept(text: str) -> dict[str, Any] | None:
    found = identity_of(text)
    try:
        kept = None if found is None else json.loads(found)
    except ValueError:
        return None
    return kept if isinstance(kept, dict) else None
