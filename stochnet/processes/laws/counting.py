"""Tables of Poisson counts, which samplers search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.fitting.gain_laws import poisson_cdf
from stochnet.processes.laws.scipy_stats import stats

Array = NDArray[np.float64]
TAIL = 2.0**-33


def highest_count(rate: float) -> int:
    """Return a count that is exceeded with a probability below 2**-33."""
    return int(stats.poisson.isf(TAIL, rate)) + 1


def poisson_table(rates: Array, n_entries: int) -> Array:
    """Return the distribution function at 0, 1, 2, …: the shape of the rates, and (entry,)."""
    flat = np.ascontiguousarray(rates, np.float64).reshape(-1)
    table = np.empty((len(flat), n_entries))
    poisson_cdf(flat, table)
    return table.reshape(*rates.shape, n_entries)
