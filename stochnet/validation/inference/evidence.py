"""Evidence: a statistic of both rasters and the distances that chance makes, before a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochnet.validation.comparison import Comparison, Distance, Interval
from stochnet.validation.inference.adjustment import Adjusted, step_down
from stochnet.validation.inference.randomization import Randomization
from stochnet.validation.sums.exchange import spread_evenly

Array = NDArray[np.float64]

# Power of `Comparison.smallest`.
POWER = 0.9
# If none of n nodes was seen to change, up to 3 in n may (95 %): the rule of three.
UNSEEN = 3.0
# With more spiking groups than this a node hardly ever is dead in one raster by randomization.
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
    """A comparison to be, and the tests that decide on it.

    Attributes
    ----------
    comparison : Comparison
        Without distances and verdict.
    tests : tuple of Test
        Empty if nothing can be tested.
    means : tuple of float
        Of the observed and the simulated raster, at equal size.
    errors : tuple of float
        Standard errors of these.
    gap_error : float
        Standard error of their difference, where it is not that of two independent values.
    freedom : int
        Degrees of freedom of these.
    inflation : float
        Standard error of the difference over that of two rasters of one process: above 1 by the
        error of the fit.
    detail : str
        What else a finding should say.
    baseline : float
        Distance of the independent baseline, NaN where it is measured elsewhere.
    q_values : ndarray (node,) or None
        From `node_q_values`, for the whole network.
    """

    comparison: Comparison
    tests: tuple[Test, ...] = ()
    means: tuple[float, float] = (math.nan, math.nan)
    errors: tuple[float, float] = (math.nan, math.nan)
    freedom: int = 0
    inflation: float = 1.0
    detail: str = ""
    baseline: float = math.nan
    q_values: Array | None = None
    gap_error: float = math.nan


@dataclass(frozen=True, eq=False, slots=True)
class PairedValues:
    """A statistic of both rasters at equal size.

    Attributes
    ----------
    of_both : tuple of ndarray (value,)
        Observed and simulated.
    influence : ndarray (2·group, value)
        What each group adds, those of the observed raster first.
    by_stratum : ndarray (stratum, value)
        What each stratum adds to observed minus simulated.
    """

    of_both: tuple[Array, Array]
    influence: NDArray[Any]
    by_stratum: Array

    @classmethod
    def of(
        cls,
        values: Sequence[NDArray[Any]],
        influence: Sequence[NDArray[Any]],
        by_stratum: NDArray[Any] | None = None,
    ) -> PairedValues:
        """Keep the values that both rasters have, whatever their shape.

        Without `by_stratum` there is one stratum.
        """
        flat = [np.asarray(one, np.float64).ravel() for one in values]
        known = ~(np.isnan(flat[0]) | np.isnan(flat[1]))
        for one in influence:
            known &= ~np.isnan(one).any(axis=0).ravel()
        kept = []
        for one in influence:
            table = one.reshape(len(one), -1)
            kept.append(table if known.all() else table[:, known])
        first, second = flat[0][known], flat[1][known]
        whole = first - second
        gaps = whole[None]
        if by_stratum is not None:
            gaps = spread_evenly(by_stratum.reshape(len(by_stratum), -1)[:, known], whole)
        return cls((first, second), np.concatenate(kept), gaps)


def weigh(
    comparison: Comparison,
    values: PairedValues,
    randomization: Randomization,
    *,
    inflation: float = 1.0,
    bias: tuple[float, float] = (0.0, 0.0),
    by_mean: bool = False,
) -> Evidence:
    """Weigh a statistic with a value for each node (pair): by its mean, and value by value.

    Parameters
    ----------
    comparison : Comparison
    values : PairedValues
    randomization : Randomization
    inflation : float
        As in `Evidence`.
    bias : tuple of float
        What the bias of the fit adds to the simulated mean, and the standard error of that.
    by_mean : bool, default False
        Judge the mean only.
    """
    n = len(values.of_both[0])
    if not n:
        return Evidence(comparison)
    own = values.influence.mean(axis=1, dtype=np.float64)
    means = (float(values.of_both[0].mean()), float(values.of_both[1].mean()))
    of_means = randomization.variance(np.outer(own, own))
    errors = (math.sqrt(of_means[0]), math.sqrt(of_means[1]))
    error = math.hypot(*errors) * inflation
    gap = means[1] - means[0] - bias[0]
    # The bias is known up to its own error only.
    wider = math.hypot(error, bias[1]) / error if error > 0 else 1.0
    gaps = values.by_stratum.mean(axis=1)
    gaps = gaps - (gaps.sum() + gap) / len(gaps)
    draws = randomization.of_mean(own, gaps) * (inflation * wider)
    tests = [Test("mean", abs(gap), math.sqrt(2 * of_means[0]), draws)]
    if n > 1 and not by_mean:
        products = (values.influence @ values.influence.T).astype(np.float64) / n
        floor = math.sqrt(2 * randomization.variance(products)[0])
        rmse = math.sqrt(float(np.mean((values.of_both[1] - values.of_both[0]) ** 2)))
        cross = values.influence @ values.by_stratum.T / n
        squares = values.by_stratum @ values.by_stratum.T / n
        drawn = randomization.of_rmse(products, cross, squares)
        tests.append(Test("rmse", rmse, floor, drawn * inflation))
    return Evidence(comparison, tuple(tests), means, errors, randomization.freedom, inflation)


def weigh_profile(
    grouped: Sequence[NDArray[Any]],
    influence: Sequence[NDArray[Any]],
    by_stratum: NDArray[Any] | None,
    randomization: Randomization,
    inflation: float,
) -> Test:
    """Weigh the means over nodes at every position: values (node, position), (group, node, …)."""
    gap = (grouped[0] - grouped[1]).mean(axis=0)
    gaps = gap[None]
    if by_stratum is not None:
        gaps = spread_evenly(by_stratum.mean(axis=1), gap)
    parts = np.concatenate([one.mean(axis=1, dtype=np.float64) for one in influence])
    own = np.einsum("ij,kj->ikj", parts, parts).max(axis=2)
    floor = math.sqrt(2 * randomization.variance(own)[0])
    draws = randomization.of_largest(parts, gaps) * inflation
    return Test("profile", float(np.abs(gap).max()), floor, draws)


def weigh_indicator(
    comparison: Comparison,
    grouped: Sequence[NDArray[Any]],
    single: Sequence[NDArray[Any]],
    randomization: Randomization,
) -> Evidence:
    """Weigh which nodes are dead (saturated): single 1 where they are in one group, else 0."""
    gone = np.concatenate(single) > 0
    n = gone.shape[1]
    both = [one > 0 for one in grouped]
    # Others have spikes in both rasters, however groups are exchanged.
    near = both[0] | both[1] | ((~gone).sum(axis=0) <= FEW_ALIVE)
    counts, changes = randomization.exchanged(~gone[:, near])
    values = (abs(int(both[1].sum()) - int(both[0].sum())), int((both[0] != both[1]).sum()))
    share = [np.mean(one, dtype=np.float64) for one in both]
    tests = (
        Test("mean", values[0] / n, 0.0, (counts + UNSEEN) / n),
        Test("rmse", math.sqrt(values[1] / n), 0.0, np.sqrt((changes + UNSEEN) / n)),
    )
    return Evidence(comparison, tests, (float(share[0]), float(share[1])))


def conclude(evidence: Sequence[Evidence]) -> list[Comparison]:
    """Give all of it p values that are adjusted for each other, and distances their limits."""
    tests = [test for one in evidence for test in one.tests]
    adjusted = iter(step_down([test.value for test in tests], [test.draws for test in tests]))
    return [_concluded(one, [next(adjusted) for _ in one.tests]) for one in evidence]


def _concluded(one: Evidence, adjusted: Sequence[Adjusted]) -> Comparison:
    if not adjusted:
        return one.comparison
    found = tuple(
        Distance(test.name, test.value, test.floor, float(test.draws.std()), result.limit)
        for test, result in zip(one.tests, adjusted, strict=True)
    )
    first = replace(
        one.comparison,
        distances=found,
        p_value=min(1.0, len(adjusted) * min(result.p_value for result in adjusted)),
        p_adjusted=min(result.p_adjusted for result in adjusted),
    )
    if one.freedom <= 0 or math.isnan(one.means[0]):
        return first
    reach = float(stats.t.ppf(0.975, one.freedom))
    half = [float(stats.t.ppf(0.975, max(1, one.freedom // 2))) * x for x in one.errors]
    gap_error = math.hypot(*one.errors) if math.isnan(one.gap_error) else one.gap_error
    error = one.inflation * gap_error
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


def node_q_values(
    grouped: Sequence[NDArray[Any]],
    influence: Sequence[NDArray[Any]],
    *,
    n_strata: int,
    inflation: float,
    least: Array,
) -> Array:
    """Return the false discovery rate at which each node is said to differ: (node,).

    Parameters
    ----------
    grouped : sequence of two ndarray (node, …)
        The statistic of both rasters at equal size.
    influence : sequence of two ndarray (group, node, …)
        What each group adds.
    n_strata : int
        Strata of equally many groups, one after the other.
    inflation : float
        As in `stochnet.validation.inference.evidence.Evidence`.
    least : ndarray (node, …)
        The variance that each value has of independent bins at the rate of both rasters together;
        none is taken for smaller, as the few groups of a node often make it seem.

    Returns
    -------
    ndarray (node,)
        NaN where a node does too little to be judged. Of several values of a node the one that
        differs most counts, times their number (Bonferroni).

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114: degrees of freedom.
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    shape, each = grouped[0].shape, len(influence[0]) // n_strata
    variance, squares = np.zeros(shape), np.zeros(shape)
    for one in influence:
        table = one.astype(np.float64).reshape(n_strata, each, *shape)
        own = (table**2).sum(axis=1) * each / (each - 1)
        variance += own.sum(axis=0)
        squares += (own**2).sum(axis=0) / (each - 1)
    gap = np.abs(grouped[1] - grouped[0])
    known = ~np.isnan(gap) & ~np.isnan(variance)
    # A variance that few strata make has few degrees of freedom, however many strata there are.
    freedom = np.full(shape, float(each - 1))
    np.divide(variance**2, squares, out=freedom, where=known & (squares > 0))
    error = np.sqrt(np.where(known, np.maximum(variance, 2 * least), 1.0)) * inflation
    # Without any noise a difference is certain, and no difference is none.
    ratio = np.divide(gap, error, out=np.where(gap > 1e-12, np.inf, 0.0), where=error > 0)
    p = np.where(known, 2 * stats.t.sf(ratio, np.maximum(freedom, 1.0)), np.nan)
    by_node = p.reshape(len(p), -1)
    number = (~np.isnan(by_node)).sum(axis=1)
    smallest = np.where(np.isnan(by_node), 1.0, by_node).min(axis=1) * number
    found = np.full(len(p), np.nan)
    judged = number > 0
    if judged.any():
        adjusted = stats.false_discovery_control(np.minimum(smallest[judged], 1.0))
        found[judged] = adjusted
    return found
