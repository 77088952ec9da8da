"""Which nodes differ, one by one, with the share of false ones among them under control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochnet.moments import Array


def node_q_values(
    grouped: Sequence[NDArray[Any]],
    parts: Sequence[NDArray[Any]],
    *,
    each: int,
    freedom: int,
    widening: float,
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
    freedom : int
        Degrees of freedom of the variance of one node.
    widening : float
        As in `stochnet.validation.evidence.Evidence`.

    Returns
    -------
    ndarray (node,)
        NaN where a node does too little to be judged. Of several values of a node the one that
        differs most counts, times their number (Bonferroni).

    References
    ----------
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    variance = np.zeros(grouped[0].shape)
    for one in parts:
        variance += (one.astype(np.float64) ** 2).sum(axis=0) * each / (each - 1)
    gap = np.abs(grouped[1] - grouped[0])
    known = ~np.isnan(gap) & ~np.isnan(variance)
    error = np.sqrt(np.where(known, variance, 1.0)) * widening
    # Without any noise a difference is certain, and no difference is none.
    ratio = np.divide(gap, error, out=np.where(gap > 1e-12, np.inf, 0.0), where=error > 0)
    p = np.where(known, 2 * stats.t.sf(ratio, freedom), np.nan)
    by_node = p.reshape(len(p), -1)
    number = (~np.isnan(by_node)).sum(axis=1)
    smallest = np.where(np.isnan(by_node), 1.0, by_node).min(axis=1) * number
    found = np.full(len(p), np.nan)
    judged = number > 0
    if judged.any():
        adjusted = stats.false_discovery_control(np.minimum(smallest[judged], 1.0))
        found[judged] = adjusted
    return found
