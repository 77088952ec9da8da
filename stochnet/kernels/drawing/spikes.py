"""Independent 0/1 bins, packed: with one probability a node, or one for each bin of a trial."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import (
    BLOCK,
    address_words,
    block_buffers,
    draw_counters,
    list_ties,
    settle_each,
)
from stochnet.kernels.philox import bytes_below, bytes_below_each, bytes_equal, bytes_equal_each
from stochnet.kernels.rng import LOW, SPARSE_BELOW, SPARSE_FROM, SPIKE

_ZERO, _SHIFT32, _TOP = np.uint64(0), np.uint64(32), np.uint64(256)
_SHIFT40, _BYTE, _S63 = np.uint64(40), np.uint64(255), np.uint64(63)


@kernel
def dense_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out):
    """Draw spikes of nodes with one probability each; sparse nodes are left alone.

    thresholds uint64 (node,): floor(p·2^40); nodes uint64 (node,): their addresses; out uint64
    (node, trial·word), all words of these nodes written.
    """
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0, c1, valid, random, tied, tied_at, first, second, lows = block_buffers()
    for start in range(0, total, BLOCK):
        n = min(BLOCK, total - start)
        address_words(start, n, n_words, n_bins, c0, c1, valid)
        for i in range(out.shape[0]):
            if SPARSE_FROM <= thresholds[i] < SPARSE_BELOW:
                continue
            words = out[i, start : start + n]
            top = thresholds[i] >> _SHIFT32
            if top >= _TOP or thresholds[i] == _ZERO:
                for w in range(n):
                    words[w] = valid[w] if top >= _TOP else _ZERO
                continue
            draw_counters(c0, c1, 4 * n, nodes[i], SPIKE, k0, k1, random)
            n_tied = np.int64(0)
            for w in range(n):
                words[w] = bytes_below(random, 8 * w, top) & valid[w]
                equal = bytes_equal(random, 8 * w, top) & valid[w]
                # Without a branch: a word without ties is overwritten by the next one.
                tied[n_tied] = equal
                tied_at[n_tied] = w
                n_tied += np.int64(equal != _ZERO)
            n_tied = list_ties(tied, tied_at, n_tied, c0, c1, first, second)
            lows[:n_tied] = thresholds[i] & LOW
            settle_each(
                first, second, tied_at, n_tied, lows, nodes[i], k0, k1, random, words
            )  # fmt: skip


@kernel
def profile_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out, bin_row):
    """Draw spikes whose probability depends on the bin, alike in all trials.

    thresholds uint64 (node, row); bin_row uint8 (bin,): the row of every bin.
    """
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0, c1, valid, random, tied, tied_at, first, second, lows = block_buffers()
    # The top byte of every row, and of every bin of a trial; and the bins that always fire.
    top = np.empty(thresholds.shape[1], np.uint8)
    tops = np.zeros(64 * n_words, np.uint8)
    full = np.empty(n_words, np.uint64)
    for i in range(out.shape[0]):
        some_full = False
        for r in range(len(top)):
            above = thresholds[i, r] >> _SHIFT32
            some_full |= above >= _TOP
            top[r] = np.uint8(above & _BYTE)
        for t in range(n_bins):
            tops[t] = top[bin_row[t]]
        for w in range(n_words):
            full[w] = _ZERO
        if some_full:
            for t in range(n_bins):
                fires = thresholds[i, bin_row[t]] >> _SHIFT40
                full[t >> 6] |= fires << np.uint64(t & 63)
        for start in range(0, total, BLOCK):
            n = min(BLOCK, total - start)
            address_words(start, n, n_words, n_bins, c0, c1, valid)
            draw_counters(c0, c1, 4 * n, nodes[i], SPIKE, k0, k1, random)
            words = out[i, start : start + n]
            at = start % n_words
            n_tied = np.int64(0)
            for w in range(n):
                equal = bytes_equal_each(random, 8 * w, tops, 64 * at) & valid[w] & ~full[at]
                below = bytes_below_each(random, 8 * w, tops, 64 * at) & valid[w]
                words[w] = below | full[at]
                tied[n_tied] = equal
                tied_at[n_tied] = w
                n_tied += np.int64(equal != _ZERO)
                at = at + 1 if at + 1 < n_words else 0
            n_tied = list_ties(tied, tied_at, n_tied, c0, c1, first, second)
            for t in range(n_tied):
                lows[t] = thresholds[i, bin_row[np.int64(first[t])]] & LOW
            settle_each(
                first, second, tied_at, n_tied, lows, nodes[i], k0, k1, random, words
            )  # fmt: skip
