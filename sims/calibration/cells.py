"""Cells of the study: a process with known parameters, and how much of it is seen."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.process import Param, Process
from stochnet.raster.packing import n_words
from stochnet.statistics.summary.summary import Summary, summarize

# Replicates are nodes. So many are drawn, for as many trials as it takes, and cut into nodes by
# trials: trials are independent, and the table of a gain law is then made for few nodes.
DRAWN = 20
# How often a parameter of a border cell is the lowest of its domain.
LOWEST = 0.1
# Values of p at the ends of the domain; n is the number of bins of a node.
ENDS = {
    "0": lambda n: 0.0,
    "1/n": lambda n: 1 / n,
    "1/2": lambda n: 0.5,
    "1-1/n": lambda n: 1 - 1 / n,
    "1": lambda n: 1.0,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A process and the size of a recording: `per_trial` windows of `window` bins in a trial."""

    process: str
    params: tuple[tuple[str, float], ...]
    window: int
    n_windows: int
    per_trial: int = 1

    @property
    def record(self) -> Process:
        return sn.PROCESSES[self.process]

    @property
    def n_trials(self) -> int:
        return self.n_windows // self.per_trial

    @property
    def n_bins(self) -> int:
        return self.window * self.per_trial

    @property
    def truth(self) -> dict[str, float]:
        return dict(self.params)

    @property
    def settings(self) -> str:
        """Parameters as text, for tables."""
        return " ".join(f"{name}={value:.4g}" for name, value in self.params)

    @property
    def name(self) -> str:
        exact = " ".join(f"{name}={value!r}" for name, value in self.params)
        return f"{self.process} {exact} W={self.window} n={self.n_windows} per={self.per_trial}"

    def seed(self, study: int) -> int:
        """A seed that belongs to this cell alone."""
        text = f"{study} {self.name}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")

    def arrays(self, n_nodes: int) -> dict[str, np.ndarray]:
        return {name: np.full(n_nodes, value) for name, value in self.params}

    def moments(self) -> tuple[float, float]:
        """Mean and variance of the count in a window."""
        mean, variance = self.record.moments(self.arrays(1), self.window)
        return float(mean[0]), float(variance[0])

    def sizes(self) -> Summary:
        """What an estimator sees of a silent node: the size of the data."""
        words = np.zeros((1, self.n_trials, n_words(self.n_bins)), np.uint64)
        silent = sn.SpikeRaster(words, n_bins=self.n_bins)
        return summarize(silent, window=self.window, parts=self.record.needs)[0]

    def identified(self) -> bool:
        """Whether the process declares that its intervals keep their level here."""
        if self.record.identified is None:
            return True
        return bool(self.record.identified(self.arrays(1), self.sizes())[0])

    def replicates(self, most: int, bins: float, fewest: int) -> int:
        """As many as asked for, or fewer where they would have more than so many bins in all."""
        wanted = min(most, max(fewest, int(bins / (self.n_trials * self.n_bins))))
        return -(-wanted // DRAWN) * DRAWN

    def simulate(self, replicates: int, seed: int) -> sn.SpikeRaster:
        """Draw the replicates as nodes of one raster."""
        bundle = sn.Bundle.from_params(self.record, self.arrays(DRAWN), window=self.window)
        share = -(-replicates // DRAWN)
        drawn = sn.simulate(bundle, share * self.n_trials, self.n_bins, seed=seed)
        data = np.asarray(drawn.data).reshape(DRAWN * share, self.n_trials, -1)
        return sn.SpikeRaster(data, n_bins=self.n_bins)


def grid(blocks: list[dict[str, Any]], default: Mapping[str, Any], seed: int) -> list[Cell]:
    """Return the cells of the blocks of a configuration, and of processes that have no block."""
    cells = []
    known = {block["process"] for block in blocks}
    for name, record in sn.PROCESSES.items():
        for block in blocks:
            if block["process"] == name:
                cells += _block(record, block)
        if name not in known:
            cells += _block(record, dict(default) | {"points": _typical(record, default, seed)})
    return list(dict.fromkeys(cells))


def _typical(record: Process, default: Mapping[str, Any], seed: int) -> list[dict[str, float]]:
    """Points that are spread over the typical range of a process without a block of its own."""
    rng = np.random.default_rng(seed)
    drawn = {param.name: param.draw(rng, (default["n_points"],)) for param in record.params}
    return [
        {name: float(f"{values[i]:.3g}") for name, values in drawn.items()}
        for i in range(default["n_points"])
    ]


def border(settings: Mapping[str, Any], seed: int) -> list[Cell]:
    """Cells with as few windows as a process needs to declare itself identified.

    Parameters are drawn, spread by factors, from three times less than their typical range to three
    times more; at times one of them is the lowest of its domain.
    """
    cells = []
    for record in sn.PROCESSES.values():
        rng = np.random.default_rng([seed, *record.name.encode()])
        found: list[Cell] = []
        for _ in range(settings["draws"]):
            if len(found) == settings["n_points"]:
                break
            params = tuple((param.name, _wide(param, rng)) for param in record.params)
            cell = Cell(record.name, params, int(rng.choice(settings["window"])), 1)
            found += _fewest(cell, settings["fewest_windows"], settings["most_bins_of_a_node"])
        cells += found
    return cells


def _wide(param: Param, rng: np.random.Generator) -> float:
    low, high = param.domain
    if rng.random() < LOWEST:
        return low
    value = np.exp(rng.uniform(*np.log(np.array(param.typical) * (1 / 3, 3))))
    value = float(f"{np.clip(value, low, low + 0.97 * (high - low)):.3g}")
    return max(float(np.rint(value)), low) if param.whole else value


def _fewest(cell: Cell, fewest: int, most_bins: int) -> list[Cell]:
    """The cell with the fewest windows at which it is identified; none if that is too many."""
    low, high = fewest - 1, most_bins // cell.window
    if high < fewest or not replace(cell, n_windows=high).identified():
        return []
    while high - low > 1:
        middle = (low + high) // 2
        if replace(cell, n_windows=middle).identified():
            high = middle
        else:
            low = middle
    return [replace(cell, n_windows=high)]


def _block(record: Process, block: Mapping[str, Any]) -> Iterator[Cell]:
    """Every combination of the lists of a block; `points` are given whole."""
    names = [param.name for param in record.params]
    points = block.get("points") or [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(block["params"][name] for name in names))
    ]
    sizes = itertools.product(block["window"], block["n_windows"], block.get("per_trial", [1]))
    for (window, n_windows, per_trial), point in itertools.product(sizes, points):
        if n_windows % per_trial:
            raise ValueError(f"{n_windows} windows do not fill trials of {per_trial}: {block}")
        n = window * n_windows
        values = tuple((name, _value(point[name], n)) for name in names)
        yield Cell(record.name, values, window, n_windows, per_trial)


def _value(value: float | str, n: int) -> float:
    return float(ENDS[value](n)) if isinstance(value, str) else float(value)
