"""The bivariate normal law: how often two thresholded nodes fire together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def excess_together(p: ArrayLike, q: ArrayLike, correlation: ArrayLike) -> Array:
    """Return the covariance of two 0/1 variables that threshold correlated normal variables.

    Parameters
    ----------
    p, q : array_like
        Probabilities of the two variables.
    correlation : array_like
        Correlation of the two normal variables, -1 to 1.

    Returns
    -------
    ndarray
        P(both) - p q, of the shape that the three broadcast to; to 1e-10 for correlations within
        ±0.99.

    References
    ----------
    Plackett's integral over the correlation, with its arcsine as variable: Drezner & Wesolowsky
    (1990), Journal of Statistical Computation and Simulation 35:101.
    """
    h, k, limit = np.broadcast_arrays(
        special.ndtri(p), special.ndtri(q), np.arcsin(np.asarray(correlation, np.float64))
    )
    # Of a variable that is always or never 1 nothing is left.
    fixed = np.isinf(h) | np.isinf(k)
    h, k = np.where(fixed, 0.0, h), np.where(fixed, 0.0, k)
    total = np.zeros(limit.shape)
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        angle = limit * (point + 1) / 2
        sine, cosine = np.sin(angle), np.maximum(np.cos(angle), 1e-300)
        total += weight * np.exp((h * k * sine - (h * h + k * k) / 2) / cosine**2)
    return np.where(fixed, 0.0, total * limit / (4 * np.pi))
