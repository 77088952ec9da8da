"""Critical values of a likelihood ratio near the edge of a parameter's domain."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from stochnet.processes.laws.scipy_stats import stats

POINTS = 129


@functools.cache
def critical_values(level: float) -> tuple[float, NDArray[np.float64]]:
    """Return (z, critical values of the signed root at distances 0 to z from the edge).

    Far from the edge the likelihood ratio is chi-square with one degree of freedom and its root
    stays below z. At the edge half of its probability lies at zero, and between the two the limit
    rises, so that an interval of all values that are not rejected keeps its level everywhere
    (Feldman & Cousins 1998, Physical Review D 57, 3873, the Gaussian with a bounded mean).

    Parameters
    ----------
    level : float
        Of the interval, for example 0.95.

    Returns
    -------
    z : float
    roots : ndarray (point,)
        At `POINTS` distances, in standard errors, from 0 to z.
    """
    alpha = 1 - level
    z = float(stats.norm.isf(alpha / 2))

    def excess(root: float, mu: float) -> float:
        above = stats.norm.sf(root)
        below = stats.norm.cdf((mu**2 - root**2) / (2 * mu) - mu) if mu > 0 else 0.0
        return float(above + below - alpha)

    roots = np.empty(POINTS)
    for i, mu in enumerate(np.linspace(0.0, z, POINTS)):
        low = max(mu, float(stats.norm.isf(alpha)))
        high = z + 1e-9
        roots[i] = low if excess(low, mu) <= 0 else optimize.brentq(excess, low, high, args=(mu,))
    return z, roots
