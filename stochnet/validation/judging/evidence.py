"""Evidence: a statistic of both rasters and the distances that chance makes, before a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochnet.validation.comparison import Comparison, Distance, Interval
from stochnet.validation.judging.randomization import Chance, Judged, judge

Array = NDArray[np.float64]

# Power of `Comparison.smallest`.
POWER = 0.9
# If none of n nodes was seen to change, up to 3 in n may (95 %): the rule of three.
UNSEEN = 3.0
# With more spiking groups than this a node hardly ever is dead in one raster by chance.
FEW_ALIVE = 12


@dataclass(frozen=True, eq=False, slots=True)
class Test:
    """One distance, its floor, and draws of it under the hypothesis that nothing differs."""

    name: str
    value: float
    floor: float
    draws: Array


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """A comparison to be, and what it is judged by.

    Attributes
    ----------
    comparison : Comparison
        Without distances and verdict.
    tests : tuple of Test
        Empty if the statistic cannot be judged.
    means : tuple of float
        Of the observed and the simulated raster, at equal size.
    errors : tuple of float
        Standard errors of these.
    gap_error : float
        Standard error of their difference, where it is not that of two independent values.
    freedom : int
        Degrees of freedom of these.
    widening : float
        Standard error of the difference over that of two rasters of one process: above 1 by the
        error of the fit.
    detail : str
        What else a finding should say.
    baseline : float
        Distance of the independent baseline, NaN where it is measured elsewhere.
    q_values : ndarray (node,) or None
        From `stochnet.validation.judging.node_flags`, for the whole network.
    """

    comparison: Comparison
    tests: tuple[Test, ...] = ()
    means: tuple[float, float] = (math.nan, math.nan)
    errors: tuple[float, float] = (math.nan, math.nan)
    freedom: int = 0
    widening: float = 1.0
    detail: str = ""
    baseline: float = math.nan
    q_values: Array | None = None
    gap_error: float = math.nan


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """A statistic of both rasters at equal size.

    Attributes
    ----------
    values : tuple of ndarray (value,)
        Observed and simulated.
    parts : ndarray (2·group, value)
        What each group adds, those of the observed raster first.
    """

    values: tuple[Array, Array]
    parts: NDArray[Any]

    @classmethod
    def of(cls, values: Sequence[NDArray[Any]], parts: Sequence[NDArray[Any]]) -> Sample:
        """Keep the values that both rasters have, whatever their shape."""
        flat = [np.asarray(one, np.float64).ravel() for one in values]
        known = ~(np.isnan(flat[0]) | np.isnan(flat[1]))
        for one in parts:
            known &= ~np.isnan(one).any(axis=0).ravel()
        kept = []
        for one in parts:
            table = one.reshape(len(one), -1)
            kept.append(table if known.all() else table[:, known])
        return cls((flat[0][known], flat[1][known]), np.concatenate(kept))


def weigh(
    comparison: Comparison,
    sample: Sample,
    chance: Chance,
    *,
    widening: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    strata: int | None = None,
    by_mean: bool = False,
) -> Evidence:
    """Weigh a statistic with a value for each node (pair): by its mean, and value by value.

    Parameters
    ----------
    comparison : Comparison
    sample : Sample
    chance : Chance
    widening : float
        As in `Evidence`.
    shift : tuple of float
        What the bias of the fit adds to the simulated mean, and the standard error of that.
    strata : int, optional
        On how many strata each value depends; all by default.
    by_mean : bool, default False
        Judge the mean only.
    """
    n = len(sample.values[0])
    if not n:
        return Evidence(comparison)
    own = sample.parts.mean(axis=1, dtype=np.float64)
    means = (float(sample.values[0].mean()), float(sample.values[1].mean()))
    of_means = chance.variance(np.outer(own, own))
    errors = (math.sqrt(of_means[0]), math.sqrt(of_means[1]))
    error = math.hypot(*errors) * widening
    gap = abs(means[1] - means[0] - shift[0])
    # The shift is known up to its own error only.
    wider = math.hypot(error, shift[1]) / error if error > 0 else 1.0
    draws = chance.of_mean(own) * (widening * wider)
    tests = [Test("mean", gap, math.sqrt(2 * of_means[0]), draws)]
    if n > 1 and not by_mean:
        products = (sample.parts @ sample.parts.T).astype(np.float64) / n
        floor = math.sqrt(2 * chance.variance(products)[0])
        rmse = math.sqrt(float(np.mean((sample.values[1] - sample.values[0]) ** 2)))
        tests.append(Test("rmse", rmse, floor, chance.of_rmse(products, strata) * widening))
    return Evidence(comparison, tuple(tests), means, errors, chance.freedom, widening)


def weigh_indicator(
    comparison: Comparison,
    grouped: Sequence[NDArray[Any]],
    parts: Sequence[NDArray[Any]],
    chance: Chance,
) -> Evidence:
    """Weigh which nodes are dead (saturated): parts 1 where they are in that group, else 0."""
    gone = np.concatenate(parts) > 0
    n = gone.shape[1]
    sides = [one > 0 for one in grouped]
    # Others have spikes on both sides, however groups are exchanged.
    near = sides[0] | sides[1] | ((~gone).sum(axis=0) <= FEW_ALIVE)
    counts, changes = chance.exchanged(~gone[:, near])
    values = (abs(int(sides[1].sum()) - int(sides[0].sum())), int((sides[0] != sides[1]).sum()))
    share = [np.mean(side, dtype=np.float64) for side in sides]
    tests = (
        Test("mean", values[0] / n, 0.0, (counts + UNSEEN) / n),
        Test("rmse", math.sqrt(values[1] / n), 0.0, np.sqrt((changes + UNSEEN) / n)),
    )
    return Evidence(comparison, tests, (float(share[0]), float(share[1])))


def conclude(evidence: Sequence[Evidence]) -> list[Comparison]:
    """Judge all of it together."""
    tests = [test for one in evidence for test in one.tests]
    judged = iter(judge([test.value for test in tests], [test.draws for test in tests]))
    return [_verdict(one, [next(judged) for _ in one.tests]) for one in evidence]


def _verdict(one: Evidence, judged: Sequence[Judged]) -> Comparison:
    from dataclasses import replace

    if not judged:
        return one.comparison
    found = tuple(
        Distance(test.name, test.value, test.floor, float(test.draws.std()), result.limit)
        for test, result in zip(one.tests, judged, strict=True)
    )
    first = replace(
        one.comparison,
        distances=found,
        p_value=min(1.0, len(judged) * min(result.p_value for result in judged)),
        p_adjusted=min(result.p_adjusted for result in judged),
    )
    if one.freedom <= 0 or math.isnan(one.means[0]):
        return first
    reach = float(stats.t.ppf(0.975, one.freedom))
    half = [float(stats.t.ppf(0.975, max(1, one.freedom // 2))) * x for x in one.errors]
    gap_error = math.hypot(*one.errors) if math.isnan(one.gap_error) else one.gap_error
    error = one.widening * gap_error
    gap = one.means[1] - one.means[0]
    limit = found[0].limit if found[0].name == "mean" else math.nan
    return replace(
        first,
        difference=Interval(gap, gap - reach * error, gap + reach * error),
        intervals=(
            Interval(one.means[0], one.means[0] - half[0], one.means[0] + half[0]),
            Interval(one.means[1], one.means[1] - half[1], one.means[1] + half[1]),
        ),
        smallest=limit + float(stats.norm.ppf(POWER)) * error if limit == limit else None,
    )
