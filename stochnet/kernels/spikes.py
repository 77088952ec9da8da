"""Independent 0/1 bins, packed: eight random bits a bin, and 32 more where they tie."""

from __future__ import annotations

import numba
import numpy as np

from stochnet.kernels.philox import (
    bytes_below,
    bytes_below_each,
    bytes_equal,
    bytes_equal_each,
    gain_level,
    lanes,
    trailing_zeros,
)
from stochnet.rng import GAIN, LOW, SPIKE, TIE

BLOCK = 64
TIES = 256
WIDE, NARROW = 32, 8
_wide, _narrow = lanes(WIDE), lanes(NARROW)
_wide_ties, _narrow_ties = lanes(WIDE, many_nodes=True), lanes(NARROW, many_nodes=True)
_ONE, _ZERO, _FULL = np.uint64(1), np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_SHIFT4, _SHIFT32, _TOP = np.uint64(4), np.uint64(32), np.uint64(256)
_SHIFT40, _BYTE = np.uint64(40), np.uint64(255)


@numba.njit(nogil=True, error_model="numpy")
def address_words(start, n, n_words, n_bins, c0, c1, valid):
    """Fill counters (four per word) and padding masks of words `start` to start + n."""
    used = n_bins - 64 * (n_words - 1)
    for i in range(n):
        trial = (start + i) // n_words
        word = (start + i) - trial * n_words
        valid[i] = _FULL if word < n_words - 1 or used == 64 else (_ONE << np.uint64(used)) - _ONE
        for q in range(4):
            c0[4 * i + q] = np.uint64(4 * word + q)
            c1[4 * i + q] = np.uint64(trial)


@numba.njit(nogil=True, error_model="numpy")
def draw_bytes(c0, c1, n_counters, node, k0, k1, random):
    """Draw the random bytes of a block of words, 16 bytes a counter."""
    done = 0
    # Lanes beyond the last counter draw what nobody reads.
    while n_counters - done > NARROW:
        _wide(random, 2 * done, c0, c1, done, node, SPIKE, k0, k1)
        done += WIDE
    if done < n_counters:
        _narrow(random, 2 * done, c0, c1, done, node, SPIKE, k0, k1)


@numba.njit(nogil=True, error_model="numpy")
def note_ties(ties, n, equal, first_bin, trial, node, low, row, word):
    """Write down the tied bins of a word: set bits of `equal`; return how many there are now."""
    while equal != _ZERO:
        bit = np.uint64(trailing_zeros(equal))
        ties[0, n] = first_bin + bit
        ties[1, n] = trial
        ties[2, n] = node
        ties[3, n] = low
        ties[4, n] = bit
        ties[5, n] = np.uint64(row)
        ties[6, n] = np.uint64(word)
        n += 1
        equal &= equal - _ONE
    return n


@numba.njit(nogil=True, error_model="numpy")
def settle_ties(ties, n, k0, k1, random, out):
    """Set the bit of every tied bin whose own 32-bit word is below the rest of its threshold."""
    done = 0
    while done < n:
        if n - done > NARROW:
            width = WIDE
            _wide_ties(random, 0, ties[0], ties[1], done, ties[2], TIE, k0, k1)
        else:
            width = NARROW
            _narrow_ties(random, 0, ties[0], ties[1], done, ties[2], TIE, k0, k1)
        for j in range(min(width, n - done)):
            t = done + j
            below = (random[2 * j] & LOW) < ties[3, t]
            out[np.int64(ties[5, t]), np.int64(ties[6, t])] |= np.uint64(below) << ties[4, t]
        done += width


@numba.njit(nogil=True, error_model="numpy")
def pooled_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out):
    """Draw spikes of nodes with one probability each.

    thresholds uint64 (node,): floor(p·2^40); nodes uint64 (node,): their addresses; out uint64
    (node, trial·word), all words written.
    """
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0 = np.zeros(4 * BLOCK, np.uint64)
    c1 = np.zeros(4 * BLOCK, np.uint64)
    valid = np.empty(BLOCK, np.uint64)
    random = np.empty(8 * BLOCK, np.uint64)
    tied = np.empty(BLOCK, np.uint64)
    tied_at = np.empty(BLOCK + 1, np.int64)
    ties = np.zeros((7, TIES + 64 * BLOCK), np.uint64)
    n_ties = 0
    for start in range(0, total, BLOCK):
        n = min(BLOCK, total - start)
        address_words(start, n, n_words, n_bins, c0, c1, valid)
        for i in range(out.shape[0]):
            words = out[i, start : start + n]
            top = thresholds[i] >> _SHIFT32
            low = thresholds[i] & LOW
            if top >= _TOP or thresholds[i] == _ZERO:
                for w in range(n):
                    words[w] = valid[w] if top >= _TOP else _ZERO
                continue
            draw_bytes(c0, c1, 4 * n, nodes[i], k0, k1, random)
            n_tied = 0
            for w in range(n):
                words[w] = bytes_below(random, 8 * w, top) & valid[w]
                equal = bytes_equal(random, 8 * w, top) & valid[w]
                tied[n_tied] = equal
                tied_at[n_tied] = w
                n_tied += np.int64(equal != _ZERO)
            for q in range(n_tied):
                w = tied_at[q]
                n_ties = note_ties(
                    ties, n_ties, tied[q], c0[4 * w] << _SHIFT4, c1[4 * w], nodes[i], low, i,
                    start + w,
                )  # fmt: skip
            if n_ties >= TIES:
                settle_ties(ties, n_ties, k0, k1, random, out)
                n_ties = 0
    settle_ties(ties, n_ties, k0, k1, random, out)


