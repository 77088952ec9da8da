"""What the figures of a report show: a few nodes in full, histograms and tables of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.even_sample import evenly_spread
from stochnet.statistics.moments import Array
from stochnet.validation.excerpt.histograms import (
    CountHistogram,
    PairedHistogram,
    count_histograms,
    paired_histogram,
)
from stochnet.validation.excerpt.matrices import CorrelationMatrix, correlation_matrices
from stochnet.validation.excerpt.node_table import NodeTable, node_table
from stochnet.validation.excerpt.sampling import some, spread_nodes
from stochnet.validation.sums.sampled_nodes import take_nodes

Index = NDArray[np.int64]
Both = tuple[Array, Array]

RASTER_NODES = 60
RASTER_BINS = 200
HISTOGRAMS = 6
MOST_DOTS = 400
MOST_MATRICES = 6
RATE_CELLS, COUNT_CELLS = 30, 40


@dataclass(frozen=True, slots=True)
class ShownSpikes:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the spikes as JSON has them: a string of 0 and 1 for each node."""
        rows = ["".join(map(str, row)) for row in self.active.astype(int).tolist()]
        return {"active": rows, "trial_starts": self.trial_starts, "conditions": self.conditions}


@dataclass(frozen=True, slots=True)
class Scatter:
    """Fano factors and rates of some nodes of a layer.

    Attributes
    ----------
    layer : str
    nodes : ndarray of int64 (node,)
        Nodes that have a Fano factor in both.
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
        Nodes whose spikes are shown, by layer and then by rate.
    layer_of : tuple of str
        Layer of each of them.
    observed, simulated : ShownSpikes
    window : int or None
        Bins of a window, in histograms and Fano factors.
    rate_histograms : tuple of PairedHistogram
        Of the firing rates, spikes per bin, of every layer.
    scatters : tuple of Scatter
        Up to 400 nodes of every layer; none without a window.
    count_histograms : tuple of CountHistogram
    population_histogram : PairedHistogram or None
        Of active nodes in a bin; None where they were not counted.
    matrices : tuple of CorrelationMatrix
        Of up to six layers.
    table : NodeTable
    """

    nodes: Index
    layer_of: tuple[str, ...]
    observed: ShownSpikes
    simulated: ShownSpikes
    window: int | None
    rate_histograms: tuple[PairedHistogram, ...]
    scatters: tuple[Scatter, ...]
    count_histograms: tuple[CountHistogram, ...]
    population_histogram: PairedHistogram | None
    matrices: tuple[CorrelationMatrix, ...]
    table: NodeTable

    def figures(self) -> dict[str, Any]:
        """Return the numbers of all figures; `docs/report-schema.json` says what they are."""
        return {
            "window": self.window,
            "spikes": {
                "nodes": self.nodes,
                "layers": self.layer_of,
                "observed": self.observed.to_dict(),
                "simulated": self.simulated.to_dict(),
            },
            "rate_laws": self.rate_histograms,
            "fano_against_rate": [
                {"layer": x.layer, "nodes": x.nodes, "rates": x.rates, "fano_factors": x.fanos}
                for x in self.scatters
            ],
            "histograms": self.count_histograms,
            "population_law": self.population_histogram,
            "correlations": [one.rounded() for one in self.matrices],
        }


def shown_spikes(raster: SpikeRaster, nodes: Index) -> ShownSpikes:
    """Cut the first bins of some nodes, in the order given."""
    ascending = np.sort(nodes)
    trials = min(raster.n_trials, -(-RASTER_BINS // raster.n_bins))
    dense = take_nodes(raster, ascending).trials(slice(0, trials)).to_dense() > 0
    length = min(RASTER_BINS, trials * raster.n_bins)
    active = dense.reshape(len(nodes), -1)[np.searchsorted(ascending, nodes), :length]
    starts = tuple(range(raster.n_bins, length, raster.n_bins))
    conditions = raster.conditions
    return ShownSpikes(
        active, starts, None if conditions is None else conditions[:trials].reshape(-1)[:length]
    )


def scatter(layer: Layer, rates: Both, fanos: Both) -> Scatter:
    """Choose nodes of a layer that have a Fano factor in both rasters, evenly by their place."""
    nodes = np.arange(layer.first, layer.first + layer.n_nodes)
    known = nodes[~np.isnan(fanos[0][nodes]) & ~np.isnan(fanos[1][nodes])]
    few = known[evenly_spread(len(known), MOST_DOTS)]
    return Scatter(layer.name, few, (rates[0][few], rates[1][few]), (fanos[0][few], fanos[1][few]))


def excerpt(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    rates: Both,
    fanos: Both,
    window: int | None,
    population: Sequence[Index],
    *,
    selectivities: Both,
    q_values: Mapping[str, Array],
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
    q_values : mapping of str to ndarray (node,)
        Of the tests of single nodes, by the label of the statistic.
    """
    layers = observed.layers
    nodes = spread_nodes(layers, rates[0], RASTER_NODES)
    layer_of = [layer.name for layer in layers for _ in range(layer.n_nodes)]
    of_counts: tuple[CountHistogram, ...] = ()
    if window is not None:
        few = spread_nodes(layers, rates[0], HISTOGRAMS)
        of_counts = count_histograms(observed, simulated, few, rates[0], window)
    of_rates = [
        paired_histogram(x.name, rates[0][x.nodes], rates[1][x.nodes], RATE_CELLS) for x in layers
    ]
    of_population = None
    if len(population):
        of_population = paired_histogram(None, population[0], population[1], COUNT_CELLS)
    return Excerpt(
        nodes=nodes,
        layer_of=tuple(layer_of[node] for node in nodes),
        observed=shown_spikes(observed, nodes),
        simulated=shown_spikes(simulated, nodes),
        window=window,
        rate_histograms=tuple(of_rates),
        scatters=() if window is None else tuple(scatter(x, rates, fanos) for x in layers),
        count_histograms=of_counts,
        population_histogram=of_population,
        matrices=correlation_matrices(observed, simulated, some(layers, MOST_MATRICES), rates[0]),
        table=node_table(layers, rates, fanos, selectivities, q_values),
    )
