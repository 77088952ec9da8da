"""Sparse nodes: p = 0.003 and its neighbours, against NumPy's geometric gaps at their best."""

from __future__ import annotations

from typing import Any

import numpy as np
from options import Options
from race import TURN, median, timed, turns
from table import Table, figures, times

import stochnet as sn

BINS = 10_000
PROBABILITIES = (0.001, 0.003, 0.01, 0.03)
REFERENCE = "stochnet, 1 thread"


class Gaps:
    """All nodes laid end to end in one line of bins, for gaps have no memory.

    That needs the same p for all nodes, and is faster than a matrix of gaps, which also draws those
    beyond the last bin.
    """

    def __init__(self, p: float, nodes: int, exponential: bool) -> None:
        self.p, self.nodes, self.total = p, nodes, nodes * BINS
        self.exponential = exponential
        self.generator = np.random.default_rng(1)
        # Six standard deviations more than are needed on average.
        self.size = int(self.total * p + 6 * np.sqrt(self.total * p)) + 1
        self.raster = np.zeros((nodes, BINS), np.bool_)
        self.words = np.zeros((nodes, (BINS + 63) // 64), np.uint64)

    def times(self) -> Any:
        """Positions of the spikes in the line: node · 10,000 + bin."""
        if self.exponential:
            # What geometric does for small p, without its calls one by one.
            gaps = self.generator.standard_exponential(self.size)
            gaps *= -1 / np.log1p(-self.p)
            gaps = gaps.astype(np.int64)
            gaps += 1
        else:
            gaps = self.generator.geometric(self.p, self.size)
        position = np.cumsum(gaps, out=gaps)
        position -= 1
        return position[: np.searchsorted(position, self.total)]

    def dense(self) -> Any:
        self.raster.fill(False)
        self.raster.reshape(-1)[self.times()] = True
        return self.raster

    def packed(self) -> Any:
        """Set the bits of each word that holds a spike by one call of reduceat."""
        position = self.times()
        self.words.fill(0)
        node, t = np.divmod(position, BINS)
        word = node * self.words.shape[1] + (t >> 6)
        bits = np.left_shift(np.uint64(1), (t & 63).astype(np.uint64))
        first = np.flatnonzero(np.r_[True, word[1:] != word[:-1]])
        self.words.reshape(-1)[word[first]] = np.bitwise_or.reduceat(bits, first)
        return self.words


def contenders(p: float, nodes: int) -> dict[str, tuple[Any, Any]]:
    """Return the work, and how its spikes are counted."""
    bundle = sn.Bundle.from_params("bernoulli", {"p": np.full(nodes, p)})
    found: dict[str, tuple[Any, Any]] = {
        f"stochnet, {k} thread{'s' * (k > 1)}": (
            lambda k=k: sn.simulate(bundle, 1, BINS, seed=1, threads=k),
            lambda raster: int(sn.spike_count(raster).sum()),
        )
        for k in (1, 2)
    }
    for label, exponential in (("geometric", False), ("standard_exponential", True)):
        gaps = Gaps(p, nodes, exponential)
        found[f"NumPy, {label}, list of spikes"] = (gaps.times, len)
        found[f"NumPy, {label}, dense raster"] = (gaps.dense, np.count_nonzero)
        found[f"NumPy, {label}, packed raster"] = (
            gaps.packed,
            lambda words: int(np.bitwise_count(words).sum()),
        )
    return found


def measure(options: Options) -> dict[str, Any]:
    """Race all at each probability."""
    nodes = 5_000 if options.quick else 30_000
    seconds = {}
    for p in PROBABILITIES:
        works = contenders(p, nodes)
        expected = nodes * BINS * p
        for label, (run, count) in works.items():
            if abs(count(run()) - expected) > 6 * np.sqrt(expected):
                raise SystemExit(f"{label} draws another number of spikes: not the same work")
        seconds[str(p)] = turns(
            {label: timed(run, TURN) for label, (run, _) in works.items()}, options.rounds
        )
    return {"nodes": nodes, "seconds": seconds}


def tables(results: dict[str, Any]) -> list[Table]:
    """Each probability is a column of ratios."""
    seconds = results["seconds"]
    bins = results["nodes"] * BINS
    rows = []
    for label in seconds[str(PROBABILITIES[0])]:
        cells = [times(seconds[str(p)][label], seconds[str(p)][REFERENCE]) for p in PROBABILITIES]
        rows.append((label, *cells))
    speeds = [figures(bins / median(seconds[str(p)][REFERENCE]) / 1e9) for p in PROBABILITIES]
    return [
        Table(
            "sparse",
            f"Sparse nodes, {results['nodes']:,} × {BINS:,} bins: time over stochnet's on "
            "1 thread, which keeps packed spikes",
            ("contender", *(f"p = {p}" for p in PROBABILITIES)),
            [(f"{REFERENCE}, Gbin/s", *speeds), *rows],
            "NumPy draws all gaps of all nodes in one go, into reused rasters.",
        )
    ]
