"""Firing rate, Fano factor over trials and CV of intervals, against NumPy and elephant."""

from __future__ import annotations

import time
from typing import Any

import elephant
import neo
import numpy as np
import quantities as pq
from elephant import statistics as el
from options import Options
from race import TURN, median, race
from table import Table, figures, times

import stochnet as sn

BINS = 10_000
TRIALS = 10
DENSE_PART, PACKED_PART = 100, 1000
STATISTICS = ("firing rate", "Fano factor", "CV of intervals")


class Observed:
    """The same spikes in every form: (node, trial, bin), packed, dense, spike times, `neo`."""

    def __init__(self, nodes: int, n_trials: int, part: int) -> None:
        p = np.random.default_rng(0).beta(1, 4, nodes).clip(0.01)
        bundle = sn.Bundle.from_params("bernoulli", {"p": p})
        self.n_bins = BINS // n_trials
        self.raster = sn.simulate(bundle, n_trials, self.n_bins, seed=1)
        self.words = np.asarray(self.raster.data[0:nodes])
        self.dense = self.raster.to_dense().astype(np.bool_)
        # elephant gets part of the nodes, for it takes as long as it takes.
        self.arrays = [
            [np.flatnonzero(trial) + 0.5 for trial in node] for node in self.dense[:part]
        ]
        begin = time.perf_counter()
        self.trains = [
            [neo.SpikeTrain(times, t_stop=self.n_bins, units=pq.ms) for times in node]
            for node in self.arrays
        ]
        self.building = time.perf_counter() - begin


def _stochnet(trials: Observed, single: Observed) -> dict:
    return {
        "firing rate": lambda: sn.firing_rate(trials.raster),
        "Fano factor": lambda: sn.fano_factor(trials.raster, trials.n_bins),
        "CV of intervals": lambda: sn.cv_isi(single.raster),
    }


def _numpy_cv(dense) -> Any:
    nodes, times = np.nonzero(dense)
    gaps = np.diff(times)
    within = nodes[1:] == nodes[:-1]
    node, gaps = nodes[1:][within], gaps[within]
    n = np.bincount(node, minlength=len(dense))
    mean = np.bincount(node, gaps, len(dense)) / n
    squares = np.bincount(node, gaps * gaps, len(dense)) / n
    return np.sqrt(squares - mean * mean) / mean


def _in_parts(function, array, step: int):
    """Nodes in parts that fit the cache: NumPy's temporaries cost more than its sums."""
    return np.concatenate([function(array[i : i + step]) for i in range(0, len(array), step)])


def _dense(trials: Observed, single: Observed) -> dict:
    def fano(part):
        counts = np.count_nonzero(part, axis=2)
        return counts.var(axis=1, ddof=1) / counts.mean(axis=1)

    return {
        "firing rate": lambda: np.count_nonzero(trials.dense, axis=(1, 2)) / BINS,
        "Fano factor": lambda: _in_parts(fano, trials.dense, DENSE_PART),
        "CV of intervals": lambda: _in_parts(_numpy_cv, single.dense[:, 0], DENSE_PART),
    }


def _packed(trials: Observed) -> dict:
    def counts(part):
        return np.bitwise_count(part).sum(axis=2, dtype=np.int64)

    def rate(part):
        return counts(part).sum(axis=1) / BINS

    def fano(part):
        found = counts(part)
        return found.var(axis=1, ddof=1) / found.mean(axis=1)

    return {
        "firing rate": lambda: _in_parts(rate, trials.words, PACKED_PART),
        "Fano factor": lambda: _in_parts(fano, trials.words, PACKED_PART),
    }


def _elephant(trials: list, single: list, n_bins: int) -> dict:
    """As SpikeTrains, or as plain arrays; the Fano factor of elephant has ddof=0."""
    plain = not isinstance(trials[0][0], neo.SpikeTrain)
    between = {"t_start": 0.0, "t_stop": float(n_bins)} if plain else {}

    def rate(train) -> float:
        # It refuses plain arrays without a spike.
        return float(el.mean_firing_rate(train, **between)) if len(train) or not plain else 0.0

    return {
        "firing rate": lambda: np.array([np.mean([rate(t) for t in node]) for node in trials]),
        "Fano factor": lambda: (
            np.array([el.fanofactor(node) for node in trials]) * TRIALS / (TRIALS - 1)
        ),
        "CV of intervals": lambda: np.array([float(el.cv(el.isi(node[0]))) for node in single]),
    }


def measure(options: Options) -> dict[str, Any]:
    """Race the statistics one after the other; all contenders must find the same values."""
    nodes = 1_000 if options.quick else 10_000
    part = 50 if options.quick else 200
    trials, single = Observed(nodes, TRIALS, part), Observed(nodes, 1, part)
    contenders = {
        "stochnet": (_stochnet(trials, single), nodes),
        "NumPy, dense": (_dense(trials, single), nodes),
        "NumPy, packed words": (_packed(trials), nodes),
        "elephant, arrays": (_elephant(trials.arrays, single.arrays, trials.n_bins), part),
        "elephant, `SpikeTrain`": (_elephant(trials.trains, single.trains, trials.n_bins), part),
    }
    seconds = {}
    for name in STATISTICS:
        runs = {label: work[name] for label, (work, _) in contenders.items() if name in work}
        expected = runs["stochnet"]()
        for label, run in runs.items():
            found = run()
            if not np.allclose(found, expected[: len(found)], equal_nan=True):
                raise SystemExit(f"{label} finds another {name}: not the same work")
        seconds[name] = race(runs, options.rounds, TURN)
    return {
        "nodes": {label: n for label, (_, n) in contenders.items()},
        "building": trials.building / part,
        "version": elephant.__version__,
        "seconds": seconds,
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """Nodes per second and ratios, a row for each contender."""
    nodes = results["nodes"]
    rows = []
    for name in STATISTICS:
        seconds = results["seconds"][name]
        for label, spent in seconds.items():
            rows.append(
                (
                    name,
                    label,
                    f"{nodes[label]:,}",
                    figures(nodes[label] * BINS / median(spent) / 1e9),
                    times(spent, seconds["stochnet"], nodes["stochnet"] / nodes[label]),
                )
            )
    return [
        Table(
            "estimating",
            f"Statistics of nodes with {TRIALS} trials of {BINS // TRIALS:,} bins (intervals: one "
            f"trial of {BINS:,}), p ~ Beta(1, 4)",
            ("statistic", "contender", "nodes", "Gbin/s", "time per node over stochnet's"),
            rows,
            f"elephant {results['version']}; making its `SpikeTrain`s takes another "
            f"{figures(1e3 * results['building'])} ms a node, which is not counted. All contenders "
            "found the same values.",
        )
    ]
