"""Nodes that are drawn gap by gap, on the device: a thread draws a trial."""

from __future__ import annotations

import numpy as np
from numba import cuda

from stochnet.kernels.cuda.device import device, draw, split
from stochnet.kernels.drawing import gaps
from stochnet.kernels.drawing.renewal_spikes import gap_tables

_sparse_trial = device(gaps.sparse_trial)
_renewal_trial = device(gaps.renewal_trial)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@cuda.jit
def sparse_kernel(thresholds, scale, shift, nodes, n_words, n_bins, k0, k1, out):
    """Draw trials of sparse nodes, a thread each: out (node, trial·word)."""
    n_trials = out.shape[1] // n_words
    for item in range(cuda.grid(1), out.shape[0] * n_trials, cuda.gridsize(1)):
        i, trial = split(item, n_trials)
        if scale[i] != _ZERO:
            row = out[i, np.int64(trial) * n_words : np.int64(trial + _ONE) * n_words]
            _sparse_trial(row, scale[i], shift[i], np.int64(n_bins), trial, nodes[i], k0, k1)


@cuda.jit
def renewal_kernel(entries, scale, shift, nodes, n_words, n_bins, k0, k1, out):
    """Draw trials of renewal nodes, a thread each: out (node, trial·word)."""
    n_trials = out.shape[1] // n_words
    for item in range(cuda.grid(1), out.shape[0] * n_trials, cuda.gridsize(1)):
        i, trial = split(item, n_trials)
        row = out[i, np.int64(trial) * n_words : np.int64(trial + _ONE) * n_words]
        _renewal_trial(row, entries[i], scale[i], shift[i], n_bins, trial, nodes[i], k0, k1)


def renewal_spikes(hazards, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
    """Draw what `stochnet.kernels.drawing.renewal_spikes.renewal_spikes` draws."""
    entries = np.empty((len(hazards), 2, hazards.shape[1] // 2 + 1), np.uint64)
    gap_tables(hazards, entries)
    arguments = (out.shape[1] // n_trials, n_bins, k0, k1)
    draw([(renewal_kernel, n_trials)], (entries, scale, shift, nodes), arguments, out)
