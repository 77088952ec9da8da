"""Draw nodes that share latents: thresholds and loadings in integers here, bins in a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Array, Latents
from stochnet.bundle.process_fit import ProcessFit
from stochnet.kernels.gaussian import (
    ALWAYS,
    DRIVE_BITS,
    MIXING_BITS,
    MOST_SHARED,
    NEVER,
    UNIT_BITS,
    normal_quantile,
    normal_tables,
    phi_table,
)
from stochnet.raster.layers import Layer


@dataclass(frozen=True, slots=True)
class Scaled:
    """The latents of some nodes in integers, as the kernel wants them.

    Attributes
    ----------
    starts : ndarray of int32 (node, condition)
        Minus the thresholds of the drive; NEVER and ALWAYS where the probability is 0 or 1.
    gains : ndarray of int32 (node,)
    loadings : ndarray of int16 (node, rank), padded to an even rank
    """

    starts: NDArray[np.int32]
    gains: NDArray[np.int32]
    loadings: NDArray[np.int16]


def scaled_nodes(
    p: Array,
    loadings: Array,
    trial: Array,
    layer: NDArray[np.int64],
    covariance: NDArray[np.int64],
) -> Scaled:
    """Round loadings, and choose the thresholds that give the rounded ones their probabilities.

    Parameters
    ----------
    p : ndarray of float64 (node, condition)
        Spike probabilities.
    loadings, trial, layer, covariance : ndarray
        As those of `Sharing`.
    """
    # Column by column: sums of NumPy are taken in an order that is NumPy's own.
    shared = trial * trial
    for column in loadings.T:
        shared = shared + column * column
    kept = np.minimum(shared, MOST_SHARED)
    # Divided by the node's own noise, so that this has variance 1.
    scale = np.sqrt(kept / np.where(shared == 0, 1.0, shared)) / np.sqrt(1 - kept)
    whole = np.rint(loadings * scale[:, None] * 2.0**UNIT_BITS).astype(np.int64)
    gains = np.rint(trial * scale * 2.0**UNIT_BITS).astype(np.int64)
    variance = gains * gains << 2 * MIXING_BITS
    for which in np.unique(layer):
        rows = layer == which
        own = whole[rows]
        variance[rows] += (own @ covariance[which] * own).sum(axis=1)
    spread = np.sqrt(1.0 + variance / 2.0 ** (DRIVE_BITS + 2 * MIXING_BITS))
    starts = np.rint(normal_quantile(p) * spread[:, None] * 2.0**DRIVE_BITS).astype(np.int32)
    starts[p <= 0] = NEVER
    starts[p >= 1] = ALWAYS
    padded = np.zeros((len(whole), whole.shape[1] + whole.shape[1] % 2), np.int16)
    padded[:, : whole.shape[1]] = whole
    return Scaled(starts, gains.astype(np.int32), padded)


def draw_correlated(
    kernels: ModuleType,
    shared: Sharing,
    p: Array,
    nodes: NDArray[np.int64],
    size: tuple[int, int],
    key: tuple[np.uint64, np.uint64],
    conditions: NDArray[np.int16] | None,
    out: NDArray[np.uint64],
) -> None:
    """Draw the spikes of nodes that share latents.

    Parameters
    ----------
    kernels : module
        Of a target: `stochnet.simulation.draw.kernels_of`.
    shared : Sharing
        Of these nodes, among others.
    p : ndarray of float64 (node, condition)
        Spike probabilities of these nodes, one column when pooled.
    nodes : ndarray of int64 (node,)
        Their numbers in the network, ascending.
    size : tuple of int
        Trials and bins.
    key : tuple of uint64
        Philox key.
    conditions : ndarray of int16 (trial, bin) or None
        None when pooled.
    out : ndarray of uint64 (node, trial·word)
        All words are written.
    """
    own = shared.part(nodes)
    rows = nodes - own.first
    layer = own.layer[rows]
    scaled = scaled_nodes(p, own.loadings[rows], own.trial[rows], layer, own.covariance)
    used = (own.weights != 0).any(axis=0)
    # The first series also has the dither.
    used[0] = True
    phi = phi_table()
    tables = (*normal_tables(), (phi >> np.uint32(16)).astype(np.uint16), phi)
    kernels.correlated_spikes(
        scaled.starts, scaled.gains, scaled.loadings, own.rank, layer, nodes.astype(np.uint64),
        *size, *key, own.weights, own.first_layer, used, tables,
        np.zeros((1, 1), np.int16) if conditions is None else conditions, out,
    )  # fmt: skip


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
