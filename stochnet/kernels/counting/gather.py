"""Gather bits by index: from a recording, one bin a stimulus, to trials of presented stimuli."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel

_ONE = np.uint64(1)
_S63 = np.uint64(63)


@kernel
def gather_spikes(words, index, n_bins, out):
    """Gather packed spikes: words (node, word), index (trial·bin,), out (node, trial, word)."""
    n_trials, n_words = out.shape[1], out.shape[2]
    for i in range(words.shape[0]):
        source = words[i]
        for trial in range(n_trials):
            base = trial * n_bins
            for w in range(n_words):
                word = np.uint64(0)
                n = min(64, n_bins - 64 * w)
                chosen = index[base + 64 * w : base + 64 * w + n]
                for b in range(n):
                    at = chosen[b]
                    bit = (source[at >> 6] >> (np.uint64(at) & _S63)) & _ONE
                    word |= bit << np.uint64(b)
                out[i, trial, w] = word


@kernel
def gather_counts(counts, index, n_bins, out):
    """Gather counts: counts (node, bin), index (trial·bin,), out (node, trial, bin)."""
    for i in range(counts.shape[0]):
        for trial in range(out.shape[1]):
            for t in range(n_bins):
                out[i, trial, t] = counts[i, index[trial * n_bins + t]]
