"""What the tests of assumptions know of one node, kept as integers, spike by spike.

Observed nodes and surrogates go through the same functions, so equal spikes give equal numbers, to
the last bit, in whatever order they are added.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import leading_zeros, trailing_zeros

_ONE, _ZERO, _FULL = np.uint64(1), np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_S63 = np.uint64(63)

# Entries of Tally.totals.
SPIKES, ACTIVE, PRODUCTS, SQUARES, STARTS, ENDS, GAPS, GAP_SUM, GAP_SQUARES = range(9)
# Entries of Tally.sums.
TOTAL, TOTAL_SQUARES, LOWEST = range(3)
# Columns of Design.plan, and the kinds of Tally.lagged.
WIDTH, PER_TRIAL, LENGTH, LAGS, COUNTS_FROM, COUNTS_TO, ENTRIES_FROM, ENTRIES_TO = range(8)
PRODUCT, HEAD, TAIL = range(3)


class Design(NamedTuple):
    """Sizes of a raster and what is computed of it.

    Attributes
    ----------
    n_trials, n_bins : int
    counts : bool
        Whether a bin may hold several spikes.
    position_scores, trial_scores : ndarray of int64 (degree, bin), (degree, trial)
        Orthogonal polynomials of the place in a trial and of the trial, in fixed point.
    window_of : ndarray of int32 (window, bin)
        Full window of a trial that a bin lies in, or -1.
    plan : ndarray of int64 (window, 8)
        Bins of a window; full windows of a trial; windows of a series (those of a trial, or one of
        each trial); lags of the autocorrelation; where counts begin and end; where the histogram
        of them does.
    """

    n_trials: int
    n_bins: int
    counts: bool
    position_scores: Any
    trial_scores: Any
    window_of: Any
    plan: Any


class Tally(NamedTuple):
    """Sums over the spikes of one node.

    Attributes
    ----------
    words : ndarray of uint64 (trial, word)
        Active bins.
    bins : ndarray of int64 (trial, bin)
        Spikes in each bin; empty for 0/1 bins.
    totals : ndarray of int64
        Spikes, active bins, products of neighbouring bins, squares of bins, spikes in first and in
        last bins of trials, number of gaps, their sum and the sum of their squares.
    scores : ndarray of int64 (polynomial,)
        Sums of the scores of the spikes, of position and then of trial.
    gaps : ndarray of int64 (gap,)
        Histogram of the gaps between active bins of a trial.
    counts, histogram : ndarray of int64
        Spikes in each window, and windows with so many spikes (the last entry: or more).
    sums : ndarray of int64 (window, 3)
        Total of the counts, total of their squares, the least count.
    lagged : ndarray of int64 (3, window, lag)
        Products of counts so many windows apart; spikes in the window so far from the first, and
        from the last one of its series.
    """

    words: Any
    bins: Any
    totals: Any
    scores: Any
    gaps: Any
    counts: Any
    histogram: Any
    sums: Any
    lagged: Any


@kernel
def empty_tally(d):
    """Return a tally with room for a design; `clear` it before use."""
    n_windows = len(d.plan)
    n_counts, n_entries, lags = 0, 0, 1
    for w in range(n_windows):
        n_counts, n_entries = d.plan[w, COUNTS_TO], d.plan[w, ENTRIES_TO]
        lags = max(lags, d.plan[w, LAGS])
    return Tally(
        np.empty((d.n_trials, (d.n_bins + 63) // 64), np.uint64),
        np.empty((d.n_trials if d.counts else 0, d.n_bins), np.int64),
        np.empty(9, np.int64),
        np.empty(len(d.position_scores) + len(d.trial_scores), np.int64),
        np.empty(d.n_bins, np.int64),
        np.empty(n_counts, np.int64),
        np.empty(n_entries, np.int64),
        np.empty((n_windows, 3), np.int64),
        np.empty((3, n_windows, lags), np.int64),
    )


@kernel
def clear(d, s):
    """Forget all spikes."""
    s.words[:] = _ZERO
    s.bins[:] = 0
    s.totals[:] = 0
    s.scores[:] = 0
    s.gaps[:] = 0
    s.counts[:] = 0
    s.histogram[:] = 0
    s.sums[:] = 0
    s.lagged[:] = 0
    for w in range(len(d.plan)):
        s.histogram[d.plan[w, ENTRIES_FROM]] = d.n_trials * d.plan[w, PER_TRIAL]


@kernel
def _before(words, trial, t):
    """Return the last active bin before t, or -1."""
    w = t >> 6
    word = words[trial, w] & ((_ONE << np.uint64(t & 63)) - _ONE)
    while word == _ZERO:
        w -= 1
        if w < 0:
            return -1
        word = words[trial, w]
    return 64 * w + 63 - leading_zeros(word)


@kernel
def _after(words, trial, t):
    """Return the first active bin after t, or -1."""
    w = t >> 6
    # Two shifts, for a shift by 64 has no meaning.
    word = words[trial, w] & ((_FULL << np.uint64(t & 63)) << _ONE)
    while word == _ZERO:
        w += 1
        if w == words.shape[1]:
            return -1
        word = words[trial, w]
    return 64 * w + trailing_zeros(word)


@kernel
def _add_to_bins(n_bins, counts, words, bins, gaps, totals, active_bins, start, stop):
    """Add spikes to bins, their products with neighbours, and the gaps between active bins."""
    trials, places, spikes = active_bins
    n, active, products, squares, starts, ends = 0, 0, 0, 0, 0, 0
    n_gaps, gap_sum, gap_squares = 0, 0, 0
    for i in range(start, stop):
        trial, t, k = trials[i], places[i], spikes[i]
        before, after = _before(words, trial, t), _after(words, trial, t)
        n += k
        if t == 0:
            starts += k
        if t == n_bins - 1:
            ends += k
        old = 0
        if counts:
            old = bins[trial, t]
            bins[trial, t] = old + k
            products += k * (bins[trial, t - 1] if t > 0 else 0)
            products += k * (bins[trial, t + 1] if t < n_bins - 1 else 0)
        else:
            products += (before >= 0) & (before == t - 1)
            products += after == t + 1
        squares += k * (2 * old + k)
        if old > 0:
            continue
        active += 1
        words[trial, t >> 6] |= _ONE << np.uint64(t & 63)
        if before >= 0:
            gap = t - before
            gaps[gap] += 1
            n_gaps += 1
            gap_sum += gap
            gap_squares += gap * gap
        if after >= 0:
            gap = after - t
            gaps[gap] += 1
            n_gaps += 1
            gap_sum += gap
            gap_squares += gap * gap
        if before >= 0 and after >= 0:
            gap = after - before
            gaps[gap] -= 1
            n_gaps -= 1
            gap_sum -= gap
            gap_squares -= gap * gap
    totals[SPIKES] += n
    totals[ACTIVE] += active
    totals[PRODUCTS] += products
    totals[SQUARES] += squares
    totals[STARTS] += starts
    totals[ENDS] += ends
    totals[GAPS] += n_gaps
    totals[GAP_SUM] += gap_sum
    totals[GAP_SQUARES] += gap_squares


@kernel
def _add_to_scores(position_scores, trial_scores, scores, active_bins, start, stop):
    """Add the scores of spikes, of their place in the trial and then of their trial."""
    trials, places, spikes = active_bins
    degrees = len(position_scores)
    for j in range(len(scores)):
        total = 0
        for i in range(start, stop):
            if j < degrees:
                total += spikes[i] * position_scores[j, places[i]]
            else:
                total += spikes[i] * trial_scores[j - degrees, trials[i]]
        scores[j] += total


@kernel
def _add_to_windows(window_of, plan, counts, histogram, sums, lagged, active_bins, start, stop):
    """Add spikes to the windows of every kind."""
    trials, places, spikes = active_bins
    for w in range(len(plan)):
        per_trial, length, lags = plan[w, PER_TRIAL], plan[w, LENGTH], plan[w, LAGS]
        first_count = plan[w, COUNTS_FROM]
        first, last = plan[w, ENTRIES_FROM], plan[w, ENTRIES_TO] - 1
        total, squares = 0, 0
        for i in range(start, stop):
            trial, place, k = trials[i], window_of[w, places[i]], spikes[i]
            if place < 0:
                continue
            index = first_count + trial * per_trial + place
            # Where every trial has one window, the trials are the series.
            at = place if per_trial > 1 else trial
            rest = length - 1 - at
            for lag in range(1, min(lags, at) + 1):
                lagged[PRODUCT, w, lag - 1] += k * counts[index - lag]
            for lag in range(1, min(lags, rest) + 1):
                lagged[PRODUCT, w, lag - 1] += k * counts[index + lag]
            if at < lags:
                lagged[HEAD, w, at] += k
            if rest < lags:
                lagged[TAIL, w, rest] += k
            count = counts[index]
            counts[index] = count + k
            total += k
            squares += k * (2 * count + k)
            histogram[min(first + count, last)] -= 1
            histogram[min(first + count + k, last)] += 1
        sums[w, TOTAL] += total
        sums[w, TOTAL_SQUARES] += squares
        # Counts only grow, and so does the least one.
        while histogram[first + sums[w, LOWEST]] == 0:
            sums[w, LOWEST] += 1


@numba.njit(nogil=True, error_model="numpy", inline="always")
def add_spikes(d, s, active_bins, start, stop):
    """Add active bins start to stop of a list: int64 trials, bins of the trial, and spikes there.

    How many is 1, and the bin silent before, unless the design has counts.
    """
    _add_to_bins(d.n_bins, d.counts, s.words, s.bins, s.gaps, s.totals, active_bins, start, stop)
    _add_to_scores(d.position_scores, d.trial_scores, s.scores, active_bins, start, stop)
    _add_to_windows(
        d.window_of, d.plan, s.counts, s.histogram, s.sums, s.lagged, active_bins, start, stop
    )
