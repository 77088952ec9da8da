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

from stochnet.errors import entrance

STREAM_VERSION = 1

# Purposes: the last word of the counter.
SPIKE = np.uint64(0)
TIE = np.uint64(1)
COUNT = np.uint64(2)
GAIN = np.uint64(3)
INIT = np.uint64(4)
STEP = np.uint64(5)
SCHEDULE = np.uint64(6)
GAP = np.uint64(7)
LATENT = np.uint64(8)
INPUT = np.uint64(9)
# Of the tests of `stochnet.validation.assumptions`; they draw no spikes of a simulation.
NULL = np.uint64(16)
TIE_BREAK = np.uint64(17)
# Of the parameters of `stochnet.benchmark`.
BENCHMARK = np.uint64(18)

PROBABILITY_BITS = 40
COUNT_BITS = 32
# Thresholds from the first to below the second (p from 2**-20 to below 1/32) are drawn gap by gap.
SPARSE_FROM, SPARSE_BELOW = np.uint64(1 << 20), np.uint64(1 << 35)

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_LN2 = 0.6931471805599453
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


# log2(1 + t) is t + t·(1 - t)·R(t), with R of degree 9 to within 2**-32; times 2**32.
_R = (
    1901360574, -1196794288, 868451854, -678503429, 547173145,
    -429525727, 297932401, -160034136, 55972870, -9230111,
)  # fmt: skip
_R0, _R1, _R2, _R3, _R4, _R5, _R6, _R7, _R8, _R9 = (np.int64(c) for c in _R)
_ONE, _S16, _S31 = np.uint64(1), np.uint64(16), np.uint64(31)
_UNIT, _BITS, _LOW16 = np.int64(1 << 32), np.int64(32), np.uint64(0xFFFF)


def exponential(word: Any, zeros: Any) -> Any:
    """Return -log2 of the uniform number (word + 1/2) / 2**32, times 2**32.

    Integers alone, so that it is the same everywhere. `zeros` are the leading zeros of the 32-bit
    word (32 for 0). The survival function of the result is 2**-x to within 2**-30.
    """
    t = np.int64((((word + word + _ONE) << (_S31 + zeros)) >> _S31) & LOW)
    r = ((_R9 * t) >> _BITS) + _R8
    r = ((r * t) >> _BITS) + _R7
    r = ((r * t) >> _BITS) + _R6
    r = ((r * t) >> _BITS) + _R5
    r = ((r * t) >> _BITS) + _R4
    r = ((r * t) >> _BITS) + _R3
    r = ((r * t) >> _BITS) + _R2
    r = ((r * t) >> _BITS) + _R1
    r = ((r * t) >> _BITS) + _R0
    log = t + ((((t * (_UNIT - t)) >> _BITS) * r) >> _BITS)
    return ((zeros + _ONE) << HALF) - np.uint64(log)


def geometric_gap(word: Any, zeros: Any, scale: Any, shift: Any) -> Any:
    """Return the silent bins before the next spike of a node with a constant probability.

    The floor of `exponential` · scale / 2**shift, where scale / 2**(shift - 32) is
    -1 / log2(1 - p) (`gap_scale`).
    """
    x = exponential(word, zeros)
    return ((x >> _S16) * scale + (((x & _LOW16) * scale) >> _S16)) >> (shift - _S16)


def gap_scale(thresholds: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return scale (32 bits) and shift of `geometric_gap` for probabilities above 0.

    thresholds: floor(p·2**40), from 1 to 2**40. By additions, multiplications and divisions alone,
    which are the same everywhere; a scale of 0 stands for p = 1, whose gaps are 0.
    """
    p = thresholds.astype(np.float64) / 2.0**PROBABILITY_BITS
    certain = thresholds == np.uint64(1 << PROBABILITY_BITS)
    mean = _LN2 / np.where(certain, 1.0, minus_log(1 - p))
    fraction, exponent = np.frexp(mean)
    scale = np.floor(np.ldexp(fraction, 32)).astype(np.uint64)
    shift = np.minimum(64 - exponent, 72).astype(np.uint64)
    return np.where(certain, np.uint64(0), scale), shift


def minus_log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -log(x) by arithmetic alone, which is the same on every machine."""
    fraction, exponent = np.frexp(x)
    z = (1 - fraction) / (1 + fraction)
    # -log(fraction) as a series; z is at most 1/3, so that 18 terms reach the last bit.
    rate = np.full(x.shape, 1 / 35)
    for n in range(33, 0, -2):
        rate = 1 / n + z * z * rate
    return np.asarray(2 * z * rate - exponent * _LN2)


def sparse_scale(thresholds: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return scale and shift of `geometric_gap` for sparse nodes; the scale of others is 0."""
    sparse = (thresholds >= SPARSE_FROM) & (thresholds < SPARSE_BELOW)
    scale, shift = np.zeros_like(thresholds), np.zeros_like(thresholds)
    if sparse.any():
        scale[sparse], shift[sparse] = gap_scale(thresholds[sparse])
    return scale, shift


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
    return entrance.whole("seed", seed, 0, 2**64 - 1, exact=True)


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
