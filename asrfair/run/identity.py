"""What a run's results depend on, by content rather than by where it lies: an equal identity may go on."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asrfair.backend.registry import backend_class
from asrfair.condition import Condition
from asrfair.corpus import Corpus
from asrfair.run.plan import Plan
from asrfair.sounds import fingerprint

# Where things lie, what is in a cache and how many processes work changes no result, and of a device its kind alone
# does; content has digests of its own; the sensitivity to normalisation and what is transcribed again are additions to
# a run, not another run.
PLACES = (
    "workers",
    "engine",
    "address",
    "gpus_per_worker",
    "device",
    "cache",
    "out",
    "corpus",
    "conditions",
    "backends",
    "normalizer",
    "sensitivity",
    "repeat_check",
)


def run_identity(
    plan: Plan,
    *,
    corpus: Corpus,
    conditions: Sequence[Condition],
    backends: Mapping[str, Mapping[str, str]],
    normalizer: str,
    needs_audio: bool,
) -> dict[str, Any]:
    """Return the identity: plan, corpus table, audio files by size, condition cards, backends and normaliser."""
    return {
        "plan": {key: value for key, value in plan.record().items() if key not in PLACES}
        | ({"device": plan.device_kind} if plan.device else {}),
        "corpus": {
            "card": corpus.card.digest,
            "split": plan.corpus.split,
            "utterances": corpus.digest,
            "audio": _sizes(corpus) if needs_audio else None,
        },
        "conditions": {condition.name: condition.digest for condition in conditions},
        "backends": {name: backend_facts(plan.backends[name], identity) for name, identity in backends.items()},
        "normalizer": normalizer,
    }


def backend_facts(options: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    """Return what a recogniser's answers depend on: its options, but those that change none, and its identity."""
    free: frozenset[str] = getattr(backend_class(options["type"]), "changes_nothing", frozenset())
    return {**{key: _placeless(value) for key, value in options.items() if key not in free}, **identity}


def _placeless(value: Any) -> Any:
    """An option that is a file counts by its name here, and by its digest in the backend's own identity."""
    if isinstance(value, str) and len(value) < 4096 and "\0" not in value:
        try:
            return Path(value).name if Path(value).is_file() or ("/" in value and Path(value).is_dir()) else value
        except OSError:
            return value
    return value


def _sizes(corpus: Corpus) -> str:
    """Return a digest over the audio files' names and sizes in bytes; reading them all would take too long."""
    hasher = hashlib.sha256()
    for audio in corpus.utterances["audio"].drop_nulls().unique().sort():
        hasher.update(f"{audio}\0{fingerprint(corpus.audio_root / audio)}\n".encode())
    return hasher.hexdigest()[:16]
