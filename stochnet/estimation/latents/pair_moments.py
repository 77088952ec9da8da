"""What a raster says of its latents: spikes of nodes, and of pairs within conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.kernels.fitting import moments as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster import packing
from stochnet.raster.raster import SpikeRaster

Array = NDArray[np.float64]
Words = NDArray[np.uint64]
# Expected bins that differ from their condition's habit; with fewer a node says nothing of others.
FEWEST = 10.0


@dataclass(frozen=True, eq=False, slots=True)
class Bins:
    """The bins that are looked at, by condition.

    Attributes
    ----------
    words : ndarray of uint64 (condition, word)
        Bins of each condition, packed as the trials of a node are, one after the other.
    sizes : ndarray of int64 (condition,)
        How many they are.
    """

    words: Words
    sizes: NDArray[np.int64]

    @property
    def n_bins(self) -> int:
        """Bins of all conditions."""
        return int(self.sizes.sum())

    @property
    def weights(self) -> Array:
        """Share of each condition: (condition,)."""
        return np.asarray(self.sizes / max(1, self.n_bins))

    @property
    def mask(self) -> Words:
        """Bins of any condition: (word,)."""
        return np.asarray(np.bitwise_or.reduce(self.words, axis=0), np.uint64)


def bins_of(conditions: NDArray[np.int64]) -> Bins:
    """Sort bins by condition: conditions (trial, bin), -1 for bins that are not looked at."""
    n_conditions = int(conditions.max(initial=0)) + 1
    members = [conditions == c for c in range(n_conditions)]
    words = np.stack([packing.pack(one).reshape(-1) for one in members])
    return Bins(words, np.array([np.count_nonzero(one) for one in members], np.int64))


def halves_of(conditions: NDArray[np.int64]) -> tuple[Bins, Bins]:
    """Deal the bins of each condition into two halves, in turn."""
    flat = conditions.reshape(-1)
    turn = np.zeros(len(flat), np.int64)
    for c in range(int(conditions.max(initial=0)) + 1):
        members = np.flatnonzero(flat == c)
        turn[members] = np.arange(len(members)) % 2
    one, other = (np.where(turn == half, flat, -1).reshape(conditions.shape) for half in (0, 1))
    return bins_of(one), bins_of(other)


@dataclass(frozen=True, eq=False, slots=True)
class Nodes:
    """Some nodes: their rates, and their side of Mehler's series.

    Attributes
    ----------
    rates : ndarray (node, condition)
        Spikes per bin.
    scale : ndarray (node,)
        One over the standard deviation of a bin within its condition; 0 for nodes that hardly vary.
    factors : ndarray (node, order, condition)
        √w φ(θ) He_{k-1}(θ) / √k! · scale.
    """

    rates: Array
    scale: Array
    factors: Array

    @property
    def slope(self) -> Array:
        """Correlation of bins for each unit of latent correlation with a like node: (node,)."""
        return np.asarray(np.sqrt((self.factors[:, 0] ** 2).sum(axis=1)))

    def columns(self) -> tuple[Array, Array, Array]:
        """Factors (order, condition, node), rates (condition, node) and scale, for kernels."""
        return (
            np.ascontiguousarray(self.factors.transpose(1, 2, 0)),
            np.ascontiguousarray(self.rates.T),
            self.scale,
        )


def words_of(block: SpikeRaster) -> Words:
    """Return the packed trials of each node, one after the other: (node, word)."""
    data = np.ascontiguousarray(block.data[0 : block.n_nodes], np.uint64)
    return data.reshape(block.n_nodes, -1)


def gather(raster: SpikeRaster, nodes: NDArray[np.int64]) -> Words:
    """Return the words (node, word) of some nodes, ascending, read block by block."""
    parts = []
    for first, block in raster.blocks():
        mine = nodes[(nodes >= first) & (nodes < first + block.n_nodes)] - first
        if len(mine):
            parts.append(words_of(block)[mine])
    return np.concatenate(parts)


def coactive(words: Words, others: Words, threads: int | None = None) -> NDArray[np.int64]:
    """Return the bins in which both fire: (row, column)."""
    out = np.empty((len(words), len(others)), np.int64)
    run_blocks(
        lambda a, b: kernels.both_active(words[a:b], others, out[a:b]), len(words), threads=threads
    )
    return out


def rates_of(words: Words, bins: Bins) -> Array:
    """Return the spikes per bin of nodes in each condition: (node, condition)."""
    return np.asarray(coactive(words, bins.words) / np.maximum(1, bins.sizes))


def scale_of(rates: Array, bins: Bins) -> Array:
    """Return one over the standard deviation of a bin within its condition: (node,).

    0 for a node that is expected to differ from the habit of its condition in fewer than 10 bins.
    """
    # No matrix product: its rounding would depend on how many nodes there are.
    variance = (rates * (1 - rates) * bins.weights).sum(axis=1)
    live = variance * bins.n_bins >= FEWEST
    return np.where(live, 1 / np.sqrt(np.where(live, variance, 1.0)), 0.0)


def describe(rates: Array, bins: Bins) -> Nodes:
    """Return nodes of given rates (node, condition)."""
    weights, scale = bins.weights, scale_of(rates, bins)
    inside = (rates > 0) & (rates < 1)
    theta = -special.ndtri(np.where(inside, rates, 0.5))
    density = np.where(inside, np.exp(-(theta**2) / 2) / math.sqrt(2 * math.pi), 0.0)
    factors = np.empty((len(rates), kernels.ORDER, rates.shape[1]))
    before, polynomial = np.zeros_like(theta), np.ones_like(theta)
    for k in range(kernels.ORDER):
        factors[:, k] = density * polynomial / math.sqrt(math.factorial(k + 1))
        before, polynomial = polynomial, theta * polynomial - k * before
    factors *= np.sqrt(weights) * scale[:, None, None]
    return Nodes(rates, scale, factors)


def table(
    words: Words, nodes: Nodes, bins: Bins
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the series (node, term, node) and observed correlations (node, node) of all pairs."""
    n = len(words)
    series = np.empty((n, kernels.ORDER + 2, n), np.float32)
    observed = np.empty((n, n), np.float32)
    columns, masked, weights = nodes.columns(), words & bins.mask, bins.weights

    def rows(a: int, b: int) -> None:
        both = np.empty((b - a, n), np.int64)
        kernels.both_active(masked[a:b], masked, both)
        kernels.anchor_table(both, *columns, weights, bins.n_bins, a, series[a:b], observed[a:b])

    run_blocks(rows, n)
    return series, observed
