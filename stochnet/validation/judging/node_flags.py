"""Which nodes differ, one by one, with the share of false ones among them under control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochnet.statistics.moments import Array

# Parts of groups are kept in single precision.
ROUNDING = 1e-6


def node_q_values(
    grouped: Sequence[NDArray[Any]],
    parts: Sequence[NDArray[Any]],
    *,
    each: int,
    n_strata: int,
    widening: float,
    n_bins: float = math.nan,
) -> Array:
    """Return the false discovery rate at which each node is said to differ: (node,).

    Parameters
    ----------
    grouped : sequence of two ndarray (node, …)
        The statistic of both rasters at equal size.
    parts : sequence of two ndarray (group, node, …)
        What each group adds.
    each : int
        Groups in a stratum.
    n_strata : int
        Strata of equally many groups, one after the other.
    widening : float
        As in `stochnet.validation.judging.evidence.Evidence`.
    n_bins : float, optional
        Of values that are shares: of how many bins (windows) of a raster. No variance is then taken
        for smaller than that of independent bins at the rate of both rasters together.

    Returns
    -------
    ndarray (node,)
        NaN where a node does too little to be judged. Of several values of a node the one that
        differs most counts, times their number (Bonferroni).

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114: degrees of freedom.
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    shape = grouped[0].shape
    variance, squares = np.zeros(shape), np.zeros(shape)
    for one in parts:
        table = one.astype(np.float64).reshape(n_strata, each, *shape)
        own = (table**2).sum(axis=1) * each / (each - 1)
        variance += own.sum(axis=0)
        squares += (own**2).sum(axis=0) / (each - 1)
    gap = np.abs(grouped[1] - grouped[0])
    known = ~np.isnan(gap) & ~np.isnan(variance)
    # A variance that few strata make has few degrees of freedom, however many strata there are.
    freedom = np.full(shape, float(each - 1))
    np.divide(variance**2, squares, out=freedom, where=known & (squares > 0))
    least = (ROUNDING * np.maximum(np.abs(grouped[0]), np.abs(grouped[1]))) ** 2
    if not math.isnan(n_bins):
        # Half a bin more of either kind: a node that never spiked may do so.
        share = ((grouped[0] + grouped[1]) * n_bins + 1) / (2 * n_bins + 2)
        least = 2 * np.maximum(share * (1 - share), 0) / n_bins
    error = np.sqrt(np.where(known, np.maximum(variance, least), 1.0)) * widening
    # Without any noise a difference is certain, and no difference is none.
    ratio = np.divide(gap, error, out=np.where(gap > 1e-12, np.inf, 0.0), where=error > 0)
    p = np.where(known, 2 * stats.t.sf(ratio, np.maximum(freedom, 1.0)), np.nan)
    by_node = p.reshape(len(p), -1)
    number = (~np.isnan(by_node)).sum(axis=1)
    smallest = np.where(np.isnan(by_node), 1.0, by_node).min(axis=1) * number
    found = np.full(len(p), np.nan)
    judged = number > 0
    if judged.any():
        adjusted = stats.false_discovery_control(np.minimum(smallest[judged], 1.0))
        found[judged] = adjusted
    return found
