"""Randomization: what a distance would be if one process had made both rasters.

Groups of trials are exchanged between the rasters, within strata (conditions): every exchange makes
two rasters that are as probable as those that are there, so that the share of exchanges with a
distance as large is a p value, for any number of groups. Where exchanges are few, all of them are
made, and a p value is a multiple of one over their number. All statistics are drawn with the same
exchanges, so that the draws keep how they depend on each other, and the verdicts can be adjusted
for their number without waste.

For a statistic that is a mean over trials this is the permutation test. Of others it takes what
each group adds in its own raster (the jackknife), and what each stratum adds to the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.comparison import LEVEL

Array = NDArray[np.float64]

N_DRAWS = 4000
# Over the variance of a stratum, the largest squared difference that is taken for noise.
LARGEST_NOISE = 6.0
AT_ONCE = 256


def n_exchanges(n_strata: int, each: int) -> int:
    """Return in how many ways groups of strata make two rasters, whichever comes first."""
    return int(math.comb(2 * each, each) ** n_strata // 2)


def decides(n_strata: int, each: int) -> bool:
    """Whether a difference could be found at the level of a report with so many groups."""
    return n_exchanges(n_strata, each) * LEVEL >= 1


def fewest_groups(n_strata: int) -> int:
    """Return how many groups each raster needs in every stratum."""
    return next(m for m in range(2, 99) if decides(n_strata, m))


def exchanges(n_strata: int, each: int, n_draws: int, rng: np.random.Generator) -> Array:
    """Draw exchanges of the groups of two rasters: (draw, 2·group), 1 observed and -1 simulated.

    Groups of the first raster come first, by strata. Where there are no more exchanges than asked
    for, all but the one that is there (which counts besides).
    """
    if n_exchanges(n_strata, each) > n_draws:
        row = np.repeat([1.0, -1.0], each)
        found = rng.permuted(np.broadcast_to(row, (n_draws, n_strata, 2 * each)), axis=2)
    else:
        ways = np.full((math.comb(2 * each, each), 2 * each), -1.0)
        chosen = np.array(list(combinations(range(2 * each), each)))
        np.put_along_axis(ways, chosen, 1.0, axis=1)
        which = np.indices((len(ways),) * n_strata).reshape(n_strata, -1).T
        # Exchanging all groups changes no distance: the very first one stays where it is.
        which = which[(which[:, 0] < len(ways) // 2) & which.any(axis=1)]
        found = ways[which]
    by_raster = found.reshape(len(found), n_strata, 2, each).swapaxes(1, 2)
    return np.ascontiguousarray(by_raster).reshape(len(found), -1)


def halves(n_strata: int, each: int, n_draws: int, rng: np.random.Generator) -> Array:
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
    """Exchanges of groups between two rasters, the same for all statistics.

    Attributes
    ----------
    signs : ndarray of float64 (draw, 2·group)
        Groups of the observed raster first, by strata.
    n_strata, each : int
        Strata, and groups of a raster in each.
    rng : numpy.random.Generator
        Draws what is beside them.
    """

    signs: Array
    n_strata: int
    each: int
    rng: np.random.Generator

    @classmethod
    def of(cls, n_strata: int, each: int, rng: np.random.Generator) -> Randomization:
        """Draw exchanges."""
        return cls(exchanges(n_strata, each, N_DRAWS, rng), n_strata, each, rng)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the variance of a difference of two means."""
        return 2 * self.n_strata * (self.each - 1)

    @property
    def sides(self) -> Array:
        """What each group adds to a difference of 1 by each stratum: (2·group, stratum)."""
        mine = np.repeat(np.eye(self.n_strata), self.each, axis=0)
        return np.concatenate([mine, -mine]) / (2 * self.each)

    def shrink(self, products: Array, squares: Array) -> Array:
        """Return by how much to take the differences of strata for smaller: (stratum,).

        A stratum that differs by far more than its noise would, exchanged, hide what differs in the
        others, and itself where groups are few. What it differs by is no noise: it counts as a
        large one does. Of one stratum nothing is taken away, so that all is exact.

        Parameters
        ----------
        products, squares : ndarray
            As of `of_rmse`.
        """
        if self.n_strata == 1:
            return np.ones(1)
        own = np.diagonal(products).reshape(2, self.n_strata, self.each).sum(axis=(0, 2))
        noise = own * self.each / (self.each - 1)
        most = LARGEST_NOISE * np.maximum(noise, noise.mean())
        found = np.diagonal(squares)
        ratio = np.divide(most, found, out=np.ones(self.n_strata), where=found > most)
        return np.asarray(np.sqrt(ratio))

    def of_mean(self, parts: Array, gaps: Array) -> Array:
        """Draw the absolute difference of two means.

        Parameters
        ----------
        parts : ndarray (2·group,)
            What each group adds beside its raster and stratum.
        gaps : ndarray (stratum,)
            The difference that is there, observed minus simulated, by strata.
        """
        gaps = gaps * self.shrink(np.outer(parts, parts), np.outer(gaps, gaps))
        return np.asarray(np.abs(self.signs @ (parts + self.sides @ gaps)))

    def of_halves(self, parts: Array, freedom: int) -> Array:
        """Draw the absolute difference of two means by halves, for groups that are not exchanged.

        Its spread is estimated with so many degrees of freedom, so that the draws follow a t
        distribution instead of a normal one.
        """
        drawn = [halves(self.n_strata, self.each, len(self.signs), self.rng) for _ in range(2)]
        draws = np.abs(np.concatenate(drawn, axis=1) @ parts)
        return draws * np.sqrt(freedom / self.rng.chisquare(freedom, len(draws)))

    def of_rmse(self, products: Array, cross: Array, squares: Array) -> Array:
        """Draw the root mean square difference of many values.

        Parameters
        ----------
        products : ndarray (2·group, 2·group)
            Mean over values of the products of what two groups add.
        cross : ndarray (2·group, stratum)
            And of the products with the difference that is there, by strata.
        squares : ndarray (stratum, stratum)
            And of the products of these differences.
        """
        sides = self.sides * self.shrink(products, squares)
        both = cross @ sides.T
        table = products + both + both.T + sides @ squares @ sides.T
        found = np.einsum("ij,ij->i", self.signs @ table, self.signs)
        return np.asarray(np.sqrt(np.maximum(found, 0)))

    def of_largest(self, parts: Array, gaps: Array) -> Array:
        """Draw the largest absolute difference: parts (2·group, value), gaps (stratum, value)."""
        scale = self.shrink(parts @ parts.T, gaps @ gaps.T)
        gaps = scale[:, None] * gaps
        return np.asarray(np.abs(self.signs @ (parts + self.sides @ gaps)).max(axis=1))

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
        mine, table = self.signs > 0, alive.astype(np.float32)
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
        own = np.diagonal(products).reshape(2, -1).sum(axis=1) * self.each / (self.each - 1)
        return own[0], own[1]
