"""Wilson's interval of a fraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.processes.laws.scipy_stats import stats

Array = NDArray[np.float64]


def wilson(p: Array, n: Array, level: float) -> tuple[Array, Array]:
    """Return Wilson's (1927) interval of fractions p of n trials; all of [0, 1] where n is 0."""
    z = float(stats.norm.isf((1 - level) / 2))
    known = n > 0
    n = np.where(known, n, 1.0)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # Rounding must not push an end across the estimate.
    low, high = np.clip(middle - reach, 0.0, p), np.clip(middle + reach, p, 1.0)
    return np.where(known, low, 0.0), np.where(known, high, 1.0)
