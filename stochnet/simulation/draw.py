"""Draw the spikes of some nodes of a bundle: tables on the host, kernels by kind of sampler."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.process_fit import ProcessFit
from stochnet.errors import InvalidInputError
from stochnet.kernels import rng
from stochnet.kernels.threads import run_blocks
from stochnet.process import Independent, Renewal, Stepwise
from stochnet.raster import packing
from stochnet.raster.windows import SLOTS, Segments, cut_segments, slot_of_bin
from stochnet.simulation.draw_correlated import Sharing, by_latents, draw_correlated

# Of the tables that one thread makes at a time.
TABLE_BYTES = 1 << 25
# Of spikes, at the least, that one thread draws at a time.
PART_BYTES = 1 << 17
PARTS = 8
TARGETS = ("cpu", "cuda")
_LANES = 8


@dataclass(frozen=True, slots=True)
class Run:
    """What a simulation is, beside the bundle: its size, its conditions and its key."""

    n_trials: int
    n_bins: int
    conditions: NDArray[np.int16] | None
    k0: np.uint64
    k1: np.uint64
    threads: int


class Fitted(Protocol):
    """A bundle, or a part of one: fits that hold each node at most once."""

    @property
    def fits(self) -> tuple[ProcessFit, ...]:
        """The fits; node_ids are those of the whole network."""


def draw_nodes(
    bundle: Fitted,
    first: int,
    last: int,
    run: Run,
    dtype: np.dtype[Any],
    out: NDArray[Any] | None = None,
    target: str = "cpu",
    shared: Sharing | None = None,
) -> NDArray[Any]:
    """Draw the nodes `first` to `last` of a bundle: data of a raster (node, trial, word or bin).

    Into `out` if it is given: contiguous, of that shape and type. shared: the latents of these
    nodes, None where they are independent.
    """
    kernels = kernels_of(target)
    packed_width = packing.n_words(run.n_bins)
    packed = dtype == np.uint64
    if out is None:
        out = np.empty((last - first, run.n_trials, packed_width if packed else run.n_bins), dtype)
    for fit in bundle.fits:
        a, b = np.searchsorted(fit.node_ids, [first, last])
        if a == b:
            continue
        for part, start, stop, latents in by_latents(fit, a, b, shared):
            rows = part.node_ids[start:stop] - first
            counts = part.process.has_counts
            together = counts != packed and len(rows) == len(out)
            shape = (len(rows), run.n_trials, run.n_bins if counts else packed_width)
            drawn = out if together else np.empty(shape, dtype if counts else np.uint64)
            if latents is None:
                _draw_fit(part, start, stop, run, drawn, kernels)
            else:
                _draw_sharing(part, latents, run, drawn, kernels)
            if not together:
                out[rows] = drawn if counts or packed else packing.unpack(drawn, run.n_bins)
    return out


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


def _draw_fit(
    fit: ProcessFit, a: int, b: int, run: Run, out: NDArray[Any], kernels: ModuleType
) -> None:
    """Draw nodes a to b of a fit, a part of the table at a time."""
    draw = _DRAW[type(fit.process.sampler)]
    prepared = _prepare(fit, run)
    step = max(1, TABLE_BYTES // _table_bytes(fit, a, b))

    def part(start: int, stop: int) -> None:
        # Tables are made where they are used: they take longer than the draw where it is short.
        for i in range(start, stop, step):
            j = min(i + step, stop)
            nodes = fit.node_ids[a + i : a + j].astype(np.uint64)
            draw(kernels, fit, prepared, _tables(fit, a + i, a + j), nodes, run, out[i:j])

    if not kernels.THREADED or run.threads == 1:
        part(0, b - a)
        return
    # Several parts a thread even the load out; small ones do not repay what is prepared for each.
    least = PART_BYTES // max(1, out[0].nbytes)
    run_blocks(
        part, b - a, step=max(-(-(b - a) // (PARTS * run.threads)), least), threads=run.threads
    )


def _draw_sharing(
    fit: ProcessFit, shared: Sharing, run: Run, out: NDArray[Any], kernels: ModuleType
) -> None:
    """Draw nodes that share latents; every part draws these again, so parts are large."""
    conditions = run.conditions if fit.n_conditions else None
    size, key = (run.n_trials, run.n_bins), (run.k0, run.k1)
    step = max(1, TABLE_BYTES // (32 * (shared.rank + max(1, fit.n_conditions))))

    def part(start: int, stop: int) -> None:
        for i in range(start, stop, step):
            j = min(i + step, stop)
            nodes, words = fit.node_ids[i:j], out[i:j].reshape(j - i, -1)
            draw_correlated(
                kernels, shared, _tables(fit, i, j), nodes, size, key, conditions, words
            )

    threads = run.threads if kernels.THREADED else 1
    run_blocks(part, len(out), step=-(-len(out) // threads), threads=threads)


def _tables(fit: ProcessFit, start: int, stop: int) -> NDArray[np.float64]:
    """Return the table of some nodes: (node, condition, …), or (node, condition·slot, …)."""
    flat = {name: array[start:stop].reshape(-1) for name, array in fit.params.items()}
    table = np.ascontiguousarray(fit.process.tabulate(flat), np.float64)
    rows, rest = max(1, fit.n_conditions), table.shape[1:]
    if fit.process.has_profile:
        rows, rest = rows * SLOTS, rest[1:]
    return table.reshape(stop - start, rows, *rest)


def _table_bytes(fit: ProcessFit, a: int, b: int) -> int:
    """Return the bytes that the table of one node takes, at the most, beside nodes a to b."""
    probe = _tables(fit, a, a + 1)
    most = fit.process.sampler.most
    if most is None:
        return int(probe.nbytes)
    longest = most({name: array[a:b].reshape(-1) for name, array in fit.params.items()}) + 1
    return int(probe.nbytes // probe.shape[-1] * longest)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Segments of a run as the kernels want them."""

    segments: Segments
    row: NDArray[np.int64]
    slot: NDArray[np.uint64]
    trial: NDArray[np.uint64]


