"""Gain laws as 256 levels, fine in the tails.

The mean is exact. The variance is too, but where a law sits so hard at the ends of its support that
256 levels cannot follow it: at p = 0.02 and rho = 0.9 a Beta law keeps 91 % of its variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.fitting.gain_laws import BETA, GAMMA, all_partial_means, poisson_cdf
from stochnet.kernels.rng import gain_edges
from stochnet.processes.laws.scipy_stats import stats

Array = NDArray[np.float64]
LOW, HIGH = gain_edges()
WEIGHT: Array = HIGH - LOW
# Every level begins or ends at one of these probabilities.
_KNOTS, _INDEX = np.unique(np.concatenate([LOW, HIGH]), return_inverse=True)
_LOW_AT, _HIGH_AT = _INDEX[:256], _INDEX[256:]


def beta_levels(a: Array, b: Array) -> Array:
    """Return the mean of a Beta(a, b) variable within each level: (node, 256)."""
    total = (a + b)[:, None]
    mean = a[:, None] / total
    partial = mean * _partial_means(BETA, a, b)
    return _matched(partial, mean, mean * (1 - mean) / (total + 1), highest=1.0)


def gamma_levels(shape: Array) -> Array:
    """Return the mean of a gamma variable of mean 1 within each level: (node, 256)."""
    partial = _partial_means(GAMMA, shape, shape)
    one = np.ones((len(shape), 1))
    return _matched(partial, one, 1 / shape[:, None], highest=np.inf)


def _partial_means(law: int, a: Array, b: Array) -> Array:
    """Return the share of the mean below the quantile at each knot: (node, knot)."""
    a, b = np.ascontiguousarray(a, np.float64), np.ascontiguousarray(b, np.float64)
    partial = np.empty((len(a), len(_KNOTS)))
    all_partial_means(law, a, b, _KNOTS, partial)
    return partial / partial[:, -1:]


def _matched(partial: Array, mean: Array, variance: Array, highest: float) -> Array:
    """Turn partial first moments at the knots into level means of the right mean and variance.

    Averaging within levels loses a little variance, which is given back by stretching about the
    mean as far as the support allows; the mean is exact in any case. Sums run along contiguous
    rows and not through BLAS, so that a node's levels do not depend on the nodes beside it.
    """
    mass = partial[:, _HIGH_AT] - partial[:, _LOW_AT]
    levels = np.where(WEIGHT > 0, mass / np.where(WEIGHT > 0, WEIGHT, 1.0), mean)
    deviation = levels - _average(levels)
    spread = np.sqrt(variance / np.maximum(_average(deviation**2), 1e-300))
    levels = np.clip(mean + deviation * np.where(variance > 0, spread, 1.0), 0.0, highest)
    middle = _average(levels)
    scaled = levels * (mean / middle)
    if np.isinf(highest):
        return scaled
    # Shrink towards the end that keeps every level inside.
    from_above = highest - (highest - levels) * ((highest - mean) / (highest - middle))
    return np.where(middle >= mean, scaled, from_above)


def _average(levels: Array) -> Array:
    """Return the mean over a level chosen at random: (node, 1)."""
    return np.asarray(np.sum(np.ascontiguousarray(levels * WEIGHT), axis=1, keepdims=True))


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
