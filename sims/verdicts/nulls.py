"""Two draws of one truth: reports of any number of trials, marks of nodes, and power."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

import stochnet as sn

from . import tables

Config = dict[str, Any]

# A node is marked where the false discovery rate at which it differs is at most this.
MARKED = 0.05


def rates(n_nodes: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Draw the rates of nodes: usual ones, sparse ones (about 2 %) or dense ones."""
    ends = {"sparse": (0.5, 25.0), "dense": (6.0, 6.0)}.get(kind, (1.0, 3.0))
    return np.clip(rng.beta(*ends, n_nodes), 0.002, 0.95)


def draw(process: str, size: tuple[int, int, int], truth: int, seed: int, change: str = "") -> Any:
    """Draw a raster (node, trial, bin) of a process; the same truth has the same parameters."""
    n_nodes, n_trials, n_bins = size
    p = rates(n_nodes, process, np.random.default_rng(truth))
    if change.startswith("rate"):
        p = np.clip(p * float(change.removeprefix("rate ")), 0, 0.97)
    rng = np.random.default_rng((truth, seed))
    if process in ("correlated", "ramp", "classes"):
        spikes, conditions = _dense(process, p, n_trials, n_bins, rng, change)
        return sn.SpikeRaster.from_dense(spikes, conditions=conditions)
    params = {"p": p}
    if process == "gain":
        params = {"p": np.clip(p, 0.02, 0.9), "rho": np.full(n_nodes, 0.15)}
    if process == "markov":
        memory = float(change.removeprefix("memory ")) if change.startswith("memory") else 0.3
        params = {"p_after_silence": (1 - memory) * p, "p_after_spike": (1 - memory) * p + memory}
    name = {"gain": "beta_bernoulli", "markov": "markov"}.get(process, "bernoulli")
    # The gain of a node is the same all through a trial, or through 50 bins of a longer one.
    window = min(50, n_bins) if process == "gain" else None
    network = sn.Bundle.from_params(name, params, window=window)
    return sn.simulate(network, n_trials, n_bins, seed=int(rng.integers(2**62)))


def _dense(
    process: str, p: np.ndarray, n_trials: int, n_bins: int, rng: np.random.Generator, change: str
) -> tuple[np.ndarray, np.ndarray | None]:
    shape = (len(p), n_trials, n_bins)
    if process == "classes":
        # Ten classes in turn, with rates of their own.
        labels = np.arange(n_trials) % 10
        own = np.clip(p[:, None] * rng_of(p).gamma(2, 0.5, (len(p), 10)), 0.002, 0.95)
        conditions = np.repeat(labels, n_bins).reshape(n_trials, n_bins)
        return rng.random(shape) < own[:, labels][:, :, None], conditions
    if process == "ramp":
        course = 1 + 0.3 * np.linspace(-1, 1, n_bins)
        return rng.random(shape) < np.clip(p[:, None, None] * course, 0, 1), None
    strength = float(change.removeprefix("correlation ")) if "correlation" in change else 0.2
    common = rng.normal(size=shape[1:])
    latent = np.sqrt(strength) * common + np.sqrt(1 - strength) * rng.normal(size=shape)
    return latent < norm.ppf(p)[:, None, None], None


def rng_of(p: np.ndarray) -> np.random.Generator:
    """Return a generator that belongs to a truth, whose rates these are."""
    return np.random.default_rng(int(p[0] * 2**53))


def cells(config: Config) -> list[Config]:
    """Return the batches of all situations, those of a round together."""
    nulls_, marks_, found = config["nulls"], config["marks"], []
    usual = [
        {"process": process, "trials": trials, "windows": windows}
        for process in nulls_["processes"]
        for trials in nulls_["trials"]
        for windows in nulls_["windows"]
        # One trial holds one window of its length, which has no Fano factor: validate refuses it.
        if trials != "1/1" or "+" not in windows
    ]
    usual += [{"process": "classes", "trials": x, "windows": "10+50"} for x in nulls_["classes"]]
    size = {"nodes": nulls_["nodes"], "bins": nulls_["bins"]}
    long = [
        {"process": process, "trials": trials, "windows": "10+60"}
        for process in nulls_["processes"]
        for trials in nulls_["long"]
    ]
    for k in range(config["grid"]["nulls"][0]):
        found += [{"kind": "null", **x, **size, "batch": k} for x in usual]
        found += [
            {"kind": "null", **x, **size, "bins": nulls_["long_bins"], "batch": k} for x in long
        ]
    for k in range(config["grid"]["marks"][0]):
        found += [
            {"kind": "marks", "process": p, "nodes": n, "trials": m, "bins": 50, "batch": k}
            for p in marks_["processes"]
            for n, m in marks_["sizes"] + (marks_["large"] if k == 0 else [])
        ]
    for k in range(config["grid"]["many"][0]):
        many = {"process": "bernoulli", "trials": "20/20", "windows": "10+50"}
        many |= {"nodes": marks_["many_nodes"], "bins": 50, "batch": k}
        found.append({"kind": "null", **many})
    for k in range(config["grid"]["found"][0]):
        found += [
            {"kind": "found", "process": x["process"], "change": x["change"], "batch": k}
            for x in config["found"]
        ]
    return found


