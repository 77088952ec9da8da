"""Exact sums of nodes over single units, (unit, node), which statistics add up.

A unit is a trial, or a piece of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import gaps as gap_kernels
from stochnet.kernels.counting import units as kernels
from stochnet.raster.packing import n_words, pack
from stochnet.raster.windows import Segments
from stochnet.statistics import counting

Sums = NDArray[np.int64]
Words = NDArray[np.uint64]

# Longer windows cost less by counting them one by one than by pairs of spikes at every lag.
MOST_LAGS = 24

# Parts of 1 in which ratios of gaps are added.
SHARES = 1 << 40

# Numbers of a table (unit, node) that stay in the cache of a core while they are added up.
AT_ONCE = 24_000
# No node brings more bytes of its own for each of these numbers.
BYTES_EACH = 64


def at_once(n_units: int, node_bytes: int) -> int:
    """Return how many nodes are best summed at a time."""
    return max(8, AT_ONCE // max(n_units, node_bytes // BYTES_EACH) // 8 * 8)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of spikes at some lags (0: spikes) that are counted.

    Attributes
    ----------
    lags : ndarray of uint64 (lag,)
    masks : ndarray of uint64 (lag, unit·word)
        Bins of the first spike of a pair.
    """

    lags: Words
    masks: Words


def _masks(lags: NDArray[np.int64], bins: NDArray[np.bool_], n_units: int) -> Pairs:
    """Count pairs whose first spike is in some bins of a unit: bins (lag, bin)."""
    return Pairs(lags.astype(np.uint64), np.tile(pack(bins), (1, n_units)))


@lru_cache(maxsize=16)
def bins_between(first: int, last: int, length: int, n_units: int) -> Pairs:
    """Count the active bins `first` to `last` (excluded) of every unit."""
    bins = np.arange(length)
    return _masks(np.zeros(1, np.int64), ((bins >= first) & (bins < last))[None], n_units)


@lru_cache(maxsize=16)
def pairs_of_window(window: int, length: int, n_units: int) -> Pairs:
    """Count the pairs of active bins that lie in the same full window."""
    lags = np.arange(1, window)
    bins = np.arange(length)
    inside = (bins % window + lags[:, None] < window) & (bins < length // window * window)
    return _masks(lags, inside, n_units)


@lru_cache(maxsize=16)
def successive_bins(length: int, n_units: int) -> Pairs:
    """Count the pairs of active bins that follow on each other in a unit."""
    return _masks(np.ones(1, np.int64), np.arange(length)[None] < length - 1, n_units)


@dataclass(frozen=True, eq=False, slots=True)
class UnitSums:
    """Sums over single units for some nodes in memory.

    Attributes
    ----------
    words : ndarray of uint64 (node, unit·word)
        Active bins.
    counts : ndarray (node, unit, bin) or None
        Counts, where the raster has any.
    n_units, length : int
        Units, and bins in each.
    """

    words: Words
    counts: NDArray[Any] | None
    n_units: int
    length: int

    @classmethod
    def of(cls, data: NDArray[Any], length: int) -> UnitSums:
        """Take data (node, unit, word or bin)."""
        counts = None if data.dtype == np.uint64 else data
        return cls(counting.active_words(data), counts, data.shape[1], length)

    @property
    def _data(self) -> NDArray[Any]:
        """Counts where there are any, or packed bits: (node, unit, bin or word)."""
        words = self.words.reshape(len(self.words), self.n_units, -1)
        return words if self.counts is None else self.counts

    def _empty(self) -> Sums:
        return np.empty((self.n_units, len(self.words)), np.int64)

    def pairs(self, which: Pairs) -> Sums:
        """Count pairs of active bins at some lags."""
        out = self._empty()
        kernels.pair_spikes(self.words, n_words(self.length), which.lags, which.masks, out)
        return out

    def active(self, first: int = 0, last: int | None = None) -> Sums:
        """Count active bins, from `first` to `last` (excluded) of each unit."""
        stop = self.length if last is None else last
        return self.pairs(bins_between(first, stop, self.length, self.n_units))

    def spikes(self) -> Sums:
        """Count spikes."""
        if self.counts is None:
            return self.active()
        return np.ascontiguousarray(self.counts.sum(axis=2, dtype=np.int64).T)

    def windows(self, window: int, spikes: Sums) -> tuple[Sums, Sums]:
        """Sum the counts of full windows, and their squares, given `spikes`."""
        n_full = self.length // window
        if self.counts is not None:
            counts = np.empty((len(self.words), self.n_units * n_full), np.int64)
            counting.window_counts(self.counts, window, counts)
            by_unit = counts.reshape(len(counts), self.n_units, n_full)
            squares = np.ascontiguousarray((by_unit * by_unit).sum(axis=2).T)
            return np.ascontiguousarray(by_unit.sum(axis=2).T), squares
        total = spikes if self.length % window == 0 else self.active(0, n_full * window)
        if n_full == 1:
            return total, total * total
        if window <= MOST_LAGS:
            # The square of a sum of zeros and ones is the sum and twice the pairs.
            pairs = self.pairs(pairs_of_window(window, self.length, self.n_units))
            return total, total + 2 * pairs
        squares = self._empty()
        kernels.window_squares(self.words, n_words(self.length), window, n_full, squares)
        return total, squares

    def gaps(self, spikes: Sums) -> tuple[Sums, Sums, Sums]:
        """Return the number of gaps, their sum, and the sum of their squares, given `spikes`."""
        sums, squares = self._empty(), self._empty()
        n_parts = -(-self.length // 16)
        table = gap_kernels.gap_table()
        gap_kernels.gap_sums(self.words, n_words(self.length), n_parts, table, sums, squares)
        # Several spikes in one bin are gaps of no bins, which only add to the number.
        return np.maximum(spikes - 1, 0), sums, squares

    def window_law(self, window: int, limits: NDArray[np.int64]) -> Sums:
        """Count the full windows with at most so many spikes: (limit, unit, node)."""
        n_full = self.length // window
        counts = np.empty((len(self.words), self.n_units * n_full), np.int32)
        counting.window_counts(self._data, window, counts)
        out = np.empty((len(limits), self.n_units, len(self.words)), np.int64)
        kernels.count_law(counts, n_full, limits, out)
        return out

    def gap_pairs(self, limits: NDArray[np.int64]) -> tuple[Sums, Sums]:
        """Compare successive gaps, and count gaps of at most so many bins.

        Returns
        -------
        pairs : ndarray of int64 (3, unit, node)
            Pairs of gaps, and the sums of their abs(b - a) / (a + b) and of its square, in parts of
            1 / SHARES, so that they add up exactly.
        shorter : ndarray of int64 (limit, unit, node)
        """
        pairs = np.zeros((3, self.n_units, len(self.words)), np.int64)
        shorter = np.zeros((len(limits), self.n_units, len(self.words)), np.int64)
        gap_kernels.compare_gaps(self._data, limits, SHARES, pairs, shorter)
        return pairs, shorter

    def lagged(self) -> tuple[Sums, Sums, Sums]:
        """Count active bins but the last one, but the first one, and both of successive bins."""
        both = self.pairs(successive_bins(self.length, self.n_units))
        return self.active(0, self.length - 1), self.active(1), both

    def segments(self, which: Segments) -> Sums:
        """Count the spikes in segments of the units: (segment, node)."""
        sums = np.empty((len(self.words), which.n_segments), np.int64)
        counting.segment_counts(self._data, which.of_bin, which.pieces, sums)
        return np.ascontiguousarray(sums.T)
