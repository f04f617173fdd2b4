"""Additive noise at a signal-to-noise ratio: white, pink, babble, recorded.

Conventions
-----------
SNR in dB is the active speech level of the signal (`asrfair.condition.level`) minus the plain level of the
noise over the whole utterance. It is exact: the drawn noise is measured, then scaled. Digital silence has no
SNR and raises InputError. The result may exceed full scale.
"""

from typing import Annotated

import numpy as np

from asrfair.condition.effect import Circumstances, Range, Signal
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.errors import InputError

SnrDb = Annotated[float, Range(-30, 60)]

# Below it, pink noise would put half of its power where nothing is heard, the more the longer the utterance.
PINK_LOW_HZ = 20.0
CROSSFADE_S = 0.01


def white_noise(signal: Signal, circumstances: Circumstances, *, snr_db: SnrDb) -> Signal:
    """Add Gaussian noise with equal power at all frequencies."""
    noise = circumstances.rng.standard_normal(len(signal))
    return _add(signal, noise, snr_db=snr_db, sample_rate=circumstances.sample_rate)


def pink_noise(signal: Signal, circumstances: Circumstances, *, snr_db: SnrDb) -> Signal:
    """Add Gaussian noise with equal power in every octave above 20 Hz."""
    # A power of two at least a second long: fast to transform, and defined for an utterance of one sample.
    size = 1 << (max(len(signal), circumstances.sample_rate) - 1).bit_length()
    spectrum = np.fft.rfft(circumstances.rng.standard_normal(size))
    frequency_hz = np.fft.rfftfreq(size, 1.0 / circumstances.sample_rate)
    heard = frequency_hz >= PINK_LOW_HZ
    spectrum[heard] /= np.sqrt(frequency_hz[heard])
    spectrum[~heard] = 0.0
    noise = np.fft.irfft(spectrum, size)[: len(signal)]
    return _add(signal, noise, snr_db=snr_db, sample_rate=circumstances.sample_rate)


def babble(
    signal: Signal,
    circumstances: Circumstances,
    *,
    snr_db: SnrDb,
    talkers: Annotated[int, Range(1, 100)],
) -> Signal:
    """Add other talkers of the same corpus, all at the same active speech level.

    Each is looped to the utterance's length from a random place. Raises InputError for a silent talker and
    for another number of talkers than ``talkers``.
    """
    if len(circumstances.materials) != talkers:
        raise InputError(f"babble: found {len(circumstances.materials)} other talkers; expected {talkers}")
    noise = np.zeros(len(signal))
    for talker in circumstances.materials:
        if not talker.any():
            raise InputError("babble: found a silent talker; expected speech")
        level_db = active_level_db(talker, sample_rate=circumstances.sample_rate)
        start = int(circumstances.rng.integers(len(talker)))
        noise += _looped(talker, start, len(signal)) * _gain(-level_db)
    return _add(signal, noise, snr_db=snr_db, sample_rate=circumstances.sample_rate)


def recorded_noise(signal: Signal, circumstances: Circumstances, *, snr_db: SnrDb, folder: str) -> Signal:
    """Add a recording from the user's folder, from a random place on.

    One shorter than the utterance is looped, its ends crossfaded over 10 ms. Raises InputError for a recording
    that is silent throughout; a draw that lands on digital silence moves on to the next sound.
    """
    if len(circumstances.materials) != 1:
        raise InputError(f"recorded_noise: found {len(circumstances.materials)} recordings; expected 1")
    recording = circumstances.materials[0]
    if not recording.any():
        raise InputError(f"recorded_noise: found a silent recording in {folder}; expected noise")
    if len(recording) < len(signal):
        loop = _crossfaded(recording, round(CROSSFADE_S * circumstances.sample_rate))
        noise = _looped(loop, int(circumstances.rng.integers(len(loop))), len(signal))
    else:
        noise = _excerpt(recording, len(signal), circumstances.rng)
    return _add(signal, noise, snr_db=snr_db, sample_rate=circumstances.sample_rate)


def _add(signal: Signal, noise: Signal, *, snr_db: float, sample_rate: int) -> Signal:
    speech_db = active_level_db(signal, sample_rate=sample_rate)
    noise_db = rms_level_db(noise)
    if not np.isfinite(noise_db):
        raise InputError("silent noise: SNR undefined")
    return signal + noise * _gain(speech_db - snr_db - noise_db)


def _gain(level_db: float) -> float:
    return float(10.0 ** (level_db / 20.0))


def _looped(material: Signal, start: int, length: int) -> Signal:
    return np.resize(np.roll(material, -start), length)


def _excerpt(recording: Signal, length: int, rng: np.random.Generator) -> Signal:
    last = len(recording) - length
    start = int(rng.integers(last + 1))
    if not recording[start : start + length].any():
        sounds = np.flatnonzero(recording)
        start = min(int(sounds[np.searchsorted(sounds, start) % len(sounds)]), last)
    return recording[start : start + length]


def _crossfaded(recording: Signal, fade: int) -> Signal:
    """Return a loop whose end runs into its start: the last samples fade, at equal power, into the first."""
    fade = min(fade, len(recording) // 4)
    if fade == 0:
        return recording
    angle = (np.arange(fade) + 0.5) / fade * (np.pi / 2)
    blend = recording[-fade:] * np.cos(angle) + recording[:fade] * np.sin(angle)
    return np.concatenate([recording[fade:-fade], blend])
