"""Loadings of resampled nodes: noise correlations of pairs are those of the fitted network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Latents
from stochnet.process import Array

# The rest of a node's variance is its own.
MOST_SHARED = 0.999
LEAST_KEPT = 0.25
# With fewer fitted nodes nothing is known about pairs.
FEWEST = 3


def draw_loadings(
    latents: Latents, layers: list[NDArray[np.int64]], rng: list[np.random.Generator]
) -> Latents:
    """Return the latents of new nodes, each of which takes after one of the fitted ones.

    A copied node would be correlated with its copy far more than nodes are with each other, and a
    large network would look more correlated than the one it was made from. So the deviation of a
    node's loadings from the mean of its layer is turned by an angle, the same for all nodes, into
    a random direction: its length, and with it the node's share of common variance, stays, and the
    angle is the one for which the mean square over pairs of (deviation · deviation) is that of
    pairs of different fitted nodes. The mean is shortened so that the mean of pairs stays as well.
    Where no node is copied nothing is changed.

    Parameters
    ----------
    latents : Latents
        Of the fitted network.
    layers : list of ndarray of int64
        For every layer the fitted node that each new node takes after.
    rng : list of numpy.random.Generator
        One for each layer.
    """
    tables = []
    for rows, one in zip(layers, rng, strict=True):
        table = latents.loadings[rows]
        moved = (table != 0).any(axis=1)
        axes = (table != 0).any(axis=0)
        if moved.any():
            turned = turn(table[np.ix_(moved, axes)], rows[moved], one)
            table[np.ix_(moved, axes)] = turned
        tables.append(table)
    nodes = np.concatenate(layers)
    loadings, trial = np.concatenate(tables), latents.trial[nodes]
    # Only a node whose mean and deviation now point the same way can have too much in common.
    shared, most = (loadings**2).sum(axis=1), MOST_SHARED - trial**2
    factor = np.sqrt(np.minimum(1.0, np.maximum(most, 0.0) / np.where(shared > 0, shared, 1.0)))
    return Latents(loadings * factor[:, None], latents.mixing, trial)


def turn(table: Array, rows: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Turn the deviations of loadings (node, rank) of which some are copies, as `rows` tell."""
    (n, rank), copies = table.shape, pairs_of_copies(rows)
    first = np.unique(rows, return_index=True)[1]
    if copies == 0 or len(first) < FEWEST:
        return table
    kept = kept_part(table[first], copies) if rank > 1 else 1.0
    mean = table[first].mean(axis=0)
    off = table - mean
    length = np.sqrt((off**2).sum(axis=1, keepdims=True))
    # E[turned turned'] = kept · off off' + (1 - kept) |off|² / rank.
    cosine2 = (kept * (rank - 1) + 1) / rank
    turned = off
    if cosine2 < 1:
        unit = off / np.where(length > 0, length, 1.0)
        side = rng.standard_normal((n, rank))
        side -= (side * unit).sum(axis=1, keepdims=True) * unit
        side /= np.sqrt((side**2).sum(axis=1, keepdims=True))
        turned = np.sqrt(cosine2) * off + np.sqrt(1 - cosine2) * length * side
        # Random directions must not move the mean loadings: they are the mean correlation of pairs.
        turned += off.mean(axis=0) - turned.mean(axis=0)
    # The mean over pairs of different fitted nodes is a little below the square of the mean, and
    # copies lie above it: the mean gives way.
    square, m = float((length[first] ** 2).mean()), len(first)
    among = copies - (1 - copies) / (m - 1)
    before = float(mean @ mean)
    after = max(before - square / (m - 1) - cosine2 * square * among, 0.0)
    return np.asarray(turned + mean * np.sqrt(after / before if before > 0 else 1.0))


def pairs_of_copies(rows: NDArray[np.int64]) -> float:
    """Return the fraction of pairs of nodes that take after the same fitted node."""
    count, n = np.unique(rows, return_counts=True)[1], len(rows)
    return float((count * (count - 1)).sum() / (n * (n - 1))) if n > 1 else 0.0


def kept_part(table: Array, copies: float) -> float:
    """Return the part of the deviations' second moments that is kept, the rest is isotropic.

    Solves (1 - f) (A²U + (1 - A²) V/R) + f (A² + (1 - A²)/R) K = U for A, with f the fraction of
    copies, U, V the means over pairs of (d·d')², |d|²|d'|², and K the mean of |d|⁴.
    """
    m, rank = table.shape
    if copies == 0 or m < FEWEST:
        return 1.0
    off = table - table.mean(axis=0)
    square = (off**2).sum(axis=1)
    fourth, pairs = float((square**2).sum()), m * (m - 1)
    u = (float(((off.T @ off) ** 2).sum()) - fourth) / pairs
    v = (float(square.sum()) ** 2 - fourth) / pairs
    k = fourth / m
    f = copies
    slope = (1 - f) * (u - v / rank) + f * k * (1 - 1 / rank)
    if slope <= 0:
        return 1.0
    kept2 = (u - ((1 - f) * v + f * k) / rank) / slope
    return float(np.sqrt(min(max(kept2, LEAST_KEPT), 1.0)))
