"""A trial of a node that is drawn gap by gap: scalar functions.

Plain Python like `stochnet.kernels.drawing.words`; the kernels for CUDA are compiled from them.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.drawing.bins import count_of
from stochnet.kernels.rng import GAP, geometric_gap, philox

_ZERO, _ONE, _S31, _S63 = np.uint64(0), np.uint64(1), np.uint64(31), np.uint64(63)


def leading_zeros(word):  # type: ignore[no-untyped-def]
    """Zeros above the highest set bit of a 32-bit word; 32 for 0."""
    zeros = _ZERO
    for half in (16, 8, 4, 2, 1):
        if word >> np.uint64(32 - half) == _ZERO:
            word <<= np.uint64(half)
            zeros += np.uint64(half)
    return zeros + _ONE - (word >> _S31)


def write_until(out, at, held, word):  # type: ignore[no-untyped-def]
    """Write the held word and silent ones, up to `word`; return where the next one is, and it."""
    while at < word:
        out[at] = held
        held = _ZERO
        at += 1
    return at, held


def sparse_trial(out, scale, shift, n_bins, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Draw the spikes of a trial of a node with a constant probability into `out` (word,).

    scale, shift: `stochnet.kernels.rng.sparse_scale` of the node.
    """
    at, held, last, block = 0, _ZERO, np.int64(-1), _ZERO
    while last < n_bins:
        words = philox(block, trial, node, GAP, k0, k1)
        block += _ONE
        for j in range(4):
            if last < n_bins:
                gap = geometric_gap(words[j], leading_zeros(words[j]), scale, shift)
                last += np.int64(gap + _ONE)
            if last < n_bins:
                at, held = write_until(out, at, held, last >> 6)
                held |= _ONE << (np.uint64(last) & _S63)
    write_until(out, at, held, len(out))


def renewal_trial(out, entries, scale, shift, n_bins, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Draw the spikes of a trial of a renewal node into `out` (word,).

    entries (2, n + 1): `stochnet.kernels.drawing.renewal_spikes.gap_tables` of the node, before the
    first spike and after one; scale, shift (2,): of the gaps beyond the tables, shift 0 where they
    never end.
    """
    at, held, last, block = 0, _ZERO, np.int64(-1), _ZERO
    kind, in_tail, longest = 0, False, entries.shape[1] - 1
    while last < n_bins:
        words = philox(block, trial, node, GAP, k0, k1)
        block += _ONE
        for j in range(4):
            if last < n_bins:
                # Whether the gap ends with this word.
                ends = True
                if in_tail and shift[kind] == _ZERO:
                    last = np.int64(n_bins)
                elif in_tail:
                    gap = geometric_gap(words[j], leading_zeros(words[j]), scale[kind], shift[kind])
                    last += np.int64(gap + _ONE)
                else:
                    k = count_of(entries[kind], words[j])
                    ends = k < longest
                    last += k + 1 if ends else longest
                in_tail = not ends
                if ends and last < n_bins:
                    kind = 1
                    at, held = write_until(out, at, held, last >> 6)
                    held |= _ONE << (np.uint64(last) & _S63)
    write_until(out, at, held, len(out))
