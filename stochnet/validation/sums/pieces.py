"""Pieces of a raster, trials or equal parts of them: what is exchanged, or left out, as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import units as kernels
from stochnet.raster.packing import n_words
from stochnet.raster.raster import SpikeRaster

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is resampled as one: trials, or pieces of equal length where trials are few.

    Attributes
    ----------
    length : int
        Bins per piece.
    order : ndarray of int64 (piece, bin) or None
        Position of every bin among the bins of the raster; None if the pieces are the trials.
    conditions : ndarray of int16 (piece, bin) or None
        Conditions of the bins.
    stratum : ndarray of int64 (piece,)
        The condition of a piece that has only one, otherwise -1.
    """

    length: int
    order: Index | None
    conditions: NDArray[np.int16] | None
    stratum: Index

    @property
    def n_pieces(self) -> int:
        """Number of pieces."""
        return len(self.stratum)

    def cut(self, data: NDArray[Any]) -> NDArray[Any]:
        """Cut the data of some nodes: (node, trial, word or bin) to (node, piece, word or bin)."""
        if self.order is None:
            return data
        per_trial = self.n_pieces // data.shape[1]
        if data.dtype != np.uint64:
            used = data[..., : per_trial * self.length]
            return used.reshape(len(data), self.n_pieces, self.length)
        out = np.empty((len(data), self.n_pieces, n_words(self.length)), np.uint64)
        kernels.cut_pieces(data, self.length, per_trial, out)
        return out


def cut_pieces(raster: SpikeRaster, length: int) -> Pieces:
    """Cut every trial into pieces of `length` bins; what is left at its end belongs to none."""
    per_trial = raster.n_bins // length
    order = None
    if length < raster.n_bins:
        bins = np.arange(per_trial * length).reshape(per_trial, length)
        starts = np.arange(raster.n_trials, dtype=np.int64) * raster.n_bins
        order = (starts[:, None, None] + bins).reshape(-1, length)
    conditions = raster.conditions
    if conditions is not None and order is not None:
        conditions = conditions.reshape(-1)[order]
    if conditions is None:
        stratum = np.full(raster.n_trials * per_trial, -1, np.int64)
    else:
        first = conditions[:, 0].astype(np.int64)
        stratum = np.where((conditions == conditions[:, :1]).all(axis=1), first, -1)
    return Pieces(length, order, conditions, stratum)
