"""Tuning: rates under classes, how much they differ, and which class a node prefers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from stochnet.benchmark.quantity import Answer, Array, Kind, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.class_rates import class_rates, conditions, estimate_class_rates
from stochnet.benchmark.truth.draws import Draws
from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster

N_CLASSES = 10
CLASS_RATE = Quantity(
    "class_rate", "spikes per bin", Per.condition, "expected spikes per bin of a condition"
)
VARIANCE = Quantity(
    "tuning_variance", "(spikes per bin)²", Per.node,
    "variance over the conditions (ddof 0) of the expected spikes per bin",
    floor=1e-6,
)  # fmt: skip
PREFERRED = Quantity(
    "preferred_class", "1", Per.node, "condition with the highest expected spikes per bin",
    Kind.label, options=tuple(str(c) for c in range(N_CLASSES)),
)  # fmt: skip


def _variance_spread(rates: Array, n_bins: int) -> Array:
    """Return the standard deviation of the unbiased estimate of the variance over classes.

    That of a quadratic form of independent normal numbers, which fractions nearly are.
    """
    size = rates.shape[1]
    form = (np.eye(size) - 1 / size) / size
    spreads = []
    for row in rates:
        noise = np.diag(row * (1 - row) / n_bins)
        twice = form @ noise @ form
        spreads.append(np.sqrt(2 * np.trace(twice @ noise) + 4 * row @ twice @ row))
    return np.array(spreads)


def _network(
    draws: Draws,
    n_nodes: int,
    size: tuple[int, int],
    rates: Callable[[Draws, int], Array],
    tuned: bool = True,
) -> Network:
    table, (n_trials, n_bins) = rates(draws, n_nodes), size
    shown = conditions(draws, n_trials, n_bins, N_CLASSES)
    each = n_trials * n_bins // N_CLASSES
    truths = {
        "class_rate": class_rates(table, each),
        "tuning_variance": Truth(np.round(table.var(axis=1), 15), _variance_spread(table, each)),
    }
    if tuned:
        truths["preferred_class"] = Truth(table.argmax(axis=1).astype(np.float64))
    return Network(
        Bundle.from_params("bernoulli", {"p": table}, conditions=shown),
        n_trials,
        n_bins,
        truths,
        {"family": "bernoulli, with a rate for every condition"},
    )


def _tuned(draws: Draws, n_nodes: int, low: float, high: float) -> Array:
    return draws.log_between(low, high, n_nodes, N_CLASSES)


def _weak(draws: Draws, n_nodes: int) -> Array:
    base = draws.between(0.1, 0.5, n_nodes, 1)
    return np.round(base * draws.between(0.85, 1.15, n_nodes, N_CLASSES), 6)


def _untuned(draws: Draws, n_nodes: int) -> Array:
    return np.repeat(draws.between(0.05, 0.5, n_nodes, 1), N_CLASSES, axis=1)


def _answers(rates: Answer, table: Array, variance: Array) -> dict[str, Answer]:
    return {
        "class_rate": rates,
        "tuning_variance": Answer(variance),
        "preferred_class": Answer(table.argmax(axis=1).astype(np.float64)),
    }


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Take fractions of active bins; from their variance that of chance is taken away."""
    rates = estimate_class_rates(raster)
    table = rates.values.reshape(raster.n_nodes, -1)
    n_bins = raster.n_trials * raster.n_bins / N_CLASSES
    chance = (table * (1 - table) / (n_bins - 1)).mean(axis=1) * (1 - 1 / N_CLASSES)
    return _answers(rates, table, table.var(axis=1) - chance)


def plug_in(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Take the variance of the fractions as it is: too large by that of chance."""
    rates = estimate_class_rates(raster)
    table = rates.values.reshape(raster.n_nodes, -1)
    return _answers(rates, table, table.var(axis=1))


SUITE = Suite(
    "tuning",
    1,
    "How nodes answer to ten conditions, which all occur equally often in every trial: rates under "
    "each, their variance over conditions, and the preferred one. The differences between "
    "fractions of few bins are mostly chance, so that their variance is too large.",
    7_011_004,
    (CLASS_RATE, VARIANCE, PREFERRED),
    (
        Cell(
            "strong", "rates of 0.02 to 0.8, 200 bins of each condition",
            partial(_network, n_nodes=40, size=(50, 40), rates=partial(_tuned, low=0.02, high=0.8)),
        ),
        Cell(
            "weak", "rates 15 % about their mean, 400 bins of each",
            partial(_network, n_nodes=40, size=(100, 40), rates=_weak),
        ),
        Cell(
            "none", "the same rate under all conditions, 200 bins of each",
            partial(_network, n_nodes=40, size=(50, 40), rates=_untuned, tuned=False),
        ),
        Cell(
            "few bins", "rates of 0.02 to 0.8, 20 bins of each",
            partial(_network, n_nodes=60, size=(10, 20), rates=partial(_tuned, low=0.02, high=0.8)),
        ),
        Cell(
            "sparse", "rates of 0.001 to 0.05, 1,000 bins of each",
            partial(
                _network, n_nodes=40, size=(100, 100), rates=partial(_tuned, low=0.001, high=0.05)
            ),
        ),
        Cell(
            "long", "rates of 0.02 to 0.8, 10,000 bins of each",
            partial(
                _network, n_nodes=10, size=(100, 1000), rates=partial(_tuned, low=0.02, high=0.8)
            ),
        ),
    ),
    {"stochnet": estimate, "stochnet, plug-in": plug_in},
)  # fmt: skip
