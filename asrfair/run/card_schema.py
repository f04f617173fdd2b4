"""The JSON Schema of a card, for who wants that and no card: nothing heavy is loaded for it."""

from importlib import resources


def schema() -> str:
    """Return the JSON Schema of ``card.json``."""
    return resources.files("asrfair").joinpath("report", "card", "card.schema.json").read_text(encoding="utf-8")
