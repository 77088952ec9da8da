"""Strategies for dense counts and for conditions, made so that counterexamples come out small."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError

Size = int | tuple[int, int]
"""A number of nodes, trials or bins, or the lowest and highest such number."""

# So many elements are drawn one by one; the others are chosen among these, by a seed.
DRAWN = 64
# Where words of packed spikes begin and end.
WORD_EDGES = (63, 64, 65, 128)
# A byte from here on is a spike: half of the bins, few, most, none, all.
SPIKE_FROM = (128, 250, 26, 256, 0)
# More than a byte holds.
LARGE = 300
# Made once: Hypothesis looks a strategy over when it first draws from it.
_SEED = st.integers(0, 2**32 - 1)
_BYTES = st.binary(min_size=DRAWN, max_size=DRAWN)
_START = st.sampled_from(SPIKE_FROM)
_SILENT = st.just(0) | st.integers(0, 255)


def sizes(size: Size, name: str, *, edges: tuple[int, ...] = ()) -> st.SearchStrategy[int]:
    """Return a strategy of a size, those of `edges` that lie in its range more often.

    Raises
    ------
    InvalidInputError
        The size is below 1, or its range is empty.
    """
    low, high = size if isinstance(size, Sequence) else (size, size)
    if not 1 <= low <= high:
        raise InvalidInputError(
            f"{name} must be a number of at least 1, or (lowest, highest), got {size}"
        )
    return _range(int(low), int(high), edges)


@lru_cache(maxsize=256)
def _range(low: int, high: int, edges: tuple[int, ...]) -> st.SearchStrategy[int]:
    inside = [edge for edge in edges if low <= edge <= high]
    whole = st.integers(low, high)
    return whole | st.sampled_from(inside) if inside else whole


def _bytes(draw: st.DrawFn, n_rows: int, n_bins: int) -> NDArray[np.int64]:
    """Draw numbers 0 to 255 of rows and bins: the first bins from Hypothesis, others by a seed.

    Hypothesis makes bytes smaller from the front. They are taken from the back, bin by bin, and
    always 64 of them: so spikes move to the first bins, and stay there while the sizes shrink.
    """
    seed = draw(_SEED)
    drawn = np.frombuffer(draw(_BYTES), np.uint8)[::-1]
    found = np.zeros(max(DRAWN, n_rows * n_bins), np.int64)
    found[:DRAWN] = drawn
    if seed:
        found[DRAWN:] = np.random.default_rng(seed).choice(drawn, len(found) - DRAWN)
    return np.ascontiguousarray(found[: n_rows * n_bins].reshape(n_bins, n_rows).T)


@st.composite
def dense(
    draw: st.DrawFn,
    *,
    n_nodes: Size = (1, 5),
    n_trials: Size = (1, 4),
    n_bins: Size = (1, 200),
    counts: bool | None = None,
) -> NDArray[np.int64]:
    """Draw dense counts, from silent to full, with dead nodes among them.

    Small arrays are drawn bin by bin, so a counterexample shrinks to a few spikes in the first bins
    of the first nodes.

    Parameters
    ----------
    n_nodes, n_trials, n_bins : int or tuple of int
        A size, or its lowest and highest value.
    counts : bool, optional
        False for 0 and 1 only; True for several spikes in at least one bin; either by default.

    Returns
    -------
    strategy of ndarray of int64 (node, trial, bin)
        Ready for `SpikeRaster.from_dense`.

    Raises
    ------
    InvalidInputError
        A size below 1, or an empty range of sizes.
    """
    shape = (
        draw(sizes(n_nodes, "n_nodes")),
        draw(sizes(n_trials, "n_trials")),
        draw(sizes(n_bins, "n_bins", edges=WORD_EDGES)),
    )
    several = draw(st.booleans()) if counts is None else counts
    start = draw(_START)
    silent = draw(_SILENT)
    drawn = _bytes(draw, shape[0] * shape[1], shape[2])
    # Larger bytes are larger counts, because smaller bytes are simpler.
    size = np.where(drawn == 255, LARGE, 1 + (drawn - start) // 8) if several else 1
    array = np.where(drawn >= start, size, 0).reshape(shape)
    array[silent >> np.arange(shape[0]) % 8 & 1 > 0] = 0
    if counts and array.max() < 2:
        array[0, 0, 0] = 2
    return array


@st.composite
def conditions(
    draw: st.DrawFn,
    n_trials: int,
    n_bins: int,
    *,
    n_conditions: int = 3,
    unlabelled: bool = True,
) -> NDArray[np.int16]:
    """Draw the condition of every bin; each condition occurs, if there are bins enough.

    Parameters
    ----------
    n_trials, n_bins : int
        Size of the raster.
    n_conditions : int, default 3
        Conditions 0 to n_conditions - 1.
    unlabelled : bool, default True
        Whether bins may have no condition, which is -1.

    Returns
    -------
    strategy of ndarray of int16 (trial, bin)

    Raises
    ------
    InvalidInputError
        A size below 1.
    """
    if min(n_trials, n_bins, n_conditions) < 1:
        raise InvalidInputError("n_trials, n_bins and n_conditions must be at least 1")
    values = np.arange(n_conditions)
    if unlabelled and draw(st.booleans()):
        values = np.append(values, -1)
    labels: NDArray[np.int16] = np.empty((n_trials, n_bins), np.int16)
    labels[:] = values[_bytes(draw, n_trials, n_bins) % len(values)]
    labels.reshape(-1)[:n_conditions] = np.arange(n_conditions)[: labels.size]
    return labels
