"""Draw a surrogate raster from a bundle, in memory, streamed to a file, or only reduced."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from numpy.typing import ArrayLike

from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import Progress
from stochnet.raster.layers import cut_layers
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.sinks import BlockSink
from stochnet.simulation.job import DrawnArray, Job, make_job
from stochnet.simulation.run import fill, in_order
from stochnet.storage import open_sink


def simulate(
    bundle: Bundle,
    n_trials: int | None = None,
    n_bins: int | None = None,
    *,
    seed: int | None = None,
    conditions: ArrayLike | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    target: str = "cpu",
    path: str | os.PathLike[str] | None = None,
    sink: BlockSink | None = None,
    progress: Progress | None = None,
) -> SpikeRaster:
    """Simulate the network of a bundle.

    The spikes are a function of the bundle's content, the seed and the version of the random
    streams alone: any slice of nodes, trials or bins equals that slice of a larger simulation, and
    threads, workers and devices do not matter.

    Parameters
    ----------
    bundle : Bundle
    n_trials, n_bins : int, optional
        Size; by default that of the raster the bundle was fitted to.
    seed : int, optional
        From 0 to 2**64 - 1. None draws one, which is kept in ``provenance["seed"]``.
    conditions : array_like of int (trial, bin), optional
        Class of every bin; by default those of the fitted raster, repeated where they end.
    threads : int, optional
        As many as cores by default; with an executor those of each worker, 1 by default.
    executor : concurrent.futures.Executor, optional
        Draws the blocks of nodes: threads, processes or a cluster (``Client.get_executor()`` of
        Dask). A block whose worker dies is drawn again.
    target : {"cpu", "cuda"}
        Where the blocks are drawn: by the processor, or by an NVIDIA GPU (needs the extra ``gpu``).
        The spikes are the same, bit by bit.
    path : path-like, optional
        Stream to this HDF5 file, a block of nodes at a time; the raster returned reads from it.
        With a `seed` a run that was stopped or killed is continued by the next one that asks for
        the same at the same path. Without one nothing can be continued: every run has new spikes,
        and removes what a stopped one left.
    sink : BlockSink, optional
        Takes every block of nodes and keeps what it wants of it; nothing else is kept. The raster
        returned draws its nodes again whenever they are read.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SpikeRaster
        Packed spikes; counts if a process of the bundle can put several spikes into a bin.

    Raises
    ------
    InvalidInputError
        Sizes below 1, a seed out of range, conditions that are missing or do not fit, an unknown
        target, the target "cuda" without a GPU, both a path and a sink.
    WorkerError
        The workers of the executor fail again and again.
    """
    if path is not None and sink is not None:
        raise InvalidInputError("give either a path or a sink: a sink keeps no spikes")
    job = make_job(
        bundle, n_trials, n_bins, seed=seed, conditions=conditions, threads=threads, target=target
    )
    if sink is not None:
        return _reduce(job, sink, executor, threads, progress)
    # Without a seed of its own no other run asks for the same.
    identity = None if seed is None else partial(_identity, job, seed)
    with open_sink(path, job.template, identity=identity) as out:
        job = replace(job, start=out.done)
        if out.done and progress is not None:
            where = f"node {out.done:,} of {bundle.n_nodes:,}"
            progress(f"simulate: continues at {where}", out.done, bundle.n_nodes)
        for done in fill(job, out, executor, threads):
            if progress is not None:
                progress("simulate", done, bundle.n_nodes)
    return out.raster


def _identity(job: Job, seed: int) -> str:
    from stochnet.storage import simulation_identity

    return simulation_identity(job.bundle, job.template, seed)


def _reduce(
    job: Job,
    sink: BlockSink,
    executor: Executor | None,
    threads: int | None,
    progress: Progress | None,
) -> SpikeRaster:
    """Show every block to a sink, and keep none."""
    raster = replace(job.template, data=DrawnArray(job))
    sink.begin(raster)
    for first, last, block in in_order(job, executor, threads=threads):
        layers = cut_layers(raster.layers, first, last)
        sink.take(first, replace(raster, data=block, layers=layers))
        if progress is not None:
            progress("simulate", last, raster.n_nodes)
    return raster
