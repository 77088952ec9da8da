"""Nodes that fire together, for validation: population counts and pairs, whole and in halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.coactivity import coincidences, pairwise_correlation
from stochnet.correlation import phi
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.statistics import Array
from stochnet.sufficient import packed
from stochnet.validation.halves import Units, add

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
    chosen = take_nodes(raster, nodes)
    a, b = index[: len(first)], index[len(first) :]
    whole = pairwise_correlation(chosen, a, b)
    if units is None:
        return whole, None
    n_units = units.n_units
    data = units.cut(packed(chosen).reshape(len(nodes), chosen.n_trials, -1))
    words = data.reshape(-1, data.shape[2])
    every_row = np.arange(len(words))
    totals = coincidences(words, every_row, every_row)
    active = add(totals.reshape(-1, n_units), weights)
    bins = add(np.full(n_units, units.length), weights)
    both = np.empty((len(first), weights.shape[1]), np.int64)
    every = np.arange(n_units)
    step = max(1, (1 << 22) // n_units)
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        rows = [(side[part, None] * n_units + every).ravel() for side in (a, b)]
        together = coincidences(words, rows[0], rows[1])
        both[part] = add(together.reshape(-1, n_units), weights)
    halves = phi(active[a], active[b], both, bins)
    return whole, halves.T.astype(np.float32)
