"""Correlations between nodes of a layer as matrices, in one order for both rasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.counting import packed
from stochnet.statistics.moments import Array, phi
from stochnet.statistics.pairs import coincidences
from stochnet.validation.excerpt.sampling import evenly_by
from stochnet.validation.sums.sampled_nodes import take_nodes

Index = NDArray[np.int64]

MATRIX_NODES = 40
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class CorrelationMatrix:
    """Correlations of the bins (active or silent) of some nodes of a layer.

    Attributes
    ----------
    layer : str
    nodes : ndarray of int64 (node,)
        Neighbours are nodes whose observed spikes are correlated.
    observed, simulated : ndarray of float64 (node, node)
        NaN where one of two nodes does not vary.
    """

    layer: str
    nodes: Index
    observed: Array
    simulated: Array

    def rounded(self) -> CorrelationMatrix:
        """Return the matrices as JSON has them."""
        both = np.round(self.observed, DECIMALS), np.round(self.simulated, DECIMALS)
        return replace(self, observed=both[0], simulated=both[1])


def correlation_matrices(
    observed: SpikeRaster, simulated: SpikeRaster, layers: Sequence[Layer], rate: Array
) -> tuple[CorrelationMatrix, ...]:
    """Correlate up to 40 nodes of each layer with each other, in both rasters.

    Parameters
    ----------
    observed, simulated : SpikeRaster
        Only the chosen nodes are read.
    layers : sequence of Layer
        Those without two nodes that vary are left out.
    rate : ndarray (node,)
        Observed spikes per bin; nodes are spread evenly over its order.
    """
    found = []
    for layer in layers:
        members = np.arange(layer.first, layer.first + layer.n_nodes)
        varying = members[(rate[members] > 0) & (rate[members] < 1)]
        if len(varying) < 2:
            continue
        nodes = np.sort(evenly_by(varying, rate, MATRIX_NODES))
        both = [_correlate(raster, nodes) for raster in (observed, simulated)]
        order = alike_first(both[0])
        both = [matrix[np.ix_(order, order)] for matrix in both]
        found.append(CorrelationMatrix(layer.name, nodes[order], both[0], both[1]))
    return tuple(found)


def _correlate(raster: SpikeRaster, nodes: Index) -> Array:
    words = packed(take_nodes(raster, nodes))
    first, second = np.triu_indices(len(nodes))
    both = coincidences(words, first, second)
    active = both[first == second]
    matrix = np.full((len(nodes), len(nodes)), np.nan)
    matrix[first, second] = phi(
        active[first], active[second], both, raster.n_trials * raster.n_bins
    )
    matrix[second, first] = matrix[first, second]
    return matrix


def alike_first(correlations: Array) -> Index:
    """Return an order in which nodes of high correlation are neighbours.

    Average linkage of the distances 1 − correlation, its leaves in the order of Bar-Joseph,
    Gifford and Jaakkola (2001).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(correlations) < 3:
        return np.arange(len(correlations))
    pairs = np.triu_indices(len(correlations), 1)
    distances = np.clip(1 - np.nan_to_num(correlations[pairs]), 0, 2)
    return np.asarray(leaves_list(linkage(distances, "average", optimal_ordering=True)), np.int64)
