"""One pass over a raster, block by block of nodes: all that a validation needs of every node."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.threads import run_blocks
from stochnet.raster.blocks import cut_nodes, node_blocks
from stochnet.raster.layers import cut_layers
from stochnet.raster.raster import NodeArray, SpikeRaster
from stochnet.raster.sinks import Shape
from stochnet.raster.worker_part import portable_data
from stochnet.statistics.counting import packed
from stochnet.statistics.pairs import add_population
from stochnet.validation.compared.nodewise import NodeStatistic
from stochnet.validation.sums.totals import Adder, limits
from stochnet.validation.sums.units import Units, cut_units
from stochnet.workers.dispatch import block_results, nodes_per_task

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Findings:
    """What was found of some nodes.

    Attributes
    ----------
    first : int
        The first of them.
    whole : dict of label to ndarray of float64 (node, …)
        In the whole raster.
    grouped : dict of label to ndarray of float64 (node, …)
        In all groups together.
    parts : dict of label to ndarray of float32 (group, node, …)
        What each group adds to `grouped` beside its stratum (see `contributions`); of indicators,
        what they are in that group alone. NaN for nodes that do too little to be judged.
        Without statistics of windows that no group holds.
    population : dict of layer to ndarray of int64 (trial, bin)
        How many of these nodes are active; empty where nobody asked.
    """

    first: int
    whole: dict[str, NDArray[np.float64]]
    grouped: dict[str, NDArray[np.float64]]
    parts: dict[str, NDArray[np.float32]]
    population: dict[str, Index]


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """What is computed of a raster, so far specified that any block of nodes can be done anywhere.

    Attributes
    ----------
    raster : SpikeRaster
    statistics : tuple of NodeStatistic
    of_trials, of_pieces : Adder or None
        Sums over trials, the last set all of them; over pieces of trials where groups are made of
        those. The groups are the other sets of the first, or all of the second.
    n_groups, n_strata : int
        Groups, and strata of equally many of them, one after the other.
    population : bool
        Whether active nodes per bin are counted.
    """

    raster: SpikeRaster
    statistics: tuple[NodeStatistic, ...]
    of_trials: Adder
    of_pieces: Adder | None
    n_groups: int
    n_strata: int
    population: bool

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First and last (excluded) node of every block, in order."""
        return node_blocks(self.raster.n_nodes, self.raster.node_bytes)

    def nothing(self, first: int, n_nodes: int) -> Findings:
        """Make room for the statistics of some nodes."""
        whole, grouped, parts = {}, {}, {}
        adder = self.of_pieces or self.of_trials
        for one in self.statistics:
            shape = (n_nodes, *one.shape)
            whole[one.label] = np.empty(shape)
            if self.n_groups and (one.window is None or one.window in adder.windows):
                grouped[one.label] = np.empty(shape)
                parts[one.label] = np.empty((self.n_groups, *shape), np.float32)
        return Findings(first, whole, grouped, parts, {})

    def of_nodes(self, first: int, last: int) -> Findings:
        """Read a block of nodes and compute everything."""
        block = self.raster.block(slice(first, last))
        data = np.asarray(block.data[0 : block.n_nodes])
        found = self.nothing(first, block.n_nodes)

        def compute(start: int, stop: int) -> None:
            nodes = slice(start, stop)
            totals = self.of_trials.totals(data[nodes])
            pieces = totals if self.of_pieces is None else self.of_pieces.totals(data[nodes])
            whole = totals.last()
            jack = pieces.without_each(self.n_strata, self.n_groups) if self.n_groups else None
            for one in self.statistics:
                found.whole[one.label][nodes] = one.of_totals(whole)[0]
                if jack is not None and one.indicator:
                    found.grouped[one.label][nodes] = one.of_totals(jack)[0]
                    found.parts[one.label][:, nodes] = one.of_totals(pieces)[: self.n_groups]
                elif jack is not None and one.label in found.parts:
                    values = one.of_totals(jack)
                    found.grouped[one.label][nodes] = values[0]
                    parts = contributions(values, self.n_strata)
                    if one.enough is not None:
                        parts[:, ~one.enough(jack)[0]] = np.nan
                    found.parts[one.label][:, nodes] = parts

        adders = (self.of_trials, self.of_pieces or self.of_trials)
        step = min(adder.at_once(block.node_bytes) for adder in adders)
        run_blocks(compute, block.n_nodes, step=step)
        return replace(found, population=self._population(block))

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


def contributions(values: NDArray[Any], n_strata: int) -> NDArray[Any]:
    """Return what each group adds to a statistic beside its stratum, to first order.

    Parameters
    ----------
    values : ndarray (1 + group, …)
        The statistic of all groups together, and without each, for which the others of its stratum
        stand in.
    n_strata : int
        Strata of equally many groups, one after the other.

    Returns
    -------
    ndarray (group, …)
        The groups of a stratum sum up to zero.

    References
    ----------
    Jones (1974), Biometrika 61, 343-348: the jackknife of a stratified sample.
    """
    # What is left of the sum of a stratum is of second order.
    each = (len(values) - 1) // n_strata
    return centred((values[0] - values[1:]) * ((each - 1) / each), n_strata)


def centred(parts: NDArray[Any], n_strata: int) -> NDArray[Any]:
    """Take the mean of its stratum from every group: parts (group, …)."""
    by_stratum = parts.reshape(n_strata, -1, *parts.shape[1:])
    return np.asarray(by_stratum - by_stratum.mean(axis=1, keepdims=True)).reshape(parts.shape)


