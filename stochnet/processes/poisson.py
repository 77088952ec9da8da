"""Independent Poisson counts with a constant rate per bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.process import Array, Estimate, Independent, Param, Params, Process, first_flags
from stochnet.processes.laws.scipy_stats import stats
from stochnet.statistics.summary.summary import Summary

TAIL = 2.0**-33


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood: spikes per bin."""
    rate = summary.spikes / summary.n_bins
    return Estimate({"rate": rate}, {"rate": np.sqrt(rate / summary.n_bins)}, first_flags(summary))


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the counts in the bins."""
    rate = params["rate"]
    value = special.xlogy(summary.spikes, rate) - summary.n_bins * rate
    return np.asarray(value - summary.log_factorials)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance, which are equal."""
    return window * params["rate"], window * params["rate"]


def most(params: Params) -> int:
    """Return a count that is exceeded with a probability below 2**-33."""
    return int(stats.poisson.isf(TAIL, params["rate"].max(initial=0.0))) + 1


def tabulate(params: Params) -> Array:
    """Return the distribution function of the count at 0, 1, 2, … : (node, entry)."""
    return np.asarray(special.pdtr(np.arange(most(params) + 1.0), params["rate"][:, None]))


def interval(
    name: str, value: Array, error: Array, n_bins: int, level: float
) -> tuple[Array, Array]:
    """Garwood (1936) interval of the rate."""
    spikes, tail = np.rint(value * n_bins), (1 - level) / 2
    low = np.where(spikes > 0, stats.gamma.ppf(tail, np.maximum(spikes, 1)), 0.0)
    return low / n_bins, stats.gamma.ppf(1 - tail, spikes + 1) / n_bins


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 20 spikes expected; with fewer, exact intervals are wider than their level."""
    return np.asarray(params["rate"] * summary.n_bins >= 20)


PROCESS = Process(
    name="poisson",
    version=1,
    params=(Param("rate", "1/bin", (0.0, 65_535.0), (0.02, 3.0), "mean number of spikes per bin"),),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Independent(most),
    interval=interval,
    identified=identified,
    doc="Independent Poisson counts; the arrival process of Lehmler et al. (arXiv 2308.00858).",
)
