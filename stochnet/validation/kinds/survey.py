"""One pass over a raster, block by block of nodes: all that a validation needs of every node."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from stochnet.kernels.threads import run_blocks
from stochnet.raster.blocks import cut_nodes, node_blocks
from stochnet.raster.layers import cut_layers
from stochnet.raster.raster import NodeArray, SpikeRaster
from stochnet.raster.sinks import Shape
from stochnet.raster.worker_part import portable_data
from stochnet.statistics.counting import packed
from stochnet.statistics.pairs import add_population
from stochnet.validation.kinds.node_statistic import NodeStatistic
from stochnet.validation.kinds.statistic import NodeValues
from stochnet.validation.matching import Matched
from stochnet.validation.sums.jackknife import influence
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.totals import Adder, last_set, map_sums, plan_sums, without_each
from stochnet.workers.dispatch import block_results, nodes_per_task


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """What is computed of a raster, so far specified that any block of nodes can be done anywhere.

    Attributes
    ----------
    raster : SpikeRaster
    statistics : tuple of NodeStatistic
    groups : ResamplingGroups or None
    of_trials, of_groups : Adder, and Adder or None
        As of `plan_sums`.
    population : bool
        Whether active nodes per bin are counted.
    """

    raster: SpikeRaster
    statistics: tuple[NodeStatistic, ...]
    groups: ResamplingGroups | None
    of_trials: Adder
    of_groups: Adder | None
    population: bool

    def nothing(self, first: int, n_nodes: int) -> NodeValues:
        """Make room for the statistics of some nodes."""
        found = NodeValues(first, {}, {}, {}, {})
        windows = (self.of_groups or self.of_trials).windows
        for one in self.statistics:
            shape = (n_nodes, *one.shape)
            found.whole[one.label] = np.empty(shape)
            if self.groups is not None and (one.window is None or one.window in windows):
                found.grouped[one.label] = np.empty(shape)
                wide = (self.groups.n_groups, *shape)
                found.influence[one.label] = np.empty(wide, np.float32)
        return found

    def of_nodes(self, first: int, last: int) -> NodeValues:
        """Read a block of nodes and compute everything."""
        block = self.raster.block(slice(first, last))
        data = np.asarray(block.data[0 : block.n_nodes])
        found = self.nothing(first, block.n_nodes)
        groups, of_groups = self.groups, self.of_groups

        def compute(start: int, stop: int) -> None:
            nodes = slice(start, stop)
            totals = self.of_trials.totals(data[nodes])
            whole = map_sums(totals, last_set)
            for one in self.statistics:
                found.whole[one.label][nodes] = one.of(whole)[0]
            if groups is None:
                return
            own = totals if of_groups is None else of_groups.totals(data[nodes])
            without = map_sums(own, without_each(groups))
            for one in self.statistics:
                if one.label not in found.influence:
                    continue
                values = one.of(without)
                found.grouped[one.label][nodes] = values[0]
                if one.indicator:
                    found.influence[one.label][:, nodes] = one.of(own)[: groups.n_groups]
                    continue
                added = influence(values, groups.n_strata)
                if one.enough is not None:
                    added[:, ~one.enough(without)[0]] = np.nan
                found.influence[one.label][:, nodes] = added

        adders = (self.of_trials, of_groups or self.of_trials)
        step = min(adder.at_once(block.node_bytes) for adder in adders)
        run_blocks(compute, block.n_nodes, step=step)
        if self.population:
            words = packed(block)
            for layer in block.layers:
                total = np.zeros(64 * words.shape[1], np.int64)
                add_population(words[layer.nodes], total)
                counts = total.reshape(block.n_trials, -1)[:, : block.n_bins]
                found.active_nodes[layer.name] = counts
        return found


def plan_survey(
    raster: SpikeRaster,
    statistics: Sequence[NodeStatistic],
    groups: ResamplingGroups | None,
    *,
    population: bool = False,
) -> Survey:
    """Settle what is computed of a raster.

    Parameters
    ----------
    raster : SpikeRaster
    statistics : sequence of NodeStatistic
    groups : ResamplingGroups or None
    population : bool, default False
        Whether active nodes per bin are counted.
    """
    needs = frozenset(one.sums for one in statistics)
    windows = dict.fromkeys(one.window for one in statistics if one.window is not None)
    n_gaps = max((one.shape[0] for one in statistics if one.sums == "gaps_at_most"), default=0)
    adders = plan_sums(raster, groups, needs, windows, n_gaps)
    return Survey(raster, tuple(statistics), groups, *adders, population)


def take(
    survey: Survey,
    report: Callable[[int], None] = lambda done: None,
    executor: Executor | None = None,
) -> NodeValues:
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
    for layer in raster.layers if survey.population else ():
        total.active_nodes[layer.name] = np.zeros((raster.n_trials, raster.n_bins), np.int64)
    for part in _in_blocks(survey, executor):
        last = part.first
        for label, values in part.whole.items():
            last = part.first + len(values)
            total.whole[label][part.first : last] = values
        for label, grouped in part.grouped.items():
            total.grouped[label][part.first : last] = grouped
            total.influence[label][:, part.first : last] = part.influence[label]
        for name, count in part.active_nodes.items():
            total.active_nodes[name] += count
        report(last)
    return total


def survey_both(
    matched: Matched,
    statistics: Sequence[NodeStatistic],
    executor: Executor | None,
    *,
    population: bool,
) -> tuple[NodeValues, NodeValues]:
    """Compute the statistics of nodes of both rasters, whole and by groups."""
    n_nodes = matched.observed.n_nodes

    def teller(before: int) -> Callable[[int], None]:
        return lambda done: matched.say("reading nodes", before + done, 2 * n_nodes)

    surveys = [
        plan_survey(raster, statistics, groups, population=population)
        for raster, groups in zip(matched.rasters, matched.groups, strict=True)
    ]
    return take(surveys[0], teller(0), executor), take(surveys[1], teller(n_nodes), executor)


def _in_blocks(survey: Survey, executor: Executor | None) -> Iterator[NodeValues]:
    """Yield what is found in every block of nodes, in order: here, or by an executor."""
    raster = survey.raster
    if executor is None:
        for first, last in node_blocks(raster.n_nodes, raster.node_bytes):
            yield survey.of_nodes(first, last)
        return
    recipe = recipe_of(survey)
    step = nodes_per_task(raster.n_nodes, raster.node_bytes, executor)

    def arguments(first: int, last: int) -> tuple[Any, ...]:
        return recipe, portable_data(raster.data, first, last), first

    for _, _, found in block_results(find, arguments, cut_nodes(raster.n_nodes, step), executor):
        yield found


def recipe_of(survey: Survey) -> bytes:
    """Return what a survey is made from, without the data; sums over bins take many times as much.

    Packed once, and equal for all tasks, so that a worker prepares it once.
    """
    raster, groups = survey.raster, survey.groups
    labelled = any(one.sums == "by_condition" for one in survey.statistics)
    template = replace(
        raster,
        data=Shape(tuple(raster.data.shape), raster.data.dtype),
        conditions=raster.conditions if labelled else None,
        training_labels=None,
        stimuli=None,
        provenance={},
    )
    cut = None if groups is None else (groups.pieces.length, groups.inside, groups.n_strata)
    return pickle.dumps((template, survey.statistics, cut, survey.population))


@lru_cache(maxsize=2)
def _prepared(recipe: bytes) -> Survey:
    # It came with the task, by the same pickle.
    template, statistics, cut, population = pickle.loads(recipe)  # noqa: S301
    groups = None
    if cut is not None:
        length, inside, n_strata = cut
        groups = ResamplingGroups(cut_pieces(template, length), inside, n_strata)
    return plan_survey(template, statistics, groups, population=population)


def find(recipe: bytes, data: NodeArray, first: int) -> NodeValues:
    """Compute everything of the nodes from `first` on, whose data are given: what a worker does."""
    survey = _prepared(recipe)
    n_nodes = data.shape[0]
    layers = cut_layers(survey.raster.layers, first, first + n_nodes)
    part = replace(survey, raster=replace(survey.raster, data=data, layers=layers))
    return replace(part.of_nodes(0, n_nodes), first=first)
