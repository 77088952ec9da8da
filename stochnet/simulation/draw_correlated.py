"""Draw nodes that share latents: thresholds and loadings in integers here, bins in a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Array, Latents
from stochnet.bundle.process_fit import ProcessFit
from stochnet.kernels.gaussian import (
    ALWAYS,
    INPUT_BITS,
    MIXING_BITS,
    MOST_SHARED,
    NEVER,
    UNIT_BITS,
    normal_quantile,
    normal_tables,
    phi_table,
)
from stochnet.kernels.threads import run_blocks
from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.layers import Layer
from stochnet.simulation.draw import TABLES, Run, tables_of


@dataclass(frozen=True, eq=False, slots=True)
class RoundedLatents:
    """The latents of consecutive nodes, rounded to the whole numbers that are drawn.

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
        """Whether nodes, given by their numbers in the network, have any loading."""
        rows = nodes - self.first
        return np.asarray((self.loadings[rows] != 0).any(axis=1) | (self.trial[rows] != 0))

    def part(self, nodes: NDArray[np.int64] | range) -> RoundedLatents:
        """Return the latents of the nodes from the first to the last of these."""
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


def rounded_latents(latents: Latents, layers: tuple[Layer, ...]) -> RoundedLatents:
    """Return the latents of a whole network with its mixing rounded."""
    weights = np.rint(latents.mixing * 2.0**MIXING_BITS).astype(np.int64)
    rows = weights.reshape(latents.n_layers, latents.rank, -1)
    covariance = rows @ rows.transpose(0, 2, 1)
    layer = np.repeat(np.arange(len(layers)), [layer.n_nodes for layer in layers])
    return RoundedLatents(
        0, latents.loadings, latents.trial, layer, 0, weights.astype(np.int32), covariance
    )


def by_latents(
    fit: ProcessFit, a: int, b: int, latents: RoundedLatents | None
) -> Iterator[tuple[ProcessFit, int, int, RoundedLatents | None]]:
    """Yield those of nodes a to b that are drawn on their own, and those with loadings.

    Each as a fit, the first and last (excluded) of its nodes that are meant, and their latents.
    """
    if latents is None:
        yield fit, a, b, None
        return
    which = latents.has_loadings(fit.node_ids[a:b])
    for rows, of_these in ((~which, None), (which, latents)):
        if rows.any():
            yield fit.take(a + np.flatnonzero(rows)), 0, int(rows.sum()), of_these


def scaled_nodes(
    p: Array, latents: RoundedLatents, rows: NDArray[np.int64] | slice
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16]]:
    """Round loadings, and choose the thresholds that give the rounded ones their probabilities.

    Parameters
    ----------
    p : ndarray of float64 (node, condition)
        Spike probabilities.
    latents : RoundedLatents
    rows : ndarray or slice
        The nodes, counted from the first one of `latents`.

    Returns
    -------
    starts : ndarray of int32 (node, condition)
        Minus the thresholds; NEVER and ALWAYS where the probability is 0 or 1.
    gains : ndarray of int32 (node,)
    loadings : ndarray of int16 (node, rank), padded to an even rank
    """
    exact, trial, layer = latents.loadings[rows], latents.trial[rows], latents.layer[rows]
    # Column by column: sums of NumPy are taken in an order that is NumPy's own.
    shared = trial * trial
    for column in exact.T:
        shared = shared + column * column
    kept = np.minimum(shared, MOST_SHARED)
    # Divided by the node's own noise, so that this has variance 1.
    scale = np.sqrt(kept / np.where(shared == 0, 1.0, shared)) / np.sqrt(1 - kept)
    whole = np.rint(exact * scale[:, None] * 2.0**UNIT_BITS).astype(np.int64)
    gains = np.rint(trial * scale * 2.0**UNIT_BITS).astype(np.int64)
    variance = gains * gains << 2 * MIXING_BITS
    for which in np.unique(layer):
        mine = layer == which
        own = whole[mine]
        variance[mine] += (own @ latents.covariance[which] * own).sum(axis=1)
    spread = np.sqrt(1.0 + variance / 2.0 ** (INPUT_BITS + 2 * MIXING_BITS))
    starts = np.rint(normal_quantile(p) * spread[:, None] * 2.0**INPUT_BITS).astype(np.int32)
    starts[p <= 0] = NEVER
    starts[p >= 1] = ALWAYS
    padded = np.zeros((len(whole), whole.shape[1] + whole.shape[1] % 2), np.int16)
    padded[:, : whole.shape[1]] = whole
    return starts, gains.astype(np.int32), padded


def draw_correlated(
    fit: ProcessFit, latents: RoundedLatents, run: Run, out: NDArray[Any], kernels: ModuleType
) -> None:
    """Draw the nodes of a fit that have loadings, all words of `out` (node, trial, word).

    Every part draws the latents again, so parts are large.
    """
    conditions = run.conditions if fit.n_conditions else np.zeros((1, 1), np.int16)
    phi = phi_table()
    tables = (*normal_tables(), (phi >> np.uint32(16)).astype(np.uint16), phi)
    step = nodes_that_fit(32 * (latents.rank + max(1, fit.n_conditions)), TABLES)

    def part(start: int, stop: int) -> None:
        for i, j in cut_nodes(stop, step, start):
            nodes = fit.node_ids[i:j]
            own = latents.part(nodes)
            rows = nodes - own.first
            used = (own.weights != 0).any(axis=0)
            # The first series also has the dither.
            used[0] = True
            kernels.correlated_spikes(
                scaled_nodes(tables_of(fit, i, j), own, rows),
                (own.layer[rows], nodes.astype(np.uint64)),
                (own.rank, own.weights, own.first_layer, used),
                run.n_trials, run.n_bins, *run.key, tables, conditions,
                out[i:j].reshape(j - i, -1),
            )  # fmt: skip

    threads = run.threads if kernels.THREADED else 1
    run_blocks(part, len(out), step=-(-len(out) // threads), threads=threads)
