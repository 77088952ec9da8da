"""Spikes of nodes that share latents: 16 random bits a bin against a table of Φ."""

from __future__ import annotations

import numba
import numpy as np

from stochnet.kernels import gaussian
from stochnet.kernels.compile import kernel
from stochnet.kernels.drawing.dense import draw_counters
from stochnet.kernels.drawing.input_lanes import halves_below_each, halves_equal_each, input_cells
from stochnet.kernels.drawing.latents import address, draw_gains, draw_series, mix
from stochnet.kernels.gaussian import ALWAYS, NEVER
from stochnet.kernels.philox import philox, trailing_zeros
from stochnet.kernels.rng import INPUT, TIE

fires = numba.njit(nogil=True)(gaussian.fires)
# Latents of one layer that are kept at hand, and the most words of bins in a block.
LATENT_BYTES, MOST_WORDS = 1 << 14, 64
LINE = 32
# Lanes of random numbers may reach beyond a block.
_BEYOND = 32
_ONE, _ZERO, _S16, _LOW16 = np.uint64(1), np.uint64(0), np.uint64(16), np.uint64(0xFFFF)


@kernel
def correlated_spikes(
    scaled, places, latents, n_trials, n_bins, k0, k1, tables, conditions, out
):  # fmt: skip
    """Draw spikes of nodes that share latents.

    scaled: starts int32 (node, condition), which are minus the scaled thresholds, NEVER or ALWAYS,
    gains int32 (node,) and loadings int16 (node, rank or one more); places: layers int64 (node,),
    counted from `first`, and addresses uint64 (node,); latents: rank, mixing int32 (row, series) of
    the layers from `first` on, `first`, and which series are used, bool (series,); tables: normals,
    tails, upper halves of Φ, Φ; conditions int16 (trial, bin), or (1, 1) when pooled; out uint64
    (node, trial·word), all written.
    """
    starts, gains, loadings = scaled
    layer, nodes = places
    rank, mixing, first, used = latents
    normals, tails, upper, phi = tables
    width, n_conditions = loadings.shape[1], starts.shape[1]
    n_pairs = width // 2
    n_layers = mixing.shape[0] // rank
    block = min(MOST_WORDS, max(1, LATENT_BYTES // (128 * width)))
    n_words = (n_bins + 63) // 64
    total = n_trials * n_words
    c0 = np.zeros(16 * block + _BEYOND, np.uint64)
    c1 = np.zeros(16 * block + _BEYOND, np.uint64)
    valid = np.empty(block, np.uint64)
    random = np.empty(32 * block + 2 * _BEYOND, np.uint64)
    series = np.empty((len(used), 64 * block), np.int16)
    sums = np.empty(64 * block, np.int32)
    dither = np.empty(64 * block, np.int32)
    base = np.empty(64, np.int32)
    # Vectors that cross a line of the cache are read in two goes: begin at a line.
    flat_latents = np.zeros(n_layers * block * 128 * n_pairs + LINE, np.int16)
    flat_latents = flat_latents[-(flat_latents.ctypes.data // 2) % LINE :]
    size = n_layers * block * 128 * n_pairs
    latents = flat_latents[:size].reshape(n_layers, block, 128 * n_pairs)
    gain = np.zeros(block, np.int32)
    row = np.zeros(64 * block, np.uint16)
    same = np.zeros(block, np.int64)
    of_condition = np.zeros((block, n_conditions), np.uint64)
    cells = np.empty(64 * block, np.uint16)
    bounds = np.empty(64 * block, np.uint16)
    flat_loadings = loadings.reshape(-1)
    for start in range(0, total, block):
        n = min(block, total - start)
        address(start, n, n_words, n_bins, 16, c0, c1, valid)
        draw_series(c0, c1, n, used, k0, k1, (normals, tails), random, series, dither)
        mix(series, mixing, first, rank, n, sums, latents)
        draw_gains(c1, n, 16, k0, k1, normals, tails, gain)
        address(start, n, n_words, n_bins, 8, c0, c1, valid)
        if n_conditions > 1:
            list_conditions(start, n, n_words, n_bins, conditions, row, same, of_condition)
        for i in range(out.shape[0]):
            words = out[i, start : start + n]
            if n_conditions == 1 and (starts[i, 0] == NEVER or starts[i, 0] == ALWAYS):
                for w in range(n):
                    words[w] = valid[w] if starts[i, 0] == ALWAYS else _ZERO
                continue
            draw_counters(c0, c1, 8 * n, nodes[i], INPUT, k0, k1, random)
            own = starts[i]
            for w in range(n):
                at = ((layer[i] * block + w) * n_pairs) * 128
                begin = gains[i] * gain[w]
                if same[w] >= 0:
                    input_cells(
                        flat_latents, at, flat_loadings, i * width, n_pairs, dither, 64 * w,
                        np.int32(begin + own[same[w]]), cells, 64 * w,
                    )  # fmt: skip
                    continue
                for t in range(64):
                    base[t] = dither[64 * w + t] + own[row[64 * w + t]]
                input_cells(
                    flat_latents, at, flat_loadings, i * width, n_pairs, base, 0, np.int32(begin),
                    cells, 64 * w,
                )  # fmt: skip
            for t in range(64 * n):
                bounds[t] = upper[cells[t]]
            for w in range(n):
                fired = halves_below_each(random, 16 * w, bounds, 64 * w)
                tied = halves_equal_each(random, 16 * w, bounds, 64 * w)
                if tied != _ZERO:
                    fired |= settle(
                        tied, 8 * np.int64(c0[8 * w]), c1[8 * w], nodes[i], k0, k1,
                        cells[64 * w : 64 * w + 64], phi,
                    )  # fmt: skip
                words[w] = fired & valid[w]
            if n_conditions > 1:
                fix(own, of_condition, n, words)


@kernel
def fix(starts, of_condition, n, words):
    """Set and clear the bins of conditions in which a node always and never fires."""
    for c in range(len(starts)):
        if starts[c] == NEVER:
            for w in range(n):
                words[w] &= ~of_condition[w, c]
        elif starts[c] == ALWAYS:
            for w in range(n):
                words[w] |= of_condition[w, c]


@kernel
def list_conditions(start, n, n_words, n_bins, conditions, row, same, of_condition):
    """Find the conditions of a block: of every bin, of whole words (-1: several), and as masks."""
    for w in range(n):
        for c in range(of_condition.shape[1]):
            of_condition[w, c] = _ZERO
        trial = (start + w) // n_words
        first = 64 * ((start + w) - trial * n_words)
        same[w] = conditions[trial, first]
        for t in range(64):
            # Bins beyond the trial are cut off later.
            c = np.int64(conditions[trial, min(first + t, n_bins - 1)])
            if first + t < n_bins:
                of_condition[w, c] |= _ONE << np.uint64(t)
            if c != same[w]:
                same[w] = -1
            row[64 * w + t] = np.uint16(c)


@kernel
def settle(tied, first_bin, trial, node, k0, k1, cells, phi):
    """Return the bins of a word, among those whose upper 16 bits tie, that hold a spike."""
    fired = _ZERO
    while tied != _ZERO:
        t = trailing_zeros(tied)
        word, _, _, _ = philox(np.uint64(first_bin + t), trial, node, TIE, k0, k1)
        entry = np.uint64(phi[cells[t]])
        if fires(entry >> _S16, word >> _S16, entry):
            fired |= _ONE << np.uint64(t)
        tied &= tied - _ONE
    return fired
