"""Independent counts by inversion: one 32-bit word a bin, searched in an integer table."""

from __future__ import annotations

import numba
import numpy as np

from stochnet.kernels.philox import lanes
from stochnet.kernels.segmented import draw_levels
from stochnet.rng import COUNT, LOW

CHUNK = 1024
NARROW = 8
_narrow = lanes(NARROW)
_wide = lanes(32)
_SHIFT32 = np.uint64(32)


@numba.njit(nogil=True, error_model="numpy")
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


@numba.njit(nogil=True, error_model="numpy")
def independent_counts(
    tables,
    nodes,
    k0,
    k1,
    out,
    bin_segment,
    segment_row,
    segment_slot,
    segment_trial,
    has_gain,
):
    """Draw counts: how many entries of the bin's table are at most its word.

    tables uint64 (node, condition, level, entry), floor(cdf·2^32) with a last entry of 2^32;
    out uint8 or uint16 (node, trial, bin).
    """
    n_nodes, n_trials, n_bins = out.shape
    c0 = np.empty(CHUNK // 4, np.uint64)
    c1 = np.empty(CHUNK // 4, np.uint64)
    random = np.empty(CHUNK // 2, np.uint64)
    gain_random = np.empty(2 * NARROW, np.uint64)
    levels = np.empty(len(segment_row), np.int64)
    for i in range(n_nodes):
        node = nodes[i]
        draw_levels(segment_slot, segment_trial, has_gain, node, k0, k1, gain_random, levels)
        for trial in range(n_trials):
            row = out[i, trial]
            for start in range(0, n_bins, CHUNK):
                n = min(CHUNK, n_bins - start)
                draw_words(start, n, np.uint64(trial), node, COUNT, k0, k1, c0, c1, random)
                for t in range(n):
                    s = bin_segment[trial, start + t]
                    table = tables[i, segment_row[s], levels[s]]
                    word = (random[t >> 1] >> (np.uint64(t & 1) * _SHIFT32)) & LOW
                    k = 0
                    while table[k] <= word:
                        k += 1
                    row[start + t] = k
