"""Histograms of both rasters on common edges: of rates over nodes, and of counts over bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.moments import Array
from stochnet.validation.sums.sampled_nodes import take_nodes


@dataclass(frozen=True, slots=True)
class PairedHistogram:
    """A histogram of both rasters on the same edges.

    Attributes
    ----------
    scope : str or None
        Name of the layer; None is the whole network.
    edges : ndarray of float64 (cell + 1,)
        Cells hold their lower edge; the last one holds both.
    observed, simulated : ndarray of float64 (cell,)
        Fraction of nodes or bins in each cell; they sum to one.
    """

    scope: str | None
    edges: Array
    observed: Array
    simulated: Array


@dataclass(frozen=True, slots=True)
class CountHistogram:
    """Window counts of one node: how often each number of spikes occurred.

    Attributes
    ----------
    node : int
    layer : str
    rate : float
        Spikes per bin, observed.
    observed, simulated : ndarray of float64 (count,)
        Fraction of windows with 0, 1, 2, … spikes; they sum to one.
    """

    node: int
    layer: str
    rate: float
    observed: Array
    simulated: Array


def paired_histogram(
    scope: str | None, observed: NDArray[Any], simulated: NDArray[Any], cells: int
) -> PairedHistogram:
    """Histogram the values of both rasters, none of them NaN, in at most so many cells."""
    both = observed, simulated
    low = float(min(values.min() for values in both))
    high = float(max(values.max() for values in both))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    whole = all(values.dtype.kind in "iu" for values in both)
    # Whole numbers need cells of whole width, or some would hold more of them than others.
    width = max(1.0, math.ceil((high - low + 1) / cells)) if whole else (high - low) / cells
    start = low - 0.5 if whole else low
    n_cells = math.ceil((high - start) / width - 1e-9)
    edges: Array = start + width * np.arange(n_cells + 1, dtype=np.float64)
    heights = [np.histogram(values, edges)[0] / values.size for values in both]
    return PairedHistogram(scope, edges, np.asarray(heights[0]), np.asarray(heights[1]))


def count_histograms(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    nodes: NDArray[np.int64],
    rate: Array,
    window: int,
) -> tuple[CountHistogram, ...]:
    """Histogram the window counts of some nodes in both rasters."""
    ascending = np.sort(nodes)
    few = [take_nodes(raster, ascending) for raster in (observed, simulated)]
    found = []
    for row, node in enumerate(ascending):
        counts = [_window_counts(raster, row, window) for raster in few]
        most = int(max(one.max() for one in counts))
        shares = [np.bincount(one, minlength=most + 1) / one.size for one in counts]
        name = next(x.name for x in observed.layers if x.first <= node < x.first + x.n_nodes)
        found.append(CountHistogram(int(node), name, float(rate[node]), shares[0], shares[1]))
    return tuple(found)


def _window_counts(raster: SpikeRaster, node: int, window: int) -> NDArray[np.int64]:
    # Dense, but one node at a time: not worth a kernel, which takes longer to compile.
    full = raster.n_bins // window * window
    dense = raster.to_dense(slice(node, node + 1))[:, :, :full]
    return np.asarray(dense.reshape(-1, window).sum(axis=1, dtype=np.int64))
