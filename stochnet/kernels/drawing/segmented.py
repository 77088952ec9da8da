"""Independent 0/1 bins, packed, whose probability depends on the segment: condition and gain."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import (
    BLOCK,
    NARROW,
    address_words,
    block_buffers,
    draw_counters,
    settle_each,
)
from stochnet.kernels.philox import bytes_below, bytes_equal, gain_level, lanes, trailing_zeros
from stochnet.kernels.rng import GAIN, LOW, SPIKE

_narrow = lanes(NARROW)
_ZERO, _ONE, _SHIFT4, _SHIFT32, _TOP = (np.uint64(n) for n in (0, 1, 4, 32, 256))


@kernel
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


@kernel
def segmented_spikes(
    thresholds, nodes, n_trials, n_bins, k0, k1, out, pieces, segments, has_gain
):  # fmt: skip
    """Draw spikes whose probability depends on the segment: its condition and its gain.

    thresholds uint64 (node, condition, level); pieces: ``word_pieces``, ``piece_mask`` and
    ``piece_segment`` of `stochnet.raster.windows.Segments`; segments: row of the thresholds,
    address of the gain and trial of each segment, whose number is a multiple of 8.
    """
    word_pieces, piece_mask, piece_segment = pieces
    segment_row, segment_slot, segment_trial = segments
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0, c1, valid, random, _, tied_at, first, second, lows = block_buffers()
    gain_random = np.empty(2 * NARROW, np.uint64)
    levels = np.empty(len(segment_row), np.int64)
    for i in range(out.shape[0]):
        node = nodes[i]
        draw_levels(segment_slot, segment_trial, has_gain, node, k0, k1, gain_random, levels)
        rows = thresholds[i]
        for start in range(0, total, BLOCK):
            n = min(BLOCK, total - start)
            address_words(start, n, n_words, n_bins, c0, c1, valid)
            words = out[i, start : start + n]
            draw_counters(c0, c1, 4 * n, node, SPIKE, k0, k1, random)
            n_tied = np.int64(0)
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
                    while equal != _ZERO:
                        first[n_tied] = (c0[4 * w] << _SHIFT4) + np.uint64(trailing_zeros(equal))
                        second[n_tied] = c1[4 * w]
                        tied_at[n_tied] = w
                        lows[n_tied] = threshold & LOW
                        n_tied += 1
                        equal &= equal - _ONE
                words[w] = word
            settle_each(
                first, second, tied_at, n_tied, lows, node, k0, k1, random, words
            )  # fmt: skip
