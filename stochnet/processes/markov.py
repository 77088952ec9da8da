"""Two-state Markov chain: the spike probability depends on the bin before."""

from __future__ import annotations

import numpy as np
from scipy import special

from stochnet.process import Array, Estimate, Param, Params, Process, Stepwise
from stochnet.summary import Summary


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood given the first bin of every trial: fractions of transitions.

    Where a state never occurs its row is set to the overall fraction and its error to infinity.
    """
    params, errors = {}, {}
    overall = summary.active / summary.n_bins
    for state, name in enumerate(("p_after_silence", "p_after_spike")):
        total = summary.transitions[:, state].sum(axis=1)
        seen = total > 0
        p = np.divide(summary.transitions[:, state, 1], total, out=overall.copy(), where=seen)
        error = np.full_like(p, np.inf)
        error[seen] = np.sqrt(p[seen] * (1 - p[seen]) / total[seen])
        params[name], errors[name] = p, error
    return Estimate(params, errors, summary.no_flags())


def stationary(params: Params) -> Array:
    """Return the fraction of bins with a spike in the long run."""
    up, stay = params["p_after_silence"], params["p_after_spike"]
    leave = 1 - stay + up
    # A chain that never moves keeps the state it starts in, which is silence.
    return np.divide(up, leave, out=np.zeros_like(up), where=leave > 0)


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the bins, the first bin of a trial drawn from the stationary law."""
    start = stationary(params)
    value = special.xlogy(summary.starts[:, 1], start)
    value += special.xlog1py(summary.starts[:, 0], -start)
    for state, name in enumerate(("p_after_silence", "p_after_spike")):
        value += special.xlogy(summary.transitions[:, state, 1], params[name])
        value += special.xlog1py(summary.transitions[:, state, 0], -params[name])
    return np.where(summary.spikes == summary.active, value, -np.inf)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance of the sum of a stationary two-state chain."""
    mean = stationary(params)
    memory = params["p_after_spike"] - params["p_after_silence"]
    lag = np.arange(1, window)
    sums = ((window - lag) * memory[:, None] ** lag).sum(axis=1)
    return window * mean, mean * (1 - mean) * (window + 2 * sums)


def tabulate(params: Params) -> Array:
    """Return (stationary, after silence, after spike) probabilities: (node, 3)."""
    return np.stack(
        [stationary(params), params["p_after_silence"], params["p_after_spike"]], axis=1
    )


def init(row, u):  # type: ignore[no-untyped-def]
    """State before the first bin: 2 marks that none came before."""
    return 2


def step(row, state, u):  # type: ignore[no-untyped-def]
    """Fire with the probability that belongs to the bin before."""
    entry = 0 if state == 2 else state + 1
    spike = 1 if u < row[entry] else 0
    return spike, spike


PROCESS = Process(
    "markov",
    1,
    (
        Param("p_after_silence", "1", (0.0, 1.0), (0.02, 0.5), "spike probability after silence"),
        Param("p_after_spike", "1", (0.0, 1.0), (0.02, 0.7), "spike probability after a spike"),
    ),
    estimate,
    log_likelihood,
    moments,
    tabulate,
    Stepwise(init, step),
    needs=frozenset({"transitions"}),
    doc="Two-state Markov chain; over- and under-dispersed.",
)
