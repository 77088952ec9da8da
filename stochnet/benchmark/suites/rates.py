"""Firing rates: rare events, saturated nodes, short and long recordings, classes, bursts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from stochnet.benchmark.quantity import Answer, Array, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.class_rates import (
    asked,
    class_rates,
    conditions,
    estimate_class_rates,
    pooled_rates,
)
from stochnet.benchmark.truth.draws import Draws
from stochnet.bundle.bundle import Bundle
from stochnet.estimation.fit import fit
from stochnet.raster.raster import SpikeRaster

RATE = Quantity("rate", "spikes per bin", Per.node, "expected spikes per bin of the recording")
CLASS_RATE = Quantity(
    "class_rate", "spikes per bin", Per.condition, "expected spikes per bin of a condition"
)
N_CLASSES, WINDOW = 10, 10


def _independent(
    draws: Draws, n_nodes: int, n_trials: int, n_bins: int, rates: Callable[[Draws, int], Array]
) -> Network:
    p = rates(draws, n_nodes)
    spread = np.sqrt(p * (1 - p) / (n_trials * n_bins))
    return Network(
        Bundle.from_params("bernoulli", {"p": p}),
        n_trials,
        n_bins,
        {"rate": Truth(p, spread)},
        {"family": "bernoulli"},
    )


def _gains(draws: Draws, n_nodes: int, n_trials: int, n_bins: int) -> Network:
    p, rho = draws.between(0.05, 0.5, n_nodes), draws.between(0.05, 0.3, n_nodes)
    variance = p * (1 - p) / (n_trials * n_bins) * (1 + (WINDOW - 1) * rho)
    return Network(
        Bundle.from_params("beta_bernoulli", {"p": p, "rho": rho}, window=WINDOW),
        n_trials,
        n_bins,
        {"rate": Truth(p, np.sqrt(variance))},
        {"family": "beta_bernoulli", "window": WINDOW},
    )


def _classes(draws: Draws, n_nodes: int, n_trials: int, n_bins: int) -> Network:
    rates = draws.log_between(0.005, 0.8, n_nodes, N_CLASSES)
    shown = conditions(draws, n_trials, n_bins, N_CLASSES)
    each = n_trials * n_bins // N_CLASSES
    return Network(
        Bundle.from_params("bernoulli", {"p": rates}, conditions=shown),
        n_trials,
        n_bins,
        {"rate": pooled_rates(rates, each), "class_rate": class_rates(rates, each)},
        {"family": "bernoulli, with a rate for every condition"},
    )


def _rare(draws: Draws, n: int) -> Array:
    return draws.log_between(1e-4, 5e-3, n)


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Fit the family and take its mean, with the interval that belongs to it."""
    family = "beta_bernoulli" if "window" in facts else "bernoulli"
    found = fit(raster, family, window=facts.get("window"))
    answers = {"rate": Answer(found.params["p"], *found.interval("p"))}
    if asked(facts, "class_rate"):
        answers["class_rate"] = estimate_class_rates(raster)
    return answers


SUITE = Suite(
    "rates",
    1,
    "Firing rates of nodes, and of nodes under conditions. Rates run from nodes that hardly ever "
    "fire to nodes that hardly ever pause, recordings from 50 to 50,000 bins. Bins are independent "
    "but in the cell of gains, where the rate of a node is drawn afresh for each window, so that "
    "binomial intervals are too short.",
    7_011_001,
    (RATE, CLASS_RATE),
    (
        Cell(
            "typical", "rates of 0.02 to 0.6, 2,000 bins",
            partial(_independent, n_nodes=60, n_trials=20, n_bins=100,
                    rates=lambda draws, n: draws.log_between(0.02, 0.6, n)),
        ),
        Cell(
            "rare", "half a spike to 20 spikes in 4,000 bins",
            partial(_independent, n_nodes=80, n_trials=20, n_bins=200, rates=_rare),
        ),
        Cell(
            "saturated", "1 to 100 silent bins among 2,000",
            partial(_independent, n_nodes=60, n_trials=20, n_bins=100,
                    rates=lambda draws, n: 1 - draws.log_between(5e-4, 5e-2, n)),
        ),
        Cell(
            "short", "rates of 0.02 to 0.98, 50 bins",
            partial(_independent, n_nodes=120, n_trials=1, n_bins=50,
                    rates=lambda draws, n: draws.between(0.02, 0.98, n)),
        ),
        Cell(
            "long", "rates of 0.001 to 0.9, 50,000 bins",
            partial(_independent, n_nodes=20, n_trials=50, n_bins=1000,
                    rates=lambda draws, n: draws.log_between(0.001, 0.9, n)),
        ),
        Cell(
            "classes", "10 conditions, rates of 0.005 to 0.8, 200 bins of each",
            partial(_classes, n_nodes=30, n_trials=40, n_bins=50),
        ),
        Cell(
            "gains", "a Beta gain for each window of 10 bins, 1,000 bins",
            partial(_gains, n_nodes=60, n_trials=50, n_bins=20),
        ),
    ),
    {"stochnet": estimate},
)  # fmt: skip
