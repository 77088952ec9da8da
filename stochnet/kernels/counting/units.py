"""Exact sums over units (trials, or pieces of them) of packed spikes, and of many sets of units.

Words are (node, unit·word), units one after the other with zero padding. Results are (unit, node),
so that sets of units are added up along contiguous rows of nodes.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import popcount

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_S63 = np.uint64(63)


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
