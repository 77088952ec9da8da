"""Draw nodes that share latents: thresholds and loadings in integers here, bins in a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Array
from stochnet.kernels.gaussian import (
    ALWAYS,
    DRIVE_BITS,
    MIXING_BITS,
    MOST_SHARED,
    NEVER,
    UNIT_BITS,
    normal_tables,
    phi_table,
)
from stochnet.kernels.normal import normal_quantile
from stochnet.simulation.sharing import Sharing


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
