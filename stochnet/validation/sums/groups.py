"""Groups of units of two rasters that may be exchanged if one process made both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.judging.randomization import Chance
from stochnet.validation.sums.units import Units

Index = NDArray[np.int64]

MOST_STRATA = 10


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Units of two rasters dealt into equal groups, as many and of the same make in both.

    Attributes
    ----------
    inside : tuple of ndarray of bool (unit, group)
        Which units of the observed and of the simulated raster are in which group; a unit is in
        one at most.
    n_strata : int
        Strata of equally many groups, one after the other. The groups of a stratum hold equally
        many units of every condition, so that under one process they are exchangeable.
    n_units : int
        Units in all groups of one raster.
    """

    inside: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    n_strata: int
    n_units: int

    @property
    def n_groups(self) -> int:
        """Groups of one raster."""
        return int(self.inside[0].shape[1])

    @property
    def each(self) -> int:
        """Groups in a stratum."""
        return self.n_groups // self.n_strata

    def chance(self, rng: np.random.Generator) -> Chance:
        """Draw splits of these groups."""
        return Chance.of(self.n_strata, self.each, rng)


def deal(observed: Units, simulated: Units, most: int, rng: np.random.Generator) -> Groups | None:
    """Deal the units of two rasters into groups.

    Where units have a condition, and both rasters the same ones, groups hold units of one condition
    (of several, equally often each, where there are many). As many units of every condition are
    taken from either raster, so that statistics are compared at equal size and make.

    Parameters
    ----------
    observed, simulated : Units
    most : int
        About as many groups, or at least two of each stratum.
    rng : numpy.random.Generator
        Says which units stand together.

    Returns
    -------
    Groups or None
        None where no stratum has two units in both rasters.
    """
    sides = [observed.stratum, simulated.stratum]
    if set(observed.stratum.tolist()) != set(simulated.stratum.tolist()):
        sides = [np.full(len(side), -1, np.int64) for side in sides]
    keys = np.unique(sides[0])
    fewest = {int(key): min(int((side == key).sum()) for side in sides) for key in keys}
    kept = [key for key in fewest if fewest[key] > 1]
    if not kept:
        return None
    strata = np.array_split(np.array(kept), min(MOST_STRATA, len(kept)))
    number = how_many(min(fewest[key] for key in kept), most // len(strata))
    columns: list[list[NDArray[np.bool_]]] = [[], []]
    for together in strata:
        for side, found in zip(sides, columns, strict=True):
            inside = np.zeros((len(side), number), np.bool_)
            for key in together.tolist():
                each = fewest[key] // number
                dealt = rng.permutation(np.flatnonzero(side == key))[: number * each]
                inside[dealt, np.repeat(np.arange(number), each)] = True
            found.append(inside)
    first, second = (np.concatenate(found, axis=1) for found in columns)
    return Groups((first, second), len(strata), int(first.sum()))


def how_many(n_units: int, most: int) -> int:
    """Return the number of equal groups of at most so many, that leaves out the fewest units."""
    most = max(2, most)
    if n_units <= most:
        return n_units
    return max(range(max(2, most // 2), most + 1), key=lambda m: (n_units // m * m, m))
