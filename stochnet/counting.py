"""Tables of Poisson counts, which samplers search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array = NDArray[np.float64]
TAIL = 2.0**-33
# Beyond this rate exp(-rate) is no normal number, and a recurrence from there fails.
FAST = 700.0


def highest_count(rate: float) -> int:
    """Return a count that is exceeded with a probability below 2**-33."""
    return int(stats.poisson.isf(TAIL, rate)) + 1


def poisson_table(rates: Array, n_entries: int) -> Array:
    """Return the distribution function at 0, 1, 2, …: the shape of the rates, and (entry,)."""
    table = np.empty((*rates.shape, n_entries))
    slow = np.minimum(rates, FAST)
    mass = np.exp(-slow)
    table[..., 0] = mass
    for k in range(1, n_entries):
        mass = mass * slow / k
        table[..., k] = table[..., k - 1] + mass
    high = rates > FAST
    table[high] = special.pdtr(np.arange(n_entries), rates[high][:, None])
    return np.minimum(table, 1.0)
