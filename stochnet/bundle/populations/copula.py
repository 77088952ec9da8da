"""Gaussian copula: how the parameters of one node go together, whatever their laws."""

from __future__ import annotations

import numpy as np
from scipy import special

from stochnet.process import Array

SWEEPS, WARM_UP = 30, 10
MOST_ROWS = 2000
# Where rows are few, correlations are drawn this far towards none.
RIDGE = 1.0


def fit_copula(table: Array, lows: Array, highs: Array) -> Array:
    """Return the correlations of the normal scores of columns: (column, column).

    What lies at the lowest or highest value of a column (given by `lows`, `highs`) only tells that
    its score is below or above a bound; such scores are drawn given the others of their row, by
    Gibbs sampling with a fixed seed, and the correlations are the mean over sweeps.

    References
    ----------
    Hoff (2007), Annals of Applied Statistics 1, 265-283.
    """
    n, d = table.shape
    if d == 1 or n < 3:
        return np.eye(d)
    rng = np.random.default_rng(0)
    if n > MOST_ROWS:
        table = table[np.linspace(0, n - 1, MOST_ROWS).astype(int)]
        n = MOST_ROWS
    from scipy import stats

    ranks = stats.rankdata(table, axis=0)
    scores = special.ndtri((ranks - 0.5) / n)
    at_low, at_high = table <= lows, table >= highs
    censored = at_low | at_high
    varying = scores.std(axis=0) > 0
    low_edge = special.ndtri(np.clip(at_low.mean(axis=0), 1e-9, 1 - 1e-9))
    high_edge = special.ndtri(np.clip(1 - at_high.mean(axis=0), 1e-9, 1 - 1e-9))
    total = np.zeros((d, d))
    for sweep in range(SWEEPS):
        correlation = _correlation(scores)
        if not censored.any():
            return np.where(np.outer(varying, varying), correlation, np.eye(d))
        if sweep >= WARM_UP:
            total += correlation
        ridge = RIDGE / n
        precision = np.linalg.inv((1 - ridge) * correlation + ridge * np.eye(d))
        for k in np.flatnonzero(censored.any(axis=0) & varying):
            row = precision[k].copy()
            row[k] = 0.0
            sd = 1 / np.sqrt(precision[k, k])
            for which, low, high in (
                (at_low[:, k], -np.inf, low_edge[k]),
                (at_high[:, k], high_edge[k], np.inf),
            ):
                if which.any():
                    mean = -(scores[which] @ row) * sd**2
                    scores[which, k] = _truncated(mean, sd, low, high, rng)
    total /= SWEEPS - WARM_UP
    return np.where(np.outer(varying, varying), total, np.eye(d))


def _correlation(scores: Array) -> Array:
    """Correlations of columns; a column that does not vary has none."""
    off = scores - scores.mean(axis=0)
    sd = np.sqrt((off**2).mean(axis=0))
    off = off / np.where(sd > 0, sd, 1.0)
    found = off.T @ off / len(off)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _truncated(mean: Array, sd: float, low: float, high: float, rng: np.random.Generator) -> Array:
    """Draw normal numbers between two bounds, by their quantiles."""
    a, b = special.ndtr((low - mean) / sd), special.ndtr((high - mean) / sd)
    u = np.clip(a + (b - a) * rng.random(len(mean)), 1e-12, 1 - 1e-12)
    return np.asarray(np.clip(mean + sd * special.ndtri(u), max(low, -8.0), min(high, 8.0)))
