"""Irregularity of spike trains from successive gaps, which slow changes of rate hardly touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import isi as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster

Array = NDArray[np.float64]


def cv2(raster: SpikeRaster) -> Array:
    """Return CV2: the mean of ``2 abs(b - a) / (a + b)`` over successive gaps a, b of a trial.

    1 for a Poisson process in continuous time; in bins lower, the more so the higher the rate, as
    equal gaps are then frequent.

    Returns
    -------
    ndarray (node,)
        NaN for nodes without two successive gaps. Pairs of gaps of 0 bins (several spikes in one
        bin) are left out.

    References
    ----------
    Holt, Softky, Koch & Douglas (1996), Journal of Neurophysiology 75, 1806-1814.
    """
    pairs = _pairs(raster)
    return np.asarray(2 * _mean(pairs[:, 1], pairs[:, 0]))


def lv(raster: SpikeRaster) -> Array:
    """Return the local variation: the mean of ``3 ((b - a) / (a + b))²`` over successive gaps a, b.

    1 for a Poisson process in continuous time, lower in bins.

    Returns
    -------
    ndarray (node,)
        NaN for nodes without two successive gaps. Pairs of gaps of 0 bins are left out.

    References
    ----------
    Shinomoto, Shima & Tanji (2003), Neural Computation 15, 2823-2842.
    """
    pairs = _pairs(raster)
    return np.asarray(3 * _mean(pairs[:, 2], pairs[:, 0]))


def _mean(total: Array, n: Array) -> Array:
    return np.asarray(np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0))


def _pairs(raster: SpikeRaster) -> Array:
    """Return (pairs, sum of |b - a| / (a + b), sum of its square) of each node: (node, 3)."""
    return np.concatenate([_block_pairs(block) for _, block in raster.blocks()])


def _block_pairs(block: SpikeRaster) -> Array:
    data = block.data[0 : block.n_nodes]
    out = np.zeros((block.n_nodes, 3))

    def run(a: int, b: int) -> None:
        if block.kind == "counts":
            kernels.count_gap_pairs(data[a:b], out[a:b])
        else:
            kernels.gap_pairs(data[a:b].reshape(b - a, -1), data.shape[2], out[a:b])

    run_blocks(run, block.n_nodes)
    return out
