"""Draw the spikes of some nodes of a bundle: tables on the host, kernels by kind of sampler."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.process_fit import ProcessFit
from stochnet.errors import InvalidInputError
from stochnet.kernels import rng
from stochnet.kernels.threads import run_blocks
from stochnet.process import Independent, Renewal, Stepwise
from stochnet.raster.blocks import cut_nodes, nodes_that_fit
from stochnet.raster.windows import SLOTS, Segments, cut_segments, slot_of_bin

# Share of a block that the tables take which one thread makes at a time.
TABLES = 1 / 2
# Share of a block that the spikes take, at the least, which one thread draws at a time.
LEAST = 1 / 512
PARTS = 8
TARGETS = ("cpu", "cuda")
_LANES = 8
# Set in the address of the gain of bins without a condition.
UNLABELLED = 1 << 31


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulation is, beside its network.

    Attributes
    ----------
    n_trials, n_bins : int
    conditions : ndarray of int16 (trial, bin) or None
    key : tuple of uint64
        Of the random streams: the two halves of the seed.
    dtype : dtype
        uint64 for packed spikes, uint8 or uint16 for counts.
    threads : int
        Of the host.
    target : str
        One of ``TARGETS``: where it is drawn.
    unlabelled : bool
        Whether the last condition stands for bins without one.
    """

    n_trials: int
    n_bins: int
    conditions: NDArray[np.int16] | None
    key: tuple[np.uint64, np.uint64]
    dtype: np.dtype[Any]
    threads: int = 1
    target: str = "cpu"
    unlabelled: bool = False


def kernels_of(target: str) -> ModuleType:
    """Return the kernels of a target: `stochnet.kernels.cpu`, or a module like it.

    Raises
    ------
    InvalidInputError
        Numba has no CUDA.
    """
    try:
        return importlib.import_module(f"stochnet.kernels.{target}")
    except ImportError as error:
        raise InvalidInputError(
            f"target {target!r} needs numba-cuda: pip install 'stochnet[gpu]'"
        ) from error


