"""Draw a surrogate raster from a bundle, in memory, streamed to a file, or only reduced."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet._version import __version__
from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels import rng
from stochnet.kernels.threads import Progress, count
from stochnet.raster.layers import cut_layers
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster, per_bin
from stochnet.raster.sinks import BlockSink
from stochnet.simulation.draw import TARGETS, Run, kernels_of
from stochnet.simulation.draw_correlated import rounded_latents
from stochnet.simulation.drawn_nodes import DrawnNodes
from stochnet.simulation.fill import fill, in_order
from stochnet.simulation.unlabelled import with_unlabelled
from stochnet.storage import bundle_digest, open_sink
from stochnet.storage.rasters import combine


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
    unlabelled: str | Bundle = "error",
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
    unlabelled : {"error", "silent"} or Bundle, default "error"
        What nodes whose parameters are per condition do in bins without one (-1): "silent" nodes
        do not fire there; a bundle of the same nodes, fitted without conditions
        (``fit_bundle(raster, process)``), is the law that they follow. Spikes in bins with a
        condition are the same for either, but for processes with memory.

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
    entrance.instance("bundle", bundle, Bundle, "fit one, or make it with Bundle.from_params")
    entrance.progress(progress)
    entrance.executor(executor)
    entrance.has("sink", sink, ("begin", "take"), "a sink, such as sn.SummarySink()")
    if path is not None and sink is not None:
        raise InvalidInputError("give either a path or a sink: a sink keeps no spikes")
    raster, drawn = drawn_raster(
        bundle, n_trials, n_bins, seed=seed, conditions=conditions, threads=threads, target=target,
        unlabelled=unlabelled,
    )  # fmt: skip
    if sink is not None:
        sink.begin(raster)
        for first, last, block in in_order(drawn, executor, threads=threads):
            layers = cut_layers(raster.layers, first, last)
            sink.take(first, replace(raster, data=block, layers=layers))
            if progress is not None:
                progress("simulate", last, raster.n_nodes)
        return raster
    # Without a seed of its own no other run asks for the same.
    identity = None if seed is None else partial(_identity, bundle, raster, seed, unlabelled)
    with open_sink(path, raster, identity=identity) as out:
        if out.done and progress is not None:
            where = f"node {out.done:,} of {bundle.n_nodes:,}"
            progress(f"simulate: continues at {where}", out.done, bundle.n_nodes)
        for done in fill(drawn, out, executor, threads):
            if progress is not None:
                progress("simulate", done, bundle.n_nodes)
    return out.raster


def _identity(bundle: Bundle, raster: SpikeRaster, seed: int, unlabelled: str | Bundle) -> str:
    """Return 64 hexadecimal digits that two simulations share only if they make the same file."""
    stream = str(rng.STREAM_VERSION)
    # The version stands in the file, so another one does not finish it.
    lines = [__version__, stream, str(int(seed)), bundle_digest(bundle), combine(raster, b"")]
    if not isinstance(unlabelled, str) or unlabelled != "error":
        lines.append(unlabelled if isinstance(unlabelled, str) else bundle_digest(unlabelled))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def drawn_raster(
    bundle: Bundle,
    n_trials: int | None = None,
    n_bins: int | None = None,
    *,
    seed: int | None,
    conditions: ArrayLike | None = None,
    threads: int | None = None,
    target: str = "cpu",
    unlabelled: str | Bundle = "error",
) -> tuple[SpikeRaster, DrawnNodes]:
    """Check what a simulation was asked for, and settle what was left open.

    Returns
    -------
    raster : SpikeRaster
        Its nodes are drawn whenever they are read.
    drawn : DrawnNodes
        The data of that raster.

    Raises
    ------
    InvalidInputError
        As `simulate`.
    """
    n_trials = bundle.n_trials if n_trials is None else n_trials
    n_bins = bundle.n_bins if n_bins is None else n_bins
    n_trials = entrance.whole("n_trials", n_trials, 1, entrance.MOST_BINS)
    n_bins = entrance.whole("n_bins", n_bins, 1, entrance.MOST_BINS)
    entrance.option("target", target, TARGETS)
    kernels_of(target).check()
    latents = None if bundle.latents is None else rounded_latents(bundle.latents, bundle.layers)
    if latents is not None and not hasattr(kernels_of(target), "correlated_spikes"):
        raise InvalidInputError(
            f"target {target!r} does not draw correlated nodes yet: use target='cpu', or set the "
            "latents of the bundle to None"
        )
    seed = rng.resolve_seed(seed)
    table = _conditions(bundle, n_trials, n_bins, conditions)
    network, drawn_by = with_unlabelled(bundle, table, unlabelled)
    run = Run(
        n_trials=n_trials,
        n_bins=n_bins,
        conditions=drawn_by,
        key=rng.split_seed(seed),
        dtype=_data_type(network),
        threads=count(threads),
        target=target,
        unlabelled=network is not bundle,
    )
    drawn = DrawnNodes(network.fits, run, 0, bundle.n_nodes, latents)
    facts = provenance(seed=seed, stream_version=rng.STREAM_VERSION, bundle=dict(bundle.provenance))
    raster = SpikeRaster(
        drawn,
        n_bins=n_bins,
        conditions=table,
        layers=bundle.layers,
        bin_width=bundle.bin_width,
        schedule=bundle.schedule if conditions is None else "none",
        provenance=facts,
    )
    return raster, drawn


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
                "parameters are per bin, not per second: lower the rate or the dispersion, or use "
                "shorter bins"
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
    return np.ascontiguousarray(table)
