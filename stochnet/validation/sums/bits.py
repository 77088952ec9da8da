"""Bins of sampled nodes, group by group: what statistics of many nodes at once are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.packing import unpack
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.counting import packed
from stochnet.validation.compared.together import take_nodes
from stochnet.validation.sums.units import Units, cut_units

Index = NDArray[np.int64]
Bits = NDArray[np.float32]

# Nodes of a scope, and bins of a raster, at most.
MOST_NODES, MOST_BINS = 300, 20_000


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

    active: Bits
    labels: Index


def sample_nodes(first: int, last: int, rng: np.random.Generator, most: int = MOST_NODES) -> Index:
    """Return up to so many of the nodes from `first` to before `last`, ascending."""
    n = last - first
    if n <= most:
        return np.arange(first, last, dtype=np.int64)
    return first + np.sort(rng.choice(n, most, replace=False)).astype(np.int64)


def bits_of_groups(
    raster: SpikeRaster,
    nodes: Index,
    units: Units | None,
    inside: NDArray[np.bool_] | None,
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
    units : Units or None
    inside : ndarray of bool (unit, group) or None
        None takes the whole raster as one group.
    rng : numpy.random.Generator
        Chooses the bins where there are more than so many.
    most : int
        Bins of all groups together.
    """
    if units is None or inside is None:
        units = cut_units(raster, raster.n_bins)
        inside = np.ones((units.n_units, 1), np.bool_)
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    conditions = raster.conditions if units.order is None else units.conditions
    cut = units.cut(words)
    share = max(1, most // inside.shape[1])
    found = []
    for mine in inside.T:
        active = unpack(cut[:, mine], units.length).reshape(len(nodes), -1)
        labels = np.zeros(0, np.int64)
        if conditions is not None:
            labels = conditions[mine].ravel().astype(np.int64)
        if active.shape[1] > share:
            kept = np.sort(rng.choice(active.shape[1], share, replace=False))
            active, labels = active[:, kept], labels[kept] if labels.size else labels
        found.append(GroupBits(np.ascontiguousarray(active.T, np.float32), labels))
    return found
