"""Rows of the table ``measurements``: each recording as it came, and as it was heard under each condition.

A recording's row has a null condition; a condition without effects has no rows, it is the recording. A row without a
duration is of an utterance that could not be read or heard, and its note says why. A note on a row of a condition
that has a duration says how the condition misses its own specification.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asrfair.audio import Waveform
from asrfair.condition import AddedNoise, Condition, Heard
from asrfair.condition.measure import measure

SNR_TOLERANCE_DB = 0.2
CLIPPING = frozenset(["clip", "distortion"])
"""Effects that clip on purpose."""
MISSED_CLIPPING = "clipped"
CLIPPED = "clipped_share"

Row = dict[str, Any]


def is_measured(condition: Condition) -> bool:
    """Return whether a condition has rows of its own: whether it changes the recording."""
    return bool(condition.steps)


def recording_row(row: Mapping[str, Any], samples: Waveform, *, sample_rate: int, clipped: float) -> Row:
    """Return the row of a recording: at the working rate, but ``clipped``, the share before any change of rate."""
    return {**_named(row, None), **vars(measure(samples, sample_rate=sample_rate)), CLIPPED: clipped}


def heard_row(
    row: Mapping[str, Any], condition: Condition, heard: Heard, *, sample_rate: int, clipped_before: float
) -> Row:
    """Return the row of an utterance under a condition; of several noises the one asked to be loudest is named.

    What effects tell of themselves (`asrfair.condition.Heard.facts`) goes to the columns of its name; of a share
    clipped on the way, inside a codec, and the one found in the end the larger counts.
    """
    measured = dict(vars(measure(heard.samples, sample_rate=sample_rate)))
    # Pauses are those of the recording: noise would fill them.
    measured |= {**heard.facts, "pauses": None, CLIPPED: max(measured[CLIPPED], heard.facts.get(CLIPPED, 0.0))}
    note = "; ".join(_misses(condition, heard.noises, before=clipped_before, after=measured[CLIPPED]))
    return {**_named(row, condition.name), **measured, **_noise(heard.noises), "note": note or None}


def failed_row(row: Mapping[str, Any], condition: Condition | None, reason: str) -> Row:
    """Return the row of an utterance that could not be read, or not be heard under a condition."""
    return {**_named(row, None if condition is None else condition.name), "note": reason}


def _named(row: Mapping[str, Any], condition: str | None) -> Row:
    return {"utterance_id": row["utterance_id"], "speaker_id": row["speaker_id"], "condition": condition}


def _noise(noises: Sequence[AddedNoise]) -> Row:
    if not noises:
        return {}
    loudest = min(noises, key=lambda noise: noise.requested_snr_db)
    return {
        "noise": loudest.effect,
        "requested_snr_db": loudest.requested_snr_db,
        "snr_db": loudest.measured_snr_db,
    }


def _misses(condition: Condition, noises: Sequence[AddedNoise], *, before: float, after: float) -> Iterable[str]:
    for noise in noises:
        # Written so that NaN is a miss as well.
        if not abs(noise.measured_snr_db - noise.requested_snr_db) <= SNR_TOLERANCE_DB:
            yield f"SNR of {noise.effect} off by more than {SNR_TOLERANCE_DB:g} dB"
    if after > 0 and before == 0 and not any(step.effect in CLIPPING for step in condition.steps):
        yield MISSED_CLIPPING
