"""Regimes: which of three known populations a network was drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from stochnet.benchmark.quantity import Answer, Array, Kind, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.class_rates import conditions
from stochnet.benchmark.truth.draws import Draws, rounded
from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import rate_by_condition

# Laws of the nodes: the mean rate of a node is Beta(a, b), its rates under the conditions are
# independent Beta variables of that mean, with a + b = concentration.
REGIMES: dict[str, dict[str, float]] = {
    "initialised": {"a": 6.0, "b": 6.0, "concentration": 30.0},
    "generalising": {"a": 2.0, "b": 5.0, "concentration": 3.0},
    "memorising": {"a": 2.5, "b": 4.5, "concentration": 8.0},
}
N_CLASSES = 5
REGIME = Quantity(
    "regime", "1", Per.network, "number of the population that the nodes were drawn from",
    Kind.label, options=tuple(REGIMES),
)  # fmt: skip
PROBABILITY = Quantity(
    "regime_probability", "1", Per.option,
    "probability of each population given the spikes, when all are equally likely beforehand; the "
    "number of the population stands in the column condition",
    Kind.probability, floor=0.01, options=tuple(REGIMES),
)  # fmt: skip
# Of the integral over the mean rate of a node.
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(200)
POINTS, WEIGHTS = (_POINTS + 1) / 2, _WEIGHTS / 2


def _network(draws: Draws, n_nodes: int, size: tuple[int, int]) -> Network:
    names = list(REGIMES)
    regime = int(draws.uniform(1)[0] * len(names))
    law = REGIMES[names[regime]]
    mean = special.betaincinv(law["a"], law["b"], draws.uniform(n_nodes, 1))
    shares = (mean * law["concentration"], (1 - mean) * law["concentration"])
    # The ends are kept off, where rounding would leave 0 or 1.
    rates = np.clip(special.betaincinv(*shares, draws.uniform(n_nodes, N_CLASSES)), 1e-9, 1 - 1e-9)
    known = np.zeros(len(names))
    known[regime] = 1.0
    shown = conditions(draws, *size, N_CLASSES)
    return Network(
        Bundle.from_params("bernoulli", {"p": rounded(rates)}, conditions=shown),
        *size,
        {"regime": Truth(np.array([float(regime)])), "regime_probability": Truth(known)},
        {"family": "bernoulli, with a rate for every condition"},
    )


def log_evidence(spikes: Array, n_bins: int, law: Mapping[str, float]) -> float:
    """Return the log probability of the spikes of a network whose nodes follow a law.

    The rates under the conditions are integrated out in closed form, the mean rate by quadrature.

    Parameters
    ----------
    spikes : ndarray (node, condition)
        Active bins.
    n_bins : int
        Bins of each condition.
    law : mapping
        One of ``REGIMES``.
    """
    a = POINTS * law["concentration"]
    b = (1 - POINTS) * law["concentration"]
    k = spikes[:, :, None]
    per_class = special.betaln(k + a, n_bins - k + b) - special.betaln(a, b)
    prior = (law["a"] - 1) * np.log(POINTS) + (law["b"] - 1) * np.log1p(-POINTS)
    prior -= special.betaln(law["a"], law["b"])
    nodes = special.logsumexp(per_class.sum(axis=1) + prior, b=WEIGHTS, axis=1)
    return float(nodes.sum())


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Weigh the populations by the probability of the spikes: no classifier can do better."""
    n_bins = raster.n_trials * raster.n_bins // N_CLASSES
    spikes = np.rint(rate_by_condition(raster) * n_bins)
    logs = np.array([log_evidence(spikes, n_bins, law) for law in REGIMES.values()])
    chance = special.softmax(logs)
    return {"regime": Answer(np.array([float(chance.argmax())])),
            "regime_probability": Answer(chance)}  # fmt: skip


def by_moments(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Choose the population whose mean rate and variance over conditions are nearest."""
    rates = rate_by_condition(raster)
    seen = np.array([rates.mean(), rates.var(axis=1).mean()])
    distances = []
    for law in REGIMES.values():
        mean = law["a"] / (law["a"] + law["b"])
        spread = mean * (1 - mean) * (1 - 1 / (law["a"] + law["b"] + 1))
        expected = np.array([mean, spread / (law["concentration"] + 1) * (1 - 1 / N_CLASSES)])
        distances.append(float((np.log(np.maximum(seen, 1e-9) / expected) ** 2).sum()))
    return {"regime": Answer(np.array([float(np.argmin(distances))]))}


SUITE = Suite(
    "regimes",
    1,
    "Which of three populations the nodes of a network were drawn from. They stand in for networks "
    "that were only initialised, that generalise, and that memorise: most nodes of the first fire "
    "half of the time under any condition, those of the second choose their conditions, the third "
    "lie between. The laws are given, and all populations are equally likely; networks are small, "
    "so that no one can always tell. The regimes are made up: they are no model of trained "
    "networks.",
    7_011_006,
    (REGIME, PROBABILITY),
    (
        Cell(
            "few nodes", "3 nodes, 20 bins of each of 5 conditions",
            partial(_network, n_nodes=3, size=(10, 10)), 20,
        ),
        Cell(
            "few bins", "8 nodes, 2 bins of each condition",
            partial(_network, n_nodes=8, size=(1, 10)), 20,
        ),
        Cell(
            "more of both", "8 nodes, 20 bins of each condition",
            partial(_network, n_nodes=8, size=(10, 10)), 20,
        ),
    ),
    {"stochnet": estimate, "stochnet, moments": by_moments},
    {"regimes": REGIMES,
     "laws": "the mean rate of a node is Beta(a, b); its rates under the conditions are "
             "independent, Beta(mean · concentration, (1 - mean) · concentration)"},
)  # fmt: skip
