"""Fit one process to every node of a raster, or choose among several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle import Bundle, ProcessFit
from stochnet.errors import InvalidInputError
from stochnet.flags import Flag
from stochnet.process import Array, Params, Process
from stochnet.processes import PROCESSES, get_process
from stochnet.provenance import provenance
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.segments import check_window
from stochnet.sufficient import raster_segments
from stochnet.summary import Summary, summarize
from stochnet.threads import Progress

CRITERIA = ("aic", "bic")


def fit(
    raster: SpikeRaster,
    process: str | Process,
    *,
    per_condition: bool = False,
    window: int | None = None,
    progress: Progress | None = None,
) -> ProcessFit:
    """Fit a process to every node by maximum likelihood.

    Works on blocks of nodes, so a raster on disk may be larger than memory.

    Parameters
    ----------
    raster : SpikeRaster
    process : str or Process
        For example ``"bernoulli"``, ``"poisson"``, ``"beta_bernoulli"``, ``"negative_binomial"``.
    per_condition : bool, default False
        Parameters (node, condition) instead of (node,).
    window : int, optional
        Bins per window in which a process with a gain counts; the whole trial by default. Windows
        tile each trial from its first bin, and a shorter last one counts with its own length.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    ProcessFit
        Parameters, standard errors, log-likelihood and flags of every node.

    Raises
    ------
    InvalidInputError
        Unknown process, a window that does not fit, no conditions though asked for.
    """
    record = get_process(process)
    return _fit_all(raster, (record,), per_condition, window, progress)[0]


def select(
    raster: SpikeRaster,
    processes: Sequence[str | Process] | None = None,
    *,
    criterion: str = "aic",
    per_condition: bool = False,
    window: int | None = None,
    progress: Progress | None = None,
) -> tuple[ProcessFit, ...]:
    """Fit several processes and keep, node by node, the one with the lowest criterion.

    Likelihoods are of the bins themselves under every process, so they compare; ties go to the
    process with fewer parameters.

    Parameters
    ----------
    raster : SpikeRaster
    processes : sequence of str or Process, optional
        All by default.
    criterion : {"aic", "bic"}
    per_condition, window, progress
        As for `fit`.

    Returns
    -------
    tuple of ProcessFit
        One for each process that was chosen for a node; their ``node_ids`` partition the nodes.

    Raises
    ------
    InvalidInputError
        Unknown process or criterion.
    """
    if criterion not in CRITERIA:
        raise InvalidInputError(f"criterion must be one of {CRITERIA}, got {criterion!r}")
    records = [get_process(process) for process in (PROCESSES if processes is None else processes)]
    if not records:
        raise InvalidInputError("give at least one process")
    records.sort(key=lambda record: len(record.params))
    fits = _fit_all(raster, tuple(records), per_condition, window, progress)
    scores = np.stack([getattr(one, criterion) for one in fits])
    scores[np.isnan(scores)] = np.inf
    best = scores.argmin(axis=0)
    chosen = ((fits[k], np.flatnonzero(best == k)) for k in range(len(fits)))
    return tuple(one.take(nodes) for one, nodes in chosen if len(nodes))


def fit_bundle(
    raster: SpikeRaster,
    process: str | Process = "auto",
    *,
    per_condition: bool = False,
    window: int | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Fit a network: `fit`, or `select` for ``"auto"``, with all that a simulation needs.

    Raises
    ------
    InvalidInputError
        As for `fit`.
    """
    options = {"per_condition": per_condition, "window": window, "progress": progress}
    fits = (
        select(raster, **options)  # type: ignore[arg-type]
        if process == "auto"
        else (fit(raster, process, **options),)  # type: ignore[arg-type]
    )
    return Bundle(
        fits,
        raster.layers,
        raster.n_trials,
        raster.n_bins,
        raster.conditions,
        raster.bin_width,
        raster.schedule,
        provenance(source=dict(raster.provenance)),
    )


def _fit_all(
    raster: SpikeRaster,
    records: tuple[Process, ...],
    per_condition: bool,
    window: int | None,
    progress: Progress | None,
) -> tuple[ProcessFit, ...]:
    check_window(window, raster.n_bins)
    needs = frozenset().union(*(record.needs for record in records))
    width = window if any(record.has_gain or record.needs for record in records) else None
    segments = raster_segments(raster, width, per_condition)
    n_conditions = raster.n_conditions if per_condition else 1
    # Window sums and histograms take memory beside the block itself.
    extra = 4 * segments.n_segments + 4 * int(np.unique(segments.length).sum() + 1) * n_conditions
    extra = extra if "windows" in needs else 0
    if "counts" in needs and raster.kind == "counts":
        extra += 8 * (int(np.iinfo(raster.data.dtype).max) + 1) * n_conditions
    step = max(1, BLOCK_BYTES // (raster.node_bytes + extra))
    parts: list[list[tuple[Params, Params, Array, NDArray[np.uint16]]]] = [[] for _ in records]
    observed: NDArray[np.int64] = np.zeros(n_conditions, np.int64)
    for first in range(0, raster.n_nodes, step):
        block = raster.block(slice(first, min(first + step, raster.n_nodes)))
        summaries = summarize(
            block, window=width, per_condition=per_condition, parts=needs, segments=segments
        )
        observed = np.array([summary.n_bins for summary in summaries])
        for record, part in zip(records, parts, strict=True):
            part.append(_estimate(record, summaries, per_condition))
        if progress is not None:
            progress("fit", min(first + step, raster.n_nodes), raster.n_nodes)
    nodes = np.arange(raster.n_nodes)
    return tuple(
        ProcessFit(
            record,
            nodes,
            {name: np.concatenate([one[0][name] for one in part]) for name in part[0][0]},
            {name: np.concatenate([one[1][name] for one in part]) for name in part[0][1]},
            np.concatenate([one[2] for one in part]),
            np.concatenate([one[3] for one in part]),
            _held(record, window, raster.n_bins),
            observed,
        )
        for record, part in zip(records, parts, strict=True)
    )


def _held(record: Process, window: int | None, n_bins: int) -> int | None:
    """Return the window that a fit remembers: a rate profile has the length it was fitted to."""
    if record.has_profile:
        return window or n_bins
    return window if record.has_gain else None


def _estimate(
    record: Process, summaries: tuple[Summary, ...], per_condition: bool
) -> tuple[Params, Params, Array, NDArray[np.uint16]]:
    """Estimate one block: stack conditions, add log-likelihoods, join flags."""
    estimates = [record.estimate(summary) for summary in _observed(summaries)]
    values = [
        record.log_likelihood(one.params, summary)
        for one, summary in zip(estimates, summaries, strict=True)
    ]
    flags = _join_flags(np.stack([one.flags for one in estimates]))
    total = np.sum(values, axis=0)
    flags[np.isneginf(total)] |= Flag.IMPOSSIBLE.value

    def join(which: str) -> dict[str, Array]:
        columns = [getattr(one, which) for one in estimates]
        if not per_condition:
            return dict(columns[0])
        return {name: np.stack([c[name] for c in columns], axis=1) for name in columns[0]}

    return join("params"), join("standard_errors"), total, flags


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
