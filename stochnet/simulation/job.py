"""Job: a simulation that is fully specified, and can be drawn block by block, anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.errors import InvalidInputError
from stochnet.kernels import rng
from stochnet.kernels.threads import count
from stochnet.process import Process
from stochnet.raster import packing
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import BLOCK_BYTES, SpikeRaster, per_bin
from stochnet.raster.sinks import Shape
from stochnet.simulation.draw import TARGETS, Run, draw_nodes, kernels_of
from stochnet.simulation.draw_correlated import Sharing, sharing

Law = tuple[Process, NDArray[np.int64], Mapping[str, Any], int | None]


@dataclass(frozen=True, eq=False, slots=True)
class Job:
    """What is drawn, down to the last bit.

    Attributes
    ----------
    bundle : Bundle
    run : Run
        Size, conditions, key, threads.
    template : SpikeRaster
        The raster to be, without its data.
    target : str
        One of ``stochnet.simulation.draw.TARGETS``: where it is drawn.
    start : int
        First node to draw; those before it are there already.
    shared : Sharing or None
        The latents of the bundle, as they are drawn.
    """

    bundle: Bundle
    run: Run
    template: SpikeRaster
    target: str = "cpu"
    start: int = 0
    shared: Sharing | None = None

    @property
    def step(self) -> int:
        """Nodes in a block."""
        return max(1, BLOCK_BYTES // max(1, self.template.node_bytes))

    def blocks(self, step: int | None = None) -> list[tuple[int, int]]:
        """Return first and last (excluded) node of every block, in order."""
        n_nodes, step = self.template.n_nodes, min(step or self.step, self.step)
        return [(a, min(a + step, n_nodes)) for a in range(self.start, n_nodes, step)]

    def draw(self, first: int, last: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Draw whole nodes: data (node, trial, word or bin), into `out` if it is given."""
        dtype = self.template.data.dtype
        return draw_nodes(self.bundle, first, last, self.run, dtype, out, self.target, self.shared)

    def part(self, first: int, last: int, threads: int = 1) -> JobPart:
        """Return what is needed to draw some nodes elsewhere; they keep their addresses."""
        rows = [
            (fit, slice(*np.searchsorted(fit.node_ids, [first, last]))) for fit in self.bundle.fits
        ]
        fits = tuple(fit.take(mine) for fit, mine in rows if mine.start < mine.stop)
        conditions = self.run.conditions if any(fit.n_conditions for fit in fits) else None
        run = replace(self.run, conditions=conditions, threads=threads)
        shared = self.shared.part(range(first, last)) if self.shared and last > first else None
        return JobPart(fits, run, self.template.data.dtype, first, last, self.target, shared)


@dataclass(frozen=True, eq=False, slots=True)
class JobPart:
    """Some consecutive nodes of a job: what a worker is sent."""

    fits: tuple[ProcessFit, ...]
    run: Run
    dtype: np.dtype[Any]
    first: int
    last: int
    target: str = "cpu"
    shared: Sharing | None = None

    def draw(self) -> NDArray[Any]:
        """Draw the nodes: data (node, trial, word or bin)."""
        size = (self.first, self.last, self.run, self.dtype)
        return draw_nodes(self, *size, target=self.target, shared=self.shared)

    def __reduce__(self) -> tuple[Any, ...]:
        # Of a fit a simulation needs the parameters alone.
        laws = [(fit.process, fit.node_ids, dict(fit.params), fit.window) for fit in self.fits]
        rest = (self.run, self.dtype, self.first, self.last, self.target, self.shared)
        return _part, (laws, *rest)


def _part(laws: Sequence[Law], *rest: Any) -> JobPart:
    """Unpickle a part."""
    return JobPart(tuple(known_fit(*law) for law in laws), *rest)


