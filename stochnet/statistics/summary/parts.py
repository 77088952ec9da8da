"""How the sufficient statistics of a block of nodes are computed, part by part."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.errors import InvalidInputError
from stochnet.kernels.counting import ages as age_kernels
from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.counting.word_pieces import cut_words
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import SLOTS, Segments, cut_segments, slot_of_bin

Array = NDArray[np.float64]
LONGEST_GAP = 1024
LONGEST_AGE = 1024


class Shown(Protocol):
    """What has trials and conditions: a raster, or its summary."""

    @property
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    def n_bins(self) -> int:
        """Bins per trial."""

    @property
    def conditions(self) -> NDArray[np.int16] | None:
        """Class of every bin (trial, bin)."""

    @property
    def n_conditions(self) -> int:
        """One more than the highest condition."""


def raster_segments(raster: Shown, window: int | None, per_condition: bool) -> Segments:
    """Cut the trials of a raster into segments.

    Raises
    ------
    InvalidInputError
        No conditions although they were asked for; a window longer than the trial.
    """
    require_conditions(raster, per_condition)
    conditions = raster.conditions if per_condition else None
    return cut_segments(raster.n_trials, raster.n_bins, window, conditions)


def require_conditions(raster: Shown, per_condition: bool) -> None:
    """Refuse to tell conditions apart where there are none.

    Raises
    ------
    InvalidInputError
        There are none although they were asked for.
    """
    if per_condition and raster.n_conditions == 0:
        raise InvalidInputError(
            "this raster has no conditions (class labels), so nothing can be fitted per condition"
        )


def segment_sums(block: SpikeRaster, segments: Segments) -> NDArray[np.int32]:
    """Return the spikes in each segment: (node, segment)."""
    data = block.data[0 : block.n_nodes]
    sums = np.empty((block.n_nodes, segments.n_segments), np.int32)
    if block.kind == "counts":
        run_blocks(
            lambda a, b: kernels.segment_counts(data[a:b], segments.of_bin, sums[a:b]),
            block.n_nodes,
        )
    else:
        words = data.reshape(block.n_nodes, -1)
        pieces = (segments.word_pieces, segments.piece_mask, segments.piece_segment)
        run_blocks(
            lambda a, b: kernels.segment_spikes(words[a:b], *pieces, sums[a:b]), block.n_nodes
        )
    return sums


def total_spikes(block: SpikeRaster, segments: Segments) -> NDArray[np.int64] | None:
    """Return the spikes of each node (node,) of packed data, if every bin is in a segment.

    One popcount of the whole row, where nobody asks for windows.
    """
    if block.kind == "counts" or int(segments.length.sum()) < block.n_trials * block.n_bins:
        return None
    words = block.data[0 : block.n_nodes].reshape(block.n_nodes, -1)
    out = np.empty(block.n_nodes, np.int64)
    run_blocks(lambda a, b: kernels.count_spikes(words[a:b], out[a:b]), block.n_nodes)
    return out


def count_totals(
    block: SpikeRaster, segments: Segments, n_conditions: int
) -> tuple[NDArray[np.int64], Array]:
    """Return active bins and log factorials (node, condition) of counts."""
    data = block.data[0 : block.n_nodes]
    active = np.zeros((block.n_nodes, n_conditions), np.int64)
    total = np.zeros((block.n_nodes, n_conditions))
    if block.kind == "counts":
        log_factorial = special.gammaln(np.arange(np.iinfo(data.dtype).max + 1) + 1.0)
        plan = (segments.of_bin, segments.condition, log_factorial)
        run_blocks(
            lambda a, b: kernels.count_totals(data[a:b], *plan, active[a:b], total[a:b]),
            block.n_nodes,
        )
    return active, total


def count_histogram(block: SpikeRaster, segments: Segments, n_conditions: int) -> NDArray[np.int64]:
    """Return the bins that hold each count from 0 to the largest: (node, condition, count)."""
    data = block.data[0 : block.n_nodes]
    out = np.zeros((block.n_nodes, n_conditions, int(data.max()) + 1), np.int64)
    # Segment -1 is that of bins without a condition.
    condition = np.append(segments.condition, -1).astype(np.int16)[segments.of_bin]
    run_blocks(lambda a, b: kernels.count_histogram(data[a:b], condition, out[a:b]), block.n_nodes)
    return out


def window_histogram(
    block: SpikeRaster, sums: NDArray[np.int32], length: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return (lengths, offsets, histogram) of segment sums, as in `Summary`."""
    if not len(length):
        return no_histogram(len(sums))
    lengths, group = np.unique(length, return_inverse=True)
    most = int(sums.max(initial=0))
    sizes = np.maximum(lengths, most if block.kind == "counts" else 0) + 1
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    histogram = np.zeros((len(sums), int(offsets[-1])), np.int32)
    sums = np.ascontiguousarray(sums)
    at = offsets[group]
    run_blocks(lambda a, b: kernels.histograms(sums[a:b], at, histogram[a:b]), len(sums))
    return lengths.astype(np.int64), offsets, histogram


