"""Draw a surrogate raster from a bundle, in memory, streamed to a file, or only reduced."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

from numpy.typing import ArrayLike

from stochnet.bundle import Bundle
from stochnet.errors import InvalidInputError
from stochnet.execution import in_order
from stochnet.job import DrawnArray, Job, make_job
from stochnet.layers import cut_layers
from stochnet.raster import SpikeRaster
from stochnet.sink import BlockSink, open_sink
from stochnet.threads import Progress


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
    target : {"cpu"}
        Where the blocks are drawn.
    path : path-like, optional
        Stream to this HDF5 file, a block of nodes at a time; the raster returned reads from it.
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
        target, both a path and a sink.
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
    with open_sink(path, job.template) as out, ThreadPoolExecutor(1) as writer:
        pending: Future[None] | None = None
        for first, last, block in in_order(job, executor, out.space, threads):
            if pending is not None:
                pending.result()
            # The block is written while the next one is drawn.
            pending = writer.submit(out.write, first, block)
            if progress is not None:
                progress("simulate", last, bundle.n_nodes)
        if pending is not None:
            pending.result()
    return out.raster


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
