"""P values of many distances, adjusted for each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.comparison import LEVEL

Array = NDArray[np.float64]

# A relative difference that rounding makes: what groups add is kept in single precision.
TIE = 1e-6
# Draws that a tail is fitted to, at least.
FEWEST_IN_TAIL = 10


@dataclass(frozen=True, eq=False, slots=True)
class Adjusted:
    """The p values of one hypothesis.

    Attributes
    ----------
    p_value, p_adjusted : float
        By itself, and adjusted for all hypotheses.
    limit : float
        The largest value that is not found.
    """

    p_value: float
    p_adjusted: float
    limit: float


def step_down(
    values: Sequence[float], draws: Sequence[Array], level: float = LEVEL
) -> list[Adjusted]:
    """Adjust the p values of all hypotheses: the step-down procedure of smallest p values.

    The probability that any true hypothesis is rejected is at most the level, however many others
    are false, and close to it: the hypotheses are tested with their dependence, and those that are
    rejected no longer count.

    Parameters
    ----------
    values : sequence of float
        Observed distances.
    draws : sequence of ndarray (draw,)
        The same distances under the hypothesis that nothing differs.
    level : float

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing, algorithm 2.8.
    """
    if not values:
        return []
    n = len(draws[0]) + 1
    # Ties count for the hypothesis; what differs by rounding alone is a tie.
    lowered = [value * (1 - TIE) - 1e-15 for value in values]
    ranked = [np.sort(one)[::-1] for one in draws]
    p = np.array([(1 + _at_least(x, value)) / n for x, value in zip(ranked, lowered, strict=True)])
    tails: list[Tail | None] = [None] * len(p)
    if len(p) > level * n:
        # Each hypothesis has a largest draw: there are too few to order all by ranks alone.
        tails = [Tail.of(x, value) for x, value in zip(draws, lowered, strict=True)]
    of_draws, sharp = [], p.copy()
    for k, (one, order, end) in enumerate(zip(draws, ranked, tails, strict=True)):
        of_draws.append(_at_least(order, one) / n)
        if end is not None:
            of_draws[k] = end.sharpen(of_draws[k], one)
            sharp[k] = float(end.sharpen(p[k : k + 1], np.array([lowered[k]]))[0])
    first = np.argsort(sharp, kind="stable")
    table = np.array(of_draws)[first]
    smallest = np.minimum.accumulate(table[::-1], axis=0)[::-1]
    adjusted = np.array([(1 + np.sum(row <= sharp[k])) / n
                         for row, k in zip(smallest, first, strict=True)])  # fmt: skip
    adjusted = np.maximum.accumulate(adjusted)
    kept = np.flatnonzero(adjusted > level)
    critical = smallest[kept[0] if len(kept) else len(first) - 1]
    at = max(0, math.floor(level * n) - 1)
    # Rejected is what has a p value below this one.
    cut = float(np.sort(critical)[at])
    found: list[Adjusted] = [Adjusted(1.0, 1.0, math.nan)] * len(p)
    for k, value in zip(first, adjusted, strict=True):
        order, end = ranked[k], tails[k]
        limit = float(order[min(len(order) - 1, max(0, math.ceil(cut * n) - 2))])
        if end is not None and cut < end.share:
            limit = end.start + end.scale * math.log(end.share / cut)
        found[k] = Adjusted(float(p[k]), float(value), limit)
    return found


@dataclass(frozen=True, slots=True)
class Tail:
    """The tail of the draws of a distance, continued beyond the largest as an exponential.

    Attributes
    ----------
    share : float
        Part of the draws that lies in it.
    start, scale : float
        Where it begins, and the mean excess over that.
    """

    share: float
    start: float
    scale: float

    @classmethod
    def of(cls, draws: Array, value: float) -> Tail | None:
        """Fit the tail of draws and of the value that is there, which is a draw as any other."""
        order = np.sort(np.append(draws, value))[::-1]
        m = min(max(FEWEST_IN_TAIL, len(order) // 40), len(order) // 2)
        scale = float(order[:m].mean() - order[m])
        return cls(m / len(order), float(order[m]), scale) if scale > 0 else None

    def sharpen(self, p: Array, values: Array) -> Array:
        """Replace the p values of what lies in the tail: the order within it is kept."""
        inside = np.maximum(values - self.start, 0) / self.scale
        return np.where(values > self.start, self.share * np.exp(-inside), p)


def _at_least(descending: Array, value: float | Array) -> NDArray[np.int64]:
    """Count the draws that are at least a value, or each of several."""
    return np.asarray(np.searchsorted(-descending, -np.asarray(value), side="right"))
