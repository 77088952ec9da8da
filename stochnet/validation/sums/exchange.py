"""What each stratum adds to the difference of two rasters: it is exchanged between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.int64]


def exchange_strata(n_strata: int, n_groups: int) -> Callable[[Sums, Sums], Sums]:
    """Return what exchanges strata in sums of two rasters of which the first sets are their groups.

    The sets are then: both rasters; the first one with each stratum from the second; and the second
    one with each stratum from the first.
    """

    def exchanged(first: Sums, second: Sums) -> Sums:
        both = []
        for one in (first, second):
            groups = one[..., :n_groups, :]
            shape = (*groups.shape[:-2], n_strata, n_groups // n_strata, groups.shape[-1])
            both.append(groups.reshape(shape).sum(axis=-2))
        whole = [one.sum(axis=-2, keepdims=True) for one in both]
        moved = both[1] - both[0]
        return np.concatenate([*whole, whole[0] + moved, whole[1] - moved], axis=-2)

    return exchanged


def stratum_gaps(values: NDArray[Any], n_strata: int) -> NDArray[Any]:
    """Return what each stratum adds to the first raster minus the second: (stratum, …).

    The mean of what either raster changes by, of the values (set, …) of `exchange_strata`. What is
    left of the whole difference (of second order) is dealt evenly.
    """
    first, second = values[:1], values[1:2]
    gaps = 0.5 * ((first - values[2 : 2 + n_strata]) + (values[2 + n_strata :] - second))
    return spread_evenly(gaps, (first - second)[0])


def spread_evenly(gaps: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    """Make the gaps of strata (stratum, …) add up to a whole; unknown ones have an equal share."""
    known = ~np.isnan(gaps).any(axis=0)
    gaps = np.where(known, gaps, 0.0)
    return np.asarray(gaps + (whole - gaps.sum(axis=0)) / len(gaps))
