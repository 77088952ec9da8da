"""The parts of a `Summary` as rows of integers, one row a node, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.windows import SLOTS
from stochnet.statistics.summary.parts import LONGEST_AGE, LONGEST_GAP
from stochnet.statistics.summary.reading import Request
from stochnet.statistics.summary.sparse import Rows
from stochnet.statistics.summary.summary import Summary

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class RowLayout:
    """Which column of a row means what.

    Attributes
    ----------
    n_bins : int
        Bins per trial.
    lengths : tuple of ndarray of int64 (group,)
        For each condition, the lengths of its segments, ascending.
    most_in_window : tuple of int
        For each condition, the most spikes of a segment of counts; 0 for packed spikes, whose
        segments hold no more than their bins.
    most_in_bin : int
        The most spikes of a bin of counts; 1 for packed spikes.
    """

    n_bins: int
    lengths: tuple[NDArray[np.int64], ...]
    most_in_window: tuple[int, ...]
    most_in_bin: int

    @property
    def n_conditions(self) -> int:
        """Conditions that are told apart; 1 when pooled."""
        return len(self.lengths)

    @property
    def most(self) -> tuple[int, ...]:
        """What may differ between blocks of one raster: the most spikes of windows and bins."""
        return *self.most_in_window, self.most_in_bin

    @property
    def longest_age(self) -> int:
        """Ages that are told apart."""
        return min(LONGEST_AGE, self.n_bins)

    def offsets(self, condition: int) -> NDArray[np.int64]:
        """Return where the segments of each length begin: (group + 1,)."""
        sizes = np.maximum(self.lengths[condition], self.most_in_window[condition]) + 1
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def width(self, part: str) -> int:
        """Return the number of columns of a part."""
        n = self.n_conditions
        widths = {
            "windows": sum(int(self.offsets(c)[-1]) for c in range(n)),
            "transitions": 6 * n,
            "gaps": min(LONGEST_GAP, self.n_bins) + 1,
            "ages": 4 * self.longest_age * n,
            "slots": SLOTS * n,
            "counts": (self.most_in_bin + 1) * n,
        }
        return widths[part]

    def columns_in(self, other: RowLayout, part: str) -> NDArray[np.int64]:
        """Return where each column of a part stands in a wider layout: (column,)."""
        n = self.n_conditions
        if part == "counts":
            own, wide = self.most_in_bin + 1, other.most_in_bin + 1
            return (np.arange(n)[:, None] * wide + np.arange(own)).reshape(-1)
        if part != "windows":
            return np.arange(self.width(part))
        found, base = [], 0
        for c in range(n):
            sizes = np.diff(self.offsets(c))
            starts = other.offsets(c)
            found += [base + a + np.arange(k) for a, k in zip(starts[:-1], sizes, strict=True)]
            base += int(starts[-1])
        return np.concatenate([np.zeros(0, np.int64), *found])


def block_layout(summaries: tuple[Summary, ...], n_bins: int, counts: bool) -> RowLayout:
    """Return the layout of a block of nodes."""
    # The shortest segments have room for their own length, or for the most spikes of any.
    most = tuple(int(one.offsets[:2][-1]) - 1 if counts else 0 for one in summaries)
    widest = summaries[0].counts.shape[1] - 1 if counts else 1
    return RowLayout(
        n_bins, tuple(one.lengths for one in summaries), tuple(max(n, 0) for n in most),
        max(widest, 0),
    )  # fmt: skip


def to_rows(summaries: tuple[Summary, ...], part: str) -> Rows:
    """Return a part of what was observed of a block of nodes: (node, column)."""
    n = summaries[0].n_nodes
    if part == "windows":
        return np.concatenate([one.histogram for one in summaries], axis=1).astype(np.int64)
    if part == "transitions":
        pairs = [(one.transitions.reshape(n, 4), one.starts) for one in summaries]
        return np.concatenate([array for pair in pairs for array in pair], axis=1)
    if part == "gaps":
        return summaries[0].gaps.astype(np.int64)
    if part == "ages":
        return coded_ages(np.stack([one.ages for one in summaries], axis=1)).reshape(n, -1)
    field = {"slots": "slot_spikes", "counts": "counts"}[part]
    return np.concatenate([getattr(one, field) for one in summaries], axis=1)


def coded_ages(ages: NDArray[np.int32]) -> Rows:
    """Return ages (…, age, active) with the silent bins as differences, which are mostly zero.

    The silent bins of an age less all bins of the next one: pooled, the runs of silence of that
    length that a trial's end cut short. The last age is as it was.
    """
    out = ages.astype(np.int64)
    out[..., :-2, 0] -= ages[..., 1:-1, 0] + ages[..., 1:-1, 1]
    out[..., -2:-1, 0] -= ages[..., -1:, 1]
    return out


def decoded_ages(coded: Rows) -> NDArray[np.int32]:
    """Undo `coded_ages`."""
    out = coded.astype(np.int32)
    steps = coded[..., :-1, 0] + coded[..., 1:, 1]
    out[..., :-1, 0] = np.cumsum(steps[..., ::-1], axis=-1)[..., ::-1]
    return out


def from_rows(
    rows: Mapping[str, Rows],
    totals: tuple[NDArray[np.int64], NDArray[np.int64], Array],
    layout: RowLayout,
    request: Request,
    slot_bins: NDArray[np.int64],
) -> tuple[Summary, ...]:
    """Return what was observed of a block of nodes, as `summarize` does.

    Parameters
    ----------
    rows : mapping of part to ndarray of int64 (node, column)
        The parts that were asked for.
    totals : tuple of ndarray (node, condition)
        Spikes, active bins, log factorials.
    layout : RowLayout
    request : Request
    slot_bins : ndarray of int64 (condition, slot)
        Bins by position in the window.
    """
    spikes, active, factorials = totals
    n_nodes, n = len(spikes), layout.n_conditions
    moves = rows.get("transitions", np.zeros((n_nodes, 6 * n), np.int64)).reshape(n_nodes, n, 6)
    ages = np.zeros((n_nodes, n, 2, 0, 2), np.int32)
    if "ages" in rows:
        ages = decoded_ages(rows["ages"].reshape(n_nodes, n, 2, layout.longest_age, 2))
    slots = rows.get("slots", np.zeros((n_nodes, 0), np.int64)).reshape(n_nodes, n, -1)
    counts = rows.get("counts", np.zeros((n_nodes, 0), np.int64)).reshape(n_nodes, n, -1)
    gaps = rows.get("gaps", np.zeros((n_nodes, 0), np.int64)).astype(np.int32)
    bins = np.bincount(request.segments.condition, request.segments.length, minlength=n)
    result, first = [], 0
    for c in range(n):
        lengths, offsets = np.zeros(0, np.int64), np.zeros(1, np.int64)
        if "windows" in rows:
            lengths, offsets = layout.lengths[c], layout.offsets(c)
        last = first + int(offsets[-1])
        histogram = rows.get("windows", np.zeros((n_nodes, 0), np.int64))[:, first:last]
        first = last
        n_active = np.ascontiguousarray(active[:, c])
        row = counts[:, c]
        if "counts" in request.parts and "counts" not in rows:
            row = np.stack([bins[c] - n_active, n_active], axis=1).astype(np.int64)
        result.append(
            Summary(
                n_bins=int(bins[c]),
                spikes=np.ascontiguousarray(spikes[:, c]),
                active=n_active,
                log_factorials=np.ascontiguousarray(factorials[:, c]),
                n_segments=int(np.count_nonzero(request.segments.condition == c)),
                lengths=lengths,
                offsets=offsets,
                histogram=np.ascontiguousarray(histogram, np.int32),
                transitions=moves[:, c, :4].reshape(n_nodes, 2, 2),
                starts=np.ascontiguousarray(moves[:, c, 4:]),
                gaps=gaps,
                ages=ages[:, c],
                slot_spikes=np.ascontiguousarray(slots[:, c]),
                slot_bins=slot_bins[c],
                counts=np.ascontiguousarray(row),
            )
        )
    return tuple(result)
