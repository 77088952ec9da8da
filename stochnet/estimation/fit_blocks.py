"""Fit processes to all nodes of a raster, a block of nodes at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.process_fit import LEVEL, ProcessFit, joined, stacked
from stochnet.estimation.held_out import held_out_score
from stochnet.estimation.rare import with_missing
from stochnet.kernels.threads import Progress
from stochnet.process import Array, Flag, Process
from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import Segments, check_window, cut_segments
from stochnet.raster.worker_part import portable
from stochnet.statistics.summary.stored import RasterSummary, require_raster
from stochnet.statistics.summary.stored_reader import reader_of
from stochnet.statistics.summary.summary import Summary
from stochnet.statistics.summary.trials import Trials
from stochnet.workers.dispatch import block_results, nodes_per_task


def fit_all(
    task: FitTask, progress: Progress | None, *, intervals: bool, executor: Executor | None = None
) -> tuple[ProcessFit, ...]:
    """Fit every process of a task to all nodes, block by block."""
    parts: list[tuple[ProcessFit, ...]] = []
    for last, found in task.each_block(_fit_nodes, executor, lambda first, last: (intervals,)):
        parts.append(found)
        if progress is not None:
            progress("fit", last, task.raster.n_nodes)
    return tuple(joined(part) for part in zip(*parts, strict=True))


def _fit_nodes(task: FitTask, first: int, last: int, intervals: bool) -> tuple[ProcessFit, ...]:
    """Fit every process to one block."""
    summaries, nodes = task.summaries(first, last), np.arange(first, last)
    return tuple(_fit_block(task, record, summaries, nodes, intervals) for record in task.records)


def _fit_block(
    task: FitTask,
    record: Process,
    summaries: tuple[Summary, ...],
    nodes: NDArray[np.int64],
    intervals: bool,
) -> ProcessFit:
    """Estimate one block: stack conditions, add log-likelihoods, join flags."""
    # A condition that was left out has no bins.
    known = [record.estimate(summary) if summary.n_bins else None for summary in summaries]
    estimates = with_missing(record, known, summaries)
    total = np.zeros(len(nodes))
    flags = []
    for one, summary in zip(estimates, summaries, strict=True):
        if not summary.n_bins:
            continue
        total += record.log_likelihood(one.params, summary)
        flag = one.flags
        if record.identified is not None:
            flag[~record.identified(one.params, summary)] |= Flag.WEAK.value
        flags.append(flag)
    joint = _join_flags(np.stack(flags))
    joint[np.isneginf(total)] |= Flag.IMPOSSIBLE.value
    found = ProcessFit(
        process=record,
        node_ids=nodes,
        params=_columns([one.params for one in estimates], task.per_condition),
        standard_errors=_columns([one.standard_errors for one in estimates], task.per_condition),
        log_likelihood=total,
        flags=joint,
        window=_held(record, task.window, task.raster.n_bins),
        observed_bins=np.array([summary.n_bins for summary in summaries]),
    )
    return _block_intervals(found, summaries) if intervals else found


def _block_intervals(fit: ProcessFit, summaries: tuple[Summary, ...]) -> ProcessFit:
    """Return the fit of one block with the intervals that need its data."""
    if fit.process.data_interval is None or not len(fit.node_ids):
        return fit
    ends: list[dict[str, Array] | None] = []
    for c, summary in enumerate(summaries):
        if not summary.n_bins:
            ends.append(None)
            continue
        here = (slice(None), c) if fit.n_conditions else slice(None)
        params = {name: np.ascontiguousarray(array[here]) for name, array in fit.params.items()}
        errors = {name: array[here] for name, array in fit.standard_errors.items()}
        ends.append(stacked(fit.process.data_interval(params, errors, summary, LEVEL)))
    return replace(fit, intervals=_columns(_whole_domains(fit, ends), fit.n_conditions > 0))


def _whole_domains(fit: ProcessFit, ends: list[dict[str, Array] | None]) -> list[dict[str, Array]]:
    """Return intervals of all conditions: the whole domain where nothing was observed."""
    names = next(one for one in ends if one is not None)
    domains = {param.name: param.domain for param in fit.process.params}
    nothing = {
        name: np.tile(np.array(domains[name], np.float64), (len(fit.node_ids), 1)) for name in names
    }
    return [nothing if one is None else one for one in ends]


def with_intervals(
    task: FitTask, fits: tuple[ProcessFit, ...], executor: Executor | None = None
) -> tuple[ProcessFit, ...]:
    """Return fits of some nodes each with the intervals that need the data: one pass more."""
    if all(fit.process.data_interval is None for fit in fits):
        return fits

    def cut(first: int, last: int) -> tuple[tuple[ProcessFit, ...]]:
        rows = [slice(*np.searchsorted(fit.node_ids, [first, last])) for fit in fits]
        return (tuple(fit.take(mine) for fit, mine in zip(fits, rows, strict=True)),)

    parts = [found for _, found in task.each_block(_intervals_of_nodes, executor, cut)]
    return tuple(
        joined([part for part in column if len(part.node_ids)])
        for column in zip(*parts, strict=True)
    )


def _intervals_of_nodes(
    task: FitTask, first: int, last: int, fits: tuple[ProcessFit, ...]
) -> tuple[ProcessFit, ...]:
    """Add the intervals that need the data to fits of some nodes of one block."""
    if all(fit.process.data_interval is None or not len(fit.node_ids) for fit in fits):
        return fits
    summaries = task.summaries(first, last)
    own = [tuple(summary.take(fit.node_ids - first) for summary in summaries) for fit in fits]
    return tuple(_block_intervals(fit, mine) for fit, mine in zip(fits, own, strict=True))


def score_nodes(task: FitTask, first: int, last: int, fold: NDArray[np.int64]) -> Array:
    """Return the held-out score of one block of nodes: (node, process)."""
    return held_out_score(
        require_raster(task.raster, "held-out likelihood").block(
            slice(first - task.first_node, last - task.first_node)
        ),
        task.records,
        fold,
        window=task.width,
        per_condition=task.per_condition,
    )


def _columns(columns: Sequence[Mapping[str, Array]], per_condition: bool) -> dict[str, Array]:
    if not per_condition:
        return dict(columns[0])
    return {name: np.stack([c[name] for c in columns], axis=1) for name in columns[0]}


def _held(record: Process, window: int | None, n_bins: int) -> int | None:
    """Return the window that a fit remembers: a rate profile has the length it was fitted to."""
    if record.has_profile:
        return window or n_bins
    return window if record.has_gain else None


def _join_flags(flags: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Join flags (condition, node): silent or active in some conditions only is a boundary."""
    ends = np.uint16(Flag.DEAD.value | Flag.SATURATED.value)
    always = np.bitwise_and.reduce(flags) & ends
    some = np.bitwise_or.reduce(flags)
    at_end = (some & ends != 0) & (always == 0)
    edge = np.where(at_end, Flag.BOUNDARY.value, 0).astype(np.uint16)
    return np.asarray((some & ~ends) | always | edge, np.uint16)


