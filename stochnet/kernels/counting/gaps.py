"""Gaps between successive spikes of a trial, in bins: counted, summed and compared in pairs.

Packed spikes are words (node, trial·word) or (node, trial, word), trials one after the other with
zero padding. Several spikes in one bin of counts (node, trial, bin) are 0 bins apart.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_S16, _LOW16 = np.uint64(16), np.uint64(0xFFFF)


@kernel
def gaps(words, n_words, out):
    """Count gaps: out int32 (node, gap) is added to, its last entry takes all longer gaps."""
    longest = out.shape[1] - 1
    for i in range(words.shape[0]):
        previous = -1
        for w in range(words.shape[1]):
            if w % n_words == 0:
                previous = -1
            word = words[i, w]
            base = 64 * (w % n_words)
            while word != _ZERO:
                t = base + trailing_zeros(word)
                word &= word - _ONE
                if previous >= 0:
                    out[i, min(t - previous, longest)] += 1
                previous = t


@kernel
def count_gaps(counts, out):
    """Count gaps of counts, as `gaps`."""
    longest = out.shape[1] - 1
    for i in range(counts.shape[0]):
        for trial in range(counts.shape[1]):
            previous = -1
            for t in range(counts.shape[2]):
                k = np.int64(counts[i, trial, t])
                if k == 0:
                    continue
                out[i, 0] += k - 1
                if previous >= 0:
                    out[i, min(t - previous, longest)] += 1
                previous = t


@functools.cache
def gap_table() -> NDArray[np.uint16]:
    """Return what 16 bins say of gaps: squares of those inside, first and last spike (65,536,).

    Bits 0 to 7 are the sum of squares, at most 15², 8 to 11 the first and 12 to 15 the last spike.
    """
    pattern = np.arange(1 << 16)
    squares, first, last = np.zeros((3, 1 << 16), np.int64)
    seen = np.zeros(1 << 16, bool)
    for bit in range(16):
        spike = pattern >> bit & 1 == 1
        squares += np.where(spike & seen, (bit - last) ** 2, 0)
        first = np.where(spike & ~seen, bit, first)
        last = np.where(spike, bit, last)
        seen |= spike
    return (squares | first << 8 | last << 12).astype(np.uint16)


@kernel
def gap_sums(words, n_words, n_parts, table, sums, squares):
    """Sum the gaps between successive spikes of a unit, and their squares.

    n_parts is the number of runs of 16 bins in a unit, table that of `gap_table`; sums and squares
    int64 (unit, node). There is no branch on a spike, which nobody could predict.
    """
    for i in range(words.shape[0]):
        for unit in range(sums.shape[0]):
            # Bins since the last spike; before the first one, since the begin of the unit.
            since, total, first = 0, 0, -1
            for w in range(n_words):
                word = words[i, unit * n_words + w]
                if first < 0 and word != _ZERO:
                    first = 64 * w + trailing_zeros(word)
                for _ in range(min(4, n_parts - 4 * w)):
                    entry = np.int64(table[np.int64(word & _LOW16)])
                    spikes = -np.int64((word & _LOW16) != _ZERO)
                    word >>= _S16
                    gap = since + ((entry >> 8) & 15)
                    total += (entry & 255) + (gap * gap & spikes)
                    since = (since & ~spikes) + 16 - (entry >> 12)
            if first < 0:
                first = 0
            sums[unit, i] = 16 * n_parts - since - first
            squares[unit, i] = total - first * first


@kernel
def _compare_words(words, limits, scale, half, pairs, shorter):
    kind = pairs.dtype.type
    for i in range(words.shape[0]):
        for trial in range(words.shape[1]):
            row = min(trial, pairs.shape[1] - 1)
            n, total, squares = pairs[0, row, i], pairs[1, row, i], pairs[2, row, i]
            previous, before = -1, -1
            for w in range(words.shape[2]):
                word = words[i, trial, w]
                while word != _ZERO:
                    t = 64 * w + trailing_zeros(word)
                    word &= word - _ONE
                    if previous >= 0:
                        gap = t - previous
                        if before >= 0 and before + gap > 0:
                            share = abs(gap - before) / (gap + before)
                            n += 1
                            total += kind(share * scale + half)
                            squares += kind(share * share * scale + half)
                        for k in range(len(limits)):
                            if gap <= limits[k]:
                                shorter[k, row, i] += 1
                        before = gap
                    previous = t
            pairs[0, row, i], pairs[1, row, i], pairs[2, row, i] = n, total, squares


@kernel
def _compare_counts(counts, limits, scale, half, pairs, shorter):
    kind = pairs.dtype.type
    for i in range(counts.shape[0]):
        for trial in range(counts.shape[1]):
            row = min(trial, pairs.shape[1] - 1)
            n, total, squares = pairs[0, row, i], pairs[1, row, i], pairs[2, row, i]
            previous, before = -1, -1
            for t in range(counts.shape[2]):
                for _ in range(counts[i, trial, t]):
                    if previous >= 0:
                        gap = t - previous
                        if before >= 0 and before + gap > 0:
                            share = abs(gap - before) / (gap + before)
                            n += 1
                            total += kind(share * scale + half)
                            squares += kind(share * share * scale + half)
                        for k in range(len(limits)):
                            if gap <= limits[k]:
                                shorter[k, row, i] += 1
                        before = gap
                    previous = t
            pairs[0, row, i], pairs[1, row, i], pairs[2, row, i] = n, total, squares


def compare_gaps(
    data: NDArray[Any],
    limits: NDArray[np.int64],
    parts: int | None,
    pairs: NDArray[Any],
    shorter: NDArray[np.int64],
) -> None:
    """Compare successive gaps of each trial, and count gaps of at most so many bins.

    Parameters
    ----------
    data : ndarray (node, trial, word or bin)
        Packed spikes or counts.
    limits : ndarray of int64 (limit,)
    parts : int or None
        Whole parts of 1 to which shares are rounded, so that sums of them are exact in any order;
        None adds the shares themselves up, the gaps of a node in their order.
    pairs : ndarray (3, trial, node) or (3, 1, node)
        Pairs of gaps a, b, and the sums of abs(b - a) / (a + b) and of its square, of each trial or
        of all together: int64 with `parts`, else float64. It is added to, as is `shorter`.
    shorter : ndarray of int64 (limit, trial, node) or (limit, 1, node)
    """
    compare = _compare_words if data.dtype == np.uint64 else _compare_counts
    scale, half = (1.0, 0.0) if parts is None else (float(parts), 0.5)
    compare(data, limits, scale, half, pairs, shorter)
