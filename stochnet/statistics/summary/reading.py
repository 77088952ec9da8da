"""Read the sufficient statistics of all nodes of a raster, a block of nodes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import SLOTS, Segments
from stochnet.statistics.summary.parts import LONGEST_AGE, LONGEST_GAP
from stochnet.statistics.summary.summary import Summary, summarize

Block = tuple[int, int, tuple[Summary, ...]]
"""First and last (excluded) node, and what was observed of the nodes between, by condition."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an estimator asks for, of a raster or of its summary.

    Attributes
    ----------
    window : int or None
        Bins per window; None is the whole trial.
    per_condition : bool
        One `Summary` a condition, or one for all bins.
    parts : frozenset of str
        Beyond totals, of `stochnet.statistics.summary.summary.PARTS`.
    segments : Segments
        The segments of that window.
    """

    window: int | None
    per_condition: bool
    parts: frozenset[str]
    segments: Segments

    def node_bytes(self, n_bins: int, n_conditions: int, most: int) -> int:
        """Return about how many bytes the parts of one node take; `most` spikes in a bin."""
        extra = 64
        if "windows" in self.parts:
            lengths = np.unique(self.segments.length)
            extra += 4 * self.segments.n_segments + 4 * int(lengths.sum() + 1) * n_conditions
        if "ages" in self.parts:
            extra += 16 * min(LONGEST_AGE, n_bins) * n_conditions
        if "gaps" in self.parts:
            extra += 4 * min(LONGEST_GAP, n_bins)
        if "counts" in self.parts and most > 1:
            extra += 8 * (most + 1) * n_conditions
        if "slots" in self.parts:
            extra += 8 * SLOTS * (n_conditions + 6)
        return extra


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
        self._raster, self._request = raster, request

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        raster, request = self._raster, self._request
        most = 1 if raster.kind == "spikes" else int(np.iinfo(raster.data.dtype).max)
        n_conditions = raster.n_conditions if request.per_condition else 1
        extra = request.node_bytes(raster.n_bins, n_conditions, most)
        # A block of a raster in memory is a view.
        extra += 0 if isinstance(raster.data, np.ndarray) else raster.node_bytes
        return nodes_that_fit(extra)

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition."""
        request = self._request
        return summarize(
            self._raster.block(slice(first, last)),
            window=request.window,
            per_condition=request.per_condition,
            parts=request.parts,
            segments=request.segments,
        )


def in_blocks(reader: Reader, n_nodes: int) -> Iterator[Block]:
    """Yield (first, last, summaries) of blocks of nodes."""
    for first, last in cut_nodes(n_nodes, reader.step):
        yield first, last, reader.read(first, last)
