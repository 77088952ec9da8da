"""Which nodes keep the assumptions of the Poisson process: by layer, by rate and by schedule."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stochnet as sn

from .features import WHOLE, shows, thinned

Row = dict[str, Any]


def rows(recording: sn.SpikeRaster, config: dict[str, Any], longest: int, seed: int) -> list[Row]:
    """Test a few nodes of every layer under every schedule.

    A row counts the nodes of a layer, or those of all layers in a range of firing rates, that
    were tested, and gives for each test the share of the testable ones that pass it.
    """
    raster = thinned(recording, config["nodes_per_layer"], seed)
    rate = sn.firing_rate(raster)
    edges = config["rates"]
    groups: list[tuple[str, str, NDArray[np.bool_]]] = []
    for layer in raster.layers:
        mine = np.zeros(raster.n_nodes, bool)
        mine[layer.nodes] = True
        groups.append((layer.name, WHOLE, mine))
    groups.append((WHOLE, WHOLE, np.ones(raster.n_nodes, bool)))
    for low, high in itertools.pairwise(edges):
        groups.append((WHOLE, f"{low:g}-{high:g}", (rate > low) & (rate <= high)))
    found: list[Row] = []
    for schedule, shown in shows(raster, config["window"], longest, seed):
        result = sn.assess(
            shown, [config["window"]], level=config["level"], n_surrogates=config["surrogates"],
            seed=seed,
        )  # fmt: skip
        for layer, rates, mine in groups:
            tested = result.tested & mine
            row: Row = {
                "schedule": schedule,
                "layer": layer,
                "rates": rates,
                "n_nodes": int(mine.sum()),
                "testable": int(tested.sum()),
            }
            for test in result.tests:
                row[test.name] = share(test.passes(result.level), test.testable & mine)
            row["all_tests"] = share(result.passes_all, tested)
            found.append(row)
    return found


def share(passed: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(passed[among].mean()) if among.any() else None
