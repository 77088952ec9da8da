"""Processes with memory: a scalar init and step, compiled once per process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from stochnet.kernels.counts import CHUNK, draw_words
from stochnet.kernels.philox import philox
from stochnet.rng import INIT, LOW, STEP

_SHIFT32 = np.uint64(32)
UNIT = 2.0**-32


@numba.njit(nogil=True)
def _store_spike(row, t, count):
    row[t >> 6] |= np.uint64(count) << np.uint64(t & 63)


@numba.njit(nogil=True)
def _store_count(row, t, count):
    row[t] = count


@functools.cache
def stepwise(init: Callable[..., Any], step: Callable[..., Any], *, counts: bool) -> Any:
    """Compile the kernel of a process; it writes counts, or packed spikes."""
    begin, advance = numba.njit(nogil=True)(init), numba.njit(nogil=True)(step)
    store = _store_count if counts else _store_spike

    @numba.njit(nogil=True, error_model="numpy")
    def draw(tables, nodes, n_bins, k0, k1, out, conditions):
        c0 = np.empty(CHUNK // 4, np.uint64)
        c1 = np.empty(CHUNK // 4, np.uint64)
        random = np.empty(CHUNK // 2, np.uint64)
        for i in range(out.shape[0]):
            node = nodes[i]
            for trial in range(out.shape[1]):
                row = out[i, trial]
                row[:] = 0
                at = np.uint64(trial)
                x, _, _, _ = philox(np.uint64(0), at, node, INIT, k0, k1)
                state = begin(tables[i, conditions[trial, 0]], x * UNIT)
                for start in range(0, n_bins, CHUNK):
                    n = min(CHUNK, n_bins - start)
                    draw_words(start, n, at, node, STEP, k0, k1, c0, c1, random)
                    for t in range(n):
                        u = ((random[t >> 1] >> (np.uint64(t & 1) * _SHIFT32)) & LOW) * UNIT
                        count, state = advance(tables[i, conditions[trial, start + t]], state, u)
                        store(row, start + t, count)

    return draw
