"""Statistics of nodes from the summary of a raster: totals, and the moments of its windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.raster.blocks import node_blocks
from stochnet.statistics.moments import histogram_moments
from stochnet.statistics.summary.parts.windows import PART
from stochnet.statistics.summary.stored import RasterSummary, row_layout

WINDOWS = PART.name


def node_total(summary: RasterSummary, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add totals (node, condition) of a summary up to those of all bins: (node,).

    Raises
    ------
    InvalidInputError
        The summary is per condition, and some bins have none.
    """
    if summary.per_condition and summary.conditions is not None and summary.conditions.min() < 0:
        raise InvalidInputError(
            "this summary is per condition and some bins have none, so it does not know all "
            "spikes: make it from the raster again with per_condition=False"
        )
    return np.asarray(values.sum(axis=1))


def fano_windows(summary: RasterSummary) -> tuple[int, ...]:
    """Return the window in bins whose Fano factor is known, or none."""
    width = summary.window or summary.n_bins
    known = WINDOWS in summary.tables and not summary.per_condition
    return (width,) if known and summary.n_trials * (summary.n_bins // width) > 1 else ()


def window_moments(
    summary: RasterSummary, window: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Return (windows per node, sum of counts, sum of their squares), as of the raster.

    Raises
    ------
    InvalidInputError
        Another window, or windows that were not kept or were cut by condition.
    """
    width = summary.window or summary.n_bins
    if window != width or summary.per_condition or WINDOWS not in summary.tables:
        kept = f"windows of {width} bins{', cut by condition' * summary.per_condition}"
        raise InvalidInputError(
            f"this summary has {kept if 'windows' in summary.tables else 'no windows'}, so it "
            f"does not know the Fano factor of windows of {window} bins: make it from the raster "
            f"again with window={window}, parts with 'windows', and not per condition"
        )
    # The longest segments are the full windows; a shorter last one is no window here.
    a, b = row_layout(summary).offsets(0)[-2:]
    table = summary.tables[WINDOWS]
    sums = np.empty((summary.n_nodes, 2), np.int64)
    for first, last in node_blocks(summary.n_nodes, 16 * table.width):
        moments = histogram_moments(table.dense(first, last)[:, a:b])
        sums[first:last] = np.stack(moments[1:], axis=1)
    return summary.n_trials * (summary.n_bins // window), sums[:, 0], sums[:, 1]
