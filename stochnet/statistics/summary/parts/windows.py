"""Windows: how many segments of each length hold 0, 1, 2, … spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import stream as stream_kernels
from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.counting import Words
from stochnet.statistics.summary.part import Field, Fields, Index, Part, RowLayout
from stochnet.statistics.summary.sparse import Rows
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import PartStream, Step, WordRun


def compute(block: NodeBlock) -> list[Fields]:
    """Count the segments of each condition."""
    counts = block.kind == "counts"
    return [_histogram(sums, length, counts) for sums, length in block.segment_sums]


def _histogram(sums: NDArray[np.int32], length: Index, counts: bool) -> Fields:
    lengths, group = np.unique(length, return_inverse=True)
    most = int(sums.max(initial=0)) if counts else 0
    offsets = np.concatenate([[0], np.cumsum(np.maximum(lengths, most) + 1)]).astype(np.int64)
    histogram = np.zeros((len(sums), int(offsets[-1])), np.int32)
    at = offsets[group]
    run_blocks(lambda a, b: kernels.histograms(sums[a:b], at, histogram[a:b]), len(sums))
    return {"lengths": lengths, "offsets": offsets, "histogram": histogram}


def shared(trials: Trials, layout: RowLayout) -> list[Fields]:
    """Return lengths and offsets."""
    conditions = range(layout.n_conditions)
    return [{"lengths": layout.lengths[c], "offsets": layout.offsets(c)} for c in conditions]


def columns(own: RowLayout, wide: RowLayout, condition: int) -> Index:
    """Return the places of the columns: each group of lengths begins elsewhere."""
    sizes, starts = np.diff(own.offsets(condition)), wide.offsets(condition)[:-1]
    places = [start + np.arange(size) for start, size in zip(starts, sizes, strict=True)]
    return np.concatenate([np.zeros(0, np.int64), *places])


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> PartStream:
    """Carry the spikes of open windows, by condition."""
    offsets = [layout.offsets(c) for c in range(layout.n_conditions)]
    bases = np.concatenate([[0], np.cumsum([one[-1] for one in offsets])])
    partial = np.zeros((n_nodes, layout.n_conditions), np.int32)

    def plan(run: WordRun) -> Step:
        pieces, conditions = run.pieces, run.conditions
        # The column of each segment without spikes.
        empty = np.zeros(len(run.windows.length), np.int64)
        for c, lengths in enumerate(layout.lengths):
            mine = np.flatnonzero(run.windows.condition == c)
            group = np.searchsorted(lengths, run.windows.length[mine])
            empty[mine] = bases[c] + offsets[c][group]
        ends = run.windows.last_bin[pieces.owner] // 64 == run.first_word + pieces.words
        entries = np.where(ends, empty[pieces.owner], -1)

        def step(words: Words, nodes: slice, rows: Rows) -> None:
            stream_kernels.add_windows(
                words, pieces.words, pieces.masks, conditions, entries, partial[nodes], rows
            )

        return step

    return PartStream(plan, (partial,))


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
