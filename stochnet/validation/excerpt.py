"""What the figures of a report show: a few nodes in full, and one number for each of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.moments import Array
from stochnet.raster import SpikeRaster
from stochnet.validation.together import take_nodes

Index = NDArray[np.int64]

RASTER_NODES = 60
RASTER_BINS = 200
HISTOGRAMS = 6


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
class Excerpt:
    """Material of the figures; none of it enters a verdict.

    Attributes
    ----------
    nodes : ndarray of int64 (node,)
        Nodes of the two pieces, by layer and then by rate.
    layer_of : tuple of str
        Layer of each of them.
    observed, simulated : Piece
    window : int or None
        Bins of a window, in histograms and Fano factors.
    rates, fanos : tuple of ndarray (node,)
        Observed and simulated, of all nodes; spikes per bin. Fano factors are NaN where there are
        none.
    histograms : tuple of Histogram
    population : tuple of ndarray of int64 (bin,)
        Active nodes in every bin, observed and simulated; empty where they were not counted.
    """

    nodes: Index
    layer_of: tuple[str, ...]
    observed: Piece
    simulated: Piece
    window: int | None
    rates: tuple[Array, Array]
    fanos: tuple[Array, Array]
    histograms: tuple[Histogram, ...]
    population: tuple[Index, ...]


def spread_nodes(raster: SpikeRaster, rate: Array, n_nodes: int) -> Index:
    """Choose nodes that fire: as many of each layer, spread evenly over the order of its rates.

    Layers that are too many for one node each are left out from the middle; dead nodes only show
    where nothing fires.
    """
    layers = raster.layers
    if len(layers) > n_nodes:
        kept = np.linspace(0, len(layers) - 1, n_nodes).round().astype(int)
        layers = tuple(layers[k] for k in kept)
    share = n_nodes // len(layers)
    chosen = []
    for layer in layers:
        members = np.arange(layer.first, layer.first + layer.n_nodes)
        firing = members[rate[members] > 0]
        pool = firing if len(firing) else members
        ordered = pool[np.argsort(rate[pool], kind="stable")]
        picks = np.unique(
            np.linspace(0, len(ordered) - 1, min(share, len(ordered)) + 2).round()[1:-1].astype(int)
        )
        chosen.append(ordered[picks])
    return np.concatenate(chosen)


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


def excerpt(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    rates: tuple[Array, Array],
    fanos: tuple[Array, Array],
    window: int | None,
    population: Sequence[Index],
) -> Excerpt:
    """Collect the material of the figures.

    Parameters
    ----------
    observed, simulated : SpikeRaster
        Only a few of their nodes are read.
    rates, fanos : tuple of ndarray (node,)
        Observed and simulated.
    window : int or None
        Bins of the windows of `fanos`, and of the histograms.
    population : sequence of ndarray of int64
        Active nodes per bin, observed and simulated; empty where they were not counted.
    """
    nodes = spread_nodes(observed, rates[0], RASTER_NODES)
    layer_of = [layer.name for layer in observed.layers for _ in range(layer.n_nodes)]
    few = spread_nodes(observed, rates[0], HISTOGRAMS)
    return Excerpt(
        nodes,
        tuple(layer_of[node] for node in nodes),
        piece(observed, nodes),
        piece(simulated, nodes),
        window,
        rates,
        fanos,
        () if window is None else histograms(observed, simulated, few, rates[0], window),
        tuple(count.ravel() for count in population),
    )
