"""Two-state Markov chain: the spike probability depends on the bin before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.process import Array, Estimate, Flag, Param, Params, Process, Stepwise, first_flags
from stochnet.processes.laws.wilson import wilson
from stochnet.statistics.summary.summary import Summary

ROUNDS = 60


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood of trials that start in the stationary law.

    Where a state is never left or kept, its row is set to the overall fraction of active bins, and
    its standard error to infinity.

    References
    ----------
    Billingsley (1961), Statistical Inference for Markov Processes, University of Chicago Press.
    """
    moves, starts = summary.transitions.astype(float), summary.starts.astype(float)
    seen = moves.sum(axis=2) > 0
    overall = summary.active / summary.n_bins
    # How often silence was left (or the stationary law chosen up), and kept; spikes likewise.
    left = np.stack([moves[:, 0, 1] + starts[:, 1], moves[:, 1, 0] + starts[:, 0]], axis=1)
    kept = np.stack([moves[:, 0, 0], moves[:, 1, 1]], axis=1)
    trials = starts.sum(axis=1, keepdims=True)
    other = np.stack([overall, 1 - overall], axis=1)
    # Given the sum D of both, each has a closed form; D itself is found by halving.
    # A chain that never moves would have D = 0, which tells nothing of where its trials start.
    low, high = np.full((len(left), 1), 1e-9), np.full((len(left), 1), 2.0)
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        total = left + kept + trials / middle
        root = np.sqrt(np.maximum(total**2 - 4 * trials / middle * left, 0.0))
        leave = np.minimum(np.divide(2 * left, total + root, out=other.copy(), where=seen), 1.0)
        larger = leave.sum(axis=1, keepdims=True) > middle
        low, high = np.where(larger, middle, low), np.where(larger, high, middle)
    leave[seen & (kept == 0) & (leave > 1 - 1e-9)] = 1.0
    flags = first_flags(summary)
    never_moves = seen.all(axis=1) & (moves[:, 0, 1] + moves[:, 1, 0] == 0)
    at_edge = (seen & ((leave == 0) | (leave == 1))).any(axis=1) | never_moves
    flags[at_edge & (flags == 0)] |= Flag.BOUNDARY.value
    errors = _errors(leave, left, kept, trials)
    errors[~seen | never_moves[:, None]] = np.inf
    return Estimate(
        {"p_after_silence": leave[:, 0], "p_after_spike": 1 - leave[:, 1]},
        {"p_after_silence": errors[:, 0], "p_after_spike": errors[:, 1]},
        flags,
    )


def _errors(leave: Array, left: Array, kept: Array, trials: Array) -> Array:
    """Return standard errors by observed information; at an edge those of a lone fraction."""
    errors = np.sqrt(leave * (1 - leave) / np.maximum(left + kept, 1))
    inside = ((leave > 0) & (leave < 1)).all(axis=1)
    p = leave[inside]
    shared = (trials[inside] / p.sum(axis=1, keepdims=True) ** 2)[:, 0]
    own = left[inside] / p**2 + kept[inside] / (1 - p) ** 2 - shared[:, None]
    determinant = own[:, 0] * own[:, 1] - shared**2
    good = (own > 0).all(axis=1) & (determinant > 0)
    variance = own[:, ::-1] / np.where(good, determinant, 1.0)[:, None]
    errors[inside] = np.where(good[:, None], np.sqrt(np.abs(variance)), np.inf)
    return errors


def _rows(summary: Summary) -> Array:
    """Bins that tell of each row, among them the starts of trials: (node, after silence/spike)."""
    return np.asarray(summary.transitions.sum(axis=2) + summary.starts)


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Wilson's interval with as many bins as the standard error is worth."""
    ends = {}
    for row, name in enumerate(("p_after_silence", "p_after_spike")):
        p, error, n = params[name], errors[name], _rows(summary)[:, row].astype(float)
        inside = (p > 0) & (p < 1) & (error > 0) & np.isfinite(error)
        n[inside] = p[inside] * (1 - p[inside]) / error[inside] ** 2
        ends[name] = wilson(p, np.where(np.isfinite(error), n, 0.0), level)
    return ends


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 20 bins expected of each of the four kinds of transition."""
    up, stay = params["p_after_silence"], params["p_after_spike"]
    active = stationary(params)
    rows = ((1 - active) * np.minimum(up, 1 - up), active * np.minimum(stay, 1 - stay))
    return np.asarray(np.minimum(*rows) * summary.n_bins >= 20)


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
    name="markov",
    version=1,
    params=(
        Param("p_after_silence", "1", (0.0, 1.0), (0.02, 0.5), "spike probability after silence"),
        Param("p_after_spike", "1", (0.0, 1.0), (0.02, 0.7), "spike probability after a spike"),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Stepwise(init, step),
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"transitions"}),
    doc="Two-state Markov chain; over- and under-dispersed.",
)
