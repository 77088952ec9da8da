"""Networks that answer to classes, shared by suites: conditions, and rates of every class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.benchmark.quantity import Answer, Array, Truth
from stochnet.benchmark.truth.draws import Draws
from stochnet.estimation.fit import fit
from stochnet.raster.raster import SpikeRaster


def conditions(draws: Draws, n_trials: int, n_bins: int, n_classes: int) -> NDArray[np.int16]:
    """Return classes in random order, every class in as many bins of a trial: (trial, bin)."""
    table = np.tile(np.arange(n_bins) % n_classes, (n_trials, 1))
    order = np.stack([draws.order(n_bins) for _ in range(n_trials)])
    return np.take_along_axis(table, order, axis=1).astype(np.int16)


def class_rates(rates: Array, n_bins: int) -> Truth:
    """Return the truth of rates (node, class), each seen in `n_bins` bins: binomial errors."""
    return Truth(rates.ravel(), np.sqrt(rates * (1 - rates) / n_bins).ravel())


def pooled_rates(rates: Array, n_bins: int) -> Truth:
    """Return the truth of the mean over classes of rates (node, class)."""
    variance = (rates * (1 - rates)).mean(axis=1) / (n_bins * rates.shape[1])
    return Truth(rates.mean(axis=1), np.sqrt(variance))


def estimate_class_rates(raster: SpikeRaster) -> Answer:
    """Return the fraction of active bins of every node and class, with exact intervals."""
    found = fit(raster, "bernoulli", per_condition=True)
    low, high = found.interval("p")
    return Answer(found.params["p"].ravel(), low.ravel(), high.ravel())


def asked(facts: Mapping[str, Any], name: str) -> bool:
    """Whether a quantity is asked for in a network."""
    return name in facts["quantities"]
