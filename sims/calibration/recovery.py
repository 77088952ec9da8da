"""Bias, error against the Cramér-Rao bound, and coverage of intervals, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.process import Flag

from .bounds import bounds
from .cells import Cell, border, grid
from .rows import Job, Row, Tables

FLAGS = (Flag.BOUNDARY, Flag.WEAK, Flag.NOT_CONVERGED)
# An observed share that is outside of its band by more standard errors is called outside.
CLEAR = 3.0


def jobs(config: Mapping[str, Any]) -> list[Job]:
    """One job for each cell of the grid, and each on the border of what is identified."""
    settings = config["coverage"]
    cells = grid(settings["grid"], settings["default"], config["seed"])
    cells += border(settings["border"], config["seed"])
    cells = sorted(dict.fromkeys(cells), key=lambda cell: cell.process)
    return [
        Job(cell.process, cell.name, partial(run_cell, cell, settings, config)) for cell in cells
    ]


def run_cell(cell: Cell, settings: Mapping[str, Any], config: Mapping[str, Any]) -> Tables:
    """Measure a cell; where chance may have put it outside of a band, with more replicates.

    These are drawn afresh and decide alone.
    """
    n = cell.replicates(
        settings["replicates"], settings["most_bins"], settings["fewest_replicates"]
    )
    rows = measure(cell, n, cell.seed(config["seed"]), config)
    if any("unclear" in (row["coverage_holds"], row["rmse_holds"]) for row in rows):
        rows = measure(cell, settings["again"] * n, cell.seed(config["seed"] + 1), config)
    return {"coverage": rows}


def measure(cell: Cell, replicates: int, seed: int, config: Mapping[str, Any]) -> list[Row]:
    """Simulate a cell, fit its own process to every replicate, and compare with the truth."""
    raster = cell.simulate(replicates, seed)
    fit = sn.fit(raster, cell.record, window=cell.window)
    bound, source = bounds(cell, raster)
    mean, variance = cell.moments()
    shared = {
        "process": cell.process,
        "settings": cell.settings,
        "window": cell.window,
        "n_windows": cell.n_windows,
        "n_trials": cell.n_trials,
        "n_bins": cell.n_bins,
        "mean_count": mean,
        "fano": variance / mean if mean > 0 else None,
        "replicates": raster.n_nodes,
        "identified": cell.identified(),
    }
    flagged = {flag.name.lower(): np.mean(fit.flags & flag.value > 0) for flag in FLAGS}
    rows = []
    for name, truth in cell.params:
        ends = fit.interval(name, config["level"])
        row = shared | {"parameter": name, "truth": truth}
        row |= errors(fit.params[name], truth, bound.get(name)) | {"bound_from": source}
        row |= covered(*ends, truth) | flagged
        rows.append(row | claims(row, config))
    return rows


def errors(values: np.ndarray, truth: float, bound: float | None) -> Row:
    """Bias and RMSE, with the standard errors of both over replicates."""
    off, n = values - truth, len(values)
    square = np.mean(off**2)
    rmse = np.sqrt(square)
    rmse_error = np.std(off**2) / np.sqrt(n) / (2 * rmse) if rmse > 0 else 0.0
    return {
        "bias": off.mean(),
        "bias_se": off.std(ddof=1) / np.sqrt(n),
        "rmse": rmse,
        "bound": bound,
        "rmse_over_bound": rmse / bound if bound else None,
        "rmse_over_bound_se": rmse_error / bound if bound else None,
    }


def covered(low: np.ndarray, high: np.ndarray, truth: float) -> Row:
    """How often the interval holds the truth, and its mean width."""
    held = (low <= truth) & (truth <= high)
    rate, n = held.mean(), len(held)
    # By Agresti and Coull's rule, which gives no error of zero where all intervals hold.
    shrunk = (held.sum() + 2) / (n + 4)
    return {
        "coverage": rate,
        "coverage_se": np.sqrt(shrunk * (1 - shrunk) / (n + 4)),
        "width": np.mean(high - low),
    }


def claims(row: Row, config: Mapping[str, Any]) -> Row:
    """What is claimed of a row, and whether it holds: yes, no, or unclear (within 3 errors)."""
    bands = config["bands"]
    verdict: Row = {"coverage_holds": None, "rmse_holds": None}
    whole = next(p.whole for p in sn.PROCESSES[row["process"]].params if p.name == row["parameter"])
    if row["identified"] and not whole:
        low, high = bands["coverage"]
        verdict["coverage_holds"] = judged(row["coverage"], row["coverage_se"], low, high)
    elif row["process"] in bands["exact"]:
        verdict["coverage_holds"] = judged(
            row["coverage"], row["coverage_se"], config["level"], 1.0
        )
    enough = row["n_windows"] >= bands["rmse_windows"] and row["mean_count"] >= bands["rmse_counts"]
    if row["rmse_over_bound"] is not None and row["identified"] and enough:
        verdict["rmse_holds"] = judged(
            row["rmse_over_bound"], row["rmse_over_bound_se"], 0.0, bands["rmse"]
        )
    return verdict


def judged(value: float, error: float, low: float, high: float) -> str:
    if low <= value <= high:
        return "yes"
    return "unclear" if low - CLEAR * error <= value <= high + CLEAR * error else "no"