class DrawnArray:
    """The data of a raster that is kept nowhere: nodes are drawn whenever they are read."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.shape = tuple(job.template.data.shape)
        self.dtype = job.template.data.dtype

    def __getitem__(self, key: slice) -> NDArray[Any]:
        start, stop, _ = key.indices(self.shape[0])
        return self._job.draw(start, max(start, stop))

    def part(self, first: int, last: int) -> DrawnPart:
        """Return some of the nodes, for a worker: they are drawn there."""
        return DrawnPart(self._job.part(first, last))


class DrawnPart:
    """Some nodes of a `DrawnArray`; they are drawn all at once whenever any are read."""

    def __init__(self, part: JobPart) -> None:
        self._part = part
        width = packing.n_words(part.run.n_bins) if part.dtype == np.uint64 else part.run.n_bins
        self.shape = (part.last - part.first, part.run.n_trials, width)
        self.dtype = part.dtype

    def __getitem__(self, key: slice) -> NDArray[Any]:
        return self._part.draw()[key]


def make_job(
    bundle: Bundle,
    n_trials: int | None,
    n_bins: int | None,
    *,
    seed: int | None,
    conditions: ArrayLike | None,
    threads: int | None,
    target: str,
) -> Job:
    """Check what a simulation was asked for, and settle what was left open.

    Raises
    ------
    InvalidInputError
        As `stochnet.simulate`.
    """
    n_trials = bundle.n_trials if n_trials is None else n_trials
    n_bins = bundle.n_bins if n_bins is None else n_bins
    for name, size in (("n_trials", n_trials), ("n_bins", n_bins)):
        whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
        if not whole or not 1 <= size < 2**32:
            raise InvalidInputError(
                f"{name} must be a whole number from 1 to 2**32 - 1, got {size}"
            )
    if target not in TARGETS:
        raise InvalidInputError(f"target must be one of {', '.join(TARGETS)}, got {target!r}")
    kernels_of(target).check()
    shared = None if bundle.latents is None else sharing(bundle.latents, bundle.layers)
    if shared is not None and not hasattr(kernels_of(target), "correlated_spikes"):
        raise InvalidInputError(
            f"target {target!r} does not draw correlated nodes yet: use target='cpu', or set the "
            "latents of the bundle to None"
        )
    seed = rng.resolve_seed(seed)
    table = _conditions(bundle, n_trials, n_bins, conditions)
    dtype = _data_type(bundle)
    width = packing.n_words(n_bins) if dtype == np.uint64 else n_bins
    template = SpikeRaster(
        Shape((bundle.n_nodes, n_trials, width), dtype),
        n_bins=n_bins,
        conditions=table,
        layers=bundle.layers,
        bin_width=bundle.bin_width,
        schedule=bundle.schedule if conditions is None else "none",
        provenance=provenance(
            seed=seed, stream_version=rng.STREAM_VERSION, bundle=dict(bundle.provenance)
        ),
    )
    run = Run(n_trials, n_bins, table, *rng.split_seed(seed), count(threads))
    return Job(bundle, run, template, target, shared=shared)


def _data_type(bundle: Bundle) -> np.dtype[Any]:
    """Packed bits, or the smallest counts that hold what any node can draw."""
    most = 0
    for fit in bundle.fits:
        if fit.process.sampler.most is not None:
            flat = {name: array.reshape(-1) for name, array in fit.params.items()}
            most = max(most, fit.process.sampler.most(flat))
        if most > np.iinfo(np.uint16).max:
            raise InvalidInputError(
                f"{fit.process.name}: a bin could hold {most} spikes, a raster at most 65535; "
                "lower the rate or the dispersion, or use shorter bins"
            )
    if most == 0:
        return np.dtype(np.uint64)
    return np.dtype(np.uint8 if most <= 255 else np.uint16)


def _conditions(
    bundle: Bundle, n_trials: int, n_bins: int, given: ArrayLike | None
) -> NDArray[np.int16] | None:
    """Return the condition of every bin: as given, or those of the fit, repeated where they end."""
    known = bundle.conditions
    if given is not None:
        known = per_bin("conditions", given, n_trials, n_bins)
    if known is None:
        if bundle.n_conditions:
            raise InvalidInputError(
                "the parameters are per condition: give conditions (trial, bin), the class of "
                "every bin"
            )
        return None
    table = known[np.arange(n_trials)[:, None] % len(known), np.arange(n_bins) % known.shape[1]]
    if bundle.n_conditions and not ((table >= 0) & (table < bundle.n_conditions)).all():
        raise InvalidInputError(
            f"every bin needs a condition from 0 to {bundle.n_conditions - 1}, for these are the "
            "ones with parameters"
        )
    return np.ascontiguousarray(table)
