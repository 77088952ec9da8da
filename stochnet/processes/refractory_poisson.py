"""Poisson process with dead time: no spike for some bins after one, then a constant hazard.

With the probability p of a spike in a bin after the dead time of d bins, gaps are d bins and a
geometric number more: the rate in the long run is 1 / (d + 1 / p). Without a dead time it is
`bernoulli`. Identified where spikes have gaps between them: a trial with one spike bounds neither.

References
----------
Deger, Helias, Boucsein & Rotter (2012), Journal of Computational Neuroscience 32, 443-463.
Johnson & Swami (1983), Journal of the Acoustical Society of America 74, 493-501.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.fitting import refractory
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Estimate, Flag, Param, Params, Process, first_flags
from stochnet.processes.laws import renewal
from stochnet.processes.laws.wilson import wilson
from stochnet.statistics.summary.parts.ages import LONGEST_AGE
from stochnet.statistics.summary.summary import Summary

LONGEST = LONGEST_AGE - 1


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood over all dead times below the shortest gap, stationary start included.

    The dead time is whole, and nearly always the longest that the gaps allow. Its standard error
    is that of the geometric law of how much too long that is: of n spikes that were followed long
    enough, none is followed by one in the first bin at risk with probability (1 - p)**n.
    Standard errors of p are for that dead time; at p = 1 they are one over the slope.
    """
    p, dead_time = summary.active / summary.n_bins, np.zeros(summary.n_nodes)
    errors = np.stack([np.zeros_like(p), np.full_like(p, np.inf)], axis=1)
    limits = np.full(summary.n_nodes, -1)
    own = np.flatnonzero((summary.active > 0) & (summary.active < summary.n_bins))
    ages = np.ascontiguousarray(summary.ages[own])
    found = np.zeros((2, len(own))), np.empty((len(own), 2)), np.empty(len(own), np.int64)

    def run(a: int, b: int) -> None:
        (chance, dead), error, limit = found
        refractory.maximise(ages[a:b], LONGEST, chance[a:b], dead[a:b], error[a:b], limit[a:b])

    run_blocks(run, len(own))
    (p[own], dead_time[own]), errors[own], limits[own] = found
    full = summary.active == summary.n_bins
    errors[full] = 1 / summary.n_bins, 0.0
    flags = first_flags(summary)
    edge = (p >= 1) | (dead_time == 0) | (limits < 0)
    flags[edge & (flags == 0) & (summary.active > 0)] |= Flag.BOUNDARY.value
    return Estimate(
        {"p": p, "dead_time": dead_time},
        {"p": errors[:, 0], "dead_time": errors[:, 1]},
        flags,
    )


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the bins; -inf for a spike in a dead time, or several in a bin."""
    ages = np.ascontiguousarray(summary.ages)
    p, dead_time = (np.ascontiguousarray(params[name]) for name in ("p", "dead_time"))
    value = np.empty(summary.n_nodes)

    def run(a: int, b: int) -> None:
        refractory.log_likelihoods(p[a:b], dead_time[a:b], ages[a:b], value[a:b])

    run_blocks(run, summary.n_nodes)
    return np.where(summary.spikes == summary.active, value, -np.inf)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance of the spikes in a window of the stationary process."""
    p, dead_time = params["p"], params["dead_time"]
    return renewal.moments(tabulate(params)[:, LONGEST_AGE:], p / (1 + p * dead_time), window)


def tabulate(params: Params) -> Array:
    """Return the hazards before the first spike of a trial, then after a spike: (node, 2·1024)."""
    p, age = params["p"][:, None], np.arange(1, LONGEST_AGE + 1)
    left = np.maximum(params["dead_time"][:, None] + 1 - age, 0)
    return np.concatenate([p / (1 + p * left), np.where(left > 0, 0.0, p)], axis=1)


def interval(
    name: str, value: Array, error: Array, n_bins: int, level: float
) -> tuple[Array, Array]:
    """Wilson interval of p from the bins at risk; whole dead times that are not unlikely.

    The standard error of p tells how many bins were at risk, that of the dead time how likely it
    is that it is too long. The dead time is shorter than the shortest gap, so that its interval
    ends at the estimate.
    """
    tail = (1 - level) / 2
    if name == "dead_time":
        known = np.isfinite(error) & (error > 0)
        double = 2 * np.where(known, error, 1.0)
        log_none = 2 * np.log(double / (1 + np.sqrt(1 + double**2)))
        reach = np.where(known, np.floor(np.log(1 - level) / log_none), 0.0)
        unknown = np.isinf(error)
        low = np.where(unknown, 0.0, np.maximum(value - reach, 0.0))
        return low, np.where(unknown, float(LONGEST), value)
    inside = (value > 0) & (value < 1)
    at_risk = np.where(inside, value * (1 - value) / np.where(inside, error, 1.0) ** 2, 0.0)
    ends = wilson(value, at_risk, level)
    low = np.where(inside, ends[0], np.where(value > 0, tail**error, 0.0))
    high = np.where(inside, ends[1], np.where(value > 0, 1.0, 1 - tail ** (1 / n_bins)))
    return low, high


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 20 gaps expected, and a variance of 12 of the number of spikes given that at risk.

    Of every trial, the first spike is not counted. Simulated at 66 such points, 4,000 nodes each,
    95 % intervals hold 0.937 to 0.966 of the time for p, and at least 0.948 for the dead time.
    """
    p, dead_time = params["p"], params["dead_time"]
    spikes = p / (1 + p * dead_time) * summary.n_bins
    gaps = spikes - summary.ages[:, 0, 0].sum(axis=1)
    return np.asarray((gaps >= 20) & (spikes * (1 - p) >= 12))


PROCESS = Process(
    name="refractory_poisson",
    version=1,
    params=(
        Param("p", "1", (0.0, 1.0), (0.05, 0.5), "spike probability per bin after the dead time"),
        Param("dead_time", "bins", (0.0, LONGEST), (1, 7), "bins without a spike after one", True),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=renewal.SAMPLER,
    interval=interval,
    identified=identified,
    needs=frozenset({"ages"}),
    doc="A dead time after every spike, then a constant hazard (Deger et al. 2012).",
)
