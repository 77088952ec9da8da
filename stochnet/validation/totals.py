"""Exact sums over the units of many halves, for a block of nodes: what statistics are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels import summary as kernels
from stochnet.raster import SpikeRaster
from stochnet.segments import Segments
from stochnet.statistics import active_bins, spike_count, window_moments
from stochnet.sufficient import gap_histogram, packed
from stochnet.threads import run_blocks
from stochnet.validation.halves import Units, add

Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact sums over the units of every half, for a block of nodes.

    Attributes
    ----------
    n_units : ndarray of int64 (half,)
        Units in each half.
    length : int
        Bins per unit.
    scale : float
        What spikes per bin are divided by: seconds per bin, or 1.
    spikes, active : ndarray of int64 (node, half)
        Spikes, and bins with at least one.
    windows : mapping of int to (ndarray of int64, ndarray of int64)
        For each window, sums of counts and of their squares, each (node, half).
    gaps : ndarray of int64 (3, node, half)
        Gaps, their sum, the sum of their squares.
    lagged : ndarray of int64 (3, node, half)
        Active bins but the last, but the first, and both: at lag 1.
    by_condition : ndarray of int64 (condition, node, half)
        Spikes in the bins of each condition.
    condition_bins : ndarray of int64 (condition, half)
        Bins of each condition.
    """

    n_units: Sums
    length: int
    scale: float
    spikes: Sums
    active: Sums
    windows: Mapping[int, tuple[Sums, Sums]]
    gaps: Sums
    lagged: Sums
    by_condition: Sums
    condition_bins: Sums


def totals_of(
    block: SpikeRaster,
    units: Units,
    weights: NDArray[np.float64],
    windows: Sequence[int],
    segments: Segments | None,
) -> Totals:
    """Sum over the units of every half.

    Parameters
    ----------
    block : SpikeRaster
        Some nodes, in memory.
    units : Units
        What halves are made of.
    weights : ndarray (unit, half)
        From `stochnet.validation.halves.deal`.
    windows : sequence of int
        Bins per window; each fits into a unit.
    segments : Segments or None
        The conditions of units, where they matter.
    """
    rows = units.rows(block)
    shape = (block.n_nodes, units.n_units)

    def gather(values: NDArray[np.int64]) -> Sums:
        return add(values.reshape(shape), weights)

    n_units = add(np.ones(units.n_units), weights)
    spikes = gather(spike_count(rows))
    active = spikes if rows.kind == "spikes" else gather(active_bins(rows))
    counted = {}
    for window in windows:
        _, total, squares = window_moments(rows, window)
        counted[window] = (gather(total), gather(squares))
    _, gaps = gap_histogram(rows, 1)
    lagged = np.zeros((rows.n_nodes, 3), np.int64)
    if units.length > 1:
        words = packed(rows)
        run_blocks(
            lambda a, b: kernels.lagged_pairs(
                words[a:b], words.shape[1], units.length, 1, lagged[a:b]
            ),
            rows.n_nodes,
        )
    by_condition, condition_bins = _condition_sums(
        rows, shape, segments, weights, block.n_conditions
    )
    return Totals(
        n_units,
        units.length,
        1.0 if np.isnan(block.bin_width) else block.bin_width,
        spikes,
        active,
        counted,
        np.stack([gather(column) for column in gaps.T]),
        np.stack([gather(column) for column in lagged.T]),
        by_condition,
        condition_bins,
    )


def _condition_sums(
    rows: SpikeRaster,
    shape: tuple[int, int],
    segments: Segments | None,
    weights: NDArray[np.float64],
    n_conditions: int,
) -> tuple[Sums, Sums]:
    if segments is None:
        n_halves = weights.shape[1]
        return np.zeros((0, shape[0], n_halves), np.int64), np.zeros((0, n_halves), np.int64)
    sums = np.empty((shape[0], segments.n_segments), np.int32)
    data = rows.data[0 : rows.n_nodes].reshape(*shape, -1)
    if rows.kind == "counts":
        run_blocks(
            lambda a, b: kernels.segment_counts(data[a:b], segments.of_bin, sums[a:b]), shape[0]
        )
    else:
        words = data.reshape(shape[0], -1)
        pieces = (segments.word_pieces, segments.piece_mask, segments.piece_segment)
        run_blocks(lambda a, b: kernels.segment_spikes(words[a:b], *pieces, sums[a:b]), shape[0])
    spikes, bins = [], []
    for condition in range(n_conditions):
        mine = np.flatnonzero(segments.condition == condition)
        in_half = weights[segments.trial[mine]]
        spikes.append(add(sums[:, mine], in_half))
        bins.append(add(segments.length[mine], in_half))
    return np.stack(spikes), np.stack(bins)
