"""Read the sufficient statistics of all nodes of a raster, a block of nodes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stochnet.raster.raster import BLOCK_BYTES, SpikeRaster
from stochnet.statistics.summary.part import RowLayout
from stochnet.statistics.summary.parts import check_parts
from stochnet.statistics.summary.summary import Summary, summarize_block
from stochnet.statistics.summary.trials import NodeBlock, Trials


@dataclass(frozen=True, slots=True)
class Request:
    """What an estimator asks for, of a raster or of its summary.

    Attributes
    ----------
    trials : Trials
        Its window, and whether one `Summary` a condition is wanted.
    parts : frozenset of str
        Beyond totals, of `stochnet.statistics.summary.parts.PARTS`.
    """

    trials: Trials
    parts: frozenset[str]


class Reader(Protocol):
    """Reads what was asked for of some nodes, of a raster or of its summary."""

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition."""


class RasterReader:
    """Summarises blocks of nodes of a raster."""

    def __init__(self, raster: SpikeRaster, request: Request) -> None:
        self._raster, self._trials = raster, request.trials
        self._parts = check_parts(request.parts)

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        raster, segments = self._raster, self._trials.segments
        n = self._trials.n_conditions
        lengths = tuple(np.unique(segments.length[segments.condition == c]) for c in range(n))
        most = 1 if raster.kind == "spikes" else int(np.iinfo(raster.data.dtype).max)
        layout = RowLayout(raster.n_bins, lengths, (0,) * n, most)
        size = 64 + 4 * segments.n_segments + sum(one.node_bytes(layout) for one in self._parts)
        # A block of a raster in memory is a view.
        size += 0 if isinstance(raster.data, np.ndarray) else raster.node_bytes
        return max(1, BLOCK_BYTES // size)

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition."""
        block = NodeBlock(self._raster.block(slice(first, last)), self._trials)
        return summarize_block(block, self._parts)


def in_blocks(reader: Reader, n_nodes: int) -> Iterator[tuple[Summary, ...]]:
    """Yield what was observed of blocks of nodes, by condition."""
    step = reader.step
    for first in range(0, n_nodes, step):
        yield reader.read(first, min(first + step, n_nodes))
