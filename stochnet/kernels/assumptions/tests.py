"""Statistics of the tests of `stochnet.validation.assumptions`, from a tally."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochnet.kernels.assumptions.tally import (
    ACTIVE,
    ENDS,
    ENTRIES_FROM,
    ENTRIES_TO,
    GAPS,
    HEAD,
    LAGS,
    LENGTH,
    LOWEST,
    PER_TRIAL,
    PRODUCT,
    PRODUCTS,
    SPIKES,
    SQUARES,
    STARTS,
    TAIL,
    TOTAL,
    TOTAL_SQUARES,
    WIDTH,
    add_spikes,
)
from stochnet.kernels.compile import kernel

# Statistics of the whole raster, then, for each kind of window, three more.
LINEARITY, STATIONARITY, RUNS, INTERVALS, WINDOWED = range(5)
DISPERSION, AUTOCORRELATION, GOODNESS = range(3)
PER_WINDOW = 3
SCORE_UNIT = 2.0**20


class Law(NamedTuple):
    """Probabilities by recursion.

    From k to k + 1 they change by the factor (a - k) (b - kb) / ((c + kc) (d + kd)), where kb is k
    times `of_b`, and so on.
    """

    a: float
    b: float
    of_b: float
    c: float
    of_c: float
    d: float
    of_d: float


@kernel
def pit_distance(histogram, below, n, k, probability, law):
    """Distance of the mean probability integral transform of n values from the uniform law.

    histogram int64 (value,); `below` of the n values lie below k, which has that `probability`,
    and smaller ones none. Returns n times the integral of the squared distance (Cramér and von
    Mises), and the largest distance (Kolmogorov and Smirnov).
    """
    seen = below
    cdf = 0.0
    one = seen / n
    total = 0.0
    largest = abs(one)
    while seen < n and k < len(histogram):
        seen += histogram[k]
        cdf += probability
        two = seen / n - cdf
        total += probability * (one * one + one * two + two * two)
        largest = max(largest, abs(two))
        one = two
        probability *= (
            (law.a - k) * (law.b - law.of_b * k) / ((law.c + law.of_c * k) * (law.d + law.of_d * k))
        )
        k += 1
    # Beyond the largest value the transform is 1.
    rest = 1.0 - cdf
    total += rest * rest * rest
    return n * total / 3.0, max(largest, abs(rest))


@kernel
def _smooth(scores, first, last, variance):
    total = 0.0
    for j in range(first, last):
        x = scores[j] / SCORE_UNIT
        total += x * x
    return total / variance


@kernel
def _neighbour_correlation(n_trials, n_bins, totals):
    spikes = totals[SPIKES]
    mean = spikes / (n_trials * n_bins)
    spread = totals[SQUARES] - spikes * mean
    if not spread > 0.0:
        return 0.0
    both = 2 * spikes - totals[STARTS] - totals[ENDS]
    pairs = n_trials * (n_bins - 1)
    return (totals[PRODUCTS] - mean * both + pairs * mean * mean) / spread


@kernel
def _interval_distance(n_trials, n_bins, totals, gaps, expected_gaps):
    n = totals[GAPS]
    if n == 0:
        return 0.0
    bins, trial, active = float(n_trials * n_bins), float(n_bins), float(totals[ACTIVE])
    neighbours = n_trials * (trial - 1.0) * active * (active - 1.0) / (bins * (bins - 1.0))
    law = Law(trial - 1.0, bins - active + 1.0, 1.0, trial, -1.0, bins - 1.0, -1.0)
    first = neighbours / expected_gaps[totals[ACTIVE]]
    # Plain 0 and 1 would be types of their own, for which all is compiled again.
    return pit_distance(gaps, np.int64(0), n, np.int64(1), first, law)[0]


@kernel
def _fano(n, total, squares, without):
    if total == 0:
        # No spike in any full window: what is expected, so that it speaks for neither side.
        return without
    # Exact up to 2**53, so that the only rounding is that of the division.
    return (float(n) * squares - float(total) * total) / (float(n - 1) * total)


@kernel
def _ljung_box(n, length, total, squares, lags, lagged, w):
    """Return Ljung and Box's sum, and the autocorrelation at lag 1."""
    mean = total / n
    spread = squares - total * mean
    if not spread > 1e-9 * total:
        return 0.0, 0.0
    series = n // length
    outside = 0
    weighted = 0.0
    first = 0.0
    for lag in range(1, lags + 1):
        outside += lagged[HEAD, w, lag - 1] + lagged[TAIL, w, lag - 1]
        pairs = series * (length - lag)
        product = lagged[PRODUCT, w, lag - 1] - mean * (2 * total - outside) + pairs * mean * mean
        r = product / spread
        weighted += r * r / pairs
        if lag == 1:
            first = r
    return n * (n + 2.0) * weighted, first


