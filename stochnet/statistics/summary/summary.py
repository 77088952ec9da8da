"""Sufficient statistics of a block of nodes: all that an estimator may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import Segments, check_window
from stochnet.statistics.summary import parts as sufficient
from stochnet.statistics.summary.parts import LONGEST_GAP

Array = NDArray[np.float64]
# What can be asked for beyond totals.
PARTS = ("windows", "transitions", "gaps", "ages", "slots", "counts")
# What the processes of the library need together; a test of conformance holds it to that.
DEFAULT_PARTS = frozenset(PARTS) - {"gaps"}


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
    ages : ndarray of int32 (node, after spike, age, active)
        Bins, silent (0) or active (1), by their age: ``ages[i, 1, a]`` are those a + 1 bins after
        the last spike of the trial, ``ages[i, 0, a]`` those before any spike, the (a + 1)-th of
        their trial. The last age holds all later ones. With ``"ages"``.
    slot_spikes, slot_bins : ndarray of int64 (node, slot), (slot,)
        Spikes and bins by position in the window, in `stochnet.raster.windows.SLOTS` slots. With
        ``"slots"``.
    counts : ndarray of int64 (node, count)
        Bins that hold 0, 1, 2, … spikes, up to the largest count of the block. With ``"counts"``.
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
    ages: NDArray[np.int32]
    slot_spikes: NDArray[np.int64]
    slot_bins: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def n_nodes(self) -> int:
        """Nodes in the block."""
        return len(self.spikes)

    def take(self, nodes: NDArray[np.int64]) -> Summary:
        """Return the summary of some nodes, by position."""
        shared = {"n_bins", "n_segments", "lengths", "offsets", "slot_bins"}
        return Summary(**{
            one.name: value if one.name in shared else value[nodes]
            for one in fields(self)
            for value in [getattr(self, one.name)]
        })  # fmt: skip

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
    parts: Iterable[str] = PARTS,
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
        What to compute beyond totals: ``"windows"``, ``"transitions"``, ``"gaps"``, ``"ages"``,
        ``"slots"``, ``"counts"``.
    segments : Segments, optional
        As cut before, to save cutting them for every block.

    Raises
    ------
    InvalidInputError
        No conditions although they were asked for; a window longer than the trial.
    """
    wanted = set(parts)
    segments = segments or sufficient.raster_segments(raster, window, per_condition)
    block = raster.load()
    n_nodes, n_conditions = block.n_nodes, raster.n_conditions if per_condition else 1
    conditions = block.conditions if per_condition else None
    totals = None
    if "windows" not in wanted and n_conditions == 1:
        totals = sufficient.total_spikes(block, segments)
    sums = np.empty((n_nodes, 0), np.int32)
    if totals is None:
        sums = sufficient.segment_sums(block, segments)
    active, factorials = sufficient.count_totals(block, segments, n_conditions)
    bins = np.bincount(segments.condition, segments.length, minlength=n_conditions)
    moves = np.zeros((n_nodes, n_conditions, 2, 2), np.int64)
    starts = np.zeros((n_nodes, n_conditions, 2), np.int64)
    gaps = np.zeros((n_nodes, 0), np.int32)
    ages = np.zeros((n_nodes, n_conditions, 2, 0, 2), np.int32)
    slot_spikes = np.zeros((n_nodes, n_conditions, 0), np.int64)
    slot_bins = np.zeros((n_conditions, 0), np.int64)
    counts = np.zeros((n_nodes, n_conditions, 0), np.int64)
    if "counts" in wanted and block.kind == "counts":
        counts = sufficient.count_histogram(block, segments, n_conditions)
    if "transitions" in wanted:
        moves, starts = sufficient.transitions(block, segments, n_conditions)
    if "gaps" in wanted:
        gaps, _ = sufficient.gap_histogram(block, longest_gap)
    if "ages" in wanted:
        ages = sufficient.ages(block, conditions, n_conditions)
    if "slots" in wanted:
        width = check_window(window, block.n_bins)
        slot_spikes, slot_bins = sufficient.slot_spikes(block, width, conditions, n_conditions)
    result = []
    for c in range(n_conditions):
        mine = np.flatnonzero(segments.condition == c)
        own = sums if totals is not None else sums[:, mine]
        spikes = totals if totals is not None else own.sum(axis=1, dtype=np.int64)
        table = sufficient.no_histogram(n_nodes)
        if "windows" in wanted:
            table = sufficient.window_histogram(block, own, segments.length[mine])
        row = np.ascontiguousarray(counts[:, c])
        if "counts" in wanted and block.kind == "spikes":
            row = np.stack([bins[c] - spikes, spikes], axis=1).astype(np.int64)
        result.append(
            Summary(
                n_bins=int(bins[c]),
                spikes=spikes,
                active=active[:, c].copy() if block.kind == "counts" else spikes,
                log_factorials=factorials[:, c].copy(),
                n_segments=len(mine),
                lengths=table[0],
                offsets=table[1],
                histogram=table[2],
                transitions=moves[:, c],
                starts=starts[:, c],
                gaps=gaps,
                ages=ages[:, c],
                slot_spikes=slot_spikes[:, c],
                slot_bins=slot_bins[c],
                counts=row,
            )
        )
    return tuple(result)
