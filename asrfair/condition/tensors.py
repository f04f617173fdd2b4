"""Frequency responses and changes of rate on batches of utterances by torch, as `asrfair.condition.linear` on one.

A batch is a tensor, shape=(utterances, longest), float64, zero after the end of each utterance. torch is imported where
it is used: it is an extra.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from asrfair.condition.effect import Signal
from asrfair.condition.linear import Blocks, Response, blocks_for, transfer_of

# Blocks of each utterance that are transformed at once: memory does not grow with its length.
AT_ONCE = 64

Row = tuple[Response, ...]


def stacked(signals: Sequence[Signal], device: Any) -> Any:
    """Return a batch of signals, each of shape=(n,), on torch's ``device``."""
    import torch

    rows = torch.zeros((len(signals), max(map(len, signals))), dtype=torch.float64)
    for row, signal in zip(rows, signals, strict=True):
        row[: len(signal)] = torch.tensor(signal)
    return rows.to(device)


def masked(samples: Any, lengths: Sequence[int]) -> Any:
    """Return the samples cut to the longest of ``lengths``, zero after the end of each."""
    import torch

    kept = samples[:, : max(lengths)]
    ends = torch.tensor(lengths, device=kept.device)[:, None]
    return torch.where(torch.arange(kept.shape[1], device=kept.device) < ends, kept, 0.0)


def render_rows(
    samples: Any,
    counts: Sequence[int],
    responses: Sequence[Row],
    *,
    from_hz: int,
    to_hz: int,
    working_hz: int,
    lengths: Sequence[int],
) -> Any:
    """Return a batch at ``to_hz``: one at ``from_hz``, each utterance through its own responses at ``working_hz``.

    ``counts`` and ``lengths`` are the samples of each utterance before and after, at these two rates.
    Each is cut into the blocks that `asrfair.condition.linear.render` would take, so that the same little of a response
    is lost; utterances with blocks alike are transformed together.
    """
    import torch

    rendered = samples.new_zeros((len(counts), max(lengths)))
    rates = (from_hz, to_hz, working_hz)
    blocks = [
        blocks_for(row, count, from_hz=from_hz, to_hz=to_hz, working_hz=working_hz)
        for row, count in zip(responses, counts, strict=True)
    ]
    for alike in dict.fromkeys(blocks):
        rows = [index for index, other in enumerate(blocks) if other == alike]
        transfers = torch.stack([_transfer(responses[row], rates, alike.size, str(samples.device)) for row in rows])
        longest = max(lengths[row] for row in rows)
        heard = _convolved(samples[rows], transfers, alike, blocks=math.ceil(longest / alike.out_hop))
        rendered[rows, :longest] = heard[:, :longest]
    return masked(rendered, lengths)


def _convolved(samples: Any, transfers: Any, cut: Blocks, *, blocks: int) -> Any:
    """Return shape=(utterances, blocks · out_hop): the samples through transfer functions, shape=(utterances, bins)."""
    import torch

    end = (blocks - 1) * cut.hop + cut.size
    # Cut where it reaches further than is heard.
    padded = torch.nn.functional.pad(samples, (cut.after, end - cut.after - samples.shape[1]))
    heard = []
    for pieces in padded.unfold(1, cut.size, cut.hop).split(AT_ONCE, dim=1):
        spectra = torch.fft.rfft(pieces)[..., : transfers.shape[-1]] * transfers[:, None]
        sound = torch.fft.irfft(spectra, cut.out_size)
        heard.append(sound[..., cut.out_after : cut.out_after + cut.out_hop].flatten(1))
    return torch.cat(heard, dim=1)


@lru_cache(maxsize=64)
def _transfer(row: Row, rates: tuple[int, int, int], size: int, device: str) -> Any:
    import torch

    return torch.from_numpy(transfer_of(row, *rates, size)).to(device)
