"""Surrogates of the tests of assumptions: spikes placed at random, one after the other.

One random order of the bins serves every number of spikes: its first S bins hold S spikes. What is
counted follows from spike to spike, so all numbers of spikes cost little more than the largest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stochnet.kernels.assumptions.tally import clear, empty_tally
from stochnet.kernels.assumptions.tests import RUNS, evaluate
from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import lanes
from stochnet.kernels.rng import HALF, LOW, NULL

DRAWN = 32
_draw = lanes(DRAWN)
_2_32 = np.uint64(1 << 32)


class _Source(NamedTuple):
    first: Any
    second: Any
    words: Any
    used: Any


@kernel
def _open(surrogate):
    """Return the 32-bit words of a surrogate, none of them drawn."""
    second = np.empty(DRAWN, np.uint64)
    for i in range(DRAWN):
        second[i] = np.uint64(surrogate)
    return _Source(
        np.empty(DRAWN, np.uint64), second, np.empty(2 * DRAWN, np.uint64), np.zeros(1, np.int64)
    )


@kernel
def _next_word(source, stream, k0, k1):
    """Word q of a surrogate is word q % 4 of counter (q // 4, surrogate, stream, NULL)."""
    at = source.used[0] % (4 * DRAWN)
    if at == 0:
        for i in range(DRAWN):
            source.first[i] = np.uint64(source.used[0] // 4 + i)
        _draw(source.words, 0, source.first, source.second, 0, stream, NULL, k0, k1)
    source.used[0] += 1
    return (source.words[at >> 1] >> (np.uint64(at & 1) * HALF)) & LOW


@kernel
def _below(n, source, stream, k0, k1):
    """Draw a whole number from 0 to n - 1, all equally likely (Lemire 2019)."""
    size = np.uint64(n)
    product = _next_word(source, stream, k0, k1) * size
    if (product & LOW) < size:
        least = (_2_32 - size) % size
        while (product & LOW) < least:
            product = _next_word(source, stream, k0, k1) * size
    return np.int64(product >> HALF)


@kernel
def compare(d, start, stop, stream, k0, k1, sizes, expected, nodes, ranks):
    """Compare observed statistics with those of surrogates start to stop.

    Parameters
    ----------
    sizes : int64 (size,), rising
        Numbers of spikes.
    expected : tuple
        ``least`` and ``probability``, int64 and float64 (size, window), and ``expected_gaps``, as
        for `evaluate`.
    nodes : tuple
        ``group`` int64 (size + 1,): nodes group[g] to group[g + 1] have sizes[g] spikes; and
        ``observed`` float64 (node, statistic).
    ranks : tuple
        All are added to: ``below`` and ``equal`` uint8 (node, statistic), surrogates whose
        statistic is below the observed one, or the same; and ``sums`` float64 (size, statistic, 3)
        of the statistic, its square and its cube.
    """
    least, probability, expected_gaps = expected
    group, observed = nodes
    below, equal, sums = ranks
    s = empty_tally(d)
    n_bins = d.n_trials * d.n_bins
    order = np.empty(n_bins, np.int64)
    trials, places = np.empty(sizes[-1], np.int64), np.empty(sizes[-1], np.int64)
    spikes = np.ones(sizes[-1], np.int64)
    values = np.empty(observed.shape[1])
    effects = np.empty(observed.shape[1])
    for surrogate in range(start, stop):
        clear(d, s)
        source = _open(surrogate)
        if not d.counts:
            for i in range(n_bins):
                order[i] = i
        for i in range(sizes[-1]):
            if d.counts:
                at = _below(n_bins, source, stream, k0, k1)
            else:
                j = i + _below(n_bins - i, source, stream, k0, k1)
                at = order[j]
                order[j] = order[i]
            trials[i] = at // d.n_bins
            places[i] = at - trials[i] * d.n_bins
        done = np.int64(0)
        for g in range(len(sizes)):
            evaluate(
                d, s, (trials, places, spikes), done, sizes[g], least[g], probability[g],
                expected_gaps, values, effects,
            )  # fmt: skip
            done = sizes[g]
            for j in range(len(values)):
                # Fourth roots of sums of squares are nearly normal (Hawkins & Wixley 1986).
                x = values[j] if j == RUNS else np.sqrt(np.sqrt(max(values[j], 0.0)))
                sums[g, j, 0] += x
                sums[g, j, 1] += x * x
                sums[g, j, 2] += x * x * x
            for node in range(group[g], group[g + 1]):
                for j in range(len(values)):
                    if values[j] < observed[node, j]:
                        below[node, j] += 1
                    elif values[j] == observed[node, j]:
                        equal[node, j] += 1
