"""Successive gaps between spikes, compared pair by pair."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)


@kernel
def _pair(before, gap, out):
    if before >= 0 and before + gap > 0:
        share = (gap - before) / (gap + before)
        out[0] += 1.0
        out[1] += abs(share)
        out[2] += share * share


@kernel
def gap_pairs(words, n_words, out):
    """Compare successive gaps of a trial: words (node, trial·word), out float64 (node, 3).

    Adds the number of pairs, and the sums of |b - a| / (a + b) and of its square.
    """
    for i in range(words.shape[0]):
        for start in range(0, words.shape[1], n_words):
            previous, before = -1, -1
            for w in range(n_words):
                word = words[i, start + w]
                while word != _ZERO:
                    t = 64 * w + trailing_zeros(word)
                    word &= word - _ONE
                    if previous >= 0:
                        _pair(before, t - previous, out[i])
                        before = t - previous
                    previous = t


@kernel
def count_gap_pairs(counts, out):
    """Compare successive gaps of counts (node, trial, bin); spikes of one bin are 0 bins apart."""
    for i in range(counts.shape[0]):
        for trial in range(counts.shape[1]):
            previous, before = -1, -1
            for t in range(counts.shape[2]):
                for _ in range(counts[i, trial, t]):
                    if previous >= 0:
                        _pair(before, t - previous, out[i])
                        before = t - previous
                    previous = t
