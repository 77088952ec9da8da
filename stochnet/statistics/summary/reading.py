"""Read the sufficient statistics of all nodes of a raster, a block of nodes at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.parts import check_parts
from stochnet.statistics.summary.summary import Summary, by_condition, computed
from stochnet.statistics.summary.summary_part import RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials


class Reader(Protocol):
    """Reads what was asked for of some nodes, of a raster or of its summary."""

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition."""


class RasterReader:
    """Summarises blocks of nodes of a raster.

    Parameters
    ----------
    raster : SpikeRaster
    trials : Trials
        Its window, and whether one `Summary` a condition is wanted.
    parts : iterable of str
        Beyond totals.
    """

    def __init__(self, raster: SpikeRaster, trials: Trials, parts: Iterable[str]) -> None:
        self._raster, self._trials, self._parts = raster, trials, check_parts(parts)

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        raster, segments, n = self._raster, self._trials.segments, self._trials.n_conditions
        lengths = tuple(np.unique(segments.length[segments.condition == c]) for c in range(n))
        most = 1 if raster.kind == "spikes" else int(np.iinfo(raster.data.dtype).max)
        layout = RowLayout(raster.n_bins, lengths, (0,) * n, most)
        size = 64 + 4 * segments.n_segments
        size += sum(8 * part.width(layout) + part.extra_bytes for part in self._parts)
        # A block of a raster in memory is a view.
        size += 0 if isinstance(raster.data, np.ndarray) else raster.node_bytes
        return nodes_that_fit(size)

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition."""
        block = NodeBlock(self._raster.block(slice(first, last)), self._trials)
        return by_condition(self._trials, block.totals, *computed(block, self._parts))

    def blocks(self) -> Iterator[NodeBlock]:
        """Yield blocks of nodes, one after another."""
        for first, last in cut_nodes(self._raster.n_nodes, self.step):
            yield NodeBlock(self._raster.block(slice(first, last)), self._trials)
