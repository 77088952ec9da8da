"""Fit the latents of a network: what its nodes have in common beyond their conditions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Latents
from stochnet.errors import InvalidInputError, entrance
from stochnet.estimation.latents.anchors import MOST_SHARED, choose_anchors, fit_anchors, lower
from stochnet.estimation.latents.pair_moments import (
    Array,
    Bins,
    Nodes,
    Words,
    bins_of,
    describe,
    rates_of,
    scale_of,
    table,
    words_of,
)
from stochnet.estimation.latents.rank import choose_rank
from stochnet.kernels.fitting import loadings as kernels
from stochnet.kernels.fitting.moments import both_active
from stochnet.kernels.threads import Progress, run_blocks, single_library_thread
from stochnet.raster.raster import SpikeRaster

Index = NDArray[np.int64]
Rank = int | Literal["auto"]
# Nodes all of whose pairs are looked at: 14 float32 numbers a pair, 235 MB.
MOST_ANCHORS = 2048
MOST_RANK = 64
# Nodes that are fitted between two reports of progress.
STRIDE = 1024


@single_library_thread()
def fit_latents(
    raster: SpikeRaster,
    rank: Rank = "auto",
    *,
    per_condition: bool = False,
    progress: Progress | None = None,
) -> Latents:
    """Fit a dichotomised Gaussian in factor form to the correlations of a raster.

    Correlations of pairs within conditions (over all bins, if not `per_condition`) are fitted by
    least squares, through the exact relation between them and the correlation of the latents. All
    pairs of at most 2,048 nodes, the anchors, are fitted at once, over all layers; then every other
    node to its pairs with the anchors. A node that differs from the habit of its condition in fewer
    than 10 expected bins gets no loadings. Trial gains are not fitted.

    Memory: 235 MB for the pairs of anchors, the anchors' spikes, and a block of nodes.

    Parameters
    ----------
    raster : SpikeRaster
        Spikes; a bin without a condition is left out where `per_condition`.
    rank : int or "auto"
        Latents of a layer, 0 to 64; "auto" takes what predicts bins that were held out.
    per_condition : bool, default False
        Whether rates are those of the conditions.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    Latents
        The same from one run to the next on one machine, whatever the blocks and threads; another
        linear algebra library may round otherwise.

    Raises
    ------
    InvalidInputError
        Counts instead of spikes, no conditions though asked for, an unusable rank.

    References
    ----------
    Emrich & Piedmonte (1991), The American Statistician 45:302; Macke, Berens, Ecker, Tolias &
    Bethge (2009), Neural Computation 21:397. The series: Mehler (1866), J. reine angew. Math.
    66:161. Loadings are fitted as minimum residual factors (Harman & Jones 1966, Psychometrika
    31:351).
    """
    conditions = _conditions(raster, per_condition)
    check_rank(rank)
    bins = bins_of(conditions)
    rates = np.concatenate([rates_of(words_of(block), bins) for _, block in raster.blocks()])
    scale = scale_of(rates, bins)
    anchors = choose_anchors(raster, scale, MOST_ANCHORS)
    if rank == "auto":
        rank = choose_rank(raster, scale, conditions, progress)
    if rank == 0 or len(anchors.nodes) < 2:
        return Latents.independent(np.zeros((raster.n_nodes, 1)), n_layers=len(raster.layers))
    known = describe(rates[anchors.nodes], bins)
    series, observed = table(anchors.words, known, bins)
    found = fit_anchors(series, observed, known, anchors.layers, rank)
    del series, observed
    waiting = scale > 0
    waiting[anchors.nodes] = False
    loadings = np.zeros((raster.n_nodes, rank))
    loadings[anchors.nodes] = found.loadings
    pairs = PairsWithAnchors(known, anchors.words & bins.mask, bins)
    reached = found.reach(anchors.layers)
    for k, first, last, words in _pieces(raster):
        todo = first + np.flatnonzero(waiting[first:last])
        seen = np.ascontiguousarray((reached @ found.basis[k].T).T)
        loadings[todo] = pairs.fit(words[todo - first], describe(rates[todo], bins), seen)
        if progress is not None:
            progress("correlate", last, raster.n_nodes)
    return Latents(loadings, lower(found.basis), np.zeros(raster.n_nodes))


def check_rank(rank: Rank) -> None:
    """Raise if a rank cannot be used.

    Raises
    ------
    InvalidInputError
        Neither "auto" nor a whole number from 0 to 64.
    """
    if not (isinstance(rank, str) and rank == "auto"):
        entrance.whole(
            "correlated", rank, 0, MOST_RANK, exact=True, remedy="a rank for every layer, or 'auto'"
        )


def _conditions(raster: SpikeRaster, per_condition: bool) -> Index:
    if raster.kind != "spikes":
        raise InvalidInputError(
            "correlated nodes need 0/1 bins, and this raster holds counts: record spikes, or fit "
            "without correlated"
        )
    if not per_condition:
        return np.zeros((raster.n_trials, raster.n_bins), np.int64)
    if raster.conditions is None or raster.n_conditions == 0:
        raise InvalidInputError(
            "this raster has no conditions (class labels), so nothing can be fitted per condition"
        )
    return raster.conditions.astype(np.int64)


def _pieces(raster: SpikeRaster) -> Iterator[tuple[int, int, int, Words]]:
    """Yield (layer, first, last, words) of consecutive nodes of one layer, in short pieces."""
    for first, block in raster.blocks():
        words = words_of(block)
        for k, layer in enumerate(raster.layers):
            start = max(first, layer.first)
            stop = min(first + block.n_nodes, layer.first + layer.n_nodes)
            for a in range(start, stop, STRIDE):
                b = min(a + STRIDE, stop)
                yield k, a, b, words[a - first : b - first]


@dataclass(frozen=True, eq=False, slots=True)
class PairsWithAnchors:
    """What single nodes are fitted to: the spikes and rates of anchors in some bins."""

    anchors: Nodes
    words: Words
    bins: Bins

    def fit(self, words: Words, nodes: Nodes, seen: Array) -> Array:
        """Return the loadings (node, rank) of nodes of one layer.

        Parameters
        ----------
        words : ndarray of uint64 (node, word)
        nodes : Nodes
        seen : ndarray (rank, anchor)
            Loadings of the anchors on the latents of the nodes' layer.
        """
        out = np.zeros((len(words), len(seen)))
        columns, reach = self.anchors.columns(), math.sqrt(MOST_SHARED)
        rank = len(seen)
        products = np.empty((seen.shape[1], rank * (rank + 1) // 2))
        kernels.products_of(np.ascontiguousarray(seen.T), products)

        def rows(a: int, b: int) -> None:
            both = np.empty((b - a, len(self.words)), np.int64)
            both_active(words[a:b], self.words, both)
            kernels.fit_nodes(
                both, (nodes.factors[a:b], nodes.rates[a:b], nodes.scale[a:b]), seen, products,
                columns, self.bins.weights, self.bins.n_bins, reach, out[a:b],
            )  # fmt: skip

        run_blocks(rows, len(words))
        return out
