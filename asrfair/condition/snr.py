"""Noise and speech at a signal-to-noise ratio: the one place where they are added.

Conventions
-----------
SNR in dB is the level of the speech minus the plain level of the noise over the whole utterance. The level of the
speech is its active speech level (`asrfair.condition.level`); with ``speech_level`` ``rms`` its plain level, pauses
included. It is exact: the drawn noise is measured, then scaled. Digital silence, of either, has no SNR and raises
InputError. The result may exceed full scale.

Where a chain adds noise more than once, each SNR refers to the speech alone: it is carried beside the noisy sound
through linear steps and changes of rate. Any other step (clipping, a codec, gain control, a level) takes speech and
noise together; from there on the sound that comes out of it, earlier noise included, counts as the speech.
"""

import math

from asrfair.condition.effect import Signal, SpeechLevel
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.errors import InputError


def add_noise(
    signal: Signal,
    noise: Signal,
    *,
    sample_rate: int,
    snr_db: float,
    speech_level: SpeechLevel,
    speech: Signal | None = None,
) -> Signal:
    """Return shape=(n,): the signal and the noise, the latter scaled to the SNR in its place.

    ``speech`` is the speech in the signal, where that has noise already. Raises InputError where either is silent.
    """
    spoken = signal if speech is None else speech
    speech_db = speech_level_db(spoken, sample_rate=sample_rate, speech_level=speech_level)
    # In place: a fresh array of this size costs more than the arithmetic.
    noise *= amplitude(speech_db - snr_db - noise_level_db(noise))
    noise += signal
    return noise


def speech_level_db(signal: Signal, *, sample_rate: int, speech_level: SpeechLevel) -> float:
    """Return the level of shape=(n,) that an SNR refers to, in dB; raises InputError for digital silence."""
    if speech_level == "active":
        return active_level_db(signal, sample_rate=sample_rate)
    level_db = rms_level_db(signal)
    if not math.isfinite(level_db):
        raise InputError("silent utterance: SNR undefined")
    return level_db


def noise_level_db(noise: Signal) -> float:
    """Return the plain level of shape=(n,), in dB; raises InputError for digital silence."""
    level_db = rms_level_db(noise)
    if not math.isfinite(level_db):
        raise InputError("silent noise: SNR undefined")
    return level_db


def amplitude(level_db: float) -> float:
    """Return the factor that a level in dB stands for."""
    return float(10.0 ** (level_db / 20.0))