def _prepare(fit: ProcessFit, run: Run) -> Prepared | None:
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
    slot = segments.window * max(1, fit.n_conditions) + segments.condition
    return Prepared(
        segments,
        np.pad(segments.condition, (0, padding)),
        np.pad(slot, (0, padding)).astype(np.uint64),
        np.pad(segments.trial, (0, padding)).astype(np.uint64),
    )


def _draw_independent(
    kernels: ModuleType,
    fit: ProcessFit,
    prepared: Prepared | None,
    tables: NDArray[np.float64],
    nodes: NDArray[np.uint64],
    run: Run,
    out: NDArray[Any],
) -> None:
    key = (run.k0, run.k1)
    gain = fit.process.has_gain
    if prepared is None:
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
    segments = prepared.segments
    addresses = (prepared.row, prepared.slot, prepared.trial, gain)
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
        kernels.independent_counts(entries, nodes, *key, out, segments.of_bin, *addresses)
        return
    thresholds = np.floor(levels * 2.0**rng.PROBABILITY_BITS).astype(np.uint64)
    pieces = (segments.word_pieces, segments.piece_mask, segments.piece_segment)
    words = out.reshape(len(out), -1)
    kernels.segmented_spikes(
        thresholds, nodes, run.n_trials, run.n_bins, *key, words, *pieces, *addresses
    )


def _draw_stepwise(
    kernels: ModuleType,
    fit: ProcessFit,
    prepared: Prepared | None,
    tables: NDArray[np.float64],
    nodes: NDArray[np.uint64],
    run: Run,
    out: NDArray[Any],
) -> None:
    sampler = fit.process.sampler
    if isinstance(sampler, Independent):
        raise InvalidInputError(f"{fit.process.name} has no init and step")
    pooled = fit.n_conditions == 0 or run.conditions is None
    conditions = np.zeros((1, 1), np.int16) if pooled else run.conditions
    counts = fit.process.has_counts
    kernel = kernels.stepwise(sampler.init, sampler.step, counts=counts, pooled=pooled)
    kernel(tables, nodes, run.n_bins, run.k0, run.k1, out, conditions)


def _draw_renewal(
    kernels: ModuleType,
    fit: ProcessFit,
    prepared: Prepared | None,
    tables: NDArray[np.float64],
    nodes: NDArray[np.uint64],
    run: Run,
    out: NDArray[Any],
) -> None:
    if fit.n_conditions:
        _draw_stepwise(kernels, fit, prepared, tables, nodes, run, out)
        return
    hazards = tables[:, 0]
    last = np.stack([hazards[:, hazards.shape[1] // 2 - 1], hazards[:, -1]], axis=1)
    thresholds = np.floor(last * 2.0**rng.PROBABILITY_BITS).astype(np.uint64)
    scale, shift = rng.gap_scale(np.maximum(thresholds, np.uint64(1)))
    shift[thresholds == 0] = 0
    words = out.reshape(len(out), -1)
    size = (run.n_trials, run.n_bins)
    kernels.renewal_spikes(hazards, scale, shift, nodes, *size, run.k0, run.k1, words)


_DRAW: dict[type, Callable[..., None]] = {
    Independent: _draw_independent,
    Renewal: _draw_renewal,
    Stepwise: _draw_stepwise,
}
