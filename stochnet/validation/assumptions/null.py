"""The null hypothesis: where every node stands among surrogates with as many spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stochnet.kernels import rng
from stochnet.kernels.assumptions.null import compare
from stochnet.kernels.assumptions.tally import Design
from stochnet.kernels.assumptions.tests import RUNS
from stochnet.kernels.threads import Progress, run_blocks
from stochnet.validation.assumptions.design import Array, Counts, expected_gaps, first_terms

MOST_PER_BIN = 16
"""Nodes with more spikes per bin are compared with surrogates that have so many."""
MOST_STREAMS = 8
STREAM_BINS = 200_000
# Surrogates that are drawn as one piece, and pieces between two reports. Sums are added up in this
# order, so that they do not depend on threads; a piece is counted in bytes, so it is below 256.
PIECE, PIECES = 25, 8


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where observed statistics stand among those of the surrogates.

    Attributes
    ----------
    n_surrogates : int
    below, equal : ndarray of int64 (node, statistic)
        Surrogates whose statistic is smaller, or the same.
    mean, deviation, skewness : ndarray of float64 (node, statistic)
        Moments of the surrogates that a node was compared with.
    """

    n_surrogates: int
    below: Counts
    equal: Counts
    mean: Array
    deviation: Array
    skewness: Array


def n_streams(design: Design) -> int:
    """Return how many independent sets of surrogates there are: S spikes use set S mod that.

    Nodes of about the same rate would otherwise share the chance error of one set of surrogates.
    It depends on the size of the raster alone.
    """
    work = design.n_trials * design.n_bins * (MOST_PER_BIN if design.counts else 1)
    return min(MOST_STREAMS, max(1, STREAM_BINS // work))


def near_normal(values: Array, column: int) -> Array:
    """Transform a statistic as the kernel does before it takes moments."""
    return values if column == RUNS else np.sqrt(np.sqrt(np.maximum(values, 0.0)))


def null_sizes(design: Design, spikes: Counts) -> Counts:
    """Spikes of the surrogates that nodes are compared with."""
    most = MOST_PER_BIN if design.counts else 1
    return np.minimum(spikes, most * design.n_trials * design.n_bins)


def rank(
    design: Design,
    spikes: Counts,
    observed: Array,
    n_surrogates: int,
    seed: int,
    progress: Progress | None = None,
) -> Ranks:
    """Compare nodes with surrogates that have as many spikes, placed at random.

    Parameters
    ----------
    design : Design
    spikes : ndarray of int64 (node,)
        As `null_sizes` gives them.
    observed : ndarray of float64 (node, statistic)
    n_surrogates : int
        For each number of spikes.
    seed : int
    progress : callable, optional
    """
    below = np.zeros(observed.shape, np.int64)
    equal = np.zeros_like(below)
    moments = np.zeros((3, *observed.shape))
    key = rng.split_seed(seed)
    gaps = expected_gaps(design)
    streams = n_streams(design)
    used = [s for s in range(streams) if np.any(spikes % streams == s)]
    for done, stream in enumerate(used):
        nodes = np.flatnonzero(spikes % streams == stream)
        nodes = nodes[np.argsort(spikes[nodes], kind="stable")]
        sizes, start, inverse = np.unique(spikes[nodes], return_index=True, return_inverse=True)
        group = np.append(start, len(nodes)).astype(np.int64)
        terms = first_terms(design, sizes)
        mine = np.ascontiguousarray(observed[nodes])
        sums = np.zeros((len(sizes), observed.shape[1], 3))
        ranks = np.zeros((2, *mine.shape), np.int64)
        compared = (np.uint64(stream), *key, sizes, (*terms, gaps), (group, mine))
        for first in range(0, n_surrogates, PIECE * PIECES):
            last = min(first + PIECE * PIECES, n_surrogates)
            _round(design, first, last, compared, ranks, sums)
            if progress is not None:
                progress("assess: surrogates", done * n_surrogates + last, len(used) * n_surrogates)
        below[nodes], equal[nodes] = ranks
        moments[:, nodes] = _moments(sums / n_surrogates)[:, inverse]
    return Ranks(n_surrogates, below, equal, *moments)


def _round(
    design: Design,
    first: int,
    last: int,
    compared: tuple[Any, ...],
    ranks: Counts,
    sums: Array,
) -> None:
    """Draw surrogates first to last in pieces and add what they say, piece by piece."""
    n = -(-(last - first) // PIECE)
    counted = np.zeros((n, *ranks.shape), np.uint8)
    summed = np.zeros((n, *sums.shape))

    def draw(a: int, b: int) -> None:
        for piece in range(a, b):
            start = first + piece * PIECE
            compare(
                design, start, min(start + PIECE, last), *compared,
                (counted[piece, 0], counted[piece, 1], summed[piece]),
            )  # fmt: skip

    run_blocks(draw, n, step=1)
    for piece in range(n):
        ranks += counted[piece]
        sums += summed[piece]


def _moments(powers: Array) -> Array:
    """Mean, standard deviation and skewness from mean powers (…, 3): (3, …)."""
    mean, second, third = np.moveaxis(powers, -1, 0)
    variance = np.maximum(second - mean * mean, 0.0)
    # A statistic that never changes has a variance of rounding errors.
    variance[variance <= 1e-13 * second] = 0.0
    cube = third - 3 * mean * second + 2 * mean**3
    skewness = np.divide(cube, variance**1.5, out=np.zeros_like(mean), where=variance > 0)
    return np.stack([mean, np.sqrt(variance), skewness])
