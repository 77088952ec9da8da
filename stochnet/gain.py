"""Gain laws as 256 levels, fine in the tails, with exact mean and variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.rng import gain_edges

Array = NDArray[np.float64]
LOW, HIGH = gain_edges()
WEIGHT: Array = HIGH - LOW
# Every level begins or ends at one of these probabilities.
_KNOTS, _INDEX = np.unique(np.concatenate([LOW, HIGH]), return_inverse=True)
_LOW_AT, _HIGH_AT = _INDEX[:256], _INDEX[256:]


def beta_levels(a: Array, b: Array) -> Array:
    """Return the mean of a Beta(a, b) variable within each level: (node, 256)."""
    edge = special.betaincinv(a[:, None], b[:, None], _KNOTS)
    partial = special.betainc(a[:, None] + 1, b[:, None], edge)
    mean = a / (a + b)
    variance = mean * (1 - mean) / (a + b + 1)
    return _matched(partial, mean, variance, high=1.0)


def gamma_levels(shape: Array) -> Array:
    """Return the mean of a gamma variable of mean 1 within each level: (node, 256)."""
    edge = special.gammaincinv(shape[:, None], _KNOTS)
    partial = special.gammainc(shape[:, None] + 1, edge)
    return _matched(partial, np.ones_like(shape), 1 / shape, high=np.inf)


def _matched(partial: Array, mean: Array, variance: Array, high: float) -> Array:
    """Turn partial first moments at the knots into level means of the right mean and variance.

    Averaging within levels loses a little variance, which is given back by stretching about the
    mean as far as the support allows.
    """
    mass = partial[:, _HIGH_AT] - partial[:, _LOW_AT]
    used = WEIGHT > 0
    levels = np.zeros((len(mean), 256))
    levels[:, used] = mean[:, None] * mass[:, used] / WEIGHT[used]
    middle = levels @ WEIGHT
    deviation = levels[:, used] - middle[:, None]
    spread = np.sqrt(
        np.divide(variance, deviation**2 @ WEIGHT[used], where=variance > 0, out=np.ones_like(mean))
    )
    stretched = mean[:, None] + deviation * spread[:, None]
    levels[:, used] = np.clip(stretched, 0.0, high)
    return levels
