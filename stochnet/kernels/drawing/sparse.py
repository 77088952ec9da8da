"""Independent 0/1 bins of nodes that seldom fire: gap by gap, at a cost per spike, not per bin."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import NARROW, WIDE, draw_counters
from stochnet.kernels.philox import geometric_gap, leading_zeros
from stochnet.kernels.rng import GAP

COUNTERS = 256
_ZERO, _ONE, _S31, _S63 = (np.uint64(n) for n in (0, 1, 31, 63))


@kernel
def address_gaps(trial, n_trials, first, per_trial, c0, c1):
    """Fill the counters of `per_trial` counters from `first` on, for n_trials trials."""
    at = 0
    for k in range(n_trials):
        for q in range(per_trial):
            c0[at] = np.uint64(first + q)
            c1[at] = np.uint64(trial + k)
            at += 1


@kernel
def find_gaps(random, n, scale, shift, gaps):
    """Turn the first n 32-bit words of little-endian pairs into gaps."""
    words = random.view(np.uint32)[:n]
    found = gaps[:n]
    for j in range(n):
        word = np.uint64(words[j])
        zeros = np.uint64(leading_zeros((word << _ONE) | _ONE)) - _S31
        found[j] = np.int64(geometric_gap(word, zeros, scale, shift))


@kernel
def walk(gaps, last, n_bins, words):
    """Set a spike after each gap, from bin `last` on; return the last bin, or n_bins."""
    for j in range(len(gaps)):
        last += gaps[j] + 1
        if last >= n_bins:
            return n_bins
        words[last >> 6] |= _ONE << (np.uint64(last) & _S63)
    return last


@kernel
def sparse_spikes(scale, shift, counters, nodes, n_trials, n_bins, k0, k1, out):
    """Draw spikes of nodes with one small probability each; nodes with scale 0 are left alone.

    scale, shift uint64 (node,): `stochnet.kernels.rng.gap_scale`; counters int64 (node,): how many
    to draw first, at most COUNTERS; out uint64 (node, trial·word), all words of these nodes
    written.
    """
    n_words = (n_bins + 63) // 64
    c0 = np.zeros(COUNTERS + WIDE, np.uint64)
    c1 = np.zeros(COUNTERS + WIDE, np.uint64)
    random = np.empty(2 * (COUNTERS + WIDE), np.uint64)
    gaps = np.empty(4 * COUNTERS, np.int64)
    more = np.empty(4 * NARROW, np.int64)
    # Of one type, so that each function is compiled once.
    none, one, narrow = np.int64(0), np.int64(1), np.int64(NARROW)
    for i in range(out.shape[0]):
        if scale[i] == _ZERO:
            continue
        words = out[i]
        for w in range(len(words)):
            words[w] = _ZERO
        planned = counters[i]
        together = min(n_trials, COUNTERS // planned)
        for trial in range(0, n_trials, together):
            n = min(together, n_trials - trial)
            address_gaps(trial, n, none, planned, c0, c1)
            draw_counters(c0, c1, n * planned, nodes[i], GAP, k0, k1, random)
            find_gaps(random, 4 * n * planned, scale[i], shift[i], gaps)
            for k in range(n):
                row = words[(trial + k) * n_words : (trial + k + 1) * n_words]
                last = walk(gaps[4 * planned * k : 4 * planned * (k + 1)], none - one, n_bins, row)
                first = planned
                while last < n_bins:
                    address_gaps(trial + k, one, first, narrow, c0, c1)
                    draw_counters(c0, c1, narrow, nodes[i], GAP, k0, k1, random)
                    find_gaps(random, 4 * narrow, scale[i], shift[i], more)
                    last = walk(more, last, n_bins, row)
                    first += narrow
