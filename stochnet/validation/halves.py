"""Halves of a raster: its trials, or pieces of them, dealt into two equal parts many times over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.units import cut_pieces
from stochnet.packing import n_words
from stochnet.raster import SpikeRaster

Index = NDArray[np.int64]

FEW_UNITS = 8
FEW_ALIKE = 4
MOST_PIECES = 16


@dataclass(frozen=True, slots=True)
class Units:
    """What halves are made of: trials, or pieces of equal length where trials are few.

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
    """Return the bins per unit that suit both rasters, or None if no half can be made.

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


def deal(
    observed: Units, simulated: Units, n_splits: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Deal the units of two rasters into halves of the same size.

    Both halves of the observed raster hold every condition equally often where units have a
    condition; so do those of the simulated one where it has the same conditions.

    Returns
    -------
    tuple of ndarray
        For each raster 1 for units in a half, else 0: (unit, half); halves 2·k and 2·k + 1 are
        those of split k.
    """
    mine, yours = (_sizes(units.stratum) for units in (observed, simulated))
    if set(mine) == set(yours):
        sizes = {key: min(mine[key], yours[key]) // 2 for key in mine}
        return (
            _weights(observed.stratum, sizes, n_splits, rng),
            _weights(simulated.stratum, sizes, n_splits, rng),
        )
    anyhow = np.full(simulated.n_units, -1, np.int64)
    sizes = {key: size // 2 for key, size in mine.items()}
    stratum = observed.stratum
    if sum(sizes.values()) > simulated.n_units // 2:
        sizes = {-1: simulated.n_units // 2}
        stratum = np.full(observed.n_units, -1, np.int64)
    return (
        _weights(stratum, sizes, n_splits, rng),
        _weights(anyhow, {-1: sum(sizes.values())}, n_splits, rng),
    )


def _sizes(stratum: Index) -> dict[int, int]:
    keys, counts = np.unique(stratum, return_counts=True)
    return {int(key): int(count) for key, count in zip(keys, counts, strict=True)}


def _weights(
    stratum: Index, sizes: dict[int, int], n_splits: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    weights = np.zeros((len(stratum), 2 * n_splits))
    for key, size in sizes.items():
        members = np.flatnonzero(stratum == key)
        for k in range(n_splits):
            dealt = rng.permutation(members)
            weights[dealt[:size], 2 * k] = 1
            weights[dealt[size : 2 * size], 2 * k + 1] = 1
    return weights
