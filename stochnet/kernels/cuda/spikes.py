"""Independent 0/1 bins on the device: a thread draws a word."""

from __future__ import annotations

import numpy as np
from numba import cuda

from stochnet.kernels.cuda.device import device, draw, split
from stochnet.kernels.cuda.gaps import sparse_kernel
from stochnet.kernels.drawing import words

_pooled_word = device(words.pooled_word)
_segmented_word = device(words.segmented_word)
_profile_word = device(words.profile_word)
_ZERO = np.uint64(0)


@cuda.jit
def dense_kernel(thresholds, scale, shift, nodes, n_words, n_bins, k0, k1, out):
    """Draw words of nodes with one threshold each, but of sparse ones: out (node, trial·word)."""
    for item in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        i, at = split(item, out.shape[1])
        if scale[i] == _ZERO:
            trial, word = split(at, n_words)
            out[i, at] = _pooled_word(thresholds[i], word, trial, nodes[i], n_bins, k0, k1)


@cuda.jit
def segmented_kernel(thresholds, nodes, n_words, k0, k1, pieces, segments, has_gain, out):
    """Draw words of nodes with a threshold for every segment: out (node, trial·word)."""
    first = pieces[0]
    for item in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        i, at = split(item, out.shape[1])
        trial, word = split(at, n_words)
        out[i, at] = _segmented_word(
            thresholds[i], (first[at], first[at + 1]), (pieces[1], pieces[2]), segments, has_gain,
            word, trial, nodes[i], k0, k1,
        )  # fmt: skip


@cuda.jit
def profile_kernel(thresholds, nodes, n_words, n_bins, k0, k1, row, out):
    """Draw words of nodes with a threshold for every bin of a trial: out (node, trial·word)."""
    for item in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        i, at = split(item, out.shape[1])
        trial, word = split(at, n_words)
        out[i, at] = _profile_word(thresholds[i], row, word, trial, nodes[i], n_bins, k0, k1)


def pooled_spikes(thresholds, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
    """Draw what `stochnet.kernels.cpu.pooled_spikes` draws."""
    kernels = [(dense_kernel, out.shape[1])] if not scale.all() else []
    if scale.any():
        kernels.append((sparse_kernel, n_trials))
    arguments = (out.shape[1] // n_trials, np.uint64(n_bins), k0, k1)
    draw(kernels, (thresholds, scale, shift, nodes), arguments, out)


def segmented_spikes(
    thresholds, nodes, n_trials, n_bins, k0, k1, out, pieces, segments, has_gain
):  # fmt: skip
    """Draw what `stochnet.kernels.drawing.segmented.segmented_spikes` draws."""
    n = out.shape[1]
    arguments = (n // n_trials, k0, k1, pieces, segments[:2], has_gain)
    draw([(segmented_kernel, n)], (thresholds, nodes), arguments, out)


def profile_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out, bin_row):
    """Draw what `stochnet.kernels.drawing.spikes.profile_spikes` draws."""
    n = out.shape[1]
    arguments = (n // n_trials, n_bins, k0, k1, bin_row)
    draw([(profile_kernel, n)], (thresholds, nodes), arguments, out)
