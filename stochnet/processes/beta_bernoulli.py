"""0/1 bins whose probability is redrawn from a Beta law in every window: over-dispersed counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.process import Array, Estimate, Independent, Param, Params, Process
from stochnet.processes.laws.dispersion import beta_binomial, fit_dispersion, profile_ends
from stochnet.processes.laws.gains import beta_levels
from stochnet.statistics.summary.summary import Summary


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood of beta-binomial window counts in (p, theta), rho = theta / (1 + theta).

    References
    ----------
    Griffiths (1973), Biometrics 29, 637-648.
    """
    p, theta, p_error, theta_error, flags = fit_dispersion(beta_binomial, summary)
    return Estimate(
        {"p": p, "rho": theta / (1 + theta)},
        {"p": p_error, "rho": theta_error / (1 + theta) ** 2},
        flags,
    )


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the bins: the gain is integrated out window by window."""
    rho = np.minimum(params["rho"], 1 - 1e-12)
    value = beta_binomial.log_likelihood(params["p"], rho / (1 - rho), summary)
    return np.where(summary.spikes == summary.active, value, -np.inf)


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Profile likelihood; of a dead or saturated node Clopper-Pearson with windows as trials."""
    rho = np.minimum(params["rho"], 1 - 1e-12)
    theta, slope = rho / (1 - rho), 1 / (1 - rho) ** 2
    means, thetas = profile_ends(
        beta_binomial, (params["p"], theta), (errors["p"], errors["rho"] * slope), summary, level
    )
    unknown = np.isnan(means[0])
    tail = ((1 - level) / 2) ** (1 / summary.n_segments)
    low = np.where(unknown, np.where(params["p"] >= 1, tail, 0.0), means[0])
    high = np.where(unknown, np.where(params["p"] <= 0, 1 - tail, 1.0), means[1])
    least = np.where(unknown, 0.0, thetas[0] / (1 + thetas[0]))
    most = np.where(unknown, 1.0, thetas[1] / (1 + thetas[1]))
    return {"p": (low, high), "rho": (least, np.minimum(most, 0.9999))}


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 50 windows that are worth 60 independent spikes and silent bins, and 5 pairs.

    Pairs are of spikes, or silent bins, of one window. With fewer, the interval of rho holds more
    often than its level; windows of one bin say nothing of it.
    """
    p, rho, n = params["p"], params["rho"], summary.n_segments
    if n < 50:
        return np.zeros(len(p), bool)
    length = summary.n_bins / n
    worth = summary.n_bins * p * (1 - p) >= 60 * (1 + (length - 1) * rho)
    pairs = n * length * (length - 1) / 2 * np.minimum(p, 1 - p) ** 2
    return np.asarray(worth & (pairs >= 5))


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Beta-binomial mean and variance."""
    p, rho = params["p"], params["rho"]
    return window * p, window * p * (1 - p) * (1 + (window - 1) * rho)


def tabulate(params: Params) -> Array:
    """Return the spike probability at each gain level: (node, 256)."""
    p, rho = params["p"], params["rho"]
    levels = np.repeat(p[:, None], 256, axis=1)
    law = (p > 0) & (p < 1) & (rho > 1e-9) & (rho < 1)
    total = 1 / rho[law] - 1
    levels[law] = beta_levels(p[law] * total, (1 - p[law]) * total)
    return levels


PROCESS = Process(
    name="beta_bernoulli",
    version=1,
    params=(
        Param("p", "1", (0.0, 1.0), (0.05, 0.6), "mean spike probability per bin"),
        Param("rho", "1", (0.0, 0.9999), (0.01, 0.3), "correlation of two bins of one window"),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Independent(gain=True),
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"windows"}),
    doc="Bernoulli bins with a Beta gain per window; beta-binomial window counts.",
)