def plan_survey(
    raster: SpikeRaster,
    statistics: Sequence[NodeStatistic],
    units: Units | None,
    inside: NDArray[np.bool_],
    n_strata: int,
    *,
    population: bool,
) -> Survey:
    """Settle what is computed of a raster.

    Parameters
    ----------
    raster : SpikeRaster
    statistics : sequence of NodeStatistic
    units : Units or None
        What groups are made of; None for no groups.
    inside : ndarray of bool (unit, group)
        Which unit is in which group, or none.
    n_strata : int
        Strata of equally many groups, one after the other.
    population : bool
        Whether active nodes per bin are counted.
    """
    parts = frozenset(one.part for one in statistics)
    windows = [one.window for one in statistics if one.window is not None]
    lengths = [one.shape[0] for one in statistics if one.part == "gap_law"]
    of_trials, of_pieces = plan_sums(raster, units, inside, parts, windows, *lengths)
    n_groups = 0 if units is None else inside.shape[1]
    return Survey(raster, tuple(statistics), of_trials, of_pieces, n_groups, n_strata, population)


def plan_sums(
    raster: SpikeRaster,
    units: Units | None,
    inside: NDArray[np.bool_],
    parts: frozenset[str] = frozenset(),
    windows: Sequence[int] = (),
    n_gaps: int = 0,
) -> tuple[Adder, Adder | None]:
    """Settle what is added up: `Survey.of_trials` and `Survey.of_pieces`."""
    scale = 1.0 if np.isnan(raster.bin_width) else raster.bin_width
    trials = cut_units(raster, raster.n_bins)
    everything = np.ones((trials.n_units, 1), np.bool_)
    common = (scale, parts, windows, raster.n_conditions, limits(1 << n_gaps, 1))
    of_pieces = None
    if units is not None and units.order is None:
        everything = np.concatenate([inside, everything], axis=1)
    elif units is not None:
        of_pieces = Adder.of(units, inside, *common)
    return Adder.of(trials, everything, *common), of_pieces


def in_blocks(survey: Survey, executor: Executor | None = None) -> Iterator[Findings]:
    """Yield what is found in every block of nodes, in order: here, or by an executor."""
    if executor is not None:
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
    total = survey.nothing(0, raster.n_nodes)
    layers = raster.layers if survey.population else ()
    population = {x.name: np.zeros((raster.n_trials, raster.n_bins), np.int64) for x in layers}
    for part in in_blocks(survey, executor):
        last = part.first
        for label, values in part.whole.items():
            last = part.first + len(values)
            total.whole[label][part.first : last] = values
        for label, grouped in part.grouped.items():
            total.grouped[label][part.first : last] = grouped
            total.parts[label][:, part.first : last] = part.parts[label]
        for name, count in part.population.items():
            population[name] += count
        report(last)
    return replace(total, population=population)


def findings_of_workers(survey: Survey, executor: Executor) -> Iterator[Findings]:
    """Yield what workers find in every block of nodes, in order.

    Raises
    ------
    WorkerError
        The workers fail again and again.
    """
    raster, recipe = survey.raster, packed_survey(survey)
    step = nodes_per_task(raster.n_nodes, raster.node_bytes, executor)

    def arguments(first: int, last: int) -> tuple[Any, ...]:
        return recipe, portable_data(raster.data, first, last), first

    blocks = cut_nodes(raster.n_nodes, step)
    for _, _, found in block_results(find, arguments, blocks, executor):
        yield found


def packed_survey(survey: Survey) -> bytes:
    """Return what a survey is made from, without the data; sums over bins take many times as much.

    Packed once, and equal for all tasks, so that a worker prepares it once.
    """
    adder = survey.of_pieces or survey.of_trials
    starts = adder.sets.starts
    inside = np.zeros((adder.units.n_units, survey.n_groups), np.bool_)
    for k in range(survey.n_groups):
        inside[adder.sets.members[starts[k] : starts[k + 1]], k] = True
    labelled = any(one.over == "nodes and conditions" for one in survey.statistics)
    raster = survey.raster
    template = replace(
        raster,
        data=Shape(tuple(raster.data.shape), raster.data.dtype),
        conditions=raster.conditions if labelled else None,
        training_labels=None,
        stimuli=None,
        provenance={},
    )
    length = adder.units.length if survey.n_groups else None
    return pickle.dumps(
        (template, survey.statistics, length, inside, survey.n_strata, survey.population)
    )


@lru_cache(maxsize=2)
def _prepared(recipe: bytes) -> Survey:
    # It came with the task, by the same pickle.
    template, statistics, length, inside, n_strata, population = pickle.loads(recipe)  # noqa: S301
    units = None if length is None else cut_units(template, length)
    return plan_survey(template, statistics, units, inside, n_strata, population=population)


def find(recipe: bytes, data: NodeArray, first: int) -> Findings:
    """Compute everything of the nodes from `first` on, whose data are given: what a worker does."""
    survey = _prepared(recipe)
    n_nodes = data.shape[0]
    layers = cut_layers(survey.raster.layers, first, first + n_nodes)
    part = replace(survey, raster=replace(survey.raster, data=data, layers=layers))
    return replace(part.of_nodes(0, n_nodes), first=first)
