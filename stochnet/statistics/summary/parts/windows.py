"""Windows: how many segments of each length hold 0, 1, 2, … spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import stream as kernels
from stochnet.kernels.counting.summary import histograms
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.summary.summary_part import Field, Fields, Index, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Step, Stream, WordRun


def compute(block: NodeBlock) -> list[Fields]:
    """Count the segments of each condition."""
    counts = block.raster.kind == "counts"
    return [_histogram(sums, length, counts) for sums, length in block.segment_sums]


def _histogram(sums: NDArray[np.int32], length: Index, counts: bool) -> Fields:
    lengths, group = np.unique(length, return_inverse=True)
    most = int(sums.max(initial=0)) if counts else 0
    offsets = np.concatenate([[0], np.cumsum(np.maximum(lengths, most) + 1)]).astype(np.int64)
    histogram = np.zeros((len(sums), int(offsets[-1])), np.int32)
    at = offsets[group]
    run_blocks(lambda a, b: histograms(sums[a:b], at, histogram[a:b]), len(sums))
    return {"lengths": lengths, "offsets": offsets, "histogram": histogram}


def shared(trials: Trials, layout: RowLayout) -> list[Fields]:
    """Return lengths and offsets."""
    conditions = range(layout.n_conditions)
    return [{"lengths": layout.lengths[c], "offsets": layout.offsets(c)} for c in conditions]


def columns(own: RowLayout, wide: RowLayout) -> Index:
    """Return the places of the columns: each group of lengths begins elsewhere."""
    places, base = [np.zeros(0, np.int64)], 0
    for c in range(own.n_conditions):
        sizes, starts = np.diff(own.offsets(c)), wide.offsets(c)
        places += [base + a + np.arange(n) for a, n in zip(starts[:-1], sizes, strict=True)]
        base += int(starts[-1])
    return np.concatenate(places)


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
    """Carry the spikes of open windows, by condition."""
    offsets = [layout.offsets(c) for c in range(layout.n_conditions)]
    bases = np.concatenate([[0], np.cumsum([one[-1] for one in offsets])])
    partial = np.zeros((n_nodes, layout.n_conditions), np.int32)

    def step(run: WordRun) -> Step:
        pieces = run.pieces
        # The column of each segment without spikes.
        empty = np.zeros(len(run.windows.length), np.int64)
        for c, lengths in enumerate(layout.lengths):
            mine = np.flatnonzero(run.windows.condition == c)
            group = np.searchsorted(lengths, run.windows.length[mine])
            empty[mine] = bases[c] + offsets[c][group]
        ends = run.windows.last_bin[pieces.owner] // 64 == run.first_word + pieces.words
        entries = np.where(ends, empty[pieces.owner], -1)
        plan = (pieces.words, pieces.masks, run.conditions, entries)
        return lambda words, nodes, rows: kernels.add_windows(words, *plan, partial[nodes], rows)

    return step


PART = Part(
    "windows",
    (
        # Segments are grouped by their length in bins; group g has the entries offsets[g] to
        # offsets[g + 1] of the histogram, for 0, 1, 2, … spikes.
        Field("lengths", np.int64, (0,)),
        Field("offsets", np.int64, (1,)),
        Field("histogram", np.int32, (0,), lambda layout, c: (int(layout.offsets(c)[-1]),)),
    ),
    compute,
    stream,
    shared,
    columns=columns,
    windowed=True,
    by_default=True,
)
