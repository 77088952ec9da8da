"""How nodes fire together: population counts and correlations of sampled pairs."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.packing import unpack
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.statistics.counting import active_words, packed
from stochnet.statistics.moments import Array, phi

# Nodes that are added up bit by bit before their counts are written out.
AT_ONCE = 1023


def population_count(raster: SpikeRaster) -> NDArray[np.int64]:
    """Return the active nodes in every bin: (trial, bin)."""
    n_words = -(-check_raster(raster).n_bins // 64)
    total = np.zeros(raster.n_trials * n_words * 64, np.int64)
    for _, block in raster.blocks():
        add_population(packed(block), total)
    return total.reshape(raster.n_trials, -1)[:, : raster.n_bins]


def add_population(words: NDArray[np.uint64], total: NDArray[np.int64]) -> None:
    """Add the active nodes in every bin: words (node, word), total (word·64,)."""
    adding = Lock()

    def count(start: int, stop: int) -> None:
        planes = np.zeros(((stop - start).bit_length(), words.shape[1]), np.uint64)
        kernels.count_bins(words[start:stop], planes)
        bits = unpack(planes, total.size)
        counts = bits[0].astype(np.int64)
        for p in range(1, len(bits)):
            counts += bits[p].astype(np.int64) << p
        with adding:
            np.add(total, counts, out=total)

    run_blocks(count, len(words), step=AT_ONCE)


def sample_pairs(
    n_nodes: int, n_pairs: int, *, rng: np.random.Generator | int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return random pairs of different nodes, without repeats: two arrays (pair,).

    Parameters
    ----------
    n_nodes : int
    n_pairs : int
        All pairs are returned if there are no more than that.
    rng : numpy.random.Generator, int or None
        As in Scientific Python's SPEC 7.
    """
    n_nodes = entrance.whole("n_nodes", n_nodes, 1, 2**31 - 1)
    n_pairs = entrance.whole("n_pairs", n_pairs)
    possible = n_nodes * (n_nodes - 1) // 2
    generator = entrance.generator(rng)
    if possible <= n_pairs:
        first, second = np.triu_indices(n_nodes, 1)
        return first.astype(np.int64), second.astype(np.int64)
    chosen = generator.choice(possible, n_pairs, replace=False, shuffle=False)
    # Pair k is (i, j), j > i, in the order of a lower triangle: k = j(j-1)/2 + i.
    second = np.floor((1 + np.sqrt(1 + 8 * chosen.astype(np.float64))) / 2).astype(np.int64)
    second -= second * (second - 1) // 2 > chosen
    second += (second + 1) * second // 2 <= chosen
    return chosen - second * (second - 1) // 2, second


def pairwise_correlation(
    raster: SpikeRaster, first: NDArray[np.int64], second: NDArray[np.int64]
) -> Array:
    """Correlation of the bins (active or silent) of pairs of nodes.

    Parameters
    ----------
    raster : SpikeRaster
        Only the nodes that are named are read.
    first, second : ndarray of int64 (pair,)
        The nodes of each pair, for example from `sample_pairs`.

    Returns
    -------
    ndarray (pair,)
        NaN where one of the two does not vary.

    Raises
    ------
    InvalidInputError
        There is no such node.
    """
    last = check_raster(raster).n_nodes - 1
    first, second = (
        entrance.integers(name, value, 0, last, what="numbers of nodes")
        for name, value in (("first", first), ("second", second))
    )
    if first.ndim != 1 or first.shape != second.shape:
        raise InvalidInputError(
            "first and second must be two lists of nodes of one length, as of sample_pairs; got "
            f"shapes {first.shape} and {second.shape}"
        )
    nodes, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    if not len(nodes):
        return np.zeros(0)
    if isinstance(raster.data, np.ndarray):
        chosen = raster.data[nodes]
    else:
        # Successive nodes are read together.
        runs = np.split(nodes, np.flatnonzero(np.diff(nodes) > 1) + 1)
        chosen = np.concatenate([raster.data[int(a[0]) : int(a[-1]) + 1] for a in runs])
    words = active_words(chosen)
    every = np.arange(len(words))
    totals = coincidences(words, every, every)
    a, b = index[: len(first)], index[len(first) :]
    both = coincidences(words, a, b)
    return phi(totals[a], totals[b], both, raster.n_trials * raster.n_bins)


def coincidences(
    words: NDArray[np.uint64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the bins in which both rows of a pair are active: words (row, word), to (pair,)."""
    out = np.empty(len(first), np.int64)
    run_blocks(
        lambda i, j: kernels.coincidences(words, first[i:j], second[i:j], out[i:j]), len(out)
    )
    return out
