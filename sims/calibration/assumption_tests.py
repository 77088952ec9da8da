"""Size and power of the tests of Poisson assumptions (`stochnet.assess`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stochnet as sn

from .cells import Cell
from .recovery import judged
from .rows import Job, Row, Tables

Array = NDArray[np.float64]
NUMBERS = ("nodes", "repeats", "again", "surrogates")
# Probabilities at which the p-values of a test are stored for the figure.
POINTS = np.concatenate([[0.001, 0.002, 0.005], np.linspace(0.01, 0.99, 50), [0.995]])


def jobs(config: Mapping[str, Any]) -> list[Job]:
    """One job for each null process, and one for each alternative."""
    settings = config["assumption_tests"]
    found = []
    for kind in ("null", "alternative"):
        for block in settings[kind]:
            if block["process"] not in sn.PROCESSES:
                continue
            for size in settings["sizes"]:
                for point in block["points"]:
                    window = block.get("window", size["n_bins"])
                    per_trial = size["n_bins"] // window
                    params = tuple((name, float(value)) for name, value in point.items())
                    n_windows = size["n_trials"] * per_trial
                    cell = Cell(block["process"], params, window, n_windows, per_trial)
                    numbers = {name: settings[name] for name in NUMBERS}
                    name = f"{kind} {cell.name} {size['windows']}"
                    call = partial(run_cell, cell, kind, size["windows"], numbers, config)
                    found.append(Job(cell.process, name, call))
    return found


def run_cell(
    cell: Cell, kind: str, windows: list[int], numbers: Mapping[str, int], config: Mapping[str, Any]
) -> Tables:
    """Count rejections; where chance may have put a size outside of the band, with more repeats.

    These are drawn afresh and decide alone.
    """
    if kind == "alternative":
        return {"test_power": measure(cell, windows, numbers, 1, config["seed"], config)[0]}
    repeats = numbers["repeats"]
    rows, quantiles = measure(cell, windows, numbers, repeats, config["seed"], config)
    for row in rows:
        row["holds"] = size_holds(row, config)
    if any(row["holds"] == "unclear" for row in rows) and numbers["again"] > 1:
        repeats *= numbers["again"]
        rows, quantiles = measure(cell, windows, numbers, repeats, config["seed"] + 1, config)
        for row in rows:
            row["holds"] = size_holds(row, config)
    return {"test_size": rows, "test_quantiles": quantiles}


def measure(
    cell: Cell,
    windows: list[int],
    numbers: Mapping[str, int],
    repeats: int,
    study: int,
    config: Mapping[str, Any],
) -> tuple[list[Row], list[Row]]:
    """Test fresh nodes with fresh surrogates, several times over: rejections, and quantiles."""
    p_values: dict[tuple[str, int | None], list[Array]] = {}
    for repeat in range(repeats):
        seed = (cell.seed(study) + repeat) % 2**64
        raster = cell.simulate(numbers["nodes"], seed)
        found = sn.assess(raster, windows, n_surrogates=numbers["surrogates"], seed=seed)
        for test in found.tests:
            p_values.setdefault((test.name, test.window), []).append(test.p_value)
    shared = {
        "process": cell.process,
        "settings": cell.settings,
        "n_trials": cell.n_trials,
        "n_bins": cell.n_bins,
        "spikes": cell.moments()[0] * cell.n_windows,
    }
    rows, quantiles = [], []
    for (name, window), parts in p_values.items():
        p = np.concatenate(parts)
        tested = p[~np.isnan(p)]
        row = shared | {"test": name, "window": window, "nodes": len(p)}
        rows.append(row | rejected(tested, len(p), repeats * numbers["surrogates"], config))
        if len(tested):
            quantiles.append(cell_quantiles(row, tested))
    return rows, quantiles


def rejected(p: Array, nodes: int, surrogates: int, config: Mapping[str, Any]) -> Row:
    """Share of tested nodes that a test rejects; surrogates add to its standard error."""
    if not len(p):
        return {"testable": 0.0, "rejected": None, "rejected_se": None}
    rate = np.mean(p < config["test_level"])
    return {
        "testable": len(p) / nodes,
        "rejected": rate,
        "rejected_se": np.sqrt(rate * (1 - rate) * (1 / len(p) + 1 / surrogates)),
    }


def size_holds(row: Row, config: Mapping[str, Any]) -> str | None:
    """Whether the size is in its band; no claim where few nodes have spikes enough."""
    if row["rejected"] is None or row["testable"] < config["bands"]["testable"]:
        return None
    return judged(row["rejected"], row["rejected_se"], *config["bands"]["test_size"])


def cell_quantiles(row: Row, p: Array) -> Row:
    """Shares of p-values below the probabilities of `POINTS`."""
    names = ("process", "settings", "n_trials", "n_bins", "test", "window")
    below = np.searchsorted(np.sort(p), POINTS, "right") / len(p)
    return {name: row[name] for name in names} | {
        f"below_{point:.3g}": value for point, value in zip(POINTS, below, strict=True)
    }
