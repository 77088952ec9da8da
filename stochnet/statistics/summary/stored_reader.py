"""Read what an estimator asks for, of a raster or of its summary: one way for both."""

from __future__ import annotations

import numpy as np

from stochnet.errors import InvalidInputError
from stochnet.raster.blocks import nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import check_window
from stochnet.statistics.summary.parts import slot_bins, slot_rows
from stochnet.statistics.summary.reading import RasterReader, Reader, Request
from stochnet.statistics.summary.rows import from_rows
from stochnet.statistics.summary.stored import RasterSummary, row_layout
from stochnet.statistics.summary.summary import Summary

# Parts that depend on the window.
WINDOWED = frozenset({"windows", "slots"})


class SummaryReader:
    """Unpacks blocks of nodes of a summary.

    Raises
    ------
    InvalidInputError
        A part is missing, or was made with another window or other conditions.
    """

    def __init__(self, summary: RasterSummary, request: Request) -> None:
        _require(summary, request)
        self._summary, self._request = summary, request
        self._layout = row_layout(summary)
        self._parts = [part for part in summary.tables if part in request.parts]
        self._bins = np.zeros((self._layout.n_conditions, 0), np.int64)
        if "slots" in self._parts:
            labels = summary.conditions if summary.per_condition else None
            width = check_window(summary.window, summary.n_bins)
            rows = slot_rows(summary.n_trials, summary.n_bins, width, labels)
            self._bins = slot_bins(rows, self._layout.n_conditions)

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        width = sum(self._layout.width(part) for part in self._parts)
        return nodes_that_fit(64 + 24 * width)

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition, as from the raster."""
        summary = self._summary
        rows = {part: summary.tables[part].dense(first, last) for part in self._parts}
        totals = (
            summary.spikes[first:last],
            summary.active[first:last],
            summary.log_factorials[first:last],
        )
        return from_rows(rows, totals, self._layout, self._request, self._bins)


def reader_of(source: SpikeRaster | RasterSummary, request: Request) -> Reader:
    """Return what reads a raster, or its summary.

    Raises
    ------
    InvalidInputError
        The summary does not hold what is asked for.
    """
    if isinstance(source, RasterSummary):
        return SummaryReader(source, request)
    return RasterReader(source, request)


def _require(summary: RasterSummary, request: Request) -> None:
    """Refuse what the spikes would be needed for."""
    missing = sorted(request.parts - summary.parts)
    if missing:
        options = " ".join(f"--part {part}" for part in missing)
        raise InvalidInputError(
            f"this summary lacks {' and '.join(missing)}, which the fit needs; it holds "
            f"{', '.join(sorted(summary.parts)) or 'totals only'}: make it from the raster again "
            f"with parts that include {missing} ({options}), or choose another process"
        )
    if request.per_condition != summary.per_condition:
        made, asked = ("per condition", "pooled") if summary.per_condition else (
            "pooled", "per condition")  # fmt: skip
        raise InvalidInputError(
            f"this summary is {made} and the fit is {asked}: fit with "
            f"per_condition={summary.per_condition}, or make the summary from the raster again "
            f"with per_condition={request.per_condition} (--per-condition)"
        )
    own, other = (window or summary.n_bins for window in (summary.window, request.window))
    if request.parts & WINDOWED and own != other:
        raise InvalidInputError(
            f"this summary has windows of {own} bins and the fit asks for {other}: fit with "
            f"window={own} (--window {own}), or make the summary from the raster again with "
            f"window={other}"
        )
