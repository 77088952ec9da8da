"""The participation ratio of sampled nodes: in how many directions their bins vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.moments import Array
from stochnet.validation.sums.bits import GroupBits
from stochnet.validation.sums.survey import contributions
from stochnet.validation.sums.totals import left_out

LABEL = "participation ratio"
# A total variance below this is a rounding error.
NONE = 1e-12


def participation_ratio(second: Array, first: Array, n: float) -> float:
    """Return (tr C)² / tr(C²) of the covariance C of nodes; NaN if nothing varies.

    Parameters
    ----------
    second : ndarray (node, node)
        Bins in which two nodes are active.
    first : ndarray (node,)
        Bins in which one is.
    n : float
        Bins.

    References
    ----------
    Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy & Ganguli (2017), bioRxiv 214262.
    """
    mean = first / n
    covariance = second / n - np.outer(mean, mean)
    total = float(np.trace(covariance))
    return total**2 / float(np.vdot(covariance, covariance)) if total > NONE else np.nan


def participation_by_groups(
    groups: Sequence[GroupBits], n_strata: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the participation ratio of all groups together, and what each adds: (group,).

    Without a group the others of its stratum stand in for it. Of one group alone nothing is known
    of what it adds: an empty array.
    """
    # Products of bits add up to whole numbers, exactly, in any order.
    second = np.stack([one.active.T @ one.active for one in groups]).astype(np.float64)
    first = np.stack([one.active.sum(axis=0, dtype=np.float64) for one in groups])
    sizes = np.array([len(one.active) for one in groups], np.float64)
    value = participation_ratio(second.sum(axis=0), first.sum(axis=0), float(sizes.sum()))
    each = len(groups) // n_strata
    if each < 2 or np.isnan(value):
        return value, np.full(0 if each < 2 else len(groups), np.nan)
    # Times each group counts in all together, and without each.
    times = left_out(np.eye(len(groups), dtype=np.int64), n_strata) / (each - 1)
    n = times @ sizes
    mean = times @ first / n[:, None]
    total = times @ np.trace(second, axis1=1, axis2=2) / n - (mean**2).sum(axis=1)
    # tr(C²) of C = S/n - m mᵀ, from products of the S of all groups.
    flat = second.reshape(len(groups), -1)
    squares = np.einsum("kg,kg->k", times @ (flat @ flat.T), times) / n**2
    beside = np.stack([((mean @ one) * mean).sum(axis=1) for one in second], axis=1)
    squares += (mean**2).sum(axis=1) ** 2 - 2 * (times * beside).sum(axis=1) / n
    values = np.full(len(times), np.nan)
    np.divide(total**2, squares, out=values, where=(total > NONE) & (squares > NONE))
    return value, np.asarray(contributions(values, n_strata))


def independent_dimension(rate: Array, n_bins: int) -> float:
    """Return the participation ratio that independent nodes have in so many bins.

    Parameters
    ----------
    rate : ndarray (node,)
        Active bins, as a part of all.
    n_bins : int
    """
    variance = rate * (1 - rate)
    total, squares = float(variance.sum()), float((variance**2).sum())
    noise = (total**2 + squares) / n_bins
    return total**2 / (squares + noise) if total > NONE else np.nan
