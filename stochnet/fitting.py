"""Fit processes to all nodes of a raster, a block of nodes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.fits import ProcessFit, joined
from stochnet.flags import Flag
from stochnet.intervals import LEVEL, stacked
from stochnet.process import Array, Process
from stochnet.raster import SpikeRaster
from stochnet.raster_summary import RasterSummary, blocks_of
from stochnet.reading import Block, Request
from stochnet.segments import check_window
from stochnet.sufficient import raster_segments
from stochnet.summary import Summary
from stochnet.threads import Progress


class Plan:
    """What is fitted to which raster, or summary of one, and the blocks of nodes it is read in."""

    def __init__(
        self,
        raster: SpikeRaster | RasterSummary,
        records: tuple[Process, ...],
        per_condition: bool,
        window: int | None,
    ) -> None:
        check_window(window, raster.n_bins)
        self.raster, self.records = raster, records
        self.per_condition, self.window = per_condition, window
        self.needs = frozenset().union(*(record.needs for record in records))
        counted = any(record.has_gain or record.needs for record in records)
        self.width = window if counted else None
        self.segments = raster_segments(raster, self.width, per_condition)
        self.n_conditions = raster.n_conditions if per_condition else 1

    def blocks(self) -> Iterator[Block]:
        """Yield (first, last, summaries) of blocks of nodes."""
        request = Request(self.width, self.per_condition, self.needs, self.segments)
        yield from blocks_of(self.raster, request)


def fit_all(plan: Plan, progress: Progress | None, *, intervals: bool) -> tuple[ProcessFit, ...]:
    """Fit every process of a plan to all nodes, block by block."""
    parts: list[list[ProcessFit]] = [[] for _ in plan.records]
    for first, last, summaries in plan.blocks():
        for record, part in zip(plan.records, parts, strict=True):
            part.append(_fit_block(plan, record, summaries, np.arange(first, last), intervals))
        if progress is not None:
            progress("fit", last, plan.raster.n_nodes)
    return tuple(joined(part) for part in parts)


def _fit_block(
    plan: Plan,
    record: Process,
    summaries: tuple[Summary, ...],
    nodes: NDArray[np.int64],
    intervals: bool,
) -> ProcessFit:
    """Estimate one block: stack conditions, add log-likelihoods, join flags."""
    estimates = [record.estimate(summary) for summary in _observed(summaries)]
    total = np.zeros(len(nodes))
    flags = []
    for one, summary in zip(estimates, summaries, strict=True):
        total += record.log_likelihood(one.params, summary)
        flag = one.flags
        if record.identified is not None:
            flag[~record.identified(one.params, summary)] |= Flag.WEAK.value
        flags.append(flag)
    joint = _join_flags(np.stack(flags))
    joint[np.isneginf(total)] |= Flag.IMPOSSIBLE.value
    found = ProcessFit(
        record,
        nodes,
        _columns([one.params for one in estimates], plan.per_condition),
        _columns([one.standard_errors for one in estimates], plan.per_condition),
        total,
        joint,
        _held(record, plan.window, plan.raster.n_bins),
        np.array([summary.n_bins for summary in summaries]),
    )
    return _block_intervals(found, summaries) if intervals else found


def _block_intervals(fit: ProcessFit, summaries: tuple[Summary, ...]) -> ProcessFit:
    """Return the fit of one block with the intervals that need its data."""
    if fit.process.data_interval is None or not len(fit.node_ids):
        return fit
    ends = []
    for c, summary in enumerate(summaries):
        here = (slice(None), c) if fit.n_conditions else slice(None)
        params = {name: np.ascontiguousarray(array[here]) for name, array in fit.params.items()}
        errors = {name: array[here] for name, array in fit.standard_errors.items()}
        ends.append(stacked(fit.process.data_interval(params, errors, summary, LEVEL)))
    return replace(fit, intervals=_columns(ends, fit.n_conditions > 0))


def with_intervals(plan: Plan, fits: tuple[ProcessFit, ...]) -> tuple[ProcessFit, ...]:
    """Return fits of some nodes each with the intervals that need the data: one pass more."""
    if all(fit.process.data_interval is None for fit in fits):
        return fits
    parts: list[list[ProcessFit]] = [[] for _ in fits]
    for first, last, summaries in plan.blocks():
        for fit, part in zip(fits, parts, strict=True):
            a, b = np.searchsorted(fit.node_ids, [first, last])
            if a == b:
                continue
            mine = fit.node_ids[a:b] - first
            own = tuple(summary.take(mine) for summary in summaries)
            part.append(_block_intervals(fit.take(slice(a, b)), own))
    return tuple(joined(part) for part in parts)


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


def _observed(summaries: tuple[Summary, ...]) -> Iterator[Summary]:
    for condition, summary in enumerate(summaries):
        if summary.n_bins == 0:
            raise InvalidInputError(
                f"condition {condition} occurs in no bin; number the conditions 0, 1, 2, … without "
                "gaps, or present the recording with a schedule that shows every class"
            )
        yield summary