def no_histogram(
    n_nodes: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return the (lengths, offsets, histogram) of no segments."""
    return np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros((n_nodes, 0), np.int32)


def packed(block: SpikeRaster) -> NDArray[np.uint64]:
    """Return the words (node, trial·word) of a block; counts become active or silent bins."""
    if block.kind == "spikes":
        return np.asarray(block.data[0 : block.n_nodes]).reshape(block.n_nodes, -1)
    from stochnet.raster.packing import pack

    return pack(block.data[0 : block.n_nodes]).reshape(block.n_nodes, -1)


def transitions(
    block: SpikeRaster, segments: Segments, n_conditions: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return transitions (node, condition, before, after) and starts (node, condition, active)."""
    moves = np.zeros((block.n_nodes, n_conditions, 2, 2), np.int64)
    starts = np.zeros((block.n_nodes, n_conditions, 2), np.int64)
    words = packed(block)
    n_words = words.shape[1] // block.n_trials
    plan = (
        segments.word_pieces, segments.piece_mask, segments.piece_segment, segments.condition,
    )  # fmt: skip
    run_blocks(
        lambda a, b: kernels.transitions(words[a:b], n_words, *plan, moves[a:b], starts[a:b]),
        block.n_nodes,
    )
    return moves, starts


def ages(
    block: SpikeRaster, conditions: NDArray[np.int16] | None, n_conditions: int
) -> NDArray[np.int32]:
    """Return bins by the time since the last spike: (node, condition, after spike, age, active).

    See `Summary.ages`; `conditions` (trial, bin) or None to pool.
    """
    words = packed(block)
    n_words = words.shape[1] // block.n_trials
    longest = min(LONGEST_AGE, block.n_bins)
    out = np.zeros((block.n_nodes, n_conditions, 2, longest, 2), np.int32)
    if conditions is None:
        run_blocks(
            lambda a, b: age_kernels.pooled_ages(words[a:b], n_words, block.n_bins, out[a:b, 0]),
            block.n_nodes,
        )
    else:
        run_blocks(
            lambda a, b: age_kernels.ages(words[a:b], n_words, conditions, out[a:b]),
            block.n_nodes,
        )
    return out


def slot_rows(
    n_trials: int, n_bins: int, window: int, conditions: NDArray[np.int16] | None
) -> NDArray[np.int32]:
    """Return condition · `SLOTS` + slot of every bin (trial, bin), -1 without a condition."""
    labels = np.zeros((n_trials, 1), np.int16) if conditions is None else conditions
    # One segment for a slot of a condition, in all trials; there can be more than 16 bits count.
    rows = labels.astype(np.int32) * SLOTS + slot_of_bin(n_bins, window).astype(np.int32)
    return np.where(labels < 0, np.int32(-1), rows)


def slot_bins(rows: NDArray[np.int32], n_conditions: int) -> NDArray[np.int64]:
    """Return the bins of every slot (condition, slot) from `slot_rows`."""
    bins = np.bincount(rows[rows >= 0], minlength=n_conditions * SLOTS)
    return bins.reshape(n_conditions, SLOTS).astype(np.int64)


def slot_spikes(
    block: SpikeRaster, window: int, conditions: NDArray[np.int16] | None, n_conditions: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return spikes (node, condition, slot) and bins (condition, slot) by place in the window."""
    rows = slot_rows(block.n_trials, block.n_bins, window, conditions)
    bins = slot_bins(rows, n_conditions)
    spikes = np.empty((block.n_nodes, n_conditions * SLOTS), np.int64)
    data = block.data[0 : block.n_nodes]
    if block.kind == "counts":
        run_blocks(lambda a, b: kernels.segment_counts(data[a:b], rows, spikes[a:b]), block.n_nodes)
    else:
        words, pieces = data.reshape(block.n_nodes, -1), cut_words(rows)
        run_blocks(
            lambda a, b: kernels.segment_spikes(words[a:b], *pieces, spikes[a:b]), block.n_nodes
        )
    return spikes.reshape(block.n_nodes, n_conditions, SLOTS), bins


def gap_histogram(
    raster: SpikeRaster, longest: int = LONGEST_GAP
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the gaps of nodes: histogram (node, gap), and (number, sum, sum of squares).

    The last entry of the histogram holds all gaps of at least `longest` bins; the sums are exact.
    """
    block = raster.load()
    histogram = np.zeros((block.n_nodes, min(longest, block.n_bins) + 1), np.int32)
    moments = np.zeros((block.n_nodes, 3), np.int64)
    data = block.data[0 : block.n_nodes]

    def run(a: int, b: int) -> None:
        if block.kind == "counts":
            kernels.count_gaps(data[a:b], histogram[a:b], moments[a:b])
        else:
            words = data[a:b].reshape(b - a, -1)
            n_words = words.shape[1] // block.n_trials
            kernels.gaps(words, n_words, histogram[a:b], moments[a:b])

    run_blocks(run, block.n_nodes)
    return histogram, moments
