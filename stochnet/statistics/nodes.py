"""Statistics of nodes: raster -> one number per node, exact for integer data.

Sums are kept as integers until the last division, so results do not depend on block sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.counting.gaps import compare_gaps
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.raster.windows import check_window
from stochnet.statistics import counting
from stochnet.statistics.moments import Array, cv_from_moments, fano_from_moments, phi
from stochnet.statistics.per_second import per_second
from stochnet.statistics.summary import stored_moments
from stochnet.statistics.summary.stored import RasterSummary, check_source, require_raster
from stochnet.statistics.summary.summary import summarize
from stochnet.statistics.summary.trials import Trials
from stochnet.statistics.unit_sums import UnitSums, at_once

Per = Literal["bin", "second"] | None


def _over_blocks(
    raster: SpikeRaster | RasterSummary, function: Callable[[SpikeRaster], Any]
) -> NDArray[Any]:
    spikes = require_raster(raster, "this statistic")
    return np.concatenate([function(block) for _, block in spikes.blocks()])


def spike_count(raster: SpikeRaster | RasterSummary) -> NDArray[np.int64]:
    """Return the number of spikes of every node: (node,)."""
    if isinstance(raster, RasterSummary):
        return stored_moments.node_total(raster, raster.spikes)
    return _over_blocks(raster, counting.spike_counts)


def active_bins(raster: SpikeRaster | RasterSummary) -> NDArray[np.int64]:
    """Return the number of bins with at least one spike: (node,)."""
    if isinstance(raster, RasterSummary):
        return stored_moments.node_total(raster, raster.active)
    if check_raster(raster).kind == "spikes":
        return spike_count(raster)
    return _over_blocks(
        raster,
        lambda block: np.count_nonzero(block.data[0 : block.n_nodes], axis=(1, 2)).astype(np.int64),
    )


def firing_rate(raster: SpikeRaster | RasterSummary, *, per: Per = None) -> Array:
    """Return the firing rate of every node.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
    per : {"bin", "second"}, optional
        The unit. By default per second where the raster has a `bin_width`, else per bin.
        Parameters of processes are per bin.

    Returns
    -------
    ndarray (node,)
        Spikes per bin, or spikes per second. These know their unit until they are computed with
        (`stochnet.statistics.per_second.PerSecond`), so that `Bundle.from_params` does not take
        them for spikes per bin.

    Raises
    ------
    InvalidInputError
        Spikes per second of a raster without a `bin_width`.
    """
    source = check_source(raster)
    return in_unit(spike_count(source) / (source.n_trials * source.n_bins), source.bin_width, per)


def in_unit(per_bin: Array, bin_width: float, per: Per) -> Array:
    """Return rates per bin in the unit that is asked for.

    Raises
    ------
    InvalidInputError
        Spikes per second without a `bin_width`, or another unit.
    """
    if per is not None:
        entrance.option("per", per, ("bin", "second"))
    seconds = not np.isnan(bin_width)
    if per == "second" and not seconds:
        raise InvalidInputError(
            "spikes per second need the width of a bin, which this raster does not have: make it "
            "with bin_width, in seconds, or take per='bin'"
        )
    return per_second(per_bin / bin_width) if seconds and per != "bin" else per_bin


def dead(raster: SpikeRaster | RasterSummary) -> NDArray[np.bool_]:
    """Return which nodes never fire: (node,)."""
    return np.asarray(spike_count(raster) == 0)


def saturated(raster: SpikeRaster | RasterSummary) -> NDArray[np.bool_]:
    """Return which nodes fire in every bin: (node,)."""
    source = check_source(raster)
    return np.asarray(active_bins(source) == source.n_trials * source.n_bins)


def window_counts(raster: SpikeRaster, window: int) -> NDArray[np.int32]:
    """Spikes in each full window; windows tile every trial from its first bin.

    Parameters
    ----------
    raster : SpikeRaster
        Read whole: the result has one number for each node and window.
    window : int
        Bins per window; bins after the last full window are left out.

    Returns
    -------
    ndarray of int32 (node, window)
        Windows of the first trial first.

    Raises
    ------
    InvalidInputError
        The window does not fit into a trial.
    """
    width = check_window(window, check_source(raster).n_bins)

    def count(block: SpikeRaster) -> NDArray[np.int32]:
        data = block.data[0 : block.n_nodes]
        out = np.empty((block.n_nodes, block.n_trials * (block.n_bins // width)), np.int32)
        run_blocks(lambda a, b: counting.window_counts(data[a:b], width, out[a:b]), len(data))
        return out

    return _over_blocks(raster, count)


def window_moments(
    raster: SpikeRaster | RasterSummary, window: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Return (windows per node, sum of counts, sum of their squares), exact integers (node,).

    Raises
    ------
    InvalidInputError
        The window does not fit into a trial.
    """
    window = check_window(window, check_source(raster).n_bins)
    if isinstance(raster, RasterSummary):
        return stored_moments.window_moments(raster, window)

    both = _over_trials(raster, lambda sums: sums.windows(window, sums.spikes()))
    return raster.n_trials * (raster.n_bins // window), both[0], both[1]


def _over_trials(
    raster: SpikeRaster, sums_of: Callable[[UnitSums], Sequence[NDArray[np.int64]]]
) -> NDArray[np.int64]:
    """Add sums over trials up: (sum, node)."""

    def add(block: SpikeRaster) -> NDArray[np.int64]:
        data = np.asarray(block.data[0 : block.n_nodes])
        parts: dict[int, NDArray[np.int64]] = {}

        def run(start: int, stop: int) -> None:
            found = sums_of(UnitSums.of(data[start:stop], block.n_bins))
            parts[start] = np.stack([one.sum(axis=0) for one in found], axis=1)

        run_blocks(run, block.n_nodes, step=at_once(block.n_trials, block.node_bytes))
        return np.concatenate([parts[start] for start in sorted(parts)])

    return _over_blocks(raster, add).T


def fano_factor(raster: SpikeRaster | RasterSummary, window: int) -> Array:
    """Fano factor of every node: variance (ddof=1) over mean of its window counts.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
        A summary has the Fano factor of its own window only.
    window : int
        Bins per window; windows tile every trial, an incomplete last one is left out.

    Returns
    -------
    ndarray (node,)
        NaN for dead nodes, whose Fano factor does not exist.

    Raises
    ------
    InvalidInputError
        The window does not fit, or there are fewer than two windows.
    """
    n, total, squares = window_moments(raster, window)
    if n < 2:
        raise InvalidInputError(
            f"a Fano factor needs at least two windows; one of {window} bins fits: take a "
            "shorter window or more trials"
        )
    return fano_from_moments(n, total, squares)


def cv_isi(raster: SpikeRaster) -> Array:
    """Coefficient of variation of the gaps between successive spikes of a trial (ddof=0).

    Returns
    -------
    ndarray (node,)
        NaN for nodes with fewer than two gaps.
    """
    return cv_from_moments(*_over_trials(raster, lambda sums: sums.gaps(sums.spikes())))


def cv2(raster: SpikeRaster) -> Array:
    """Return CV2: the mean of ``2 abs(b - a) / (a + b)`` over successive gaps a, b of a trial.

    1 for a Poisson process in continuous time; in bins lower, the more so the higher the rate, as
    equal gaps are then frequent.

    Returns
    -------
    ndarray (node,)
        NaN for nodes without two successive gaps. Pairs of gaps of 0 bins (several spikes in one
        bin) are left out.

    References
    ----------
    Holt, Softky, Koch & Douglas (1996), Journal of Neurophysiology 75, 1806-1814.
    """
    return 2 * _mean_of_pairs(raster, 1)


def lv(raster: SpikeRaster) -> Array:
    """Return the local variation: the mean of ``3 ((b - a) / (a + b))²`` over successive gaps a, b.

    1 for a Poisson process in continuous time, lower in bins.

    Returns
    -------
    ndarray (node,)
        NaN for nodes without two successive gaps. Pairs of gaps of 0 bins are left out.

    References
    ----------
    Shinomoto, Shima & Tanji (2003), Neural Computation 15, 2823-2842.
    """
    return 3 * _mean_of_pairs(raster, 2)


def _mean_of_pairs(raster: SpikeRaster, row: int) -> Array:
    """Return the mean over pairs of gaps of a row of sums of `compare_gaps`: (node,)."""

    def mean(block: SpikeRaster) -> Array:
        data, limits = block.data[0 : block.n_nodes], np.zeros(0, np.int64)
        sums, none = np.zeros((3, 1, block.n_nodes)), np.zeros((0, 1, block.n_nodes), np.int64)
        run_blocks(
            lambda a, b: compare_gaps(data[a:b], limits, None, sums[:, :, a:b], none[:, :, a:b]),
            block.n_nodes,
        )
        n, total = sums[0, 0], sums[row, 0]
        return np.asarray(np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0))

    return _over_blocks(raster, mean)


