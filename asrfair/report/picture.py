"""A picture of a sound before and after: waveforms and spectrograms on the same scales (extra ``plot``)."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError, RunFolderError, expected

INSTALL = "pip install 'asrfair[plot]'"
FRAME_S = 0.025
HOP_S = 0.005
COLUMNS = 2_000
"""At most so many spectra across: of a long sound, only every so many are drawn."""
RANGE_DB = 80.0
"""From the loudest colour down to the darkest."""
# Viridis: even steps in lightness, so that it reads in grey and to colour-blind eyes.
COLOURS = "viridis"
INK = "#31688e"

Samples = NDArray[np.floating[Any]]


def check_picture(path: Path) -> None:
    """Raise InputError where matplotlib is missing, or draws no such kind of file."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        raise InputError(f"{path}: drawing needs matplotlib; expected it installed: {INSTALL}") from None
    kinds = FigureCanvasAgg.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in kinds:
        raise InputError(expected(path, f"the ending '{path.suffix}'", sorted(kinds)))


def draw(path: Path, before: Samples, after: Samples, *, sample_rate: int, title: str) -> None:
    """Draw shape=(n,) before and shape=(m,) after, at ``sample_rate`` Hz, side by side on the same scales.

    Levels are in dB against a sine at full scale in one bin of a 25-ms Hann window; colours span 80 dB below the
    loudest of both. Raises InputError as `check_picture` does, RunFolderError where the file cannot be written.
    """
    check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.6), layout="constrained")
    figure.suptitle(title, parse_math=False)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(1, 2))
    levels = [spectrogram_db(part, sample_rate=sample_rate) for part in (before, after)]
    loudest_db = max(float(level.max()) for level in levels)
    for column, (name, samples, level) in enumerate(
        zip(("as recorded", "under the condition"), (before, after), levels, strict=True)
    ):
        duration_s = len(samples) / sample_rate
        _draw_waveform(axes[0, column], samples, duration_s)
        axes[0, column].set_title(name, fontsize="medium")
        image = axes[1, column].imshow(
            level.T,
            origin="lower",
            aspect="auto",
            extent=(0.0, duration_s, 0.0, sample_rate / 2000),
            vmin=loudest_db - RANGE_DB,
            vmax=loudest_db,
            cmap=COLOURS,
            interpolation="nearest",
        )
        axes[1, column].set_xlabel("time (s)")
    axes[0, 0].set_ylabel("amplitude\n(full scale = 1)")
    axes[1, 0].set_ylabel("frequency (kHz)")
    axes[1, 0].set_xlim(0.0, max(len(before), len(after)) / sample_rate)
    figure.colorbar(image, ax=axes[1, :], label="level (dB, full scale)")
    try:
        with warnings.catch_warnings():
            # A letter that the font lacks is drawn as a box; that is no news to the user.
            warnings.filterwarnings("ignore", message="Glyph")
            figure.savefig(path, dpi=120)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror}") from error


def spectrogram_db(samples: Samples, *, sample_rate: int) -> NDArray[np.float64]:
    """Return levels in dB, shape=(times, frequencies), times every 5 ms or, in a long sound, `COLUMNS` of them.

    The frame of time t is centred on it; a sine at full scale in the middle of a bin is 0 dB, silence −200 dB.
    """
    size = max(2, round(FRAME_S * sample_rate))
    hop = max(1, round(HOP_S * sample_rate), -(-len(samples) // COLUMNS))
    padded = np.pad(np.asarray(samples, dtype=np.float64), (size // 2, size))
    starts = np.arange(0, len(samples), hop)
    # Symmetric windows of two samples are zero throughout.
    window = np.hanning(size + 2)[1:-1]
    frames = padded[starts[:, None] + np.arange(size)] * window
    amplitude = 2 * np.abs(np.fft.rfft(frames, axis=1)) / window.sum()
    levels: NDArray[np.float64] = 20 * np.log10(np.maximum(amplitude, 1e-10))
    return levels


def _draw_waveform(axes: Any, samples: Samples, duration_s: float) -> None:
    count = min(COLUMNS, len(samples))
    edges = np.linspace(0, len(samples), count + 1).astype(int)[:-1]
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    times_s = edges / len(samples) * duration_s
    axes.fill_between(times_s, low, high, color=INK, linewidth=0.6, edgecolor=INK)
    axes.axhline(0.0, color="0.6", linewidth=0.5)
    axes.label_outer()