@kernel
def _count_distance(bins, counts, width, spikes, n, histogram, lowest, least, probability):
    if counts:
        law = Law(spikes, width, 0.0, 1.0, 1.0, bins - width, 0.0)
    else:
        law = Law(width, spikes, 1.0, 1.0, 1.0, bins - spikes - width + 1.0, 1.0)
    below = np.int64(0)
    for k in range(lowest, min(least, len(histogram))):
        below += histogram[k]
    return pit_distance(histogram, below, n, least, probability, law)


@kernel
def evaluate(d, s, active_bins, start, stop, least, probability, expected_gaps, values, effects):
    """Add active bins start to stop of a list, then compute all statistics.

    Both in one function, for passing a tally costs as much as a statistic.

    Parameters
    ----------
    d, s : Design, Tally
    active_bins, start, stop
        As in `add_spikes`.
    least, probability : int64, float64 (window,)
        Where the law of counts, given all the spikes, begins.
    expected_gaps : float64 (active bins,)
        Gaps that are expected.
    values : float64 (statistic,)
        The statistics.
    effects : float64 (statistic,)
        What comes with them at no cost.
    """
    add_spikes(d, s, active_bins, start, stop)
    n_bins, total_spikes = d.n_trials * d.n_bins, s.totals[SPIKES]
    mean = total_spikes / n_bins
    variance = float(total_spikes)
    if not d.counts:
        variance *= (n_bins - total_spikes) / (n_bins - 1.0)
    degrees = len(d.position_scores)
    values[LINEARITY] = _smooth(s.scores, 0, degrees, variance)
    values[STATIONARITY] = _smooth(s.scores, degrees, len(s.scores), variance)
    values[RUNS] = _neighbour_correlation(d.n_trials, d.n_bins, s.totals)
    values[INTERVALS] = _interval_distance(d.n_trials, d.n_bins, s.totals, s.gaps, expected_gaps)
    for w in range(len(d.plan)):
        at = WINDOWED + PER_WINDOW * w
        n = d.n_trials * d.plan[w, PER_TRIAL]
        total, squares = s.sums[w, TOTAL], s.sums[w, TOTAL_SQUARES]
        box, correlation = _ljung_box(
            n, d.plan[w, LENGTH], total, squares, d.plan[w, LAGS], s.lagged, w
        )
        distance, largest = _count_distance(
            float(n_bins), d.counts, float(d.plan[w, WIDTH]), float(total_spikes), n,
            s.histogram[d.plan[w, ENTRIES_FROM] : d.plan[w, ENTRIES_TO]], s.sums[w, LOWEST],
            least[w], probability[w],
        )  # fmt: skip
        values[at + DISPERSION] = _fano(n, total, squares, 1.0 if d.counts else 1.0 - mean)
        values[at + AUTOCORRELATION], values[at + GOODNESS] = box, distance
        effects[at + AUTOCORRELATION], effects[at + GOODNESS] = correlation, largest
