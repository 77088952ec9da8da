"""Independent counts on the device: a thread draws four bins of a trial."""

from __future__ import annotations

import numpy as np
from numba import cuda

from stochnet.kernels.cuda.device import device, draw, split
from stochnet.kernels.drawing import bins

_count_bins = device(bins.count_bins)
_pooled_bins = device(bins.pooled_bins)


@cuda.jit
def pooled_kernel(tables, nodes, k0, k1, out):
    """Draw counts of nodes with one table each: out (node, trial, bin)."""
    n_nodes, n_trials, n_bins = out.shape
    blocks = (n_bins + 3) // 4
    for item in range(cuda.grid(1), n_nodes * n_trials * blocks, cuda.gridsize(1)):
        i_trial, block = split(item, blocks)
        i, trial = split(i_trial, n_trials)
        _pooled_bins(out[i, trial], block, tables[i], trial, nodes[i], k0, k1)


@cuda.jit
def counts_kernel(tables, nodes, k0, k1, bin_segment, segments, has_gain, out):
    """Draw counts: out (node, trial, bin)."""
    n_nodes, n_trials, n_bins = out.shape
    blocks = (n_bins + 3) // 4
    for item in range(cuda.grid(1), n_nodes * n_trials * blocks, cuda.gridsize(1)):
        i_trial, block = split(item, blocks)
        i, trial = split(i_trial, n_trials)
        _count_bins(
            out[i, trial], block, tables[i], bin_segment[trial], segments, has_gain, trial,
            nodes[i], k0, k1,
        )  # fmt: skip


def independent_counts(tables, nodes, k0, k1, out, bin_segment, segments, has_gain):
    """Draw what `stochnet.kernels.drawing.counts.independent_counts` draws."""
    arguments = (k0, k1, bin_segment, segments[:2], has_gain)
    draw([(counts_kernel, _items(out))], (_rising(tables), nodes), arguments, out)


def pooled_counts(tables, nodes, k0, k1, out):
    """Draw what `stochnet.kernels.drawing.counts.pooled_counts` draws."""
    draw([(pooled_kernel, _items(out))], (_rising(tables), nodes), (k0, k1), out)


def _items(out):
    return out.shape[1] * (-(-out.shape[2] // 4))


def _rising(tables):
    # The first entry above a word stays the first one, and can be searched by halves.
    return np.maximum.accumulate(tables, axis=-1)