def repetitions(cell: Config, config: Config) -> Iterator[tuple[int, int]]:
    """Yield the number and the seed of every repetition of a batch, which no other cell has."""
    batch, seed = config["nulls"]["batch"], config["nulls"]["seed"]
    own = zlib.crc32(repr(sorted((x, y) for x, y in cell.items() if x != "batch")).encode())
    for k in range(cell["batch"] * batch, (cell["batch"] + 1) * batch):
        yield k, (seed << 64) + (own << 32) + k


def null(cell: Config, config: Config) -> list[Config]:
    """Validate draws of one truth, several times: how many were told apart, and by what."""
    process, windows = cell["process"], [int(x) for x in cell["windows"].split("+")]
    first, second = (int(x) for x in cell["trials"].split("/"))
    n_nodes, n_bins = cell["nodes"], cell["bins"]
    apart, undecided, by = 0, 0, []
    for k, truth in repetitions(cell, config):
        observed = draw(process, (n_nodes, first, n_bins), truth, 1)
        simulated = draw(process, (n_nodes, second, n_bins), truth, 2)
        report = sn.validate(observed, simulated, windows=windows, rng=k)
        verdicts = {one.verdict for one in report.statistics}
        apart += bool(verdicts & {"differs", "close"})
        undecided += verdicts == {"undecided"}
        by += [one.label for one in report.findings]
    row = {"n": config["nulls"]["batch"], "apart": apart, "no_verdict": undecided}
    return [{**row, "by": "; ".join(by)}]


def marks(cell: Config, config: Config) -> list[Config]:
    """Validate draws of one truth, several times: reports with any node marked, by statistic."""
    size = (cell["nodes"], cell["trials"], cell["bins"])
    found: dict[str, list[int]] = {}
    for k, truth in repetitions(cell, config):
        rasters = (draw(cell["process"], size, truth, seed) for seed in (1, 2))
        report = sn.validate(*rasters, windows=(10, cell["bins"]), rng=k)
        for label, values in report.node_flags.items():
            known = values[~np.isnan(values)]
            any_, n = found.setdefault(label, [0, 0])
            found[label] = [any_ + bool((known <= MARKED).any()), n + 1]
    return [{"statistic": label, "n": n, "marked": any_} for label, (any_, n) in found.items()]


def found(cell: Config, config: Config) -> list[Config]:
    """Validate draws of two truths, at 60 trials: how many are told apart, and how many named."""
    process, change = cell["process"], cell["change"]
    base = {"memory 0.15": "memory 0.2", "correlation 0.2": "correlation 0.3"}.get(change, "")
    size = (config["nulls"]["nodes"], 60, config["nulls"]["bins"])
    names = next(x["names"] for x in config["found"] if x["change"] == change)
    apart = named = 0
    for k, truth in repetitions(cell, config):
        rasters = draw(process, size, truth, 1, base), draw(process, size, truth, 2, change)
        report = sn.validate(*rasters, windows=(10, 50), rng=k)
        apart += bool(report.findings)
        named += bool(report.findings) and report.findings[0].label in names
    return [{"n": config["nulls"]["batch"], "apart": apart, "named": named}]


KINDS: dict[str, Callable[[Config, Config], list[Config]]] = {
    "null": null,
    "marks": marks,
    "found": found,
}


def finish(results: Path) -> None:
    """Add up the batches of every situation, and lay them out as tables."""
    known = [kind for kind in KINDS if (results / f"{kind}.csv").exists()]
    for kind in known:
        add_up(results, kind)
    if len(known) == len(KINDS):
        tables.write(results)


def add_up(results: Path, kind: str) -> None:
    """Add up the batches of every situation, with the 95 % interval of the share."""
    path = results / f"{kind}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = {"null": ("apart", "no_verdict"), "marks": ("marked",), "found": ("apart", "named")}
    apart = {"kind", "batch", "n", "by", *counts[kind]}
    totals: dict[tuple[str, ...], dict[str, int]] = {}
    names = [name for name in rows[0] if name not in apart]
    for row in rows:
        mine = totals.setdefault(
            tuple(row[x] for x in names), dict.fromkeys(("n", *counts[kind]), 0)
        )
        for name in mine:
            mine[name] += int(row[name])
    with (results / f"{kind}_summary.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "n", *counts[kind], "share", "low", "high"])
        for key, mine in totals.items():
            first = mine[counts[kind][0]]
            ends = [f"{x:.3f}" for x in (first / mine["n"], *tables.interval(first, mine["n"]))]
            writer.writerow([*key, *mine.values(), *ends])
