"""Plain counts of the spikes of nodes in memory, whether they are packed bits or counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.packing import pack
from stochnet.raster.raster import SpikeRaster

Words = NDArray[np.uint64]
Pieces = tuple[NDArray[np.int64], Words, NDArray[np.int64]]
"""Pieces per word as offsets, their bits, and their segments: see `cut_words`."""


def packed(block: SpikeRaster) -> Words:
    """Return the words (node, trial·word) of a block; counts become active or silent bins."""
    return active_words(block.data[0 : block.n_nodes])


def active_words(data: NDArray[Any]) -> Words:
    """Return the active bins of data (node, trial, word or bin) as words (node, trial·word)."""
    words = data if data.dtype == np.uint64 else pack(data)
    return np.asarray(words).reshape(len(data), -1)


def spike_counts(block: SpikeRaster) -> NDArray[np.int64]:
    """Return the spikes of every node of a block: (node,)."""
    rows = block.data[0 : block.n_nodes].reshape(block.n_nodes, -1)
    if block.kind == "counts":
        return np.asarray(rows.sum(axis=1, dtype=np.int64))
    out = np.empty(block.n_nodes, np.int64)
    run_blocks(lambda a, b: kernels.count_spikes(rows[a:b], out[a:b]), block.n_nodes)
    return out


def window_counts(data: NDArray[Any], window: int, out: NDArray[Any]) -> None:
    """Count the spikes of full windows: data (node, trial, word or bin), out (node, trial·window).

    Windows tile every trial from its first bin; bins after the last full window are left out.
    """
    count = kernels.window_spikes if data.dtype == np.uint64 else kernels.window_counts
    count(data, window, out)


def segment_counts(
    data: NDArray[Any], of_bin: NDArray[np.int32], pieces: Pieces, out: NDArray[Any]
) -> None:
    """Count the spikes of segments: data (node, trial, word or bin), out (node, segment).

    Parameters
    ----------
    of_bin : ndarray of int32 (trial, bin)
        Segment of every bin, -1 for none: read for counts.
    pieces : Pieces
        The same, cut into words: read for packed bits.
    """
    if data.dtype == np.uint64:
        kernels.segment_spikes(data.reshape(len(data), -1), *pieces, out)
    else:
        kernels.segment_counts(data, of_bin, out)
