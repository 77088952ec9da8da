"""Nodes that fire together, for validation: population counts and pairs, whole and by groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.moments import Array
from stochnet.validation.sums.groups import Groups
from stochnet.validation.sums.survey import centred
from stochnet.validation.sums.units import Units

Index = NDArray[np.int64]

# Places at which two laws are compared, at most.
THRESHOLDS = 64


def take_nodes(raster: SpikeRaster, nodes: Index) -> SpikeRaster:
    """Return some nodes, ascending, as a raster in memory; the others are read block by block."""
    parts = []
    end, step = int(nodes[-1]) + 1, nodes_that_fit(raster.node_bytes)
    for first, stop in cut_nodes(end, step, first=int(nodes[0])):
        mine = nodes[(nodes >= first) & (nodes < stop)]
        if len(mine):
            parts.append(np.asarray(raster.data[first:stop])[mine - first])
    return replace(raster, data=np.concatenate(parts), layers=())


def population_laws(
    counts: Sequence[Index], units: Sequence[Units], groups: Groups
) -> tuple[list[Index], Array, Array]:
    """Return the laws of population counts (trial, bin) of two rasters, in groups.

    Returns
    -------
    used : list of ndarray (bin,)
        The counts of the bins of all groups.
    parts : ndarray (2·group, threshold)
        What each group adds to the distribution function, beside its stratum.
    means : ndarray (2·group,)
        And to the mean.
    """
    used, by_unit = [], []
    for count, unit, inside in zip(counts, units, groups.inside, strict=True):
        cut = count if unit.order is None else count.reshape(-1)[unit.order]
        by_unit.append(cut)
        used.append(cut[inside.any(axis=1)].ravel())
    # Where the distribution functions step, or at as many places spread over both.
    at = np.unique(np.concatenate(used))
    if len(at) > THRESHOLDS:
        pooled = np.sort(np.concatenate(used))
        at = np.unique(pooled[np.linspace(0, len(pooled) - 1, THRESHOLDS).astype(int)])
    parts, means = [], []
    for cut, inside in zip(by_unit, groups.inside, strict=True):
        shares, averages = [], []
        for mine in inside.T:
            values = np.sort(cut[mine].ravel())
            share = len(values) / len(used[0])
            shares.append(np.searchsorted(values, at, side="right") / len(values) * share)
            averages.append(values.mean() * share)
        parts.append(centred(np.array(shares), groups.n_strata))
        means.append(centred(np.array(averages), groups.n_strata))
    return used, np.concatenate(parts), np.concatenate(means)
