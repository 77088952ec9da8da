"""Coverage of the closed intervals of counts, summed over all outcomes: no simulation.

For a fixed truth an interval covers when the number of spikes lies between two whole numbers. As
the truth grows, these change where it crosses an end of an interval; in between, the coverage has
one maximum at most, which has a closed form. So the lowest and the highest coverage are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

import stochnet as sn

from .cells import Cell
from .rows import Job, Row, Tables

Array = NDArray[np.float64]
NAMES = {"bernoulli": "p", "poisson": "rate"}


def jobs(config: Mapping[str, Any]) -> list[Job]:
    settings = config["exact"]
    return [
        Job(
            process,
            f"{process} n={n}",
            partial(run, process, n, settings["most_expected"], settings["groups"], config),
        )
        for process in NAMES
        for n in settings["n_bins"][process]
    ]


def run(process: str, n: int, most: float, groups: int, config: Mapping[str, Any]) -> Tables:
    """Lowest and highest coverage in groups of true values, by expected number of spikes."""
    truth, coverage = extremes(process, n, most, config["level"])
    expected = truth * n
    size = Cell(process, ((NAMES[process], 0.0),), n, 1).sizes()
    known = sn.PROCESSES[process].identified({NAMES[process]: truth}, size)
    edges = np.geomspace(0.05, expected.max(), groups + 1)
    place = np.clip(np.searchsorted(edges, expected) - 1, 0, groups - 1)
    rows: list[Row] = []
    for group in range(groups):
        for identified in (False, True):
            mine = np.flatnonzero((place == group) & (known == identified))
            if not len(mine):
                continue
            low, high = mine[coverage[mine].argmin()], mine[coverage[mine].argmax()]
            rows.append({
                "process": process, "n_bins": n, "identified": identified,
                "expected_from": expected[mine].min(), "expected_to": expected[mine].max(),
                "truths": len(mine),
                "lowest": coverage[low], "lowest_at": expected[low],
                "highest": coverage[high], "highest_at": expected[high],
            })  # fmt: skip
    return {"exact_coverage": rows}


def extremes(process: str, n: int, most: float, level: float) -> tuple[Array, Array]:
    """True values, ascending, among which coverage takes its extremes; and the coverage there."""
    highest = min(most / n, 0.5) if process == "bernoulli" else most / n
    last = int(min(n, highest * n + 12 * np.sqrt(highest * n) + 40))
    spikes = np.arange(last + 1.0)
    low, high = sn.PROCESSES[process].interval(NAMES[process], spikes / n, spikes, n, level)
    ends = np.unique(np.concatenate([low, high]))
    ends = ends[(ends > 0) & (ends <= highest)]
    # Between two ends the same counts cover: from a to b.
    a, b = covering(low, high, np.sqrt(ends[:-1] * ends[1:]))
    best = (_highest_binomial if process == "bernoulli" else _highest_poisson)(a, b, n)
    inside = (best > ends[:-1]) & (best < ends[1:])
    truth = np.sort(np.concatenate([ends * (1 - 1e-9), ends * (1 + 1e-9), best[inside]]))
    a, b = covering(low, high, truth)
    if process == "bernoulli":
        return truth, stats.binom.cdf(b, n, truth) - stats.binom.cdf(a - 1, n, truth)
    return truth, special.pdtr(b, truth * n) - np.where(a > 0, special.pdtr(a - 1, truth * n), 0.0)


def covering(low: Array, high: Array, truth: Array) -> tuple[Array, Array]:
    """First and last number of spikes whose interval holds the truth."""
    return np.searchsorted(high, truth) * 1.0, np.searchsorted(low, truth, "right") - 1.0


def _highest_poisson(a: Array, b: Array, n: int) -> Array:
    """Rate at which a Poisson count lies in a … b most often."""
    return np.exp((special.gammaln(b + 1) - special.gammaln(np.maximum(a, 1))) / (b - a + 1)) / n


def _highest_binomial(a: Array, b: Array, n: int) -> Array:
    """Probability at which a binomial count lies in a … b most often."""
    a, b = np.maximum(a, 1), np.minimum(b, n - 1)
    log_odds = (_log_choose(n - 1, b) - _log_choose(n - 1, a - 1)) / (a - b - 1)
    return special.expit(log_odds)


def _log_choose(n: int, k: Array) -> Array:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
