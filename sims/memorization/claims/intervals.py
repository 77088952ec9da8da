"""Intervals over seeds: the bootstrap of clusters, Student's intervals, and Holm's correction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
LEVEL = 0.95
REPEATS = 400
LEAST = 3
"""Pairs of seeds that a cell needs to be judged."""


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval of 95 %."""

    estimate: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    def mapped(self, function: np.ufunc) -> Effect:
        return Effect(*(float(function(x)) for x in (self.estimate, self.low, self.high)))


class Clusters:
    """Weights of a bootstrap that draws the seeds of every data set anew.

    Networks of one data set and seed share their images, whatever their architecture, and are drawn
    together. The first row of the weights is the sample itself; it is the only one where a data set
    has fewer than three seeds.
    """

    def __init__(self, clusters: Iterable[tuple[str, str]], repeats: int = REPEATS) -> None:
        rng = np.random.default_rng(1)
        by_data: dict[str, list[str]] = {}
        for data, seed in sorted(set(clusters)):
            by_data.setdefault(data, []).append(seed)
        self.least = min((len(seeds) for seeds in by_data.values()), default=0)
        if self.least < LEAST:
            # Nothing to draw from: estimates have no intervals.
            repeats = 0
        self._weights: dict[tuple[str, str], Array] = {}
        for data, seeds in by_data.items():
            drawn = rng.multinomial(len(seeds), [1 / len(seeds)] * len(seeds), repeats)
            for k, seed in enumerate(seeds):
                self._weights[data, seed] = np.concatenate([[1.0], drawn[:, k]])

    def of(self, clusters: Sequence[tuple[str, str]]) -> Array:
        """Return the weights of items by their clusters: (repeat, item)."""
        return np.stack([self._weights[x] for x in clusters], axis=1)


def interval(values: Array) -> Effect:
    """Return the first value, and the percentiles of the others: values is (repeat,)."""
    drawn = values[1:][~np.isnan(values[1:])]
    if not len(drawn):
        return Effect(float(values[0]), np.nan, np.nan)
    low, high = np.percentile(drawn, [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)])
    return Effect(float(values[0]), float(low), float(high))


def weighted_mean(values: Array, weights: Array) -> Array:
    """Return the mean under every row of weights: (repeat,); NaN where all are 0."""
    total = weights.sum(axis=1)
    return np.divide(weights @ values, total, out=np.full(len(total), np.nan), where=total > 0)


def mean_of_cells(values: Array, cells: Sequence[object], weights: Array) -> Array:
    """Return the mean over cells of their means: (repeat,)."""
    names = np.array([str(x) for x in cells])
    means = [
        weighted_mean(values[names == x], weights[:, names == x]) for x in dict.fromkeys(names)
    ]
    there = ~np.isnan(means)
    counts = there.sum(axis=0)
    total = np.where(there, means, 0).sum(axis=0)
    return np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)


def student(values: Array) -> tuple[Effect, float]:
    """Return the mean with Student's interval, and the two-sided p-value of mean 0.

    Few seeds: percentiles of a bootstrap of five values hold the truth 84 % of the time only.
    """
    n = len(values)
    mean = float(values.mean())
    if n < 2:
        return Effect(mean, np.nan, np.nan), np.nan
    error = float(values.std(ddof=1) / np.sqrt(n))
    half = float(special.stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    if error == 0:
        return Effect(mean, mean, mean), float(mean == 0)
    p = 2 * float(special.stdtr(n - 1, -abs(mean) / error))
    return Effect(mean, mean - half, mean + half), p


def holm(p_values: Array) -> Array:
    """Return p-values adjusted by Holm's method, which keeps the level of the whole family."""
    order = np.argsort(p_values)
    n = len(p_values)
    adjusted = np.maximum.accumulate(p_values[order] * (n - np.arange(n)))
    found = np.empty(n)
    found[order] = np.minimum(adjusted, 1)
    return found


def hedges(pairs: Array, first: Array, second: Array) -> float:
    """Return Hedges' g: the mean difference over the standard deviation within the two groups."""
    n = len(pairs)
    spread = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2) if n > 1 else 0.0
    correction = 1 - 3 / (8 * n - 9)
    return float(pairs.mean() / spread * correction) if spread > 0 else np.nan
