"""Processes with memory: a scalar init and step, compiled once per process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from stochnet.kernels.drawing.counts import CHUNK, draw_words
from stochnet.kernels.philox import philox
from stochnet.kernels.rng import INIT, STEP

UNIT = 2.0**-32


@functools.cache
def stepwise(
    init: Callable[..., Any], step: Callable[..., Any], *, counts: bool, pooled: bool
) -> Any:
    """Compile the kernel of a process; it writes counts, or packed spikes.

    tables float64 (node, condition, entry); conditions int16 (trial, bin), not looked at if
    `pooled`.
    """
    begin, advance = numba.njit(nogil=True)(init), numba.njit(nogil=True)(step)

    @numba.njit(nogil=True, error_model="numpy")
    def draw(tables, nodes, n_bins, k0, k1, out, conditions):
        c0 = np.empty(CHUNK // 4, np.uint64)
        c1 = np.empty(CHUNK // 4, np.uint64)
        random = np.empty(CHUNK // 2, np.uint64)
        # Little-endian pairs: the words in order.
        words = random.view(np.uint32)
        for i in range(out.shape[0]):
            node = nodes[i]
            own = tables[i, 0]
            for trial in range(out.shape[1]):
                to = out[i, trial]
                at = np.uint64(trial)
                x, _, _, _ = philox(np.uint64(0), at, node, INIT, k0, k1)
                state = begin(own if pooled else tables[i, conditions[trial, 0]], x * UNIT)
                for start in range(0, n_bins, CHUNK):
                    n = min(CHUNK, n_bins - start)
                    draw_words(start, n, at, node, STEP, k0, k1, c0, c1, random)
                    for first in range(0, n, 64):
                        bits = np.uint64(0)
                        for t in range(first, min(first + 64, n)):
                            row = own if pooled else tables[i, conditions[trial, start + t]]
                            count, state = advance(row, state, words[t] * UNIT)
                            if counts:
                                to[start + t] = count
                            else:
                                bits |= np.uint64(count) << np.uint64(t - first)
                        if not counts:
                            to[(start + first) >> 6] = bits

    return draw
