"""From exact sums of integers to Fano factors, coefficients of variation and correlations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def histogram_moments(
    histogram: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many values 0, 1, 2, … there are, their sum and that of their squares: (node,).

    histogram (node, value): how often each value occurs.
    """
    value = np.arange(histogram.shape[1])
    return histogram.sum(axis=1, dtype=np.int64), histogram @ value, histogram @ value**2


def fano_from_moments(
    n: int | NDArray[np.int64], total: NDArray[np.int64], squares: NDArray[np.int64]
) -> Array:
    """Fano factor from the number of windows and the sums of counts and squares, of one shape.

    NaN without two windows or without spikes.
    """
    fano = np.full(total.shape, np.nan)
    known = (total > 0) & (np.asarray(n) > 1)
    np.divide(_spread(n, total, squares), (n - 1) * total, out=fano, where=known)
    for at, many in _large(n, total, squares):
        if many > 1:
            top = many * int(squares[at]) - int(total[at]) ** 2
            fano[at] = top / ((many - 1) * int(total[at]))
    return fano


def cv_from_moments(
    n: NDArray[np.int64], total: NDArray[np.int64], squares: NDArray[np.int64]
) -> Array:
    """CV (ddof=0) from the number of values, their sum and that of their squares, of one shape.

    NaN without two values or where all are zero.
    """
    out = np.full(total.shape, np.nan)
    np.divide(np.sqrt(_spread(n, total, squares)), total, out=out, where=(n > 1) & (total > 0))
    return out


def _spread(
    n: int | NDArray[np.int64], total: NDArray[np.int64], squares: NDArray[np.int64]
) -> Array:
    """Return n² times the variance: one integer, rounded once."""
    spread = (n * squares - total * total).astype(np.float64)
    for at, many in _large(n, total, squares):
        spread[at] = float(many * int(squares[at]) - int(total[at]) ** 2)
    return spread


def _large(
    n: int | NDArray[np.int64], total: NDArray[np.int64], squares: NDArray[np.int64]
) -> list[tuple[tuple[np.intp, ...], int]]:
    """Return where 64 bits might not hold a spread, with n there: these need Python's integers.

    Each number decides for itself, so that none depends on those beside it.
    """
    if int(np.max(n)) * int(squares.max(initial=0)) < 2**62 and total.max(initial=0) < 2**31:
        return []
    many = np.broadcast_to(n, squares.shape)
    large = (squares > 2**62 // np.maximum(many, 1)) | (total >= 2**31)
    return [(at, int(many[at])) for at in zip(*np.nonzero(large), strict=True)]


def phi(
    first: NDArray[Any], second: NDArray[Any], both: NDArray[Any], n: int | NDArray[np.int64]
) -> Array:
    """Correlation of two binary variables from their sums and the sum of their product.

    NaN where one of them does not vary.
    """
    top = n * both - first * second
    spread = (first * (n - first)).astype(np.float64) * (second * (n - second)).astype(np.float64)
    out = np.full(top.shape, np.nan)
    np.divide(top, np.sqrt(spread), out=out, where=spread > 0)
    return out
