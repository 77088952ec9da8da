"""The statistics and effects of `stochnet.assess`, one node at a time, from their definitions.

Dense arrays, laws from scipy, surrogates bin by bin from docs/assessing.md. Nothing is incremental.
"""

import math

import numpy as np
from scipy import stats

from tests.support import naive

NULL = 16


def place_names(windows):
    """Names of the statistics in the order of the kernels."""
    names = [("linearity", None), ("stationarity", None), ("runs", None), ("gaps", None)]
    for window in windows:
        names += [(n, window) for n in ("dispersion", "autocorrelation", "goodness_of_fit")]
    return names


def polynomials(n, degrees):
    """Orthonormal polynomials on 0 to n - 1 of degree 1 and up, mean square 1."""
    x = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    q, _ = np.linalg.qr(np.vander(x, degrees + 1, increasing=True))
    return q[:, 1:].T * math.sqrt(n)


def distance(values, cdf):
    """Distance of the mean probability integral transform from uniform, by its knots.

    cdf: probabilities of at most 0, 1, 2, … Between its knots the mean transform is linear.
    """
    n = len(values)
    knots = np.concatenate([[0.0], cdf, [1.0]])
    below = np.array([0, *[np.count_nonzero(values <= k) for k in range(len(cdf))], n]) / n
    gap = below - knots
    width = np.diff(knots)
    squares = (gap[:-1] ** 2 + gap[:-1] * gap[1:] + gap[1:] ** 2) / 3
    return n * float(np.sum(width * squares)), float(np.abs(gap).max())


def gap_law(n_trials, n_bins, active):
    """Law of the gaps of active bins that lie at random: probabilities of 0, 1, 2, … bins."""
    bins = n_trials * n_bins
    weight = [0.0] + [
        n_trials * (n_bins - g) * math.comb(bins - g - 1, active - 2) / math.comb(bins, active)
        for g in range(1, n_bins)
    ]
    return np.array(weight) / sum(weight), sum(weight)


def gaps_of(row):
    found = []
    for trial in row:
        found += np.diff(np.flatnonzero(trial)).tolist()
    return np.array(found, int)


def ljung_box(series, most=10):
    """Sum over lags, and r_1; series (series, value)."""
    n, length = series.size, series.shape[1]
    x = series - series.mean()
    spread = np.sum(x * x)
    lags = min(most, length // 2)
    if spread <= 1e-9 * series.sum():
        return 0.0, 0.0
    r = [np.sum(x[:, lag:] * x[:, : length - lag]) / spread for lag in range(1, lags + 1)]
    pairs = [len(series) * (length - lag) for lag in range(1, lags + 1)]
    total = n * (n + 2) * sum(a * a / b for a, b in zip(r, pairs, strict=True))
    return total, r[0] if r else 0.0


def node(row, counts, windows):
    """{(test, window): (statistic, effect)} of one node (trial, bin)."""
    row = np.asarray(row, float)
    n_trials, n_bins = row.shape
    bins, spikes = row.size, int(row.sum())
    p = spikes / bins
    variance = spikes if counts else spikes * (bins - spikes) / (bins - 1)
    found = {}
    scores = polynomials(n_bins, min(3, n_bins - 1)) @ row.sum(axis=0)
    grown = np.abs(np.cumsum(row.sum(axis=0)) / spikes - np.arange(1, n_bins + 1) / n_bins)
    found["linearity", None] = float(np.sum(scores**2)) / variance, float(grown.max())
    by = polynomials(n_trials, 2 if n_trials >= 3 else 0)
    scores = by @ row.sum(axis=1)
    drift = scores[0] / spikes * (by[0, -1] - by[0, 0]) if n_trials >= 3 else math.nan
    found["stationarity", None] = float(np.sum(scores**2)) / variance, drift
    x = row - p
    r = float(np.sum(x[:, 1:] * x[:, :-1]) / np.sum(x * x)) if np.ptp(row) else 0.0
    found["runs", None] = r, r
    active = int(np.count_nonzero(row))
    gaps = gaps_of(row)
    found["gaps", None] = 0.0, math.nan
    if len(gaps):
        law, _ = gap_law(n_trials, n_bins, active)
        k = np.arange(n_bins)
        mean = float(law @ k)
        cv = float(law @ k**2) / mean**2 - 1
        ratio = (gaps.var() / gaps.mean() ** 2) / cv if cv * mean**2 > 1e-9 else math.nan
        found["gaps", None] = distance(gaps, np.cumsum(law))[0], ratio
    for window in windows:
        found |= _of_windows(row, counts, window, bins, spikes)
    return found


def _of_windows(row, counts, window, bins, spikes):
    n_trials, n_bins = row.shape
    full = n_bins // window
    inside = row[:, : full * window]
    values = inside.reshape(n_trials, full, window).sum(axis=2)
    total = values.sum()
    fano = 1 - spikes / bins * (not counts)
    ratio = 1.0 if counts else (inside.size - total) / (inside.size - 1)
    if total:
        fano = values.var(ddof=1) / values.mean()
    series = values if full > 1 else values.T
    box, first = ljung_box(series)
    law = stats.binom(spikes, window / bins) if counts else stats.hypergeom(bins, spikes, window)
    cdf = law.cdf(np.arange(0, int(values.max()) + 40))
    cvm, largest = distance(values.ravel(), cdf)
    return {
        ("dispersion", window): (fano, fano / ratio if ratio > 0 else 1.0),
        ("autocorrelation", window): (box, first),
        ("goodness_of_fit", window): (cvm, largest),
    }


def surrogate(number, stream, seed, n_trials, n_bins, spikes, counts):
    """Spikes at random, one after the other, from the words of one surrogate."""
    key = naive.key_of(seed)
    bins = n_trials * n_bins
    words = (
        word
        for q in range(10**6)
        for word in naive.philox((q, number, stream, NULL), key)
    )  # fmt: skip

    def below(n):
        product = next(words) * n
        while product % 2**32 < 2**32 % n:
            product = next(words) * n
        return product >> 32

    free = list(range(bins))
    row = np.zeros(bins, np.int64)
    for i in range(spikes):
        if counts:
            row[below(bins)] += 1
            continue
        j = i + below(bins - i)
        row[free[j]] += 1
        free[j] = free[i]
    return row.reshape(n_trials, n_bins)
