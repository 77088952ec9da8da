"""What the figures of a report show: a few nodes in full, and laws and tables of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.moments import Array
from stochnet.validation.compared.together import take_nodes
from stochnet.validation.excerpt.histograms import Law, law
from stochnet.validation.excerpt.matrices import CorrelationMatrix, correlation_matrices
from stochnet.validation.excerpt.node_table import NodeTable, node_table
from stochnet.validation.excerpt.sampling import some, spread_nodes

Index = NDArray[np.int64]
Both = tuple[Array, Array]

RASTER_NODES = 60
RASTER_BINS = 200
HISTOGRAMS = 6
MOST_DOTS = 400
MOST_MATRICES = 6
RATE_CELLS, COUNT_CELLS = 30, 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A few nodes of one raster, in its first bins.

    Attributes
    ----------
    active : ndarray of bool (node, bin)
        Trials one after the other.
    trial_starts : tuple of int
        First bin of each trial but the first.
    conditions : ndarray of int16 (bin,) or None
        Condition of each bin.
    """

    active: NDArray[np.bool_]
    trial_starts: tuple[int, ...]
    conditions: NDArray[np.int16] | None


@dataclass(frozen=True, slots=True)
class Histogram:
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


@dataclass(frozen=True, slots=True)
class Scatter:
    """Fano factors and rates of some nodes of a layer.

    Attributes
    ----------
    layer : str
    nodes : ndarray of int64 (node,)
        Nodes that have a Fano factor on both sides.
    rates, fanos : tuple of ndarray (node,)
        Observed and simulated; spikes per bin.
    """

    layer: str
    nodes: Index
    rates: Both
    fanos: Both


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Material of the figures and of the table of nodes; none of it enters a verdict.

    Attributes
    ----------
    nodes : ndarray of int64 (node,)
        Nodes of the two pieces, by layer and then by rate.
    layer_of : tuple of str
        Layer of each of them.
    observed, simulated : Piece
    window : int or None
        Bins of a window, in histograms and Fano factors.
    rate_laws : tuple of Law
        Of the firing rates, spikes per bin, of every layer.
    scatters : tuple of Scatter
        Up to 400 nodes of every layer; none without a window.
    histograms : tuple of Histogram
    population_law : Law or None
        Of active nodes in a bin; None where they were not counted.
    matrices : tuple of CorrelationMatrix
        Of up to six layers.
    table : NodeTable
    """

    nodes: Index
    layer_of: tuple[str, ...]
    observed: Piece
    simulated: Piece
    window: int | None
    rate_laws: tuple[Law, ...]
    scatters: tuple[Scatter, ...]
    histograms: tuple[Histogram, ...]
    population_law: Law | None
    matrices: tuple[CorrelationMatrix, ...]
    table: NodeTable


def piece(raster: SpikeRaster, nodes: Index) -> Piece:
    """Cut the first bins of some nodes, in the order given."""
    ascending = np.sort(nodes)
    trials = min(raster.n_trials, -(-RASTER_BINS // raster.n_bins))
    dense = take_nodes(raster, ascending).trials(slice(0, trials)).to_dense() > 0
    length = min(RASTER_BINS, trials * raster.n_bins)
    active = dense.reshape(len(nodes), -1)[np.searchsorted(ascending, nodes), :length]
    starts = tuple(range(raster.n_bins, length, raster.n_bins))
    conditions = raster.conditions
    return Piece(
        active, starts, None if conditions is None else conditions[:trials].reshape(-1)[:length]
    )


def _window_counts(raster: SpikeRaster, node: int, window: int) -> Index:
    # Dense, but one node at a time: not worth a kernel, which takes longer to compile.
    full = raster.n_bins // window * window
    dense = raster.to_dense(slice(node, node + 1))[:, :, :full]
    return np.asarray(dense.reshape(-1, window).sum(axis=1, dtype=np.int64))


def histograms(
    observed: SpikeRaster, simulated: SpikeRaster, nodes: Index, rate: Array, window: int
) -> tuple[Histogram, ...]:
    """Histogram the window counts of some nodes in both rasters."""
    ascending = np.sort(nodes)
    few = [take_nodes(raster, ascending) for raster in (observed, simulated)]
    found = []
    for row, node in enumerate(ascending):
        counts = [_window_counts(raster, row, window) for raster in few]
        most = int(max(one.max() for one in counts))
        laws = [np.bincount(one, minlength=most + 1) / one.size for one in counts]
        name = next(x.name for x in observed.layers if x.first <= node < x.first + x.n_nodes)
        found.append(Histogram(int(node), name, float(rate[node]), laws[0], laws[1]))
    return tuple(found)


def scatter(layer: Layer, rates: Both, fanos: Both) -> Scatter:
    """Choose nodes of a layer that have a Fano factor on both sides, evenly by their place."""
    nodes = np.arange(layer.first, layer.first + layer.n_nodes)
    known = nodes[~np.isnan(fanos[0][nodes]) & ~np.isnan(fanos[1][nodes])]
    few = known[np.linspace(0, len(known) - 1, min(MOST_DOTS, len(known))).astype(int)]
    return Scatter(layer.name, few, (rates[0][few], rates[1][few]), (fanos[0][few], fanos[1][few]))


def excerpt(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    rates: Both,
    fanos: Both,
    window: int | None,
    population: Sequence[Index],
    *,
    selectivities: Both | None = None,
    q_values: Mapping[str, Array] | None = None,
) -> Excerpt:
    """Collect the material of the figures.

    Parameters
    ----------
    observed, simulated : SpikeRaster
        Only a few of their nodes are read.
    rates, fanos, selectivities : tuple of ndarray (node,)
        Observed and simulated; rates in spikes per bin.
    window : int or None
        Bins of the windows of `fanos`, and of the histograms.
    population : sequence of ndarray of int64
        Active nodes per bin, observed and simulated; empty where they were not counted.
    q_values : mapping of str to ndarray (node,), optional
        Of the tests of single nodes, by the label of the statistic.
    """
    layers = observed.layers
    nodes = spread_nodes(layers, rates[0], RASTER_NODES)
    layer_of = [layer.name for layer in layers for _ in range(layer.n_nodes)]
    few = spread_nodes(layers, rates[0], HISTOGRAMS)
    return Excerpt(
        nodes,
        tuple(layer_of[node] for node in nodes),
        piece(observed, nodes),
        piece(simulated, nodes),
        window,
        tuple(law(x.name, rates[0][x.nodes], rates[1][x.nodes], RATE_CELLS) for x in layers),
        () if window is None else tuple(scatter(layer, rates, fanos) for layer in layers),
        () if window is None else histograms(observed, simulated, few, rates[0], window),
        law(None, population[0], population[1], COUNT_CELLS) if len(population) else None,
        correlation_matrices(observed, simulated, some(layers, MOST_MATRICES), rates[0]),
        node_table(layers, rates, fanos, selectivities, q_values),
    )
