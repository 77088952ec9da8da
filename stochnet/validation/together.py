"""Nodes that fire together, for validation: population counts and pairs, whole and in halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.moments import Array, phi
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.sufficient import packed
from stochnet.threads import run_blocks
from stochnet.validation.halves import Units
from stochnet.validation.survey import plan_sums
from stochnet.validation.totals import Adder

Index = NDArray[np.int64]
Halves = NDArray[np.float32]


def take_nodes(raster: SpikeRaster, nodes: Index) -> SpikeRaster:
    """Return some nodes, ascending, as a raster in memory; the others are read block by block."""
    step = max(1, BLOCK_BYTES // raster.node_bytes)
    parts = []
    for first in range(int(nodes[0]), int(nodes[-1]) + 1, step):
        stop = min(first + step, raster.n_nodes)
        mine = nodes[(nodes >= first) & (nodes < stop)]
        if len(mine):
            parts.append(np.asarray(raster.data[first:stop])[mine - first])
    return replace(raster, data=np.concatenate(parts), layers=())


def population_halves(count: Index, units: Units, weights: NDArray[np.float64]) -> Index:
    """Return the population counts (trial, bin) of the bins of every half: (half, bin)."""
    by_unit = count if units.order is None else count.reshape(-1)[units.order]
    return np.stack([by_unit[column > 0].ravel() for column in weights.T])


def pair_correlations(
    raster: SpikeRaster,
    units: Units | None,
    weights: NDArray[np.float64],
    first: Index,
    second: Index,
) -> tuple[Array, Halves | None]:
    """Correlate pairs of nodes in the whole raster and in every half.

    Only the nodes of pairs are held in memory.

    Returns
    -------
    whole : ndarray (pair,)
    halves : ndarray of float32 (half, pair) or None
        None where there are no units.
    """
    nodes, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    a, b = index[: len(first)], index[len(first) :]
    of_trials, of_pieces = plan_sums(raster, units, weights)
    correlations = _correlate(words, of_trials, a, b)
    if units is None:
        return correlations[-1], None
    halves = correlations[:-1] if of_pieces is None else _correlate(words, of_pieces, a, b)
    return correlations[-1], halves.astype(np.float32)


def _correlate(words: NDArray[np.uint64], adder: Adder, a: Index, b: Index) -> Array:
    """Correlate pairs of rows of words (node, trial, word) in every set: (set, pair)."""
    active = np.empty((len(adder.bins), len(words)), np.int64)
    both = np.empty((len(adder.bins), len(a)), np.int64)

    def count(start: int, stop: int) -> None:
        active[:, start:stop] = adder.active(words[start:stop])

    def count_both(start: int, stop: int) -> None:
        both[:, start:stop] = adder.active(words[a[start:stop]] & words[b[start:stop]])

    step = adder.at_once(words[0].nbytes)
    run_blocks(count, len(words), step=step)
    run_blocks(count_both, len(a), step=step)
    return phi(active[:, a], active[:, b], both, adder.bins)
