"""Bins of a trial that are drawn one by one, counts and steps: scalar functions.

Plain Python like `stochnet.kernels.drawing.words`; the kernels for CUDA are compiled from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stochnet.kernels.drawing.words import gain_of
from stochnet.kernels.rng import COUNT, INIT, STEP, philox

UNIT = 2.0**-32
_ZERO = np.uint64(0)


def count_of(table, word):  # type: ignore[no-untyped-def]
    """Entries of a table that are not above a word; the table rises, and ends above any word."""
    low, high = 0, len(table) - 1
    while low < high:
        middle = (low + high) >> 1
        if table[middle] <= word:
            low = middle + 1
        else:
            high = middle
    return low


def count_bins(out, block, tables, of_bin, segments, has_gain, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Draw the counts of four bins, which share a counter, into `out`.

    out (bin,) of the trial; block: number of the first bin divided by four; tables (condition,
    level, entry) of the node; of_bin (bin,): segments of the trial; segments: row and slot
    (segment,).
    """
    row, slot = segments
    words = philox(block, trial, node, COUNT, k0, k1)
    first, before, level = 4 * np.int64(block), -1, _ZERO
    for j in range(4):
        if first + j < len(out):
            s = of_bin[first + j]
            if s != before:
                level = gain_of(has_gain, slot[s], trial, node, k0, k1)
                before = s
            out[first + j] = count_of(tables[row[s], np.int64(level)], words[j])


def pooled_bins(out, block, table, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Draw the counts of four bins as `count_bins`, of a node with one table (entry,)."""
    words = philox(block, trial, node, COUNT, k0, k1)
    first = 4 * np.int64(block)
    for j in range(4):
        if first + j < len(out):
            out[first + j] = count_of(table, words[j])


def trial_of(
    init: Callable[..., Any], step: Callable[..., Any], *, counts: bool, pooled: bool
) -> Any:
    """Return the function that draws a trial of a process with memory.

    It writes counts, or packed spikes, into ``out`` (bin,) or (word,); table (condition, entry) of
    the node; conditions (trial, bin), not looked at if `pooled`.
    """

    def draw(out, table, n_bins, conditions, trial, node, k0, k1):  # type: ignore[no-untyped-def]
        first, _, _, _ = philox(_ZERO, trial, node, INIT, k0, k1)
        state = init(table[0 if pooled else conditions[trial, 0]], first * UNIT)
        spikes = _ZERO
        for t in range(0, n_bins, 4):
            words = philox(np.uint64(t >> 2), trial, node, STEP, k0, k1)
            for j in range(4):
                if t + j < n_bins:
                    row = table[0 if pooled else conditions[trial, t + j]]
                    count, state = step(row, state, words[j] * UNIT)
                    if counts:
                        out[t + j] = count
                    else:
                        spikes |= np.uint64(count) << np.uint64((t + j) & 63)
            if not counts and ((t & 63) == 60 or t + 4 >= n_bins):
                out[t >> 6] = spikes
                spikes = _ZERO

    return draw
