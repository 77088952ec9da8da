"""Simulate a process with known parameters and see whether an estimator recovers what is true."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError
from stochnet.process import Array, Params, Process
from stochnet.simulation.simulate import simulate
from stochnet.testing.estimators.exact import Counts
from stochnet.testing.estimators.outcome import Outcome, Point
from stochnet.testing.estimators.search import failed
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Refused, Violation

NAMES = ("recovery", "coverage")
N_POINTS = 6
# Nodes of one replicate of a network.
NETWORK = 5
REACH = 1.96
# Intervals made of a standard error hold their level only roughly.
COVERAGE = (0.93, 0.97)


def known_values(setup: Setup, process: Process) -> tuple[Params, Array]:
    """Return the parameters of the points, (point,) each, and what is true there.

    Raises
    ------
    InvalidInputError
        Parameters that the process does not have, or a truth of another shape.
    """
    rng = np.random.default_rng(setup.seed)
    params = process.validate(setup.simulated or _typical(process, rng))
    if any(array.ndim > 1 for array in params.values()):
        raise InvalidInputError("params must be (point,) for each parameter")
    n_points = len(next(iter(params.values())))
    truth = np.asarray(setup.target.truth(process, params, setup.window or setup.n_bins))
    if truth.shape != (n_points,):
        raise InvalidInputError(f"of must return {n_points} values for as many nodes")
    return params, truth


def simulate_points(setup: Setup, process: Process) -> tuple[Point, ...]:
    """Simulate every point and compare the estimates with the truth.

    Raises
    ------
    Violation
        The estimator fails, or gives NaN for a node that fires.
    Refused
        The estimator raises an error that it may raise.
    """
    params, truth = known_values(setup, process)
    seeds = np.random.default_rng([setup.seed, 1]).integers(2**63, size=len(truth))
    return tuple(
        _point(
            setup,
            process,
            {name: float(array[k]) for name, array in params.items()},
            float(truth[k]),
            int(seeds[k]),
        )
        for k in range(len(truth))
    )


def _typical(process: Process, rng: np.random.Generator) -> dict[str, Array]:
    """Spread points over the typical range of every parameter, each in an order of its own."""
    found = {}
    for param in process.params:
        place = (rng.permutation(N_POINTS) + rng.random(N_POINTS)) / N_POINTS
        low, high = param.typical
        values = low + (high - low) * place
        found[param.name] = np.rint(values) if param.whole else values
    return found


def _point(
    setup: Setup, process: Process, params: dict[str, float], truth: float, seed: int
) -> Point:
    many = {name: np.full(setup.n_nodes, value) for name, value in params.items()}
    bundle = Bundle.from_params(process, many, window=setup.window or setup.n_bins)
    raster = simulate(bundle, setup.n_trials, setup.n_bins, seed=seed)
    values = _replicates(setup, raster.to_dense())
    # Only a node that fired can be asked for a Fano factor.
    values = values[:, ~np.isnan(values[0])]
    n = values.shape[1]
    if n < 2:
        raise Violation(f"it gave NaN for nodes of {process.name} with {params}")
    error = values[0] - truth
    coverage = None
    if len(values) > 1:
        coverage = float(np.mean(np.abs(error) <= REACH * values[1]))
    return Point(
        params,
        truth,
        n,
        float(values[0].mean()),
        float(values[0].std(ddof=1)) / math.sqrt(n),
        math.sqrt(float(np.mean(error**2))),
        coverage,
    )


def _replicates(setup: Setup, dense: Counts) -> Array:
    """Return the estimates, and standard errors if any: (1 or 2, replicate)."""
    if not setup.target.network:
        found = setup.subject(dense).columns
        alive = ~setup.silent(dense)
        if np.isnan(found[0, alive]).any():
            node = np.flatnonzero(alive & np.isnan(found[0]))[0]
            raise Violation(f"it gave NaN for a node with {dense[node].sum()} spikes")
        return found
    starts = range(0, len(dense) - NETWORK + 1, NETWORK)
    return np.concatenate([setup.subject(dense[k : k + NETWORK]).columns for k in starts], axis=1)


def run_recovery(
    setup: Setup, checks: Sequence[str]
) -> tuple[tuple[Outcome, ...], tuple[Point, ...]]:
    """Check bias and coverage.

    Parameters
    ----------
    setup : Setup
    checks : sequence of str
        ``"recovery"``, ``"coverage"``, or both.

    Returns
    -------
    tuple of Outcome, tuple of Point
        An outcome of each check, and what they are drawn from.
    """
    if setup.process is None:
        return tuple(Outcome(name, "skipped", "no process given") for name in checks), ()
    try:
        points = simulate_points(setup, setup.process)
    except Violation as found:
        # What was simulated is too large to be shown.
        return _nothing(checks, Violation(found.detail, hint=found.hint)), ()
    except Refused as refused:
        detail = f"it refused what was simulated: {refused.__cause__}"
        return _nothing(checks, Violation(detail)), ()
    outcomes = {
        "recovery": _bias(setup, setup.process, points),
        "coverage": _coverage(setup, points),
    }
    return tuple(outcomes[name] for name in checks), points


def _nothing(checks: Sequence[str], found: Violation) -> tuple[Outcome, ...]:
    """Let the first check fail; there is nothing for the other one."""
    rest = (Outcome(name, "skipped", "nothing was recovered") for name in checks[1:])
    return failed(checks[0], found), *rest


def _bias(setup: Setup, process: Process, points: tuple[Point, ...]) -> Outcome:
    level = setup.level / (2 * len(points))
    for point in points:
        reach = float(stats.t.isf(level, point.n - 1)) * point.standard_error
        allowed = setup.tolerance * abs(point.truth) + reach
        # Rounding alone, where all replicates agree.
        if not abs(point.mean - point.truth) <= allowed + setup.rtol * abs(point.truth):
            return Outcome(
                "recovery",
                "failed",
                f"{process.name} with {point}; the mean is more than {allowed:.2g} off "
                f"(tolerance of {100 * setup.tolerance:g} %, and chance)",
                hint=_factor(points),
            )
    worst = max(abs(p.mean / p.truth - 1) if p.truth else abs(p.mean) for p in points)
    return Outcome(
        "recovery",
        "passed",
        f"{process.name} at {len(points)} points, {points[0].n} replicates each: at most "
        f"{100 * worst:.2g} % off",
    )


def _factor(points: tuple[Point, ...]) -> str:
    """Say by which factor all points are off, if by one."""
    ratios = np.array([p.mean / p.truth for p in points if p.truth])
    spread = np.array([p.standard_error / abs(p.truth) for p in points if p.truth])
    if len(ratios) < 2 or (np.abs(ratios - ratios.mean()) > 5 * spread).any():
        return ""
    return f"it is {ratios.mean():.4g} times the truth at every point"


def _coverage(setup: Setup, points: tuple[Point, ...]) -> Outcome:
    covered = [p.coverage for p in points if p.coverage is not None]
    if not covered:
        return Outcome("coverage", "skipped", "the estimator gives no standard errors")
    n = sum(p.n for p in points)
    hits = sum(round(p.n * c) for p, c in zip(points, covered, strict=True))
    low = int(stats.binom.ppf(setup.level / 2, n, COVERAGE[0]))
    high = int(stats.binom.isf(setup.level / 2, n, COVERAGE[1]))
    found = f"value ± {REACH} standard errors holds the truth in {hits} of {n} replicates"
    if low <= hits <= high:
        return Outcome("coverage", "passed", found)
    return Outcome(
        "coverage",
        "failed",
        f"{found}; {low} to {high} are 95 % within two points and chance",
        hint=f"the standard errors are too {'small' if hits < low else 'large'}",
    )