T = TypeVar("T")


class FitTask:
    """Processes that are to be fitted to a raster, which is read in blocks of nodes.

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
        trials = Trials.of(raster, self.width, per_condition, segments)
        self.segments = trials.segments
        self.n_conditions = raster.n_conditions if per_condition else 1
        self._reader = reader_of(raster, trials, self.needs)

    def __reduce__(self) -> tuple[Any, ...]:
        # Segments take more bytes than the labels they are cut by.
        facts = (self.records, self.per_condition, self.window, self.first_node)
        return _unpickled, (self.raster, self.width, *facts)

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        return self._reader.step

    def part(self, first: int, last: int) -> FitTask:
        """Return the task of some nodes, for a worker."""
        labels = self.raster.conditions if self.per_condition else None
        raster = self.raster
        sent: SpikeRaster | RasterSummary
        if isinstance(raster, RasterSummary):
            sent = raster.part(first, last, conditions=labels)
        else:
            sent = portable(raster, first, last, conditions=labels)
        return FitTask(
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
        """Yield (last node, ``function(task, first, last, *arguments(first, last))``) of blocks.

        They are done here, or by the workers of an executor; they come in order. If the function
        `copies` the data, also blocks of a raster in memory are small.
        """
        n_nodes, step = self.raster.n_nodes, self.step
        if copies:
            step = min(step, nodes_that_fit(self.raster.node_bytes))
        if executor is None:
            for first, last in cut_nodes(n_nodes, step):
                yield last, function(self, first, last, *arguments(first, last))
            return

        def sent(first: int, last: int) -> tuple[Any, ...]:
            return self.part(first, last), first, last, *arguments(first, last)

        step = min(step, nodes_per_task(n_nodes, self.raster.node_bytes, executor))
        for _, last, found in block_results(function, sent, cut_nodes(n_nodes, step), executor):
            yield last, found


def _unpickled(
    raster: SpikeRaster | RasterSummary,
    width: int | None,
    records: tuple[Process, ...],
    per_condition: bool,
    window: int | None,
    first_node: int,
) -> FitTask:
    """Return the part of a task that a worker was sent."""
    labels = None if raster.conditions is None else raster.conditions.tobytes()
    segments = _cut_once(raster.n_trials, raster.n_bins, width, labels)
    return FitTask(raster, records, per_condition, window, first_node, segments)


@functools.lru_cache(maxsize=1)
def _cut_once(n_trials: int, n_bins: int, width: int | None, labels: bytes | None) -> Segments:
    """Cut segments; all parts of a task have the same."""
    conditions = None
    if labels is not None:
        conditions = np.frombuffer(labels, np.int16).reshape(n_trials, n_bins)
    return cut_segments(n_trials, n_bins, width, conditions)
