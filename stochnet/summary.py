"""Sufficient statistics of a block of nodes: all that an estimator may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.errors import InvalidInputError
from stochnet.flags import Flag
from stochnet.kernels import summary as kernels
from stochnet.raster import SpikeRaster
from stochnet.segments import Segments, cut_segments
from stochnet.threads import run_blocks

Array = NDArray[np.float64]
LONGEST_GAP = 1024


@dataclass(frozen=True, slots=True)
class Summary:
    """What was observed of each node, in all bins or in those of one condition.

    Attributes
    ----------
    n_bins : int
        Bins observed per node.
    spikes, active : ndarray of int64 (node,)
        Spikes, and bins with at least one.
    log_factorials : ndarray of float64 (node,)
        Sum over bins of log(count!); 0 for packed spikes.
    n_segments : int
        Segments (windows) per node.
    lengths, offsets : ndarray of int64 (group,), (group + 1,)
        Segments are grouped by their length in bins; group g has entries offsets[g] to
        offsets[g + 1] of the histogram, for 0, 1, 2, … spikes.
    histogram : ndarray of int32 (node, entry)
        Segments with that number of spikes. Empty unless ``"windows"`` were asked for.
    transitions : ndarray of int64 (node, before, after)
        Pairs of consecutive bins of a trial: silent (0) or active (1). With ``"transitions"``.
    starts : ndarray of int64 (node, active)
        First bins of trials. With ``"transitions"``.
    gaps : ndarray of int32 (node, gap)
        Gaps between spikes in bins, the last entry for all longer ones. With ``"gaps"``, pooled.
    """

    n_bins: int
    spikes: NDArray[np.int64]
    active: NDArray[np.int64]
    log_factorials: Array
    n_segments: int
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]
    histogram: NDArray[np.int32]
    transitions: NDArray[np.int64]
    starts: NDArray[np.int64]
    gaps: NDArray[np.int32]

    @property
    def n_nodes(self) -> int:
        """Nodes in the block."""
        return len(self.spikes)

    def no_flags(self) -> NDArray[np.uint8]:
        """Return flags that mark dead and saturated nodes only."""
        flags = np.zeros(self.n_nodes, np.uint8)
        flags[self.spikes == 0] = Flag.DEAD.value
        flags[(self.active == self.n_bins) & (self.spikes == self.active)] = Flag.SATURATED.value
        return flags

    def window_fano(self) -> tuple[float, Array]:
        """Return (length, Fano factor with ddof=1) of the most frequent segment length.

        1 where it is undefined.
        """
        fano = np.ones(self.n_nodes)
        if not len(self.lengths):
            return 1.0, fano
        sizes = [int(self.histogram[:1, a:b].sum()) for a, b in self._ranges()]
        best = int(np.argmax(sizes))
        first, last = self._ranges()[best]
        counts = self.histogram[:, first:last].astype(np.float64)
        k = np.arange(last - first)
        n, total, squares = counts.sum(axis=1), counts @ k, counts @ k**2
        good = (total > 0) & (n > 1)
        fano[good] = (n * squares - total**2)[good] / ((n - 1) * total)[good]
        return float(self.lengths[best]), fano

    def _ranges(self) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]


def summarize(
    raster: SpikeRaster,
    *,
    window: int | None = None,
    per_condition: bool = False,
    parts: Iterable[str] = ("windows", "transitions", "gaps"),
    segments: Segments | None = None,
    longest_gap: int = LONGEST_GAP,
) -> tuple[Summary, ...]:
    """Summarise a block of nodes: one `Summary`, or one per condition.

    Parameters
    ----------
    raster : SpikeRaster
        Read whole into memory; pass blocks of large rasters (`SpikeRaster.blocks`).
    window : int, optional
        Bins per window; the whole trial by default.
    per_condition : bool, default False
        One summary for each condition from 0 to the highest.
    parts : iterable of str
        What to compute beyond totals: ``"windows"``, ``"transitions"``, ``"gaps"``.
    segments : Segments, optional
        As cut before, to save cutting them for every block.

    Raises
    ------
    InvalidInputError
        No conditions although they were asked for; a window longer than the trial.
    """
    wanted = set(parts)
    segments = segments or raster_segments(raster, window, per_condition)
    block = raster.load()
    n_conditions = raster.n_conditions if per_condition else 1
    data = block.data[0 : block.n_nodes]
    sums = _segment_sums(block, data, segments)
    totals = _count_totals(block, data, segments, n_conditions)
    bins = np.bincount(segments.condition, segments.length, minlength=n_conditions)
    moves, starts = _transitions(block, segments, n_conditions, "transitions" in wanted)
    gaps = np.zeros((block.n_nodes, 0), np.int32)
    if "gaps" in wanted:
        gaps, _ = gap_histogram(block, longest_gap)
    result = []
    for c in range(n_conditions):
        mine = np.flatnonzero(segments.condition == c)
        own = sums[:, mine]
        spikes = own.sum(axis=1, dtype=np.int64)
        active, factorials = spikes, np.zeros(block.n_nodes)
        if block.kind == "counts":
            active, factorials = totals[0][:, c].copy(), totals[1][:, c].copy()
        lengths, offsets, histogram = _histogram(block, own, segments.length[mine], wanted)
        result.append(
            Summary(
                int(bins[c]),
                spikes,
                active,
                factorials,
                len(mine),
                lengths,
                offsets,
                histogram,
                moves[:, c],
                starts[:, c],
                gaps,
            )
        )
    return tuple(result)


def raster_segments(raster: SpikeRaster, window: int | None, per_condition: bool) -> Segments:
    """Cut the trials of a raster into segments.

    Raises
    ------
    InvalidInputError
        No conditions although they were asked for; a window longer than the trial.
    """
    if per_condition and raster.n_conditions == 0:
        raise InvalidInputError(
            "this raster has no conditions (class labels), so nothing can be fitted per condition"
        )
    conditions = raster.conditions if per_condition else None
    return cut_segments(raster.n_trials, raster.n_bins, window, conditions)


def _segment_sums(block: SpikeRaster, data: NDArray[Any], segments: Segments) -> NDArray[np.int32]:
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


def _count_totals(
    block: SpikeRaster, data: NDArray[Any], segments: Segments, n_conditions: int
) -> tuple[NDArray[np.int64], Array]:
    """Return active bins and log factorials (node, condition) of counts."""
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


def _histogram(
    block: SpikeRaster, sums: NDArray[np.int32], length: NDArray[np.int64], wanted: set[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    if "windows" not in wanted or not len(length):
        return np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros((len(sums), 0), np.int32)
    lengths, group = np.unique(length, return_inverse=True)
    most = int(sums.max(initial=0))
    sizes = np.maximum(lengths, most if block.kind == "counts" else 0) + 1
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    histogram = np.zeros((len(sums), int(offsets[-1])), np.int32)
    sums = np.ascontiguousarray(sums)
    at = offsets[group]
    run_blocks(lambda a, b: kernels.histograms(sums[a:b], at, histogram[a:b]), len(sums))
    return lengths.astype(np.int64), offsets, histogram


def packed(block: SpikeRaster) -> NDArray[np.uint64]:
    """Return the words (node, trial·word) of a block; counts become active or silent bins."""
    if block.kind == "spikes":
        return np.asarray(block.data[0 : block.n_nodes]).reshape(block.n_nodes, -1)
    from stochnet.packing import pack

    return pack(block.data[0 : block.n_nodes]).reshape(block.n_nodes, -1)


def _transitions(
    block: SpikeRaster, segments: Segments, n_conditions: int, wanted: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    moves = np.zeros((block.n_nodes, n_conditions, 2, 2), np.int64)
    starts = np.zeros((block.n_nodes, n_conditions, 2), np.int64)
    if wanted:
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
