"""Randomization: what a distance would be if one process had made both rasters.

The groups of each raster are split into halves at random, within strata, again and again. The
difference of the halves is noise as large as that of the whole statistic: half the groups minus the
other half, each counted with its share. The sum of the noise of both rasters is one draw of the
difference between them under the hypothesis that nothing differs. All statistics are drawn with the
same splits, so that the draws keep how they depend on each other, and the verdicts can be adjusted
for their number without waste.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.comparison import LEVEL

Array = NDArray[np.float64]

N_DRAWS = 4000
AT_ONCE = 256


def signs(n_strata: int, each: int, n_draws: int, rng: np.random.Generator) -> Array:
    """Draw splits of the groups of one raster: (draw, group).

    In each stratum half of the groups count with 1 and half with -1; of an odd number one counts
    nothing. Scaled so that the sum of centred contributions has the variance of the statistic.
    """
    half = each // 2
    row = np.zeros(each)
    row[:half], row[half : 2 * half] = 1.0, -1.0
    if each % 2:
        row *= math.sqrt(each / (each - 1))
    rows = np.broadcast_to(row, (n_draws, n_strata, each))
    return rng.permuted(rows, axis=2).reshape(n_draws, -1)


@dataclass(frozen=True, eq=False, slots=True)
class Randomization:
    """Splits of the groups of both rasters, the same for all statistics.

    Attributes
    ----------
    signs : ndarray of float64 (draw, 2·group)
        Groups of the observed raster first.
    n_strata : int
    rng : numpy.random.Generator
        Draws what is beside the splits.
    """

    signs: Array
    n_strata: int
    rng: np.random.Generator

    @classmethod
    def of(cls, n_strata: int, each: int, rng: np.random.Generator) -> Randomization:
        """Draw splits."""
        both = [signs(n_strata, each, N_DRAWS, rng) for _ in range(2)]
        return cls(np.concatenate(both, axis=1), n_strata, rng)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the variance of a difference of two means."""
        return int(self.signs.shape[1]) - 2 * self.n_strata

    def of_mean(self, parts: Array, freedom: int | None = None) -> Array:
        """Draw the absolute difference of two means: parts (2·group,) of both, to (draw,).

        Their spread is estimated, with `freedom` degrees of freedom where they are not those of
        all groups, so that they follow a t distribution instead of a normal one.
        """
        degrees = freedom or self.freedom
        wider = np.sqrt(degrees / self.rng.chisquare(degrees, len(self.signs)))
        return np.abs(self.signs @ parts) * wider

    def of_rmse(self, products: Array, strata: int | None = None) -> Array:
        """Draw the root mean square difference: products (2·group, 2·group), to (draw,).

        Splits of the same groups differ less than new data would: they share their estimate of the
        variance, with few degrees of freedom for each value where it depends on few strata. The
        spread of the draws is corrected for that.
        """
        squares = np.einsum("ij,ij->i", self.signs @ products, self.signs)
        freedom = self.freedom * (strata or self.n_strata) / self.n_strata
        center = squares.mean()
        wider = math.sqrt((freedom + 1) / max(freedom - 1, 0.5))
        return np.asarray(np.sqrt(np.maximum(center + (squares - center) * wider, 0)))

    def of_largest(self, parts: Array) -> Array:
        """Draw the largest absolute difference: parts (2·group, value), to (draw,)."""
        return np.asarray(np.abs(self.signs @ parts).max(axis=1))

    def exchanged(self, alive: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Exchange groups between the rasters and count nodes without any group that is alive.

        Parameters
        ----------
        alive : ndarray of bool (2·group, node)

        Returns
        -------
        tuple of ndarray (draw,)
            Absolute difference of the numbers of such nodes, and how many nodes are such in one
            raster only.
        """
        n_groups = len(alive) // 2
        each = n_groups // self.n_strata
        order = np.arange(2 * n_groups).reshape(2, self.n_strata, each).swapaxes(0, 1)
        mine = np.broadcast_to(
            np.arange(2 * each) < each, (len(self.signs), self.n_strata, 2 * each)
        )
        mine = self.rng.permuted(mine, axis=2).reshape(len(self.signs), -1)
        table = alive[order.ravel()].astype(np.float32)
        found = np.empty((2, len(mine)))
        for first in range(0, len(mine), AT_ONCE):
            some = mine[first : first + AT_ONCE]
            gone = [one.astype(np.float32) @ table == 0 for one in (some, ~some)]
            sums = [one.sum(axis=1) for one in gone]
            found[0, first : first + AT_ONCE] = np.abs(sums[0] - sums[1])
            found[1, first : first + AT_ONCE] = (gone[0] != gone[1]).sum(axis=1)
        return found[0], found[1]

    def variance(self, products: Array) -> tuple[Array, Array]:
        """Return the mean variance of the observed and of the simulated values.

        Parameters
        ----------
        products : ndarray (2·group, 2·group)
            Mean products of the parts of the groups.
        """
        n_groups = len(products) // 2
        each = n_groups // self.n_strata
        own = np.diagonal(products).reshape(2, n_groups).sum(axis=1) * each / (each - 1)
        return own[0], own[1]


@dataclass(frozen=True, eq=False, slots=True)
class Adjusted:
    """The p values of one hypothesis.

    Attributes
    ----------
    p_value, p_adjusted : float
        By itself, and adjusted for all hypotheses.
    limit : float
        The largest value that is not found.
    """

    p_value: float
    p_adjusted: float
    limit: float


def step_down(
    values: Sequence[float], draws: Sequence[Array], level: float = LEVEL
) -> list[Adjusted]:
    """Adjust the p values of all hypotheses: the step-down procedure of smallest p values.

    The probability that any true hypothesis is rejected is at most the level, however many others
    are false, and close to it: the hypotheses are tested with their dependence, and those that are
    rejected no longer count.

    Parameters
    ----------
    values : sequence of float
        Observed distances.
    draws : sequence of ndarray (draw,)
        The same distances under the hypothesis that nothing differs.
    level : float

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing, algorithm 2.8.
    """
    if not values:
        return []
    n = len(draws[0]) + 1
    # Ties count for the hypothesis; what differs by rounding alone is a tie.
    ranked = [np.sort(one)[::-1] for one in draws]
    p_values, of_draws = [], []
    for value, one, order in zip(values, draws, ranked, strict=True):
        p_values.append((1 + _at_least(order, value * (1 - 1e-9) - 1e-15)) / n)
        of_draws.append(_at_least(order, one) / n)
    p = np.array(p_values)
    first = np.argsort(p, kind="stable")
    table = np.array(of_draws)[first]
    smallest = np.minimum.accumulate(table[::-1], axis=0)[::-1]
    adjusted = np.array([(1 + np.sum(row <= p[k])) / n
                         for row, k in zip(smallest, first, strict=True)])  # fmt: skip
    adjusted = np.maximum.accumulate(adjusted)
    kept = np.flatnonzero(adjusted > level)
    critical = smallest[kept[0] if len(kept) else len(first) - 1]
    at = max(0, math.floor(level * n) - 1)
    # Rejected is what has a p value below this one.
    cut = float(np.sort(critical)[at])
    found: list[Adjusted] = [Adjusted(1.0, 1.0, math.nan)] * len(p)
    for k, value in zip(first, adjusted, strict=True):
        order = ranked[k]
        limit = float(order[min(len(order) - 1, max(0, math.ceil(cut * n) - 2))])
        found[k] = Adjusted(float(p[k]), float(value), limit)
    return found


def _at_least(descending: Array, value: float | Array) -> NDArray[np.int64]:
    """Count the draws that are at least a value, or each of several."""
    return np.asarray(np.searchsorted(-descending, -np.asarray(value), side="right"))
