"""Draw a surrogate raster from a bundle, in memory or streamed to a file."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet import packing, rng
from stochnet.bundle import Bundle
from stochnet.draw import Run, draw_nodes
from stochnet.errors import InvalidInputError
from stochnet.labels import per_bin
from stochnet.provenance import provenance
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.sink import Shape, open_sink
from stochnet.threads import Progress, count


def simulate(
    bundle: Bundle,
    n_trials: int | None = None,
    n_bins: int | None = None,
    *,
    seed: int | None = None,
    conditions: ArrayLike | None = None,
    threads: int | None = None,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> SpikeRaster:
    """Simulate the network of a bundle.

    The spikes are a function of the bundle's content, the seed and the version of the random
    streams alone: any slice of nodes, trials or bins equals that slice of a larger simulation, and
    the number of threads does not matter.

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
        As many as cores by default.
    path : path-like, optional
        Stream to this HDF5 file, a block of nodes at a time; the raster returned reads from it.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SpikeRaster
        Packed spikes; counts if a process of the bundle can put several spikes into a bin.

    Raises
    ------
    InvalidInputError
        Sizes below 1, a seed out of range, conditions that are missing or do not fit.
    """
    n_trials = bundle.n_trials if n_trials is None else n_trials
    n_bins = bundle.n_bins if n_bins is None else n_bins
    for name, size in (("n_trials", n_trials), ("n_bins", n_bins)):
        whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
        if not whole or not 1 <= size < 2**32:
            raise InvalidInputError(
                f"{name} must be a whole number from 1 to 2**32 - 1, got {size}"
            )
    seed = rng.resolve_seed(seed)
    table = _conditions(bundle, n_trials, n_bins, conditions)
    run = Run(n_trials, n_bins, table, *rng.split_seed(seed), count(threads))
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
    step = max(1, BLOCK_BYTES // max(1, template.node_bytes))
    with (
        open_sink(path, template) as sink,
        ThreadPoolExecutor(1) as writer,
    ):
        pending: Future[None] | None = None
        for first in range(0, bundle.n_nodes, step):
            last = min(first + step, bundle.n_nodes)
            block = draw_nodes(bundle, first, last, run, dtype, out=sink.space(first, last))
            if pending is not None:
                pending.result()
            # The block is written while the next one is drawn.
            pending = writer.submit(sink.write, first, block)
            if progress is not None:
                progress("simulate", last, bundle.n_nodes)
        if pending is not None:
            pending.result()
    return sink.raster


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
