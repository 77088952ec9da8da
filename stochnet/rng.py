"""Random streams, version 1: Philox4x32-10 addressed by (block of bins, trial, node, purpose).

There is no state. The key is the 64-bit seed, and every draw has an address of its own, so any part
of a simulation can be drawn alone and is the same as in the whole (docs/random-streams.md).

The functions are plain Python on ``numpy.uint64`` that holds 32-bit values. ``kernels`` compiles
them, tests run them as they are, and they work on arrays alike.

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC '11.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError

STREAM_VERSION = 1

# Purposes: the last word of the counter.
SPIKE = np.uint64(0)
TIE = np.uint64(1)
COUNT = np.uint64(2)
GAIN = np.uint64(3)
INIT = np.uint64(4)
STEP = np.uint64(5)
SCHEDULE = np.uint64(6)
# Of the tests of `stochnet.assumptions`; they draw no spikes of a simulation.
NULL = np.uint64(16)
TIE_BREAK = np.uint64(17)

PROBABILITY_BITS = 40
COUNT_BITS = 32

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10 of one counter and key, all uint64 holding 32 bits; returns four words."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
        k0 = (k0 + _W0) & LOW
        k1 = (k1 + _W1) & LOW
    return c0, c1, c2, c3


def gain_level(word: Any) -> Any:
    """Level (0 to 255) of a gain that a 32-bit word chooses.

    64 equal levels; the first one is divided in 64 again (192 to 255), the last one twice (64 to
    191), so that the tails of a gain law are followed to probabilities of 1e-5. Levels 0, 63 and
    127 are never chosen. Their probabilities are `gain_edges`.
    """
    level = word >> np.uint64(26)
    if level == np.uint64(0):
        return np.uint64(192) + ((word >> np.uint64(20)) & np.uint64(63))
    if level == np.uint64(63):
        level = np.uint64(64) + ((word >> np.uint64(20)) & np.uint64(63))
        if level == np.uint64(127):
            level = np.uint64(128) + ((word >> np.uint64(14)) & np.uint64(63))
    return level


def gain_edges() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper probability of the 256 levels of `gain_level`."""
    fine = np.arange(65) / 64.0
    edges = [fine, 1 - 1 / 64 + fine / 64, 1 - 1 / 64**2 + fine / 64**2, fine / 64]
    low = np.concatenate([part[:-1] for part in edges])
    high = np.concatenate([part[1:] for part in edges])
    for unused in (0, 63, 127):
        high[unused] = low[unused]
    return low, high


def resolve_seed(seed: int | None) -> int:
    """Return a seed of 64 bits: the given one, or fresh entropy for None.

    Raises
    ------
    InvalidInputError
        The seed is not a whole number from 0 to 2**64 - 1.
    """
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise InvalidInputError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed!r}")
    return int(seed)


def split_seed(seed: int) -> tuple[np.uint64, np.uint64]:
    """Return the low and the high half of a seed: the Philox key."""
    return np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)


def permutation(n: int, seed: int, stream: int, repeat: int) -> NDArray[np.int64]:
    """Return a random order of 0 … n-1 that depends on (seed, stream, repeat) alone.

    Each item gets 64 random bits and they are sorted, so the order does not depend on a library's
    shuffle.
    """
    k0, k1 = split_seed(seed)
    item = np.arange(n, dtype=np.uint64)
    first, second, _, _ = philox(
        item, np.full(n, repeat, np.uint64), np.full(n, stream, np.uint64), SCHEDULE, k0, k1
    )
    return np.argsort((first << HALF) | second, kind="stable").astype(np.int64)
