"""Counts: bins that hold 0, 1, 2, … spikes, up to the largest count of the block."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.summary.summary_part import Field, Fields, Index, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock


def compute(block: NodeBlock) -> list[Fields]:
    """Count bins by condition and count."""
    data, segments, n = block.data, block.trials.segments, block.trials.n_conditions
    out = np.zeros((block.n_nodes, n, int(data.max()) + 1), np.int64)
    # Segment -1 is that of bins without a condition.
    condition = np.append(segments.condition, -1).astype(np.int16)[segments.of_bin]
    run_blocks(lambda a, b: kernels.count_histogram(data[a:b], condition, out[a:b]), block.n_nodes)
    return [{"counts": np.ascontiguousarray(out[:, c])} for c in range(n)]


def columns(own: RowLayout, wide: RowLayout) -> Index:
    """Return the places of the columns: the counts of each condition begin elsewhere."""
    first = np.arange(own.n_conditions)[:, None] * (wide.most_in_bin + 1)
    return np.asarray(first + np.arange(own.most_in_bin + 1)).reshape(-1)


def of_totals(n_bins: int, active: Index) -> Fields:
    """Return the silent and the active bins of packed spikes."""
    return {"counts": np.stack([n_bins - active, active], axis=1).astype(np.int64)}


PART = Part(
    "counts",
    (Field("counts", np.int64, (0,), lambda layout, c: (layout.most_in_bin + 1,)),),
    compute,
    of_totals=of_totals,
    columns=columns,
    by_default=True,
)
