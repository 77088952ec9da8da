"""Exact sums over units (trials, or pieces of them) of packed spikes, and of many sets of units.

Words are (node, unit·word), units one after the other with zero padding. Results are (unit, node),
so that sets of units are added up along contiguous rows of nodes.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import popcount, trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_S16, _S63 = np.uint64(16), np.uint64(63)
_LOW16 = np.uint64(0xFFFF)


@kernel
def pair_spikes(words, n_words, lags, masks, out):
    """Count pairs of spikes at some lags, whose first spike is in the bins of a mask.

    lags uint64 (lag,), each below 64, masks uint64 (lag, unit·word); a lag of zero counts spikes.
    The words of a row are one run of bits: masks must leave out pairs that span two units. out
    int64 (unit, node).
    """
    n = words.shape[1]
    found = np.empty(n, np.int64)
    for i in range(words.shape[0]):
        row = words[i]
        for w in range(n):
            found[w] = 0
        for k in range(len(lags)):
            down, up = lags[k], _S63 - lags[k]
            mask = masks[k]
            for w in range(n - 1):
                later = (row[w] >> down) | ((row[w + 1] << _ONE) << up)
                found[w] += popcount(row[w] & later & mask[w])
            found[n - 1] += popcount(row[n - 1] & (row[n - 1] >> down) & mask[n - 1])
        for unit in range(out.shape[0]):
            total = 0
            for w in range(unit * n_words, (unit + 1) * n_words):
                total += found[w]
            out[unit, i] = total


@kernel
def window_squares(words, n_words, window, n_full, out):
    """Sum the squares of the counts of full windows: out int64 (unit, node)."""
    for i in range(words.shape[0]):
        for unit in range(out.shape[0]):
            base = unit * n_words
            at, before, previous, squares = 0, 0, 0, 0
            for k in range(n_full):
                edge = (k + 1) * window
                while at < edge >> 6:
                    before += popcount(words[i, base + at])
                    at += 1
                total = before
                if edge & 63:
                    inside = (_ONE << np.uint64(edge & 63)) - _ONE
                    total += popcount(words[i, base + at] & inside)
                squares += (total - previous) * (total - previous)
                previous = total
            out[unit, i] = squares


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
def add_members(values, members, starts, out):
    """Add up the units of every set: values int64 (unit, node), out int64 (set, node).

    The members of set k are members[starts[k]:starts[k + 1]].
    """
    n = values.shape[1]
    for k in range(out.shape[0]):
        row = out[k]
        for i in range(n):
            row[i] = 0
        for m in range(starts[k], starts[k + 1]):
            unit = values[members[m]]
            for i in range(n):
                row[i] += unit[i]


@kernel
def cut_pieces(words, length, n_pieces, out):
    """Cut every trial into pieces of `length` bins: (node, trial, word), out (node, piece, word).

    The pieces of the first trial come first; each begins with a word of its own.
    """
    n_words = out.shape[2]
    rest = np.uint64(64 * n_words - length)
    for i in range(words.shape[0]):
        for trial in range(words.shape[1]):
            for piece in range(n_pieces):
                for w in range(n_words):
                    first = piece * length + 64 * w
                    at, shift = first >> 6, np.uint64(first & 63)
                    word = words[i, trial, at] >> shift
                    if at + 1 < words.shape[2]:
                        word |= (words[i, trial, at + 1] << _ONE) << (_S63 - shift)
                    if w == n_words - 1:
                        word = (word << rest) >> rest
                    out[i, trial * n_pieces + piece, w] = word


@kernel
def _compare(before, gap, scale, out, unit, node):
    """Add a pair of successive gaps: pairs, |b - a| / (a + b) and its square, in whole parts."""
    if before >= 0 and before + gap > 0:
        share = abs(gap - before) / (gap + before)
        out[0, unit, node] += 1
        out[1, unit, node] += np.int64(share * scale + 0.5)
        out[2, unit, node] += np.int64(share * share * scale + 0.5)


@kernel
def _measure(gap, limits, shorter, unit, node):
    """Count a gap for every limit that it does not exceed."""
    for k in range(len(limits)):
        if gap <= limits[k]:
            shorter[k, unit, node] += 1


@kernel
def unit_gaps(words, n_words, limits, scale, pairs, shorter):
    """Compare successive gaps of a unit, and count gaps of at most so many bins.

    limits int64 (limit,); scale: the parts of 1 in which shares are added; pairs int64
    (3, unit, node) and shorter int64 (limit, unit, node), zero at first.
    """
    for i in range(words.shape[0]):
        for unit in range(pairs.shape[1]):
            previous, before = -1, -1
            for w in range(n_words):
                word = words[i, unit * n_words + w]
                while word != _ZERO:
                    t = 64 * w + trailing_zeros(word)
                    word &= word - _ONE
                    if previous >= 0:
                        _compare(before, t - previous, scale, pairs, unit, i)
                        _measure(t - previous, limits, shorter, unit, i)
                        before = t - previous
                    previous = t


@kernel
def unit_gaps_of_counts(counts, limits, scale, pairs, shorter):
    """Do the same for counts (node, unit, bin); spikes of one bin are 0 bins apart."""
    for i in range(counts.shape[0]):
        for unit in range(counts.shape[1]):
            previous, before = -1, -1
            for t in range(counts.shape[2]):
                for _ in range(counts[i, unit, t]):
                    if previous >= 0:
                        _compare(before, t - previous, scale, pairs, unit, i)
                        _measure(t - previous, limits, shorter, unit, i)
                        before = t - previous
                    previous = t


@kernel
def count_law(counts, n_full, limits, out):
    """Count windows with at most so many spikes: counts int32 (node, unit·window).

    limits int64 (limit,), ascending; out int64 (limit, unit, node).
    """
    n_limits = len(limits)
    found = np.empty(n_limits, np.int64)
    for i in range(counts.shape[0]):
        for unit in range(out.shape[1]):
            for k in range(n_limits):
                found[k] = 0
            for w in range(unit * n_full, (unit + 1) * n_full):
                for k in range(n_limits):
                    found[k] += counts[i, w] <= limits[k]
            for k in range(n_limits):
                out[k, unit, i] = found[k]