def autocorrelation(raster: SpikeRaster, lag: int = 1) -> Array:
    """Correlation of the bins of a trial with those `lag` bins later, active or silent.

    Returns
    -------
    ndarray (node,)
        NaN where the bins do not vary.

    Raises
    ------
    InvalidInputError
        A lag below 1, or no two bins that far apart.
    """
    n_bins = check_source(raster).n_bins
    if n_bins < 2:
        raise InvalidInputError("trials of one bin have no later bins: there is no lag")
    lag = entrance.whole("lag", lag, 1, n_bins - 1)
    pairs = raster.n_trials * (raster.n_bins - lag)

    def correlate(block: SpikeRaster) -> Array:
        words = counting.packed(block)
        n_words = words.shape[1] // block.n_trials
        sums = np.zeros((block.n_nodes, 3), np.int64)
        run_blocks(
            lambda a, b: kernels.lagged_pairs(words[a:b], n_words, block.n_bins, lag, sums[a:b]),
            block.n_nodes,
        )
        return phi(sums[:, 0], sums[:, 1], sums[:, 2], pairs)

    return _over_blocks(raster, correlate)


def rate_by_condition(raster: SpikeRaster, *, per: Per = "bin") -> Array:
    """Rate of every node in each condition: (node, condition).

    Bins without a condition are left out.

    Parameters
    ----------
    raster : SpikeRaster
    per : {"bin", "second"} or None, default "bin"
        The unit, as for `firing_rate`.

    Raises
    ------
    InvalidInputError
        The raster has no conditions; spikes per second of a raster without a `bin_width`.
    """
    spikes = require_raster(raster, "a rate per condition")
    segments = Trials.of(spikes, None, True).segments

    def rates(block: SpikeRaster) -> Array:
        parts = summarize(block, per_condition=True, parts=(), segments=segments)
        return np.stack([s.spikes / s.n_bins if s.n_bins else np.full(s.n_nodes, np.nan)
                         for s in parts], axis=1)  # fmt: skip

    return in_unit(_over_blocks(spikes, rates), spikes.bin_width, per)
