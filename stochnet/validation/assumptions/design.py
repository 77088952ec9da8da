"""What the null hypothesis says of a raster of given sizes, before any spike is seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.kernels.assumptions.tally import PER_TRIAL, WIDTH, Design
from stochnet.kernels.assumptions.tests import (
    AUTOCORRELATION,
    INTERVALS,
    LINEARITY,
    PER_WINDOW,
    RUNS,
    SCORE_UNIT,
    STATIONARITY,
    WINDOWED,
)
from stochnet.raster.raster import SpikeRaster

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

FEWEST = 5
"""Nodes with fewer spikes, or fewer silent bins, are not tested."""
MOST_LAGS = 10
DEGREES_OF_PLACE, DEGREES_OF_TRIAL = 3, 2
FEWEST_TRIALS = 3


def make_design(raster: SpikeRaster, windows: Sequence[int], most_spikes: int) -> Design:
    """Lay out what is computed of every node.

    Parameters
    ----------
    raster : SpikeRaster
    windows : sequence of int
        Bins per window; at least two windows of each fit into the raster.
    most_spikes : int
        Spikes of the most active node; only how much room is made depends on it.
    """
    n_trials, n_bins = raster.n_trials, raster.n_bins
    counts = raster.kind == "counts"
    window = np.array(windows, np.int64)
    per_trial = n_bins // window
    length = np.where(per_trial > 1, per_trial, n_trials)
    window_of = np.full((len(window), n_bins), -1, np.int32)
    for row, width, n in zip(window_of, window, per_trial, strict=True):
        row[: n * width] = np.arange(n * width) // width
    entries = window + 1
    if counts:
        mean = window * (most_spikes / (n_trials * n_bins))
        # Beyond lies no probability, so counts there need no entries of their own.
        entries = np.ceil(mean + 10 * np.sqrt(mean) + 32).astype(np.int64)
    counts_to, entries_to = np.cumsum(n_trials * per_trial), np.cumsum(entries)
    lags = np.minimum(MOST_LAGS, length // 2)
    columns = (
        window, per_trial, length, lags,
        counts_to - n_trials * per_trial, counts_to, entries_to - entries, entries_to,
    )  # fmt: skip
    degrees = DEGREES_OF_TRIAL if n_trials >= FEWEST_TRIALS else 0
    return Design(
        n_trials,
        n_bins,
        counts,
        scores(n_bins, min(DEGREES_OF_PLACE, n_bins - 1)),
        scores(n_trials, degrees),
        window_of,
        np.ascontiguousarray(np.stack(columns, axis=1), np.int64),
    )


def scores(n: int, degrees: int) -> Counts:
    """Orthogonal polynomials on 0 to n - 1 of degree 1 and up, with mean square 1: (degree, n).

    In units of 2**-20, so that sums of them are exact and do not depend on the order of spikes.
    """
    x = np.arange(n) - (n - 1) / 2
    before, now = np.zeros(n), np.ones(n)
    out = np.empty((degrees, n), np.int64)
    for k in range(degrees):
        # Recurrence of the discrete Chebyshev (Gram) polynomials.
        weight = k * k * (n * n - k * k) / (4.0 * (4 * k * k - 1))
        before, now = now, x * now - weight * before
        out[k] = np.rint(now / np.sqrt(np.mean(now * now)) * SCORE_UNIT)
    return out


def first_terms(design: Design, spikes: Counts) -> tuple[Counts, Array]:
    """Find where the law of window counts begins: count and its probability (node, window).

    Given its spikes, a window of a node of 0/1 bins has a hypergeometric count, and one of a node
    of counts a binomial one. Smaller counts have probabilities below 1e-8 in all.
    """
    bins = float(design.n_trials * design.n_bins)
    total, width = (
        spikes[:, None].astype(np.float64),
        design.plan[None, :, WIDTH].astype(np.float64),
    )
    mean = total * width / bins
    if design.counts:
        least = np.floor(np.maximum(mean - 6 * np.sqrt(mean) - 1, 0.0))
        log = _log_choose(total, least) + special.xlogy(least, width / bins)
        log += special.xlog1py(total - least, -width / bins)
    else:
        spread = np.sqrt(mean * (1 - total / bins) * (bins - width) / (bins - 1))
        forced = np.maximum(total - (bins - width), 0.0)
        least = np.floor(np.maximum(mean - 6 * spread - 1, forced))
        log = _log_choose(total, least) + _log_choose(bins - total, width - least)
        log -= _log_choose(bins, width)
    return least.astype(np.int64), np.exp(log)


def _log_choose(n: Array | float, k: Array) -> Array:
    return np.asarray(
        special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    )


def expected_gaps(design: Design) -> Array:
    """Gaps that are expected within trials: (active bins,), for 0 active bins up to all.

    Active bins less trials that have any: the number of a trial's active bins is hypergeometric.
    """
    bins = design.n_trials * design.n_bins
    active = np.arange(bins + 1, dtype=np.float64)
    silent = np.zeros(bins + 1)
    possible = slice(0, bins - design.n_bins + 1)
    silent[possible] = np.exp(
        _log_choose(float(bins - design.n_bins), active[possible])
        - _log_choose(float(bins), active[possible])
    )
    return np.asarray(active - design.n_trials * (1 - silent))


def testable(design: Design, spikes: Counts) -> NDArray[np.bool_]:
    """Which statistics are tested, given the number of spikes: (node, statistic).

    Nothing but the spikes decides, so that the tests stay exact.
    """
    bins = design.n_trials * design.n_bins
    enough = spikes >= FEWEST
    active = spikes.astype(np.float64)
    if design.counts:
        active = -bins * np.expm1(spikes * np.log1p(-1 / max(bins, 2)))
    else:
        enough &= bins - spikes >= FEWEST
    out = np.repeat(enough[:, None], WINDOWED + PER_WINDOW * len(design.plan), axis=1)
    out[:, LINEARITY] &= design.n_bins > 1
    out[:, STATIONARITY] &= len(design.trial_scores) > 0
    out[:, RUNS] &= design.n_bins > 1
    gaps = np.interp(active, np.arange(bins + 1), expected_gaps(design))
    # Where hardly any bin is silent, all gaps are 1.
    out[:, INTERVALS] &= (gaps >= FEWEST) & (bins - active >= FEWEST)
    for position in range(len(design.plan)):
        at = WINDOWED + PER_WINDOW * position + AUTOCORRELATION
        # Two windows have a correlation of -1/2, whatever they hold.
        out[:, at] &= design.n_trials * design.plan[position, PER_TRIAL] > 2
    return out
