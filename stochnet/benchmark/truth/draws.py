"""Uniform numbers for parameters, by counter: the same under every version of NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.kernels.rng import BENCHMARK, HALF, LOW, philox

Array = NDArray[np.float64]
# Of parameters: a last bit that differs between machines is gone after rounding.
DIGITS = 6


def rounded(values: ArrayLike, digits: int = DIGITS) -> Array:
    """Return numbers rounded to some significant digits."""
    array = np.asarray(values, np.float64)
    return np.array([float(f"{v:.{digits}g}") for v in array.ravel()]).reshape(array.shape)


class Draws:
    """The numbers of one network of a suite; every call takes the next ones.

    Parameters
    ----------
    seed : int
        Of the suite, from 0 to 2**64 - 1.
    network : int
        Position in the suite.
    """

    def __init__(self, seed: int, network: int) -> None:
        self._key = np.uint64(seed) & LOW, np.uint64(seed) >> HALF
        self._network = np.uint64(network)
        self._next = 0

    def _words(self, n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        at = np.arange(self._next, self._next + n, dtype=np.uint64)
        self._next += n
        zero = np.zeros_like(at)
        words = philox(at, zero, zero + self._network, zero + BENCHMARK, *self._key)
        return words[0], words[1]

    def seed(self) -> int:
        """Return 64 bits: the seed of a simulation."""
        low, high = self._words(1)
        return int(low[0]) | int(high[0]) << 32

    def uniform(self, *shape: int) -> Array:
        """Return numbers above 0 and below 1, with 52 bits."""
        low, high = self._words(int(np.prod(shape)))
        whole = (high << np.uint64(20)) | (low >> np.uint64(12))
        return np.asarray((whole.astype(np.float64) + 0.5) / 2.0**52).reshape(shape)

    def between(self, low: float, high: float, *shape: int) -> Array:
        """Return numbers spread evenly over a range, of 6 significant digits."""
        return rounded(low + (high - low) * self.uniform(*shape))

    def log_between(self, low: float, high: float, *shape: int) -> Array:
        """Return numbers whose logarithms are spread evenly, of 6 significant digits."""
        return rounded(low * (high / low) ** self.uniform(*shape))

    def whole(self, low: int, high: int, *shape: int) -> Array:
        """Return whole numbers from `low` to `high`, both included."""
        return np.floor(low + (high - low + 1) * self.uniform(*shape))

    def order(self, n: int) -> NDArray[np.int64]:
        """Return the numbers 0 to n - 1 in random order."""
        return np.argsort(self.uniform(n), kind="stable")
