"""Cut packed words into pieces that belong to one segment each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.compile import kernel

_ONE = np.uint64(1)


@kernel
def _cut(of_bin, word_pieces, mask, segment):
    n_trials, n_bins = of_bin.shape
    n_words = (n_bins + 63) // 64
    n = 0
    for trial in range(n_trials):
        for word in range(n_words):
            begin = n
            for t in range(64 * word, min(64 * word + 64, n_bins)):
                s = of_bin[trial, t]
                if s < 0:
                    continue
                k = n - 1
                while k >= begin and segment[k] != s:
                    k -= 1
                if k < begin:
                    k = n
                    segment[k] = s
                    mask[k] = np.uint64(0)
                    n += 1
                mask[k] |= _ONE << np.uint64(t - 64 * word)
            word_pieces[trial * n_words + word + 1] = n
    return n


def cut_words(
    of_bin: NDArray[np.int32],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return (pieces per word as offsets, masks, segments) for segments (trial, bin)."""
    n_trials, n_bins = of_bin.shape
    word_pieces = np.zeros(n_trials * (-(-n_bins // 64)) + 1, np.int64)
    mask = np.empty(of_bin.size, np.uint64)
    segment = np.empty(of_bin.size, np.int64)
    n = _cut(of_bin, word_pieces, mask, segment)
    return word_pieces, mask[:n].copy(), segment[:n].copy()