def draw_fit(
    fit: ProcessFit, a: int, b: int, run: Run, out: NDArray[Any], kernels: ModuleType
) -> None:
    """Draw nodes a to b of a fit, a part of the table at a time."""
    draw = _DRAW[type(fit.process.sampler)]
    segments = _padded_segments(fit, run)
    step = nodes_that_fit(_table_bytes(fit, a, b), TABLES)

    def part(start: int, stop: int) -> None:
        # Tables are made where they are used: they take longer than the draw where it is short.
        for i, j in cut_nodes(stop, step, start):
            nodes = fit.node_ids[a + i : a + j].astype(np.uint64)
            tables = tables_of(fit, a + i, a + j)
            draw(_Nodes(kernels, fit, segments, tables, nodes, run, out[i:j]))

    if not kernels.THREADED or run.threads == 1:
        part(0, b - a)
        return
    # Several parts a thread even the load out; small ones do not repay what is prepared for each.
    nodes_of_part = max(-(-(b - a) // (PARTS * run.threads)), nodes_that_fit(out[0].nbytes, LEAST))
    run_blocks(part, b - a, step=nodes_of_part, threads=run.threads)


def tables_of(fit: ProcessFit, start: int, stop: int) -> NDArray[np.float64]:
    """Return the table of some nodes: (node, condition, …), or (node, condition·slot, …)."""
    flat = {name: array[start:stop].reshape(-1) for name, array in fit.params.items()}
    table = np.ascontiguousarray(fit.process.tabulate(flat), np.float64)
    rows, rest = max(1, fit.n_conditions), table.shape[1:]
    if fit.process.has_profile:
        rows, rest = rows * SLOTS, rest[1:]
    return table.reshape(stop - start, rows, *rest)


def _table_bytes(fit: ProcessFit, a: int, b: int) -> int:
    """Return the bytes that the table of one node takes, at the most, beside nodes a to b."""
    probe = tables_of(fit, a, a + 1)
    most = fit.process.sampler.most
    if most is None:
        return int(probe.nbytes)
    longest = most({name: array[a:b].reshape(-1) for name, array in fit.params.items()}) + 1
    return int(probe.nbytes // probe.shape[-1] * longest)


Padded = tuple[Segments, tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]]
"""Segments, and for whole lanes of them: row of the table, address of the gain, trial."""


def _padded_segments(fit: ProcessFit, run: Run) -> Padded | None:
    """Return the segments that a process draws by; None where all bins of a node are alike."""
    if not isinstance(fit.process.sampler, Independent):
        return None
    pooled = fit.n_conditions == 0
    plain = not (fit.process.has_gain or fit.process.has_counts)
    if pooled and plain:
        return None
    # A window longer than the trial is cut by it.
    window = None if fit.window is None else min(fit.window, run.n_bins)
    width = window if fit.process.has_gain else None
    rows = None if pooled else run.conditions
    if fit.process.has_profile:
        slots = slot_of_bin(run.n_bins, fit.window or run.n_bins)
        # Wider than conditions: there can be more rows than 16 bits count.
        conditions = np.zeros((run.n_trials, 1), np.int32) if rows is None else rows
        rows = conditions.astype(np.int32) * SLOTS + slots
    segments = cut_segments(run.n_trials, run.n_bins, width, rows)
    padding = -segments.n_segments % _LANES
    # Gains of labelled bins are those that they have where there are no other bins.
    labelled = max(1, fit.n_conditions - run.unlabelled)
    slot = segments.window * labelled + segments.condition
    if run.unlabelled and not pooled:
        none = segments.condition == labelled
        slot[none] = UNLABELLED | segments.window[none]
    return segments, (
        np.pad(segments.condition, (0, padding)),
        np.pad(slot, (0, padding)).astype(np.uint64),
        np.pad(segments.trial, (0, padding)).astype(np.uint64),
    )


class _Nodes(NamedTuple):
    """Nodes of a fit that one kernel draws, with their addresses, and where their spikes go."""

    kernels: ModuleType
    fit: ProcessFit
    padded: Padded | None
    tables: NDArray[np.float64]
    addresses: NDArray[np.uint64]
    run: Run
    out: NDArray[Any]


def _draw_independent(part: _Nodes) -> None:
    kernels, fit, padded, tables, nodes, run, out = part
    key = run.key
    gain = fit.process.has_gain
    if padded is None:
        thresholds = np.floor(tables * 2.0**rng.PROBABILITY_BITS).astype(np.uint64)
        words = out.reshape(len(out), -1)
        size = (run.n_trials, run.n_bins)
        if fit.process.has_profile:
            slots = slot_of_bin(run.n_bins, fit.window or run.n_bins).astype(np.uint8)
            kernels.profile_spikes(thresholds, nodes, *size, *key, words, slots)
        else:
            pooled = thresholds[:, 0].copy()
            kernels.pooled_spikes(pooled, *rng.sparse_scale(pooled), nodes, *size, *key, words)
        return
    segments, addresses = padded
    # A process without a gain has a single level.
    levels = tables if gain else tables[:, :, None]
    if fit.process.has_counts:
        entries = np.floor(levels * 2.0**rng.COUNT_BITS).astype(np.uint64)
        # The last step of the distribution function is 1, wherever a table is cut.
        entries[entries >= np.uint64(2**32 - 1)] = np.uint64(2**32)
        entries[..., -1] = np.uint64(2**32)
        if entries.shape[1:3] == (1, 1):
            kernels.pooled_counts(np.ascontiguousarray(entries[:, 0, 0]), nodes, *key, out)
            return
        kernels.independent_counts(entries, nodes, *key, out, segments.of_bin, addresses, gain)
        return
    thresholds = np.floor(levels * 2.0**rng.PROBABILITY_BITS).astype(np.uint64)
    pieces = (segments.word_pieces, segments.piece_mask, segments.piece_segment)
    words = out.reshape(len(out), -1)
    kernels.segmented_spikes(
        thresholds, nodes, run.n_trials, run.n_bins, *key, words, pieces, addresses, gain
    )


def _draw_stepwise(part: _Nodes) -> None:
    kernels, fit, _, tables, nodes, run, out = part
    sampler = fit.process.sampler
    if isinstance(sampler, Independent):
        raise InvalidInputError(f"{fit.process.name} has no init and step")
    pooled = fit.n_conditions == 0 or run.conditions is None
    conditions = np.zeros((1, 1), np.int16) if pooled else run.conditions
    counts = fit.process.has_counts
    kernel = kernels.stepwise(sampler.init, sampler.step, counts=counts, pooled=pooled)
    kernel(tables, nodes, run.n_bins, *run.key, out, conditions)


def _draw_renewal(part: _Nodes) -> None:
    kernels, fit, _, tables, nodes, run, out = part
    if fit.n_conditions:
        _draw_stepwise(part)
        return
    hazards = tables[:, 0]
    last = np.stack([hazards[:, hazards.shape[1] // 2 - 1], hazards[:, -1]], axis=1)
    thresholds = np.floor(last * 2.0**rng.PROBABILITY_BITS).astype(np.uint64)
    scale, shift = rng.gap_scale(np.maximum(thresholds, np.uint64(1)))
    shift[thresholds == 0] = 0
    words = out.reshape(len(out), -1)
    size = (run.n_trials, run.n_bins)
    kernels.renewal_spikes(hazards, scale, shift, nodes, *size, *run.key, words)


_DRAW: dict[type, Callable[[_Nodes], None]] = {
    Independent: _draw_independent,
    Renewal: _draw_renewal,
    Stepwise: _draw_stepwise,
}
