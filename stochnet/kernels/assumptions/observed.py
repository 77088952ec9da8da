"""Statistics, effects and digests of observed nodes, for `stochnet.validation.assumptions`."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.assumptions.tally import (
    ACTIVE,
    GAP_SQUARES,
    GAP_SUM,
    GAPS,
    PER_TRIAL,
    SPIKES,
    TOTAL,
    WIDTH,
    clear,
    empty_tally,
)
from stochnet.kernels.assumptions.tests import (
    DISPERSION,
    INTERVALS,
    LINEARITY,
    PER_WINDOW,
    RUNS,
    SCORE_UNIT,
    STATIONARITY,
    WINDOWED,
    evaluate,
)
from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)


@kernel
def _largest_departure(places, spikes, n, n_bins):
    """Largest distance of the cumulative count from proportional growth, as a fraction."""
    profile = np.zeros(n_bins, np.int64)
    total = 0
    for i in range(n):
        profile[places[i]] += spikes[i]
        total += spikes[i]
    seen = 0
    largest = 0.0
    for t in range(n_bins):
        seen += profile[t]
        largest = max(largest, abs(seen / total - (t + 1) / n_bins))
    return largest


@kernel
def _relative_interval_cv(n_trials, n_bins, totals, expected_gaps):
    """Squared CV of the gaps over that of the gaps that are expected."""
    bins, trial, active = float(n_trials * n_bins), float(n_bins), float(totals[ACTIVE])
    probability = n_trials * (trial - 1.0) * active * (active - 1.0) / (bins * (bins - 1.0))
    probability /= expected_gaps[totals[ACTIVE]]
    first, second = 0.0, 0.0
    for k in range(1, n_bins):
        first += probability * k
        second += probability * k * k
        probability *= (trial - 1.0 - k) * (bins - active + 1.0 - k) / (
            (trial - k) * (bins - 1.0 - k)
        )  # fmt: skip
        if probability < 1e-18:
            break
    variance = second - first * first
    n = totals[GAPS]
    if n == 0 or not variance > 1e-9:
        return np.nan
    mean = totals[GAP_SUM] / n
    return (totals[GAP_SQUARES] / n / (mean * mean) - 1.0) / (variance / (first * first))


@kernel
def _observe(d, s, active_bins, n, least, probability, expected_gaps, values, effects):
    """Compute the statistics and effects of one node from the list of its n active bins."""
    _, places, spikes = active_bins
    clear(d, s)
    evaluate(d, s, active_bins, np.int64(0), n, least, probability, expected_gaps, values, effects)
    effects[LINEARITY] = _largest_departure(places, spikes, n, d.n_bins)
    if len(d.trial_scores):
        slope = s.scores[len(d.position_scores)] / SCORE_UNIT / s.totals[SPIKES]
        ends = d.trial_scores[0, d.n_trials - 1] - d.trial_scores[0, 0]
        effects[STATIONARITY] = slope * ends / SCORE_UNIT
    effects[RUNS] = values[RUNS]
    effects[INTERVALS] = _relative_interval_cv(d.n_trials, d.n_bins, s.totals, expected_gaps)
    for w in range(len(d.plan)):
        at = WINDOWED + PER_WINDOW * w + DISPERSION
        inside = d.n_trials * d.plan[w, PER_TRIAL] * d.plan[w, WIDTH]
        expected = 1.0 if d.counts else (inside - s.sums[w, TOTAL]) / (inside - 1.0)
        effects[at] = values[at] / expected if expected > 0.0 else 1.0


@kernel
def _mix(value):
    """SplitMix64's mixing of 64 bits."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def observe_spikes(d, words, wanted, least, probability, expected_gaps, values, effects, digest):
    """Statistics, effects and a digest of the spikes of nodes of 0/1 bins.

    words uint64 (node, trial, word); wanted bool (node,); least, probability (node, window); values
    and effects float64 (node, statistic) and digest uint64 (node,) are left as they are where a
    node is not wanted.
    """
    s = empty_tally(d)
    trials = np.empty(d.n_trials * d.n_bins, np.int64)
    places, spikes = np.empty_like(trials), np.ones_like(trials)
    for i in range(len(words)):
        if not wanted[i]:
            continue
        n, mixed = np.int64(0), _ZERO
        for trial in range(d.n_trials):
            for w in range(words.shape[2]):
                word = words[i, trial, w]
                while word != _ZERO:
                    trials[n], places[n] = trial, 64 * w + trailing_zeros(word)
                    mixed = _mix(mixed + np.uint64(trial * d.n_bins + places[n] + 1))
                    word &= word - _ONE
                    n += 1
        _observe(
            d, s, (trials, places, spikes), n, least[i], probability[i], expected_gaps,
            values[i], effects[i],
        )  # fmt: skip
        digest[i] = mixed


@kernel
def observe_counts(d, counts, wanted, least, probability, expected_gaps, values, effects, digest):
    """Do the same for counts (node, trial, bin)."""
    s = empty_tally(d)
    trials = np.empty(d.n_trials * d.n_bins, np.int64)
    places, spikes = np.empty_like(trials), np.empty_like(trials)
    for i in range(len(counts)):
        if not wanted[i]:
            continue
        n, mixed = np.int64(0), _ZERO
        for trial in range(d.n_trials):
            for t in range(d.n_bins):
                k = np.int64(counts[i, trial, t])
                if k > 0:
                    trials[n], places[n], spikes[n] = trial, t, k
                    mixed = _mix(mixed + np.uint64(trial * d.n_bins + t + 1))
                    mixed = _mix(mixed + np.uint64(k))
                    n += 1
        _observe(
            d, s, (trials, places, spikes), n, least[i], probability[i], expected_gaps,
            values[i], effects[i],
        )  # fmt: skip
        digest[i] = mixed
