"""SummarySink: summarises a raster while it is made, so that its spikes are kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import check_window
from stochnet.statistics.summary.parts import raster_segments
from stochnet.statistics.summary.reading import RasterReader, Request, in_blocks
from stochnet.statistics.summary.rows import RowLayout, block_layout, to_rows
from stochnet.statistics.summary.sparse import SparseRows, joined_rows, sparse_rows
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.summary import DEFAULT_PARTS, PARTS, Summary

Totals = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


class SummarySink:
    """Takes the blocks of a new raster and keeps their sufficient statistics only.

    Give it to `stochnet.simulate` as ``sink``; `summary` is there afterwards.

    Parameters
    ----------
    window : int, optional
        Bins per window; the whole trial by default. A fit can use this window only.
    per_condition : bool, default False
        Tell the conditions apart, for parameters per condition.
    parts : iterable of str, optional
        What to keep beyond totals, of ``"windows"``, ``"transitions"``, ``"gaps"``, ``"ages"``,
        ``"slots"``, ``"counts"``; by default what all processes need.

    Raises
    ------
    InvalidInputError
        An unknown part.

    Examples
    --------
    >>> import stochnet as sn
    >>> bundle = sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.4]})
    >>> sink = sn.SummarySink(window=100)
    >>> _ = sn.simulate(bundle, 10, 1000, seed=1, sink=sink)
    >>> sn.fit(sink.summary, "beta_bernoulli", window=100).node_ids
    array([0, 1])
    """

    def __init__(
        self,
        *,
        window: int | None = None,
        per_condition: bool = False,
        parts: Iterable[str] | None = None,
    ) -> None:
        self._window, self._per_condition = window, per_condition
        self._parts = check_parts(parts)
        self._raster: SpikeRaster | None = None
        self._forget()

    def _forget(self) -> None:
        self._totals: list[Totals] = []
        self._layouts: list[RowLayout] = []
        self._tables: dict[str, list[SparseRows]] = {}
        self._n_nodes = 0

    def begin(self, raster: SpikeRaster) -> None:
        """Begin; what was taken before is forgotten.

        Raises
        ------
        InvalidInputError
            A window longer than the trial, no conditions though asked for.
        """
        check_window(self._window, raster.n_bins)
        segments = raster_segments(raster, self._window, self._per_condition)
        self._raster = raster
        self._request = Request(self._window, self._per_condition, self._parts, segments)
        self._forget()

    def take(self, first_node: int, block: SpikeRaster) -> None:
        """Take a block of whole nodes; blocks come in order.

        Raises
        ------
        InvalidInputError
            Another node comes next.
        """
        if first_node != self._n_nodes:
            raise InvalidInputError(f"node {self._n_nodes} comes next, not {first_node}")
        self.read(block)

    def read(self, raster: SpikeRaster) -> None:
        """Take the next nodes, read from a raster block by block."""
        counts = raster.kind == "counts"
        for _, _, summaries in in_blocks(RasterReader(raster, self._request), raster.n_nodes):
            self._totals.append(_totals(summaries))
            self._layouts.append(block_layout(summaries, raster.n_bins, counts))
            for part in PARTS:
                # What bins of packed spikes hold is known from the totals.
                if part in self._parts and (part != "counts" or counts):
                    rows = sparse_rows(to_rows(summaries, part))
                    self._tables.setdefault(part, []).append(rows)
        self._n_nodes += raster.n_nodes

    @property
    def summary(self) -> RasterSummary:
        """The summary of the whole raster.

        Raises
        ------
        InvalidInputError
            Nodes are missing.
        """
        raster = self._raster
        if raster is None or self._n_nodes != raster.n_nodes:
            raise InvalidInputError(
                "this sink has not taken a whole raster: give it to simulate(..., sink=) first"
            )
        layout = _widest(self._layouts)
        counts = raster.kind == "counts"
        spikes = np.concatenate([one[0] for one in self._totals])
        active, factorials = spikes, np.broadcast_to(np.float64(0), spikes.shape)
        if counts:
            active, factorials = (np.concatenate([one[k] for one in self._totals]) for k in (1, 2))
        return RasterSummary(
            raster.kind,
            raster.layers,
            raster.n_trials,
            raster.n_bins,
            self._window,
            self._per_condition,
            spikes,
            active,
            factorials,
            {part: self._joined(part, layout) for part in self._tables},
            layout.most_in_window,
            layout.most_in_bin,
            raster.conditions,
            raster.bin_width,
            raster.schedule,
            dict(raster.provenance),
        )

    def _joined(self, part: str, layout: RowLayout) -> SparseRows:
        width = layout.width(part)
        return joined_rows([
            table if own.most == layout.most else table.moved(own.columns_in(layout, part), width)
            for own, table in zip(self._layouts, self._tables[part], strict=True)
        ])  # fmt: skip


def check_parts(parts: Iterable[str] | None) -> frozenset[str]:
    """Return the parts to keep; those that any process needs for None.

    Raises
    ------
    InvalidInputError
        An unknown part.
    """
    if parts is None:
        return DEFAULT_PARTS
    given = frozenset([parts] if isinstance(parts, str) else parts)
    if given - set(PARTS):
        raise InvalidInputError(
            f"parts are {', '.join(PARTS)}; got {', '.join(sorted(given - set(PARTS)))}"
        )
    return given


def _totals(summaries: tuple[Summary, ...]) -> Totals:
    """Return spikes, active bins and log factorials of a block: (node, condition)."""
    spikes, active, factorials = (
        np.stack([getattr(one, name) for one in summaries], axis=1)
        for name in ("spikes", "active", "log_factorials")
    )
    return spikes, active, factorials


def _widest(layouts: list[RowLayout]) -> RowLayout:
    """Return the layout that has room for the columns of all blocks."""
    return replace(
        layouts[0],
        most_in_window=tuple(np.max([one.most_in_window for one in layouts], axis=0).tolist()),
        most_in_bin=max(one.most_in_bin for one in layouts),
    )
