"""Plan: what is fitted to which raster, block by block, here or by workers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np

from stochnet.process import Process
from stochnet.raster.raster import BLOCK_BYTES, SpikeRaster
from stochnet.raster.windows import Segments, check_window, cut_segments
from stochnet.raster.worker_part import portable
from stochnet.statistics.summary.parts import raster_segments
from stochnet.statistics.summary.reading import Request
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.stored_reader import reader_of
from stochnet.statistics.summary.summary import Summary
from stochnet.workers.dispatch import Call, nodes_per_block, results

T = TypeVar("T")


class Plan:
    """What is fitted to which raster, and in which blocks of nodes it is read.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
    records : tuple of Process
    per_condition : bool
    window : int or None
        Bins per window.
    first_node : int, default 0
        Number of the first node of the raster in the whole network.
    segments : Segments, optional
        As cut before.
    """

    def __init__(
        self,
        raster: SpikeRaster | RasterSummary,
        records: tuple[Process, ...],
        per_condition: bool,
        window: int | None,
        first_node: int = 0,
        segments: Segments | None = None,
    ) -> None:
        check_window(window, raster.n_bins)
        self.raster, self.records = raster, records
        self.per_condition, self.window = per_condition, window
        self.first_node = first_node
        self.needs = frozenset().union(*(record.needs for record in records))
        counted = any(record.has_gain or record.needs for record in records)
        self.width = window if counted else None
        self.segments = segments or raster_segments(raster, self.width, per_condition)
        self.n_conditions = raster.n_conditions if per_condition else 1
        request = Request(self.width, per_condition, self.needs, self.segments)
        self._reader = reader_of(raster, request)

    def __reduce__(self) -> tuple[Any, ...]:
        # Segments take more bytes than the labels they are cut by.
        facts = (self.records, self.per_condition, self.window, self.first_node)
        return _unpickled, (self.raster, self.width, *facts)

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        return self._reader.step

    def part(self, first: int, last: int) -> Plan:
        """Return the plan of some nodes, for a worker."""
        labels = self.raster.conditions if self.per_condition else None
        raster = self.raster
        sent: SpikeRaster | RasterSummary
        if isinstance(raster, RasterSummary):
            sent = raster.part(first, last, conditions=labels)
        else:
            sent = portable(raster, first, last, conditions=labels)
        return Plan(
            sent,
            self.records,
            self.per_condition,
            self.window,
            first,
            self.segments,
        )

    def summaries(self, first: int, last: int) -> tuple[Summary, ...]:
        """Summarise some nodes, numbered as in the whole network."""
        return self._reader.read(first - self.first_node, last - self.first_node)

    def each_block(
        self,
        function: Callable[..., T],
        executor: Executor | None = None,
        arguments: Callable[[int, int], tuple[Any, ...]] = lambda first, last: (),
        *,
        copies: bool = False,
    ) -> Iterator[tuple[int, T]]:
        """Yield (last node, ``function(plan, first, last, *arguments(first, last))``) of blocks.

        They are done here, or by the workers of an executor; they come in order. If the function
        `copies` the data, also blocks of a raster in memory are small.
        """
        n_nodes, step = self.raster.n_nodes, self.step
        if copies:
            step = min(step, max(1, BLOCK_BYTES // max(1, self.raster.node_bytes)))
        if executor is not None:
            step = min(step, nodes_per_block(n_nodes, self.raster.node_bytes, executor))
        blocks = [(first, min(first + step, n_nodes)) for first in range(0, n_nodes, step)]
        if executor is None:
            for first, last in blocks:
                yield last, function(self, first, last, *arguments(first, last))
            return
        calls = (
            Call(
                function,
                (self.part(first, last), first, last, *arguments(first, last)),
                f"nodes {first} to {last - 1}",
            )
            for first, last in blocks
        )
        for (_, last), found in zip(blocks, results(calls, executor), strict=True):
            yield last, found


def _unpickled(
    raster: SpikeRaster | RasterSummary,
    width: int | None,
    records: tuple[Process, ...],
    per_condition: bool,
    window: int | None,
    first_node: int,
) -> Plan:
    """Return the part of a plan that a worker was sent."""
    labels = None if raster.conditions is None else raster.conditions.tobytes()
    segments = _cut_once(raster.n_trials, raster.n_bins, width, labels)
    return Plan(raster, records, per_condition, window, first_node, segments)


@functools.lru_cache(maxsize=1)
def _cut_once(n_trials: int, n_bins: int, width: int | None, labels: bytes | None) -> Segments:
    """Cut segments; all parts of a plan have the same."""
    conditions = None
    if labels is not None:
        conditions = np.frombuffer(labels, np.int16).reshape(n_trials, n_bins)
    return cut_segments(n_trials, n_bins, width, conditions)
