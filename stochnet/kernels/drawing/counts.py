"""Independent counts by inversion: one 32-bit word a bin, searched in an integer table."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.segmented import draw_levels
from stochnet.kernels.philox import lanes
from stochnet.kernels.rng import COUNT

CHUNK = 1024
NARROW = 8
_narrow = lanes(NARROW)
_wide = lanes(32)
GUIDE = 256
_SHIFT24 = np.uint64(24)


@kernel
def draw_words(first_bin, n, trial, node, purpose, k0, k1, c0, c1, random):
    """Draw a 32-bit word for each of n bins from `first_bin` (a multiple of 4), in pairs."""
    n_counters = (n + 3) // 4
    for j in range(len(c0)):
        c0[j] = np.uint64(first_bin // 4 + j)
        c1[j] = trial
    done = 0
    while done + 32 <= n_counters:
        _wide(random, 2 * done, c0, c1, done, node, purpose, k0, k1)
        done += 32
    while done < n_counters:
        _narrow(random, 2 * done, c0, c1, done, node, purpose, k0, k1)
        done += NARROW


@kernel
def fill_guide(table, guide):
    """Fill guide int64 (256,): how many entries are at most the lowest word of every top byte."""
    k = 0
    for byte in range(GUIDE):
        lowest = np.uint64(byte) << _SHIFT24
        while table[k] <= lowest:
            k += 1
        guide[byte] = k


@kernel
def independent_counts(tables, nodes, k0, k1, out, bin_segment, segments, has_gain):
    """Draw counts: how many entries of the bin's table are at most its word.

    tables uint64 (node, condition, level, entry), floor(cdf·2^32) with a last entry of 2^32;
    out uint8 or uint16 (node, trial, bin); segments as for `segmented_spikes`.
    """
    segment_row, segment_slot, segment_trial = segments
    n_nodes, n_trials, n_bins = out.shape
    c0 = np.empty(CHUNK // 4, np.uint64)
    c1 = np.empty(CHUNK // 4, np.uint64)
    random = np.empty(CHUNK // 2, np.uint64)
    words = random.view(np.uint32)
    gain_random = np.empty(2 * NARROW, np.uint64)
    levels = np.empty(len(segment_row), np.int64)
    # A guide for every level would take longer to fill than the counts take to draw.
    n_rows, n_levels, n_entries = tables.shape[1:]
    guides = np.zeros(n_rows * GUIDE, np.int64)
    # Where the table of a segment begins, and its guide.
    begins = np.empty(len(segment_row), np.int64)
    flat = tables.reshape(n_nodes, n_rows * n_levels * n_entries)
    for i in range(n_nodes):
        node, own = nodes[i], flat[i]
        draw_levels(segment_slot, segment_trial, has_gain, node, k0, k1, gain_random, levels)
        if not has_gain:
            for r in range(n_rows):
                fill_guide(tables[i, r, 0], guides[r * GUIDE : (r + 1) * GUIDE])
        for s in range(len(begins)):
            begins[s] = (segment_row[s] * n_levels + levels[s]) * n_entries
        for trial in range(n_trials):
            for start in range(0, n_bins, CHUNK):
                n = min(CHUNK, n_bins - start)
                draw_words(start, n, np.uint64(trial), node, COUNT, k0, k1, c0, c1, random)
                segment = bin_segment[trial, start : start + n]
                to = out[i, trial, start : start + n]
                for t in range(n):
                    s = segment[t]
                    begin, word = begins[s], np.uint64(words[t])
                    k = 0
                    if not has_gain:
                        k = guides[segment_row[s] * GUIDE + np.int64(word >> _SHIFT24)]
                    while own[begin + k] <= word:
                        k += 1
                    to[t] = k


@kernel
def pooled_counts(tables, nodes, k0, k1, out):
    """Draw counts of nodes with one table each: tables uint64 (node, entry); else as above."""
    n_nodes, n_trials, n_bins = out.shape
    c0 = np.empty(CHUNK // 4, np.uint64)
    c1 = np.empty(CHUNK // 4, np.uint64)
    random = np.empty(CHUNK // 2, np.uint64)
    words = random.view(np.uint32)
    guide = np.empty(GUIDE, np.int64)
    for i in range(n_nodes):
        table = tables[i]
        fill_guide(table, guide)
        for trial in range(n_trials):
            row = out[i, trial]
            for start in range(0, n_bins, CHUNK):
                n = min(CHUNK, n_bins - start)
                draw_words(start, n, np.uint64(trial), nodes[i], COUNT, k0, k1, c0, c1, random)
                to = row[start : start + n]
                for t in range(n):
                    word = np.uint64(words[t])
                    k = guide[word >> _SHIFT24]
                    while table[k] <= word:
                        k += 1
                    to[t] = k
