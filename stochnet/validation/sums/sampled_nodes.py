"""Some nodes of a raster, and their bins group by group: for statistics of many nodes at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.packing import unpack
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.counting import packed
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups

Index = NDArray[np.int64]

# Nodes of a scope, and bins of a raster, at most.
MOST_NODES, MOST_BINS = 300, 20_000


def sample_nodes(first: int, last: int, rng: np.random.Generator, most: int = MOST_NODES) -> Index:
    """Return up to so many of the nodes from `first` to before `last`, ascending."""
    n = last - first
    if n <= most:
        return np.arange(first, last, dtype=np.int64)
    return first + np.sort(rng.choice(n, most, replace=False)).astype(np.int64)


def take_nodes(raster: SpikeRaster, nodes: Index) -> SpikeRaster:
    """Return some nodes, ascending, as a raster in memory; the others are read block by block."""
    parts = []
    end, step = int(nodes[-1]) + 1, nodes_that_fit(raster.node_bytes)
    for first, stop in cut_nodes(end, step, first=int(nodes[0])):
        mine = nodes[(nodes >= first) & (nodes < stop)]
        if len(mine):
            parts.append(np.asarray(raster.data[first:stop])[mine - first])
    return replace(raster, data=np.concatenate(parts), layers=())


@dataclass(frozen=True, eq=False, slots=True)
class GroupBits:
    """Bins of some nodes in one group.

    Attributes
    ----------
    active : ndarray of float32 (bin, node)
        1 where a node is active, else 0.
    labels : ndarray of int64 (bin,)
        Conditions; empty where the raster has none.
    """

    active: NDArray[np.float32]
    labels: Index


def bits_of_groups(
    raster: SpikeRaster,
    nodes: Index,
    groups: ResamplingGroups | None,
    rng: np.random.Generator,
    most: int = MOST_BINS,
) -> list[GroupBits]:
    """Return the bins of some nodes, group by group.

    Parameters
    ----------
    raster : SpikeRaster
        Only these nodes are read.
    nodes : ndarray of int64 (node,)
        Ascending.
    groups : ResamplingGroups or None
        None takes the whole raster as one group.
    rng : numpy.random.Generator
        Chooses the bins where there are more than so many.
    most : int
        Bins of all groups together.
    """
    if groups is None:
        pieces = cut_pieces(raster, raster.n_bins)
        groups = ResamplingGroups(pieces, np.ones((pieces.n_pieces, 1), np.bool_), 1)
    pieces = groups.pieces
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    conditions = raster.conditions if pieces.order is None else pieces.conditions
    cut = pieces.cut(words)
    share = max(1, most // groups.n_groups)
    found = []
    for mine in groups.inside.T:
        active = unpack(cut[:, mine], pieces.length).reshape(len(nodes), -1)
        labels = np.zeros(0, np.int64)
        if conditions is not None:
            labels = conditions[mine].ravel().astype(np.int64)
        if active.shape[1] > share:
            kept = np.sort(rng.choice(active.shape[1], share, replace=False))
            active, labels = active[:, kept], labels[kept] if labels.size else labels
        found.append(GroupBits(np.ascontiguousarray(active.T, np.float32), labels))
    return found
