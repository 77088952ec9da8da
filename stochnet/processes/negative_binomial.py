"""Poisson counts whose rate has a gamma gain in every window: over-dispersed counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.process import Array, Estimate, Independent, Param, Params, Process
from stochnet.processes.laws.dispersion import fit_dispersion, negative_binomial, profile_ends
from stochnet.processes.laws.gains import gamma_levels, highest_count, poisson_table
from stochnet.statistics.summary.summary import Summary


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood of negative-binomial window counts.

    References
    ----------
    Lawless (1987), Canadian Journal of Statistics 15, 209-225.
    """
    rate, dispersion, rate_error, error, flags = fit_dispersion(negative_binomial, summary)
    return Estimate(
        {"rate": rate, "dispersion": dispersion},
        {"rate": rate_error, "dispersion": error},
        flags,
    )


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the counts in the bins: the gain is integrated out window by window."""
    value = negative_binomial.log_likelihood(params["rate"], params["dispersion"], summary)
    return value - summary.log_factorials


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Profile likelihood; a dead node could have any rate, if its gain is dispersed enough."""
    both = profile_ends(
        negative_binomial,
        (params["rate"], params["dispersion"]),
        (errors["rate"], errors["dispersion"]),
        summary,
        level,
    )
    return {
        param.name: (
            np.where(np.isnan(ends[0]), param.domain[0], ends[0]),
            np.minimum(np.where(np.isnan(ends[1]), param.domain[1], ends[1]), param.domain[1]),
        )
        for param, ends in zip(PROCESS.params, both, strict=True)
    }


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 50 windows that are worth 60 independent spikes, and 5 pairs of them in a window.

    With fewer, the interval of the dispersion holds more often than its level.
    """
    n = summary.n_segments
    if n < 50:
        return np.zeros(len(params["rate"]), bool)
    mean = params["rate"] * (summary.n_bins / n)
    worth = n * mean >= 60 * (1 + params["dispersion"] * mean)
    return np.asarray(worth & (n * mean**2 / 2 >= 5))


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Negative-binomial mean and variance."""
    mean = window * params["rate"]
    return mean, mean + params["dispersion"] * mean**2


def _level_rates(params: Params) -> Array:
    """Rate per bin at each gain level: (node, 256)."""
    gains = np.ones((len(params["rate"]), 256))
    law = (params["rate"] > 0) & (params["dispersion"] > 1e-9)
    gains[law] = gamma_levels(1 / params["dispersion"][law])
    return np.asarray(params["rate"][:, None] * gains)


def most(params: Params) -> int:
    """Return a count that is exceeded with a probability below 2**-33 at the highest gain."""
    # The highest level of a gamma gain lies below this quantile of the most dispersed law.
    shape = 1 / np.maximum(params["dispersion"], 1e-9)
    top = special.gammaincinv(shape, 1 - 1e-7) / shape * 1.5 + 1e-3
    return highest_count(float((params["rate"] * top).max(initial=0.0)))


def tabulate(params: Params) -> Array:
    """Return the distribution function of the count at each gain level: (node, 256, entry)."""
    return poisson_table(_level_rates(params), most(params) + 1)


PROCESS = Process(
    name="negative_binomial",
    version=1,
    params=(
        Param("rate", "1/bin", (0.0, 65_535.0), (0.02, 2.0), "mean number of spikes per bin"),
        Param(
            "dispersion", "1", (0.0, 100.0), (0.05, 1.0), "variance of the gain, whose mean is 1"
        ),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Independent(most, gain=True),
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"windows"}),
    doc="Poisson bins with a gamma gain per window; negative-binomial window counts.",
)
