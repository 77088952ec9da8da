"""Renewal processes of 0/1 bins, gap by gap: a table of gaps, then a geometric tail."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import NARROW, WIDE, draw_counters
from stochnet.kernels.drawing.sparse import address_gaps
from stochnet.kernels.philox import geometric_gap, leading_zeros
from stochnet.kernels.rng import GAP

GUIDE = 256
_ZERO, _ONE, _S24, _S31, _S63 = (np.uint64(n) for n in (0, 1, 24, 31, 63))
_UNIT, _ALL = 4294967296.0, np.uint64(1 << 32)


@kernel
def tabulate_gaps(hazards, entries, guide):
    """Fill floor(2^32·P(gap ≤ k)) for gaps of k = 1, 2, … bins, and guide; return the mean gap.

    entries uint64 (n + 1,), the last one 2^32; guide: entries that are at most each top byte's
    lowest word. The mean is that of gaps cut at n.
    """
    n = len(hazards)
    alive, mean = 1.0, 0.0
    for k in range(n):
        mean += alive
        alive *= 1.0 - hazards[k]
        entries[k] = np.uint64((1.0 - alive) * _UNIT)
    entries[n] = _ALL
    k = 0
    for byte in range(GUIDE):
        while entries[k] <= np.uint64(byte) << _S24:
            k += 1
        guide[byte] = k
    return mean


@kernel
def gap_tables(hazards, entries):
    """Fill the tables of all nodes, uint64 (node, 2, n + 1), from hazards (node, 2·n)."""
    n = hazards.shape[1] // 2
    guide = np.empty(GUIDE, np.int64)
    for i in range(hazards.shape[0]):
        tabulate_gaps(hazards[i, :n], entries[i, 0], guide)
        tabulate_gaps(hazards[i, n:], entries[i, 1], guide)


@kernel
def renewal_spikes(hazards, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
    """Draw spikes of renewal nodes.

    hazards float64 (node, 2·n): before the first spike of a trial at ages 1 … n, then after a
    spike; scale, shift uint64 (node, 2): `stochnet.kernels.rng.gap_scale` of the hazards of age n,
    which hold beyond it, shift 0 where that is 0; out uint64 (node, trial·word).
    """
    n_words = (n_bins + 63) // 64
    longest = hazards.shape[1] // 2
    entries = np.empty((2, longest + 1), np.uint64)
    guides = np.empty((2, GUIDE), np.int64)
    c0 = np.zeros(WIDE, np.uint64)
    c1 = np.zeros(WIDE, np.uint64)
    random = np.empty(2 * WIDE, np.uint64)
    words32 = random.view(np.uint32)
    for i in range(out.shape[0]):
        tabulate_gaps(hazards[i, :longest], entries[0], guides[0])
        mean = tabulate_gaps(hazards[i, longest:], entries[1], guides[1])
        # Twice what is needed on average, and some more.
        counters = NARROW if n_bins < 10 * mean else WIDE
        for trial in range(n_trials):
            row = out[i, trial * n_words : (trial + 1) * n_words]
            for w in range(n_words):
                row[w] = _ZERO
            last, kind, in_tail, first = -1, 0, False, 0
            while last < n_bins:
                address_gaps(trial, 1, first, counters, c0, c1)
                draw_counters(c0, c1, counters, nodes[i], GAP, k0, k1, random)
                first += counters
                for j in range(4 * counters):
                    word = np.uint64(words32[j])
                    if in_tail:
                        if shift[i, kind] == _ZERO:
                            last = n_bins
                            break
                        zeros = np.uint64(leading_zeros((word << _ONE) | _ONE)) - _S31
                        last += 1 + np.int64(
                            geometric_gap(word, zeros, scale[i, kind], shift[i, kind])
                        )
                    else:
                        k = guides[kind, np.int64(word >> _S24)]
                        while entries[kind, k] <= word:
                            k += 1
                        last += min(k + 1, longest)
                        # The word was above all entries: the gap goes on with the next word.
                        if k == longest:
                            in_tail = True
                            continue
                    if last >= n_bins:
                        break
                    row[last >> 6] |= _ONE << (np.uint64(last) & _S63)
                    kind, in_tail = 1, False
