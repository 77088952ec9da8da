"""The latents of a block of bins, which all nodes share: drawn, mixed, and laid out in pairs."""

from __future__ import annotations

import numba
import numpy as np

from stochnet.kernels import gaussian
from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import draw_counters
from stochnet.kernels.gaussian import DITHER_BITS, MIXING_BITS, TRIAL_SERIES
from stochnet.kernels.philox import philox
from stochnet.kernels.rng import LATENT, LOW

latent = numba.njit(nogil=True)(gaussian.latent)
_FULL, _ONE, _ZERO, _LOW16 = (
    np.uint64(0xFFFFFFFFFFFFFFFF),
    np.uint64(1),
    np.uint64(0),
    np.uint64(0xFFFF),
)
_S32, _S_DITHER = np.uint64(32), np.uint64(16 - DITHER_BITS)
_MOST, _ROUND = 32767, 1 << (MIXING_BITS - 1)


@kernel
def address(start, n, n_words, n_bins, per_word, c0, c1, valid):
    """Fill counters (`per_word` each) and padding masks of words `start` to start + n."""
    used = n_bins - 64 * (n_words - 1)
    for i in range(n):
        trial = (start + i) // n_words
        word = (start + i) - trial * n_words
        valid[i] = _FULL if word < n_words - 1 or used == 64 else (_ONE << np.uint64(used)) - _ONE
        for q in range(per_word):
            c0[per_word * i + q] = np.uint64(per_word * word + q)
            c1[per_word * i + q] = np.uint64(trial)


@kernel
def draw_series(c0, c1, n, used, k0, k1, tables, random, series, dither):
    """Draw independent latents for n words of bins.

    used bool (series,): those that are needed, the first one among them; tables: normals and
    tails; series int16 (series, bin); dither int32 (bin,): from the first series.
    """
    normals, tails = tables
    for s in range(len(used)):
        if not used[s]:
            continue
        draw_counters(c0, c1, 16 * n, np.uint64(s), LATENT, k0, k1, random)
        own = series[s]
        for half in range(32 * n):
            two = random[half]
            own[2 * half] = latent(two & LOW, normals, tails)
            own[2 * half + 1] = latent(two >> _S32, normals, tails)
            if s == 0:
                dither[2 * half] = np.int32((two & _LOW16) >> _S_DITHER)
                dither[2 * half + 1] = np.int32(((two >> _S32) & _LOW16) >> _S_DITHER)


@kernel
def mix(series, mixing, first, rank, n, sums, latents):
    """Mix independent series into the latents of layers.

    mixing int32 (row, series): rows of the layers `first` on; latents int16 (layer, word,
    pair·bin·2), flat in its last axis.
    """
    for row in range(mixing.shape[0]):
        for t in range(64 * n):
            sums[t] = _ROUND
        # The matrix is lower triangular.
        for s in range(first * rank + row + 1):
            weight = mixing[row, s]
            if weight == 0:
                continue
            own = series[s]
            for t in range(64 * n):
                sums[t] += np.int32(weight * own[t])
        layer, factor = row // rank, row % rank
        for w in range(n):
            target = latents[layer, w, 128 * (factor // 2) : 128 * (factor // 2) + 128]
            some = sums[64 * w : 64 * w + 64]
            odd = factor % 2
            for t in range(64):
                value = some[t] >> MIXING_BITS
                target[2 * t + odd] = np.int16(min(max(value, -_MOST), _MOST))


@kernel
def draw_gains(c1, n, per_word, k0, k1, normals, tails, gains):
    """Draw the gain of the trial of each of n words."""
    for w in range(n):
        trial = c1[per_word * w]
        if w > 0 and trial == c1[per_word * (w - 1)]:
            gains[w] = gains[w - 1]
        else:
            first, _, _, _ = philox(_ZERO, trial, TRIAL_SERIES, LATENT, k0, k1)
            gains[w] = latent(first, normals, tails)
