"""Correlation of binary variables, from their sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
