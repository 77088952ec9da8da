"""Fitting every process, beside one pass over the bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from options import Options
from race import TURN, median, race
from table import Table, figures, times

import stochnet as sn

TRIALS, BINS = 100, 100


def measure(options: Options) -> dict[str, Any]:
    """Race all processes, the choice among all, and a bare popcount."""
    nodes = 500 if options.quick else 5_000
    p = np.random.default_rng(0).beta(1, 4, nodes)
    raster = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), TRIALS, BINS, seed=1)
    contenders: dict[str, Any] = {"one pass over the bits": lambda: sn.spike_count(raster)}
    for name in sn.PROCESSES:
        contenders[f"`{name}`"] = lambda name=name: sn.fit(raster, name)
    contenders["`select` among all"] = lambda: sn.select(raster)
    return {"nodes": nodes, "seconds": race(contenders, min(5, options.rounds), TURN)}


def tables(results: dict[str, Any]) -> list[Table]:
    """Microseconds a node."""
    seconds = results["seconds"]
    rows = [
        (
            name,
            figures(1e6 * median(spent) / results["nodes"]),
            times(spent, seconds["one pass over the bits"]),
        )
        for name, spent in seconds.items()
    ]
    return [
        Table(
            "fitting",
            f"Fits of {results['nodes']:,} nodes × {TRIALS} trials × {BINS} bins with their "
            "errors and intervals",
            ("process", "µs a node", "passes over the bits"),
            rows,
        )
    ]
