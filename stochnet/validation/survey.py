"""One pass over a raster, block by block of nodes: all that a validation needs of every node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.coactivity import add_population
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.sufficient import packed
from stochnet.threads import run_blocks
from stochnet.validation.halves import Units, cut_units
from stochnet.validation.nodewise import NodeStatistic
from stochnet.validation.totals import Adder

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """What was found of some nodes.

    Attributes
    ----------
    first : int
        The first of them.
    whole : dict of label to ndarray of float64 (node, …)
    halves : dict of label to ndarray of float32 (half, node, …)
        Without statistics that no half has.
    population : dict of layer to ndarray of int64 (trial, bin)
        How many of these nodes are active; empty where nobody asked.
    """

    first: int
    whole: dict[str, NDArray[np.float64]]
    halves: dict[str, NDArray[np.float32]]
    population: dict[str, Index]


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """What is computed of a raster, so far specified that any block of nodes can be done anywhere.

    Attributes
    ----------
    raster : SpikeRaster
    statistics : tuple of NodeStatistic
    of_trials, of_pieces : Adder or None
        Sums over trials, the last set all of them; over pieces of trials where halves are made of
        those. The halves are the other sets of the first, or all of the second.
    population : bool
        Whether active nodes per bin are counted.
    """

    raster: SpikeRaster
    statistics: tuple[NodeStatistic, ...]
    of_trials: Adder
    of_pieces: Adder | None
    population: bool

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First and last (excluded) node of every block, in order."""
        n_nodes = self.raster.n_nodes
        step = max(1, BLOCK_BYTES // self.raster.node_bytes)
        return [(a, min(a + step, n_nodes)) for a in range(0, n_nodes, step)]

    @property
    def n_halves(self) -> int:
        """Number of halves."""
        if self.of_pieces is not None:
            return len(self.of_pieces.sets.sizes)
        return len(self.of_trials.sets.sizes) - 1

    def nothing(self, n_nodes: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make room for the statistics of some nodes: `Findings.whole` and `Findings.halves`."""
        whole, halves = {}, {}
        adder = self.of_pieces or self.of_trials
        for one in self.statistics:
            shape: tuple[int, ...] = (n_nodes,)
            if one.over == "nodes and conditions":
                shape = (n_nodes, self.raster.n_conditions)
            whole[one.label] = np.empty(shape)
            if self.n_halves and (one.window is None or one.window in adder.windows):
                halves[one.label] = np.empty((self.n_halves, *shape), np.float32)
        return whole, halves

    def of_nodes(self, first: int, last: int) -> Findings:
        """Read a block of nodes and compute everything."""
        block = self.raster.block(slice(first, last))
        data = np.asarray(block.data[0 : block.n_nodes])
        whole, halves = self.nothing(block.n_nodes)

        def compute(start: int, stop: int) -> None:
            nodes = slice(start, stop)
            totals = self.of_trials.totals(data[nodes])
            pieces = None if self.of_pieces is None else self.of_pieces.totals(data[nodes])
            for one in self.statistics:
                values = one.of_totals(totals)
                whole[one.label][nodes] = values[-1]
                if one.label in halves:
                    cut = values[:-1] if pieces is None else one.of_totals(pieces)
                    halves[one.label][:, nodes] = cut

        adders = (self.of_trials, self.of_pieces or self.of_trials)
        step = min(adder.at_once(block.node_bytes) for adder in adders)
        run_blocks(compute, block.n_nodes, step=step)
        return Findings(first, whole, halves, self._population(block))

    def _population(self, block: SpikeRaster) -> dict[str, Index]:
        found: dict[str, Index] = {}
        if not self.population:
            return found
        words = packed(block)
        for layer in block.layers:
            total = np.zeros(64 * words.shape[1], np.int64)
            add_population(words[layer.nodes], total)
            found[layer.name] = total.reshape(block.n_trials, -1)[:, : block.n_bins]
        return found


def plan_survey(
    raster: SpikeRaster,
    statistics: Sequence[NodeStatistic],
    units: Units | None,
    weights: NDArray[np.float64],
    *,
    population: bool,
) -> Survey:
    """Settle what is computed of a raster.

    Parameters
    ----------
    raster : SpikeRaster
    statistics : sequence of NodeStatistic
    units : Units or None
        What halves are made of; None for no halves.
    weights : ndarray (unit, half)
        From `stochnet.validation.halves.deal`.
    population : bool
        Whether active nodes per bin are counted.
    """
    parts = frozenset(one.part for one in statistics)
    windows = [one.window for one in statistics if one.window is not None]
    of_trials, of_pieces = plan_sums(raster, units, weights, parts, windows)
    return Survey(raster, tuple(statistics), of_trials, of_pieces, population)


def plan_sums(
    raster: SpikeRaster,
    units: Units | None,
    weights: NDArray[np.float64],
    parts: frozenset[str] = frozenset(),
    windows: Sequence[int] = (),
) -> tuple[Adder, Adder | None]:
    """Settle what is added up: `Survey.of_trials` and `Survey.of_pieces`."""
    scale = 1.0 if np.isnan(raster.bin_width) else raster.bin_width
    trials = cut_units(raster, raster.n_bins)
    inside = np.ones((trials.n_units, 1), np.bool_)
    common = (scale, parts, windows, raster.n_conditions)
    of_pieces = None
    if units is not None and units.order is None:
        inside = np.concatenate([weights > 0, inside], axis=1)
    elif units is not None:
        of_pieces = Adder.of(units, weights > 0, *common)
    return Adder.of(trials, inside, *common), of_pieces


def in_blocks(survey: Survey, executor: Executor | None = None) -> Iterator[Findings]:
    """Yield what is found in every block of nodes, in order: here, or by an executor."""
    if executor is not None:
        from stochnet.validation.remote import findings_of_workers

        yield from findings_of_workers(survey, executor)
        return
    for first, last in survey.blocks:
        yield survey.of_nodes(first, last)


def take(
    survey: Survey,
    report: Callable[[int], None] = lambda done: None,
    executor: Executor | None = None,
) -> Findings:
    """Take a survey of all nodes.

    Parameters
    ----------
    survey : Survey
    report : callable
        Called with the number of nodes that are done.
    executor : Executor, optional
        Takes the blocks of nodes.
    """
    raster = survey.raster
    whole, halves = survey.nothing(raster.n_nodes)
    layers = raster.layers if survey.population else ()
    population = {x.name: np.zeros((raster.n_trials, raster.n_bins), np.int64) for x in layers}
    for part in in_blocks(survey, executor):
        last = part.first
        for label, values in part.whole.items():
            last = part.first + len(values)
            whole[label][part.first : last] = values
        for label, cut in part.halves.items():
            halves[label][:, part.first : last] = cut
        for name, count in part.population.items():
            population[name] += count
        report(last)
    return Findings(0, whole, halves, population)
