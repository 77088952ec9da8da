"""Sharing: the latents of some nodes of a network, in the form in which they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Array, Latents
from stochnet.bundle.process_fit import ProcessFit
from stochnet.kernels.gaussian import MIXING_BITS
from stochnet.raster.layers import Layer


@dataclass(frozen=True, eq=False, slots=True)
class Sharing:
    """What consecutive nodes of a network share: its latents, ready to be drawn anywhere.

    Attributes
    ----------
    first : int
        Number of the first node in the network.
    loadings, trial : ndarray of float64 (node, rank), (node,)
    layer : ndarray of int64 (node,)
        Layer of each node, counted from `first_layer`.
    first_layer : int
        Layer of the first node.
    weights : ndarray of int32 (layer·rank, series)
        Mixing of the latents of these layers, in units of 2**-14.
    covariance : ndarray of int64 (layer, rank, rank)
        Of the latents of each layer, in units of 2**-28: the identity, but for rounding.
    """

    first: int
    loadings: Array
    trial: Array
    layer: NDArray[np.int64]
    first_layer: int
    weights: NDArray[np.int32]
    covariance: NDArray[np.int64]

    @property
    def rank(self) -> int:
        """Latents of a layer."""
        return int(self.loadings.shape[1])

    def has_loadings(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether nodes, given by their numbers in the network, share anything."""
        rows = nodes - self.first
        return np.asarray((self.loadings[rows] != 0).any(axis=1) | (self.trial[rows] != 0))

    def part(self, nodes: NDArray[np.int64] | range) -> Sharing:
        """Return what the nodes from the first to the last of these share."""
        a, b = int(nodes[0]) - self.first, int(nodes[-1]) - self.first + 1
        low, high = int(self.layer[a]), int(self.layer[b - 1]) + 1
        return replace(
            self,
            first=self.first + a,
            loadings=self.loadings[a:b],
            trial=self.trial[a:b],
            layer=self.layer[a:b] - low,
            first_layer=self.first_layer + low,
            weights=self.weights[low * self.rank : high * self.rank],
            covariance=self.covariance[low:high],
        )


def sharing(latents: Latents, layers: tuple[Layer, ...]) -> Sharing:
    """Return what the nodes of a whole network share; the mixing is rounded."""
    weights = np.rint(latents.mixing * 2.0**MIXING_BITS).astype(np.int64)
    rows = weights.reshape(latents.n_layers, latents.rank, -1)
    covariance = rows @ rows.transpose(0, 2, 1)
    layer = np.repeat(np.arange(len(layers)), [layer.n_nodes for layer in layers])
    return Sharing(
        0, latents.loadings, latents.trial, layer, 0, weights.astype(np.int32), covariance
    )


def by_latents(
    fit: ProcessFit, a: int, b: int, shared: Sharing | None
) -> Iterator[tuple[ProcessFit, int, int, Sharing | None]]:
    """Yield those of nodes a to b that are drawn on their own, and those that share latents.

    Each as a fit, the first and last (excluded) of its nodes that are meant, and what they share.
    """
    if shared is None:
        yield fit, a, b, None
        return
    which = shared.has_loadings(fit.node_ids[a:b])
    for rows, of_these in ((~which, None), (which, shared)):
        if rows.any():
            yield fit.take(a + np.flatnonzero(rows)), 0, int(rows.sum()), of_these
