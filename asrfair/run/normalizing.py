"""The normaliser that a finished run was counted with."""

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.scoring import Normalizer, find_normalizer


def own_normalizer(results: Results, *, where: str) -> Normalizer:
    """Return a run's own normaliser; raises InputError, which ``where`` begins, if it is not the one installed now."""
    facts = results.signature.get("normalizer") or {}
    name, version = facts.get("name"), facts.get("version")
    if not isinstance(name, str):
        raise InputError(f"{where}: found a run that does not say its normaliser; expected one as asrfair writes it")
    normalizer = find_normalizer(facts.get("spec") or name)
    if (normalizer.name, normalizer.version) != (name, version):
        raise InputError(
            f"{where}: found a run normalised by {name} {version}; expected "
            f"{normalizer.name} {normalizer.version}, the one installed now"
        )
    return normalizer
