"""The jackknife of a stratified sample: what each group of trials adds to a statistic.

Groups stand one after the other by strata, equally many in each. Where a group is left out, the
others of its stratum stand in for it, so that length and make of the sample stay as they are.

References
----------
Jones (1974), Biometrika 61, 343-348.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def left_out(sums: NDArray[np.int64], n_strata: int, n_groups: int | None = None) -> Any:
    """Return sums (…, group, value) of all groups, and without each: (…, 1 + group, value).

    Of m groups of a stratum weights are m - 1 everywhere, but 0 for the group that is left out and
    m for the others of its stratum. Weights are whole, so sums stay exact.

    Parameters
    ----------
    sums : ndarray of int64 (…, group, value)
    n_strata : int
    n_groups : int, optional
        Take the first so many only.
    """
    groups = sums[..., :n_groups, :]
    *lead, number, width = groups.shape
    each = number // n_strata
    own = groups.reshape(*lead, n_strata, each, width).sum(axis=-2)
    pooled = (each - 1) * own.sum(axis=-2, keepdims=True)
    difference = np.repeat(own, each, axis=-2) - each * groups
    return np.concatenate([pooled, pooled + difference], axis=-2)


def influence(values: NDArray[Any], n_strata: int) -> NDArray[Any]:
    """Return what each group adds to a statistic beside its stratum, to first order.

    Parameters
    ----------
    values : ndarray (1 + group, …)
        The statistic of all groups together, and without each: of what `left_out` returns.
    n_strata : int

    Returns
    -------
    ndarray (group, …)
        The groups of a stratum sum up to zero.
    """
    # What is left of the sum of a stratum is of second order.
    each = (len(values) - 1) // n_strata
    return centred((values[0] - values[1:]) * ((each - 1) / each), n_strata)


def centred(parts: NDArray[Any], n_strata: int) -> NDArray[Any]:
    """Take the mean of its stratum from every group: parts (group, …)."""
    by_stratum = parts.reshape(n_strata, -1, *parts.shape[1:])
    return np.asarray(by_stratum - by_stratum.mean(axis=1, keepdims=True)).reshape(parts.shape)


def jackknife_variance(parts: NDArray[Any], per_stratum: int) -> Any:
    """Return the variance of a statistic from the influence of its groups: (group, …) to (…)."""
    squares = (parts.astype(np.float64) ** 2).sum(axis=0)
    return squares * per_stratum / (per_stratum - 1)
