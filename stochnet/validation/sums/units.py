"""Units of a raster, trials or pieces of them: what is exchanged, or left out, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting.units import cut_pieces
from stochnet.raster.packing import n_words
from stochnet.raster.raster import SpikeRaster

Index = NDArray[np.int64]

FEW_UNITS = 8
FEW_ALIKE = 4
MOST_PIECES = 16


@dataclass(frozen=True, slots=True)
class Units:
    """What is resampled as one: trials, or pieces of equal length where trials are few.

    Attributes
    ----------
    length : int
        Bins per unit.
    order : ndarray of int64 (unit, bin) or None
        Position of every bin among the bins of the raster; None if the units are the trials.
    conditions : ndarray of int16 (unit, bin) or None
        Conditions of the bins.
    stratum : ndarray of int64 (unit,)
        The condition of a unit that has only one, otherwise -1.
    """

    length: int
    order: Index | None
    conditions: NDArray[np.int16] | None
    stratum: Index

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.stratum)

    def cut(self, data: NDArray[Any]) -> NDArray[Any]:
        """Cut the data of some nodes: (node, trial, word or bin) to (node, unit, word or bin)."""
        if self.order is None:
            return data
        n_pieces = self.n_units // data.shape[1]
        if data.dtype != np.uint64:
            used = data[..., : n_pieces * self.length]
            return used.reshape(len(data), self.n_units, self.length)
        out = np.empty((len(data), self.n_units, n_words(self.length)), np.uint64)
        cut_pieces(data, self.length, n_pieces, out)
        return out


def cut_units(raster: SpikeRaster, length: int) -> Units:
    """Cut every trial into pieces of `length` bins; what is left at its end belongs to none."""
    pieces = raster.n_bins // length
    order = None
    if length < raster.n_bins:
        bins = np.arange(pieces * length).reshape(pieces, length)
        starts = np.arange(raster.n_trials, dtype=np.int64) * raster.n_bins
        order = (starts[:, None, None] + bins).reshape(-1, length)
    conditions = raster.conditions
    if conditions is not None and order is not None:
        conditions = conditions.reshape(-1)[order]
    if conditions is None:
        stratum = np.full(raster.n_trials * pieces, -1, np.int64)
    else:
        first = conditions[:, 0].astype(np.int64)
        stratum = np.where((conditions == conditions[:, :1]).all(axis=1), first, -1)
    return Units(length, order, conditions, stratum)


def choose_length(
    observed: SpikeRaster, simulated: SpikeRaster, windows: Sequence[int]
) -> int | None:
    """Return the bins per unit that suit both rasters, or None if there are too few.

    The longest units are taken that give at least eight of them and four of every condition, as
    long as they hold the longest window; for two of every condition shorter ones are taken.
    """
    n_bins = min(observed.n_bins, simulated.n_bins)
    longest = max(windows, default=1)
    best: int | None = None
    for pieces in range(1, min(MOST_PIECES, n_bins) + 1):
        length = n_bins // pieces
        if best is not None and length < longest:
            return best
        units = [cut_units(raster, length) for raster in (observed, simulated)]
        _, sizes = np.unique(units[0].stratum, return_counts=True)
        smallest = min(one.n_units for one in units)
        if sizes.min() < 2 or smallest < 2:
            continue
        best = length
        if smallest >= FEW_UNITS and sizes.min() >= FEW_ALIKE:
            break
    return best
