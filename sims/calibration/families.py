"""How often the family that made the spikes is chosen among all that could have made them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy import optimize

import stochnet as sn
from stochnet.process import Process

from .cells import Cell
from .rows import Job, Tables

# Laws that are another, simpler family exactly: (family, when, that family). Choosing either is
# right. A Poisson process whose bins happen to hold no two spikes is not a Bernoulli process.
SAME_LAW = (
    ("beta_bernoulli", lambda p: p["rho"] == 0, "bernoulli"),
    ("binomial", lambda p: p["size"] == 1, "bernoulli"),
    ("conway_maxwell_poisson", lambda p: p["nu"] == 1, "poisson"),
    ("gamma_renewal", lambda p: p["shape"] == 1, "bernoulli"),
    ("markov", lambda p: p["p_after_silence"] == p["p_after_spike"], "bernoulli"),
    ("negative_binomial", lambda p: p["dispersion"] == 0, "poisson"),
    ("refractory_poisson", lambda p: p["dead_time"] == 0, "bernoulli"),
    ("refractory_poisson", lambda p: p["dead_time"] == 1, "markov"),
    ("inhomogeneous_bernoulli", lambda p: len(set(p.values())) == 1, "bernoulli"),
    ("inhomogeneous_poisson", lambda p: len(set(p.values())) == 1, "poisson"),
)
# Values of a parameter among which the one with a wanted Fano factor is searched.
MEMORIES = np.linspace(-0.2, 0.95, 231)
SCAN = np.concatenate([[0.0], np.geomspace(1e-5, 100.0, 400)])


def jobs(config: Mapping[str, Any]) -> list[Job]:
    """One job for each true process with its parameters, and each window."""
    settings = config["families"]
    found = []
    for setting in settings["setting"]:
        if setting["process"] not in sn.PROCESSES:
            continue
        for window in settings["window"]:
            for params in true_params(setting, window):
                size = settings["n_windows"], settings["per_trial"]
                cell = Cell(setting["process"], tuple(params.items()), window, *size)
                call = partial(run_cell, cell, settings, config)
                found.append(Job(cell.process, cell.name, call))
    return found


def run_cell(cell: Cell, settings: Mapping[str, Any], config: Mapping[str, Any]) -> Tables:
    """Let every criterion choose among all families that could have made such data."""
    raster = cell.simulate(settings["replicates"], cell.seed(config["seed"]))
    record = cell.record
    families, right = candidates(record), right_families(cell)
    mean, variance = cell.moments()
    near, distance = nearest(cell, raster, [x for x in families if x.name not in right])
    shared = {
        "process": cell.process,
        "settings": cell.settings,
        "window": cell.window,
        "n_windows": cell.n_windows,
        "mean_count": mean,
        "fano": variance / mean,
        "fano_over_independent": variance / mean / independent_fano(record, mean, cell.window),
        "nearest": near,
        "fano_from_nearest": distance,
        "right_families": " ".join(sorted(right)),
        "replicates": raster.n_nodes,
    }
    rows, confusion = [], []
    for criterion in settings["criteria"]:
        bundle = sn.fit_bundle(raster, processes=families, criterion=criterion, window=cell.window)
        choice = bundle.selection
        names = np.array(choice.processes)[choice.chosen]
        good, open_ = np.isin(names, list(right)), choice.undecided
        decided = ~open_
        rate = good.mean()
        rows.append(shared | {
            "criterion": criterion,
            "right": rate,
            "right_se": np.sqrt(rate * (1 - rate) / len(good)),
            "undecided": open_.mean(),
            "right_if_decided": good[decided].mean() if decided.any() else None,
            "decided_and_wrong": (decided & ~good).mean(),
            "holds": claim(distance, rate, shared["replicates"], config),
        })  # fmt: skip
        confusion += [
            {
                "process": cell.process, "settings": cell.settings, "window": cell.window,
                "fano_over_independent": shared["fano_over_independent"],
                "criterion": criterion, "chosen": name, "share": np.mean(names == name),
                "decided_share": np.mean((names == name) & decided),
            }
            for name in choice.processes
        ]  # fmt: skip
    return {"families": rows, "confusion": confusion}


def claim(distance: float, rate: float, n: int, config: Mapping[str, Any]) -> str | None:
    """Whether the true family is chosen often enough, where its Fano factor stands out."""
    wanted = config["bands"]["families"]
    if distance <= config["bands"]["families_fano"]:
        return None
    if rate >= wanted:
        return "yes"
    return "unclear" if rate >= wanted - 3 * np.sqrt(wanted * (1 - wanted) / n) else "no"


def candidates(record: Process) -> list[Process]:
    """All families of 0/1 bins, or all of counts."""
    return [one for one in sn.PROCESSES.values() if one.has_counts == record.has_counts]


def right_families(cell: Cell) -> set[str]:
    """The true family, and simpler ones that are the same law at these parameters."""
    simpler = {to for name, when, to in SAME_LAW if name == cell.process and when(cell.truth)}
    return {cell.process} | simpler


def nearest(cell: Cell, raster: sn.SpikeRaster, others: list[Process]) -> tuple[str, float]:
    """The other family whose fits come closest in the Fano factor of a window, and how close."""
    mean, variance = cell.moments()
    truth = variance / mean
    found = {}
    for one in others:
        fit = sn.fit(raster, one, window=cell.window)
        means, variances = one.moments(fit.params, cell.window)
        fano = np.median(variances[means > 0] / means[means > 0])
        found[one.name] = abs(float(fano) - truth) / truth
    name = min(found, key=found.__getitem__, default="")
    return name, found.get(name, np.inf)


def independent_fano(record: Process, mean: float, window: int) -> float:
    """Fano factor of independent bins of the same rate."""
    return 1.0 if record.has_counts else 1 - mean / window


def true_params(setting: Mapping[str, Any], window: int) -> list[dict[str, float]]:
    """Parameters of a setting: given whole, or solved for Fano factors over independent bins."""
    if "points" in setting:
        return [{k: float(v) for k, v in point.items()} for point in setting["points"]]
    return [_solved(setting, ratio, window) for ratio in setting["fano_over_independent"]]


def _solved(setting: Mapping[str, Any], ratio: float, window: int) -> dict[str, float]:
    record, name = sn.PROCESSES[setting["process"]], setting["solve"]

    def params(value: float) -> dict[str, float]:
        found = dict(setting["fixed"]) | {name: value}
        if record.name != "markov":
            return {param.name: float(found[param.name]) for param in record.params}
        # A chain of a given rate, whose bins have a given correlation with those before.
        p, memory = found["rate"], found["memory"]
        return {"p_after_silence": p * (1 - memory), "p_after_spike": p + memory * (1 - p)}

    def excess(value: float) -> float:
        arrays = {key: np.array([one]) for key, one in params(value).items()}
        mean, variance = (float(one[0]) for one in record.moments(arrays, window))
        return variance / mean / independent_fano(record, mean, window) - ratio

    scan = MEMORIES
    if name != "memory":
        domain = next(param.domain for param in record.params if param.name == name)
        low, high = setting.get("between", domain)
        scan = SCAN[(low <= SCAN) & (high >= SCAN)]
    values = np.array([excess(value) for value in scan])
    change = np.flatnonzero(np.sign(values[:-1]) != np.sign(values[1:]))
    if not len(change):
        raise ValueError(f"{record.name} reaches no Fano factor of {ratio} in windows of {window}")
    at = change[0]
    return params(float(optimize.brentq(excess, scan[at], scan[at + 1])))
