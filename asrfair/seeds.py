"""Randomness spread by name: a draw depends on the seed and on what it is for, never on order or process."""

import hashlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a generator keyed by the seed and the names, for example condition and utterance id.

    The key is BLAKE2b over the length-prefixed names, the bit stream Philox (Salmon et al. 2011): equal names
    give equal bits on every machine.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for part in (str(seed), *names):
        encoded = part.encode()
        hasher.update(len(encoded).to_bytes(8, "little"))
        hasher.update(encoded)
    return np.random.Generator(np.random.Philox(key=int.from_bytes(hasher.digest(), "little")))
