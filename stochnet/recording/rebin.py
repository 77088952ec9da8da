"""Windows as bins: a raster of counts, in which each bin holds the spikes of a whole window."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress, run_blocks
from stochnet.raster.blocks import node_blocks
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.raster.sinks import Shape
from stochnet.raster.windows import check_window
from stochnet.statistics.counting import window_counts
from stochnet.storage import open_sink

SMALL, MOST = int(np.iinfo(np.uint8).max), int(np.iinfo(np.uint16).max)


def rebin(
    raster: SpikeRaster,
    window: int,
    *,
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> SpikeRaster:
    """Make every full window one bin that holds its number of spikes.

    Processes of counts (``poisson``, ``binomial``, ``conway_maxwell_poisson``) then describe the
    window counts themselves. Windows tile each trial from its first bin; bins after the last full
    window are left out.

    Parameters
    ----------
    raster : SpikeRaster
        Spikes or counts; read a block of nodes at a time, twice where that is needed to know the
        largest count.
    window : int
        Bins per window.
    path : path-like, optional
        Stream to this HDF5 file, a block of nodes at a time.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SpikeRaster
        Counts (node, trial, window), uint8, or uint16 where one exceeds 255. A window keeps its
        condition and training label where all of its bins have the same one, and has -1 elsewhere;
        stimuli are kept for windows of one bin, and are -1 for longer ones. ``bin_width`` is that
        of the window.

    Raises
    ------
    InvalidInputError
        The window does not fit into a trial, or holds more than 65,535 spikes.
    """
    entrance.progress(progress)
    width = check_window(window, check_raster(raster).n_bins)
    n_windows = raster.n_bins // width
    node_bytes = max(raster.node_bytes, 8 * raster.n_trials * n_windows)
    blocks = [slice(*block) for block in node_blocks(raster.n_nodes, node_bytes)]
    largest = width * (1 if raster.kind == "spikes" else int(np.iinfo(raster.data.dtype).max))
    if largest > SMALL:
        largest = max(int(_sums(raster, nodes, width).max()) for nodes in blocks)
    if largest > MOST:
        raise InvalidInputError(
            f"a window of {width} bins holds {largest:,} spikes, and a bin of a raster at most "
            f"{MOST:,}; use a smaller window"
        )
    dtype = np.dtype(np.uint8 if largest <= SMALL else np.uint16)
    stimuli = raster.stimuli
    if stimuli is not None and width > 1:
        stimuli = np.full((raster.n_trials, n_windows), -1, np.int64)
    template = SpikeRaster(
        Shape((raster.n_nodes, raster.n_trials, n_windows), dtype),
        n_bins=n_windows,
        conditions=_shared(raster.conditions, width),
        training_labels=_shared(raster.training_labels, width),
        stimuli=stimuli,
        layers=raster.layers,
        bin_width=raster.bin_width * width,
        schedule=raster.schedule,
        provenance=provenance(window=width, source=dict(raster.provenance)),
    )
    with open_sink(path, template) as sink:
        for nodes in blocks:
            sink.write(nodes.start, _sums(raster, nodes, width).astype(dtype))
            if progress is not None:
                progress("rebin", nodes.stop, raster.n_nodes)
    return sink.raster


def _sums(raster: SpikeRaster, nodes: slice, width: int) -> NDArray[np.int64]:
    """Return the spikes of some nodes in each full window: (node, trial, window)."""
    data = np.asarray(raster.data[nodes])
    sums = np.empty((len(data), raster.n_trials * (raster.n_bins // width)), np.int64)
    run_blocks(lambda a, b: window_counts(data[a:b], width, sums[a:b]), len(data))
    return sums.reshape(len(data), raster.n_trials, -1)


def _shared(labels: NDArray[np.int16] | None, width: int) -> NDArray[np.int16] | None:
    """Return the label of each full window, -1 where its bins have several."""
    if labels is None:
        return None
    n_windows = labels.shape[1] // width
    windows = labels[:, : n_windows * width].reshape(len(labels), n_windows, width)
    first = windows[..., 0]
    return np.where((windows == first[..., None]).all(axis=2), first, -1).astype(np.int16)
