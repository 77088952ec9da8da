"""Slow reference for nodes that share latents, in plain Python, from docs/random-streams.md."""

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from stochnet.kernels.gaussian import MIDDLE, TAIL
from tests.support import naive
from tests.support.naive import TIE, philox

LATENT, INPUT, TRIAL = 8, 9, 2**32 - 1
NORMAL = NormalDist()


def quantile(p):
    """AS 241, with the logarithm of a gap."""
    p = min(max(p, 2.0**-36), 1 - 2.0**-36)
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * horner(MIDDLE, 0.180625 - q * q)
    f, e = math.frexp(p if q < 0 else 1 - p)
    z = (1 - f) / (1 + f)
    rate = 1 / 35
    for n in range(33, 0, -2):
        rate = 1 / n + z * z * rate
    r = math.sqrt(2 * z * rate - e * 0.6931471805599453)
    return math.copysign(horner(TAIL, r - 1.6), q)


def horner(coefficients, x):
    above, below = ([*part] for part in coefficients)
    value, other = above.pop(), below.pop()
    while above:
        value, other = value * x + above.pop(), other * x + below.pop()
    return value / other


@cache
def number(word):
    """The normal number that a word stands for."""
    high, low = divmod(word, 2**16)
    if high == 0:
        return round(2048 * NORMAL.inv_cdf((low + 0.5) / 2**32))
    if high == 2**16 - 1:
        return -number(2**16 - 1 - low)
    return round(2048 * NORMAL.inv_cdf((high + 0.5) / 2**16))


@cache
def entry(j):
    """The table of Φ."""
    x = (j - 2048) / 2**8
    below = math.erfc(-x / math.sqrt(2)) / 2
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return min(round(2**32 * (below + x * density / (12 * 2**16))), 2**32 - 1)


def whole_loadings(loadings, trial):
    shared = trial * trial
    for loading in loadings:
        shared = shared + loading * loading
    kept = min(shared, 1 - 2.0**-8)
    k = math.sqrt(kept / shared) / math.sqrt(1 - kept)
    return [round(loading * k * 2048) for loading in loadings], round(trial * k * 2048)


def threshold(p, a, c, rows):
    """Threshold of a node with whole loadings, of a layer with these rows of mixing."""
    rank = len(a)
    covariance = [
        [sum(x * y for x, y in zip(rows[r], rows[q], strict=True)) for q in range(rank)]
        for r in range(rank)
    ]
    variance = c * c * 2**28
    for r in range(rank):
        for q in range(rank):
            variance += a[r] * a[q] * covariance[r][q]
    return -round(quantile(p) * math.sqrt(1.0 + variance / 2.0**50) * 2.0**22)


def signed(value):
    return (value + 2**31) % 2**32 - 2**31


def simulate(bundle, n_trials, n_bins, seed, conditions=None):
    """Dense spikes (node, trial, bin); nodes without loadings as in `naive.simulate`."""
    out = naive.simulate(bundle, n_trials, n_bins, seed, conditions)
    key = naive.key_of(seed)
    known = bundle.conditions if conditions is None else conditions
    latents = bundle.latents
    mixing = [[round(value * 2**14) for value in row] for row in latents.mixing.tolist()]

    @cache
    def series(t, trial, s):
        word = philox((t // 4, trial, s, LATENT), key)[t % 4]
        return number(word), word % 2**16

    @cache
    def mixed(t, trial, u):
        total = sum(b * series(t, trial, s)[0] for s, b in enumerate(mixing[u]) if b)
        return min(max((total + 2**13) >> 14, -32767), 32767)

    for layer_number, layer in enumerate(bundle.layers):
        first = layer_number * latents.rank
        rows = mixing[first : first + latents.rank]
        for node in range(layer.first, layer.first + layer.n_nodes):
            loadings, trial_loading = latents.loadings[node].tolist(), float(latents.trial[node])
            if not any(loadings) and not trial_loading:
                continue
            a, c = whole_loadings(loadings, trial_loading)
            p = probabilities(bundle, node)
            bounds = [threshold(value, a, c, rows) if 0 < value < 1 else None for value in p]
            for trial in range(n_trials):
                g = number(philox((0, trial, TRIAL, LATENT), key)[0])
                for t in range(n_bins):
                    k = 0
                    if len(p) > 1:
                        k = int(known[trial % len(known), t % known.shape[1]])
                    if bounds[k] is None:
                        out[node, trial, t] = p[k]
                        continue
                    z = [mixed(t, trial, first + r) for r in range(latents.rank)]
                    d = c * g + sum(x * y for x, y in zip(a, z, strict=True))
                    d = signed(d + series(t, trial, 0)[1] // 4 - bounds[k])
                    e = entry(min(max((d >> 14) + 2048, 0), 4095))
                    out[node, trial, t] = has_spike(e, t, trial, node, key)
    return out


def has_spike(e, t, trial, node, key):
    words = philox((t // 8, trial, node, INPUT), key)
    half = words[t % 8 // 2] >> 16 * (t % 2) & 0xFFFF
    if half != e >> 16:
        return half < e >> 16
    return philox((t, trial, node, TIE), key)[0] >> 16 < e & 0xFFFF


def probabilities(bundle, node):
    for fit in bundle.fits:
        if node in fit.node_ids:
            position = int(np.flatnonzero(fit.node_ids == node)[0])
            return np.atleast_1d(fit.params["p"][position]).tolist()
    raise KeyError(node)
