"""What is often computed instead of a rate or a Fano factor: the causes that a report can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stochnet.testing.estimators.exact import (
    Counts,
    OfNode,
    OfNodes,
    Value,
    average,
    dispersion,
    each,
    fano,
    over_nodes,
    rate,
    tiles,
    windows,
)


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something else that an estimator may compute; W in the text is the window."""

    what: str
    advice: str
    value: OfNodes

    def text(self, window: int) -> tuple[str, str]:
        """Return what it is, and what to do."""
        names = {"W": window, "shorter": window - 1, "longer": window + 1}
        return self.what.format(**names), self.advice.format(**names)


def _count(row: Counts, window: int) -> Value:
    return int(row.sum())


def _per_trial(row: Counts, window: int) -> Value:
    return Fraction(int(row.sum()), row.shape[0])


def _active_bins(row: Counts, window: int) -> Value:
    return rate(row > 0, window)


def _active_trials(row: Counts, window: int) -> Value:
    active = row[row.any(axis=1)]
    return rate(active, window) if active.size else None


def _slice(first: int, last: int, lost: int) -> OfNode:
    """Spikes of all bins but `first` and `last` ones, over the bins of a trial but `lost`."""

    def value(row: Counts, window: int) -> Value:
        bins = row.shape[0] * (row.shape[1] - lost)
        return Fraction(int(row[:, first : row.shape[1] - last].sum()), bins) if bins else None

    return value


def _share(dense: Counts, window: int) -> list[Value]:
    total = int(dense.sum())
    return [Fraction(int(row.sum()), total) if total else None for row in dense]


def _over_active_nodes(dense: Counts, window: int) -> list[Value]:
    bins = int(dense.any(axis=(1, 2)).sum()) * dense[0].size
    return [Fraction(int(row.sum()), bins) if bins else None for row in dense]


RATE = (
    Suspect("the spikes of the whole raster", "divide by trials × bins", each(_count)),
    Suspect("the spikes per trial", "divide by the number of bins, too", each(_per_trial)),
    Suspect("the fraction of bins with a spike", "a bin may hold several", each(_active_bins)),
    Suspect("the rate in trials with a spike", "silent trials count, too", each(_active_trials)),
    Suspect("the rate without last bins", "a slice ends early", each(_slice(0, 1, 1))),
    Suspect("the spikes but those in last bins, over all bins", "a slice ends early",
            each(_slice(0, 1, 0))),
    Suspect("the rate without first bins", "a slice begins late", each(_slice(1, 0, 1))),
    Suspect("the spikes but those in first bins, over all bins", "a slice begins late",
            each(_slice(1, 0, 0))),
    Suspect("the spikes over one bin too few", "divide by trials × bins", each(_slice(0, 0, 1))),
)  # fmt: skip
RATES = (
    *RATE,
    Suspect("the share of all spikes", "do not divide by those of other nodes", _share),
    Suspect("the rate over the number of active nodes", "do not divide by it", _over_active_nodes),
)


def _cut(cut: Callable[[Counts, int], list[int]], ddof: int = 1) -> OfNodes:
    return each(lambda row, window: dispersion(cut(row, window), ddof))


def _cut_bins(row: Counts, window: int, first: int, last: int) -> list[int]:
    return [int(n) for n in tiles(row, window)[:, first : window - last].sum(axis=1)]


def _starting(row: Counts, window: int, starts: range) -> list[int]:
    return [int(trial[a : a + window].sum()) for trial in row for a in starts]


def _moments(law: Callable[[float, float], float]) -> OfNodes:
    def value(row: Counts, window: int) -> Value:
        counts = windows(row, window)
        if len(counts) < 2 or not any(counts):
            return None
        return law(float(np.mean(counts)), float(np.var(counts, ddof=1)))

    return each(value)


def _by_trial(row: Counts, window: int) -> Value:
    return average(fano(trial[None], window) for trial in row)


def _by_position(row: Counts, window: int) -> Value:
    columns = zip(*(windows(trial[None], window) for trial in row), strict=True)
    return average(dispersion(column) for column in columns)


