"""Groups of pieces of two rasters that may be exchanged if one process made both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.sums.pieces import Pieces

# Strata, and groups of each where there are as many trials.
MOST_STRATA, ENOUGH_GROUPS = 10, 4


@dataclass(frozen=True, eq=False, slots=True)
class ResamplingGroups:
    """Pieces of a raster dealt into equal groups.

    Attributes
    ----------
    pieces : Pieces
    inside : ndarray of bool (piece, group)
        Which piece is in which group; a piece is in one at most.
    n_strata : int
        Strata of equally many groups, one after the other. The groups of a stratum hold equally
        many pieces of every condition, so that under one process they are exchangeable.
    """

    pieces: Pieces
    inside: NDArray[np.bool_]
    n_strata: int

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.inside.shape[1])

    @property
    def per_stratum(self) -> int:
        """Groups in a stratum."""
        return self.n_groups // self.n_strata

    @property
    def n_bins(self) -> int:
        """Bins in all groups."""
        return int(self.inside.sum()) * self.pieces.length


def deal(
    observed: Pieces, simulated: Pieces, most: int, rng: np.random.Generator
) -> tuple[ResamplingGroups, ResamplingGroups] | None:
    """Deal the pieces of two rasters into groups, as many and of the same make in both.

    Where pieces have a condition, and both rasters the same ones, groups hold pieces of one
    condition (of several, equally often each, where there are many). As many pieces of every
    condition are taken from either raster, so that statistics are compared at equal size and make.

    Parameters
    ----------
    observed, simulated : Pieces
    most : int
        About as many groups, or at least two of each stratum.
    rng : numpy.random.Generator
        Says which pieces stand together.

    Returns
    -------
    tuple of ResamplingGroups, or None
        None where no stratum has two pieces in both rasters.
    """
    both = [observed.stratum, simulated.stratum]
    if set(observed.stratum.tolist()) != set(simulated.stratum.tolist()):
        both = [np.full(len(one), -1, np.int64) for one in both]
    keys = np.unique(both[0])
    fewest = {int(key): min(int((one == key).sum()) for one in both) for key in keys}
    kept = [key for key in fewest if fewest[key] > 1]
    if not kept:
        return None
    strata = np.array_split(np.array(kept), min(MOST_STRATA, len(kept), most // ENOUGH_GROUPS))
    number = how_many(min(fewest[key] for key in kept), most // len(strata))
    columns: list[list[NDArray[np.bool_]]] = [[], []]
    for stratum in strata:
        for labels, found in zip(both, columns, strict=True):
            inside = np.zeros((len(labels), number), np.bool_)
            for key in stratum.tolist():
                each = fewest[key] // number
                dealt = rng.permutation(np.flatnonzero(labels == key))[: number * each]
                inside[dealt, np.repeat(np.arange(number), each)] = True
            found.append(inside)
    first, second = (np.concatenate(found, axis=1) for found in columns)
    return (
        ResamplingGroups(observed, first, len(strata)),
        ResamplingGroups(simulated, second, len(strata)),
    )


def how_many(n_pieces: int, most: int) -> int:
    """Return the number of equal groups of at most so many, that leaves out the fewest pieces."""
    most = max(2, most)
    if n_pieces <= most:
        return n_pieces
    return max(range(max(2, most // 2), most + 1), key=lambda m: (n_pieces // m * m, m))