@numba.njit(nogil=True, error_model="numpy")
def draw_levels(slots, trials, has_gain, node, k0, k1, random, levels):
    """Draw the gain level of every segment in the arrays; their length is a multiple of 8."""
    if not has_gain:
        levels[:] = 0
        return
    for done in range(0, len(slots), NARROW):
        _narrow(random, 0, slots, trials, done, node, GAIN, k0, k1)
        for j in range(NARROW):
            # Word 0 of the counter: one counter for each segment.
            levels[done + j] = np.int64(gain_level(random[2 * j] & LOW))


@numba.njit(nogil=True, error_model="numpy")
def segmented_spikes(
    thresholds,
    nodes,
    n_trials,
    n_bins,
    k0,
    k1,
    out,
    word_pieces,
    piece_mask,
    piece_segment,
    segment_row,
    segment_slot,
    segment_trial,
    has_gain,
):
    """Draw spikes whose probability depends on the segment: its condition and its gain.

    thresholds uint64 (node, condition, level); the length of segment arrays is a multiple of 8.
    """
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0 = np.zeros(4 * BLOCK, np.uint64)
    c1 = np.zeros(4 * BLOCK, np.uint64)
    valid = np.empty(BLOCK, np.uint64)
    random = np.empty(8 * BLOCK, np.uint64)
    gain_random = np.empty(2 * NARROW, np.uint64)
    ties = np.zeros((7, TIES + 64 * BLOCK), np.uint64)
    n_ties = 0
    levels = np.empty(len(segment_row), np.int64)
    for i in range(out.shape[0]):
        node = nodes[i]
        draw_levels(segment_slot, segment_trial, has_gain, node, k0, k1, gain_random, levels)
        rows = thresholds[i]
        for start in range(0, total, BLOCK):
            n = min(BLOCK, total - start)
            address_words(start, n, n_words, n_bins, c0, c1, valid)
            words = out[i, start : start + n]
            draw_bytes(c0, c1, 4 * n, node, k0, k1, random)
            for w in range(n):
                word = _ZERO
                for piece in range(word_pieces[start + w], word_pieces[start + w + 1]):
                    s = piece_segment[piece]
                    threshold = rows[segment_row[s], levels[s]]
                    top = threshold >> _SHIFT32
                    if top >= _TOP:
                        word |= piece_mask[piece]
                        continue
                    word |= bytes_below(random, 8 * w, top) & piece_mask[piece]
                    equal = bytes_equal(random, 8 * w, top) & piece_mask[piece]
                    n_ties = note_ties(
                        ties, n_ties, equal, c0[4 * w] << _SHIFT4, c1[4 * w], node,
                        threshold & LOW, i, start + w,
                    )  # fmt: skip
                words[w] = word
            if n_ties >= TIES:
                settle_ties(ties, n_ties, k0, k1, random, out)
                n_ties = 0
    settle_ties(ties, n_ties, k0, k1, random, out)


@numba.njit(nogil=True, error_model="numpy")
def profile_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out, bin_row):
    """Draw spikes whose probability depends on the bin, alike in all trials.

    thresholds uint64 (node, row); bin_row uint8 (bin,): the row of every bin.
    """
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0 = np.zeros(4 * BLOCK, np.uint64)
    c1 = np.zeros(4 * BLOCK, np.uint64)
    valid = np.empty(BLOCK, np.uint64)
    random = np.empty(8 * BLOCK, np.uint64)
    ties = np.zeros((7, TIES + 64 * BLOCK), np.uint64)
    # The top byte of every row, and of every bin of a trial; and the bins that always fire.
    top = np.empty(thresholds.shape[1], np.uint8)
    tops = np.zeros(64 * n_words, np.uint8)
    full = np.empty(n_words, np.uint64)
    n_ties = 0
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
            draw_bytes(c0, c1, 4 * n, nodes[i], k0, k1, random)
            at = start % n_words
            for w in range(n):
                equal = bytes_equal_each(random, 8 * w, tops, 64 * at) & valid[w] & ~full[at]
                below = bytes_below_each(random, 8 * w, tops, 64 * at) & valid[w]
                out[i, start + w] = below | full[at]
                while equal != _ZERO:
                    bit = equal & (~equal + _ONE)
                    low = thresholds[i, bin_row[64 * at + trailing_zeros(bit)]] & LOW
                    n_ties = note_ties(
                        ties, n_ties, bit, c0[4 * w] << _SHIFT4, c1[4 * w], nodes[i], low, i,
                        start + w,
                    )  # fmt: skip
                    equal ^= bit
                at = at + 1 if at + 1 < n_words else 0
            if n_ties >= TIES:
                settle_ties(ties, n_ties, k0, k1, random, out)
                n_ties = 0
    settle_ties(ties, n_ties, k0, k1, random, out)