TOGETHER = "take the windows of all trials together"
FANOS = (
    Suspect("the Fano factor with ddof=0", "multiply by n / (n - 1)",
            _cut(windows, ddof=0)),
    Suspect("the Fano factor in windows of {shorter} bins", "a window must have {W}",
            _cut(lambda row, w: windows(row, w - 1) if w > 1 else [])),
    Suspect("the Fano factor in windows of {longer} bins", "a window must have {W}",
            _cut(lambda row, w: windows(row, w + 1))),
    Suspect("the Fano factor without the last bin of each window", "a slice ends early",
            _cut(lambda row, w: _cut_bins(row, w, 0, 1))),
    Suspect("the Fano factor without the first bin of each window", "a slice begins late",
            _cut(lambda row, w: _cut_bins(row, w, 1, 0))),
    Suspect("the Fano factor without the first bin of each trial", "a slice begins late",
            _cut(lambda row, w: windows(row[:, 1:], w))),
    Suspect("the Fano factor without the last window of each trial", "a range ends early",
            _cut(lambda row, w: windows(row[:, : (row.shape[1] // w - 1) * w], w))),
    Suspect("the Fano factor with the incomplete last windows", "leave these out",
            _cut(lambda row, w: _starting(row, w, range(0, row.shape[1], w)))),
    Suspect("the Fano factor in windows that overlap", "start one every {W} bins",
            _cut(lambda row, w: _starting(row, w, range(row.shape[1] - w + 1)))),
    Suspect("the Fano factor in windows across trials", "tile every trial on its own",
            _cut(lambda row, w: windows(row.reshape(1, -1), w))),
    Suspect("the Fano factor without silent windows", "these count as 0",
            _cut(lambda row, w: [n for n in windows(row, w) if n])),
    Suspect("the Fano factor of bins with a spike", "a bin may hold several",
            _cut(lambda row, w: windows(row > 0, w))),
    Suspect("the Fano factor of single bins", "add up the {W} bins of a window first",
            _cut(lambda row, w: windows(row, 1))),
    Suspect("the Fano factor of whole trials", "cut them into windows of {W} bins",
            _cut(lambda row, w: windows(row, row.shape[1]))),
    Suspect("the mean of the Fano factors of single trials", TOGETHER, each(_by_trial)),
    Suspect("the mean of Fano factors across trials", TOGETHER, each(_by_position)),
    Suspect("the variance of the counts", "divide it by the mean", _moments(lambda m, v: v)),
    Suspect("mean over variance", "divide the variance by the mean",
            _moments(lambda m, v: m / v if v else np.nan)),
    Suspect("standard deviation over mean", "take the variance", _moments(lambda m, v: v**0.5 / m)),
    Suspect("variance over squared mean", "divide by the mean once",
            _moments(lambda m, v: v / m**2)),
)  # fmt: skip


def _of_network(suspects: tuple[Suspect, ...]) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(f"the mean over nodes of {one.what}", one.advice, over_nodes(one.value))
        for one in suspects
    )


def _of_active_nodes(dense: Counts, window: int) -> list[Value]:
    return [average(rate(row, window) for row in dense if row.any())]


def _sum(function: OfNode, divide: bool) -> OfNodes:
    """Return the function that adds up nodes, 0 for those without a value."""

    def value(dense: Counts, window: int) -> list[Value]:
        total = sum(((function(row, window) or 0) for row in dense), Fraction(0))
        return [total / (len(dense) if divide else 1)]

    return value


MFRS = (
    Suspect("the mean over active nodes only", "dead nodes count, with a rate of 0",
            _of_active_nodes),
    Suspect("the sum over nodes", "divide by the number of nodes", _sum(rate, False)),
    *_of_network(RATE),
)  # fmt: skip
MFFS = (
    Suspect("the mean with 0 for dead nodes", "these have no Fano factor: leave them out",
            _sum(fano, True)),
    *_of_network(FANOS),
)  # fmt: skip
