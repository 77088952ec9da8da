"""Cramér-Rao bounds from laws that are written down here again, apart from the estimators.

Where a process has no law here, the curvature of its own log-likelihood is averaged over
replicates; the column `bound_from` says which it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

import stochnet as sn
from stochnet.statistics.summary.summary import summarize

from .cells import Cell

Array = NDArray[np.float64]
# Of a parameter; differences of log probabilities are taken over this part of its value.
STEP = 1e-4
# Probability that may lie outside of the counts that are summed over.
TAIL = 1e-13
# Counts in a bin that are summed over.
LONGEST = 400
# Without a bound: the size is a whole number that is not beyond doubt, and p goes with it.
NONE = ("binomial",)
# Replicates over which a curvature is averaged.
AVERAGED = 200


def bounds(cell: Cell, raster: sn.SpikeRaster) -> tuple[dict[str, float], str]:
    """Lowest standard deviation of an unbiased estimate, by parameter, and what it comes from.

    Whole numbers are taken as known. Empty at the end of a domain, where estimates are not free.
    """
    if cell.process in NONE:
        return {}, ""
    free = [param for param in cell.record.params if not param.whole]
    for param in free:
        low, high = param.domain
        if not low < cell.truth[param.name] < high:
            return {}, ""
    names = [param.name for param in free]
    law = LAWS.get(cell.process)
    information = law(cell) if law else curvature(cell, names, raster)
    if not np.isfinite(information).all() or np.linalg.matrix_rank(information) < len(names):
        return {}, ""
    variance = np.diag(np.linalg.inv(information))
    if (variance <= 0).any():
        return {}, ""
    return dict(zip(names, np.sqrt(variance), strict=True)), "law" if law else "likelihood"


def of_counts(log_mass: Callable[..., Array], values: Mapping[str, float], counts: Array) -> Array:
    """Fisher information of one count: the mean product of scores, summed over all counts."""
    mass = np.exp(log_mass(counts, **values))
    scores = []
    for name, value in values.items():
        step = STEP * value
        above, below = (
            log_mass(counts, **(dict(values) | {name: value + sign * step})) for sign in (1, -1)
        )
        scores.append((above - below) / (2 * step))
    table = np.array(scores)
    table[:, mass < 1e-300] = 0.0
    return (table * mass) @ table.T


def _bernoulli(cell: Cell) -> Array:
    p = cell.truth["p"]
    return np.array([[cell.n_trials * cell.n_bins / (p * (1 - p))]])


def _poisson(cell: Cell) -> Array:
    return np.array([[cell.n_trials * cell.n_bins / cell.truth["rate"]]])


def _beta_bernoulli(cell: Cell) -> Array:
    def log_mass(k: Array, p: float, rho: float) -> Array:
        total = 1 / rho - 1
        return stats.betabinom.logpmf(k, cell.window, p * total, (1 - p) * total)

    return cell.n_windows * of_counts(log_mass, cell.truth, np.arange(cell.window + 1.0))


def _negative_binomial(cell: Cell) -> Array:
    def law(rate: float, dispersion: float) -> tuple[float, float]:
        return 1 / dispersion, 1 / (1 + dispersion * rate * cell.window)

    def log_mass(k: Array, rate: float, dispersion: float) -> Array:
        return stats.nbinom.logpmf(k, *law(rate, dispersion))

    most = stats.nbinom.isf(TAIL, *law(**cell.truth))
    return cell.n_windows * of_counts(log_mass, cell.truth, np.arange(most + 1.0))


def _markov(cell: Cell) -> Array:
    """Billingsley (1961): bins after silence and after a spike, and the first bins of trials."""
    up, stay = cell.truth["p_after_silence"], cell.truth["p_after_spike"]
    leave = 1 - stay + up
    active = up / leave
    moves = cell.n_trials * (cell.n_bins - 1)
    slope = np.array([(1 - stay) / leave**2, up / leave**2])
    start = cell.n_trials * np.outer(slope, slope) / (active * (1 - active))
    rows = [(1 - active) / (up * (1 - up)), active / (stay * (1 - stay))]
    return np.diag(moves * np.array(rows)) + start


def _conway_maxwell_poisson(cell: Cell) -> Array:
    """Counts k with masses in proportion to λ^k / (k!)^ν, where λ gives the mean."""
    counts = np.arange(LONGEST + 1.0)
    log_factorials = special.gammaln(counts + 1)

    def log_mass(k: Array, rate: float, nu: float) -> Array:
        def law(log_lambda: float) -> Array:
            return special.log_softmax(k * log_lambda - nu * log_factorials)

        top = 0.0 if nu == 0 else nu * np.log(LONGEST / 4)
        excess = lambda x: np.exp(law(x)) @ k - rate  # noqa: E731
        return law(optimize.brentq(excess, -30.0, top, xtol=1e-13, rtol=1e-14))

    return cell.n_trials * cell.n_bins * of_counts(log_mass, cell.truth, counts)


def of_gaps(cell: Cell, survivors: Callable[..., Array], names: list[str]) -> Array:
    """Information of a stationary renewal process: that of every bin, by its age and the hazard.

    `survivors` gives the probabilities that a gap is longer than 0, 1, 2, … bins, until it is 0.
    """

    def hazards(values: Mapping[str, float]) -> tuple[Array, ...]:
        alive = survivors(**values)
        rest = np.cumsum(alive[::-1])[::-1]
        # After a spike; and before the first spike of a trial, where rest / rest[0] are silent.
        after = 1 - np.append(alive[1:], 0.0) / np.where(alive > 0, alive, 1.0)
        return after, alive / np.where(rest > 0, rest, 1.0), alive / rest[0], rest / rest[0]

    truth = cell.truth
    *both, often, silent = hazards(truth)
    age = np.arange(len(often))
    # How many bins of a trial are of an age after a spike, and before any.
    bins = often * np.maximum(cell.n_bins - 1 - age, 0), silent * (age < cell.n_bins)
    found = np.zeros((len(names), len(names)))
    for place, (hazard, weight) in enumerate(zip(both, bins, strict=True)):
        slopes = []
        for name in names:
            step = STEP * truth[name]
            ends = [hazards(truth | {name: truth[name] + sign * step})[place] for sign in (1, -1)]
            length = min(len(hazard), *(len(end) for end in ends))
            slope = np.zeros(len(hazard))
            slope[:length] = (ends[0][:length] - ends[1][:length]) / (2 * step)
            slopes.append(slope)
        spread = hazard * (1 - hazard)
        share = np.where(
            (weight > TAIL) & (spread > 0), weight / np.where(spread > 0, spread, 1), 0
        )
        found += (np.array(slopes) * share) @ np.array(slopes).T
    return cell.n_trials * found


def _gamma_renewal(cell: Cell) -> Array:
    """Gaps that are gamma variables rounded up, with a mean of 1 / rate after rounding."""

    def survivors(rate: float, shape: float) -> Array:
        def alive(log_scale: float) -> Array:
            scale = np.exp(log_scale)
            last = int(stats.gamma.isf(1e-15, shape, scale=scale)) + 2
            return stats.gamma.sf(np.arange(last), shape, scale=scale)

        middle = np.log(1 / rate / shape)
        return alive(optimize.brentq(lambda x: alive(x).sum() - 1 / rate, middle - 3, middle + 3))

    return of_gaps(cell, survivors, ["rate", "shape"])


def _refractory_poisson(cell: Cell) -> Array:
    """Of p, with a known dead time."""

    def survivors(p: float, dead_time: float) -> Array:
        last = dead_time + np.log(1e-15) / np.log1p(-p)
        return (1 - p) ** np.maximum(np.arange(int(last) + 2) - dead_time, 0.0)

    return of_gaps(cell, survivors, ["p"])


def curvature(cell: Cell, names: list[str], raster: sn.SpikeRaster) -> Array:
    """Mean negative second derivatives of the log-likelihood at the true parameters."""
    few = raster.block(slice(0, min(AVERAGED, raster.n_nodes)))
    (summary,) = summarize(few, window=cell.window, parts=cell.record.needs)
    truth = cell.arrays(few.n_nodes)
    # Second differences need longer steps than first ones, in proportion to the domain's end.
    steps = {name: 10 * STEP * min(_room(cell, name), abs(cell.truth[name])) for name in names}

    def value(**moved: float) -> float:
        params = truth | {name: truth[name] + by for name, by in moved.items()}
        found = cell.record.log_likelihood(params, summary)
        return float(np.mean(found))

    centre = value()
    out = np.empty((len(names), len(names)))
    for i, a in enumerate(names):
        for j, b in enumerate(names[: i + 1]):
            h, k = steps[a], steps[b]
            if i == j:
                second = (value(**{a: h}) - 2 * centre + value(**{a: -h})) / h**2
            else:
                corners = (value(**{a: s * h, b: t * k}) * s * t for s in (1, -1) for t in (1, -1))
                second = sum(corners) / (4 * h * k)
            out[i, j] = out[j, i] = -second
    return out


def _room(cell: Cell, name: str) -> float:
    low, high = next(param.domain for param in cell.record.params if param.name == name)
    return min(cell.truth[name] - low, high - cell.truth[name])


LAWS: dict[str, Callable[[Cell], Array]] = {
    "bernoulli": _bernoulli,
    "poisson": _poisson,
    "beta_bernoulli": _beta_bernoulli,
    "negative_binomial": _negative_binomial,
    "markov": _markov,
    "conway_maxwell_poisson": _conway_maxwell_poisson,
    "gamma_renewal": _gamma_renewal,
    "refractory_poisson": _refractory_poisson,
}
