"""One pass over rasters, block by block of nodes: all that a validation needs of every node."""

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
from stochnet.validation.kinds.node_statistic import NodeStatistic
from stochnet.validation.kinds.statistic import Array, NodeValues
from stochnet.validation.matching import Matched
from stochnet.validation.sums.exchange import exchange_strata, stratum_gaps
from stochnet.validation.sums.jackknife import influence
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.totals import (
    Adder,
    Totals,
    last_set,
    map_sums,
    plan_sums,
    without_each,
)
from stochnet.workers.dispatch import block_results, nodes_per_task


@dataclass(frozen=True, eq=False, slots=True)
class Side:
    """A raster of a survey.

    Attributes
    ----------
    raster : SpikeRaster
    groups : ResamplingGroups or None
    of_trials, of_groups : Adder, and Adder or None
        As of `plan_sums`.
    """

    raster: SpikeRaster
    groups: ResamplingGroups | None
    of_trials: Adder
    of_groups: Adder | None

    def nothing(self, first: int, n_nodes: int, statistics: Sequence[NodeStatistic]) -> NodeValues:
        """Make room for the statistics of some nodes."""
        found = NodeValues(first, {}, {}, {}, {})
        windows = (self.of_groups or self.of_trials).windows
        for one in statistics:
            shape = (n_nodes, *one.shape)
            found.whole[one.label] = np.empty(shape)
            if self.groups is not None and (one.window is None or one.window in windows):
                found.grouped[one.label] = np.empty(shape)
                wide = (self.groups.n_groups, *shape)
                found.influence[one.label] = np.empty(wide, np.float32)
        return found

    def fill(
        self,
        found: NodeValues,
        statistics: Sequence[NodeStatistic],
        nodes: slice,
        data: NDArray[Any],
    ) -> Totals:
        """Compute statistics from the data of some nodes, and return the sums of all groups."""
        totals = self.of_trials.totals(data)
        whole = map_sums(last_set, totals)
        for one in statistics:
            found.whole[one.label][nodes] = one.of(whole)[0]
        if self.groups is None:
            return totals
        own = totals if self.of_groups is None else self.of_groups.totals(data)
        without = map_sums(without_each(self.groups), own)
        for one in statistics:
            if one.label not in found.influence:
                continue
            values = one.of(without)
            found.grouped[one.label][nodes] = values[0]
            if one.indicator:
                found.influence[one.label][:, nodes] = one.of(own)[: self.groups.n_groups]
                continue
            added = influence(values, self.groups.n_strata)
            if one.enough is not None:
                added[:, ~one.enough(without)[0]] = np.nan
            found.influence[one.label][:, nodes] = added
        return own

    def count_active(self, block: SpikeRaster, found: NodeValues) -> None:
        """Count how many nodes of a block are active in every bin."""
        words = packed(block)
        for layer in block.layers:
            total = np.zeros(64 * words.shape[1], np.int64)
            add_population(words[layer.nodes], total)
            counts = total.reshape(block.n_trials, -1)[:, : block.n_bins]
            found.active_nodes[layer.name] = counts


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """What is computed of rasters, so far specified that any block of nodes can be done anywhere.

    Attributes
    ----------
    sides : tuple of Side
        One raster, or two of the same nodes whose groups are alike.
    statistics : tuple of NodeStatistic
    population : bool
        Whether active nodes per bin are counted.
    """

    sides: tuple[Side, ...]
    statistics: tuple[NodeStatistic, ...]
    population: bool

    @property
    def strata(self) -> int:
        """Strata of groups that are exchanged between two rasters one by one; 0 for none."""
        groups = self.sides[0].groups
        return groups.n_strata if groups is not None and len(self.sides) > 1 else 0

    def nothing(self, first: int, n_nodes: int) -> SurveyResult:
        """Make room for some nodes."""
        values = tuple(one.nothing(first, n_nodes, self.statistics) for one in self.sides)
        by_stratum = {}
        for one in self.statistics if self.strata > 1 else ():
            if not one.indicator and one.label in values[0].influence:
                by_stratum[one.label] = np.empty((self.strata, n_nodes, *one.shape))
        return SurveyResult(values, by_stratum)

    def of_nodes(self, first: int, last: int) -> SurveyResult:
        """Read a block of nodes and compute everything."""
        blocks = [one.raster.block(slice(first, last)) for one in self.sides]
        data = [np.asarray(block.data[0 : block.n_nodes]) for block in blocks]
        found = self.nothing(first, last - first)

        def compute(start: int, stop: int) -> None:
            nodes = slice(start, stop)
            sums = [
                side.fill(values, self.statistics, nodes, own[nodes])
                for side, values, own in zip(self.sides, found.values, data, strict=True)
            ]
            if not found.by_stratum:
                return
            exchanged = map_sums(exchange_strata(self.strata, self.n_groups), *sums)
            for one in self.statistics:
                if one.label in found.by_stratum:
                    gaps = stratum_gaps(one.of(exchanged), self.strata)
                    found.by_stratum[one.label][:, nodes] = gaps

        steps = [
            adder.at_once(block.node_bytes)
            for side, block in zip(self.sides, blocks, strict=True)
            for adder in (side.of_trials, side.of_groups or side.of_trials)
        ]
        run_blocks(compute, last - first, step=min(steps))
        if self.population:
            for side, block, values in zip(self.sides, blocks, found.values, strict=True):
                side.count_active(block, values)
        return found

    @property
    def n_groups(self) -> int:
        """Groups of each raster."""
        groups = self.sides[0].groups
        return 0 if groups is None else groups.n_groups


@dataclass(frozen=True, eq=False, slots=True)
class SurveyResult:
    """What a survey found of some nodes.

    Attributes
    ----------
    values : tuple of NodeValues
        Of each raster.
    by_stratum : dict of label to ndarray (stratum, node, …)
        What each stratum adds to the difference of two rasters, observed minus simulated; where
        there are several.
    """

    values: tuple[NodeValues, ...]
    by_stratum: dict[str, Array]


def plan_survey(
    rasters: Sequence[SpikeRaster],
    statistics: Sequence[NodeStatistic],
    groups: Sequence[ResamplingGroups | None],
    *,
    population: bool = False,
) -> Survey:
    """Settle what is computed of one raster, or of two of the same nodes.

    Parameters
    ----------
    rasters : sequence of SpikeRaster
    statistics : sequence of NodeStatistic
    groups : sequence of ResamplingGroups or None
        Of each raster.
    population : bool, default False
        Whether active nodes per bin are counted.
    """
    needs = frozenset(one.sums for one in statistics)
    windows = dict.fromkeys(one.window for one in statistics if one.window is not None)
    n_gaps = max((one.shape[0] for one in statistics if one.sums == "gaps_at_most"), default=0)
    sides = tuple(
        Side(raster, own, *plan_sums(raster, own, needs, windows, n_gaps))
        for raster, own in zip(rasters, groups, strict=True)
    )
    return Survey(sides, tuple(statistics), population)


def take(
    survey: Survey,
    report: Callable[[int], None] = lambda done: None,
    executor: Executor | None = None,
) -> SurveyResult:
    """Take a survey of all nodes.

    Parameters
    ----------
    survey : Survey
    report : callable
        Called with the number of nodes that are done.
    executor : Executor, optional
        Takes the blocks of nodes.
    """
    n_nodes = survey.sides[0].raster.n_nodes
    total = survey.nothing(0, n_nodes)
    for side, values in zip(survey.sides, total.values, strict=True):
        for layer in side.raster.layers if survey.population else ():
            shape = (side.raster.n_trials, side.raster.n_bins)
            values.active_nodes[layer.name] = np.zeros(shape, np.int64)
    for part in _in_blocks(survey, executor):
        first = part.values[0].first
        last = first + len(next(iter(part.values[0].whole.values()), ()))
        for values, mine in zip(total.values, part.values, strict=True):
            for label, whole in mine.whole.items():
                values.whole[label][first:last] = whole
            for label, grouped in mine.grouped.items():
                values.grouped[label][first:last] = grouped
                values.influence[label][:, first:last] = mine.influence[label]
            for name, count in mine.active_nodes.items():
                values.active_nodes[name] += count
        for label, gaps in part.by_stratum.items():
            total.by_stratum[label][:, first:last] = gaps
        report(last)
    return total


def survey_both(
    matched: Matched,
    statistics: Sequence[NodeStatistic],
    executor: Executor | None,
    *,
    population: bool,
) -> SurveyResult:
    """Compute the statistics of nodes of both rasters, whole and by groups."""
    n_nodes = matched.observed.n_nodes
    survey = plan_survey(matched.rasters, statistics, matched.groups, population=population)
    return take(survey, lambda done: matched.say("reading nodes", done, n_nodes), executor)


def _in_blocks(survey: Survey, executor: Executor | None) -> Iterator[SurveyResult]:
    """Yield what is found in every block of nodes, in order: here, or by an executor."""
    rasters = [one.raster for one in survey.sides]
    n_nodes, node_bytes = rasters[0].n_nodes, max(one.node_bytes for one in rasters)
    if executor is None:
        for first, last in node_blocks(n_nodes, node_bytes):
            yield survey.of_nodes(first, last)
        return
    recipe = recipe_of(survey)
    step = nodes_per_task(n_nodes, node_bytes, executor)

    def arguments(first: int, last: int) -> tuple[Any, ...]:
        return recipe, [portable_data(one.data, first, last) for one in rasters], first

    for _, _, found in block_results(find, arguments, cut_nodes(n_nodes, step), executor):
        yield found


def recipe_of(survey: Survey) -> bytes:
    """Return what a survey is made from, without the data; sums over bins take many times as much.

    Packed once, and equal for all tasks, so that a worker prepares it once.
    """
    labelled = any(one.sums == "by_condition" for one in survey.statistics)
    templates, cuts = [], []
    for side in survey.sides:
        raster, groups = side.raster, side.groups
        templates.append(
            replace(
                raster,
                data=Shape(tuple(raster.data.shape), raster.data.dtype),
                conditions=raster.conditions if labelled else None,
                training_labels=None,
                stimuli=None,
                provenance={},
            )
        )
        cuts.append(
            None if groups is None else (groups.pieces.length, groups.inside, groups.n_strata)
        )
    return pickle.dumps((templates, survey.statistics, cuts, survey.population))


@lru_cache(maxsize=2)
def _prepared(recipe: bytes) -> Survey:
    # It came with the task, by the same pickle.
    templates, statistics, cuts, population = pickle.loads(recipe)  # noqa: S301
    groups: list[ResamplingGroups | None] = []
    for template, cut in zip(templates, cuts, strict=True):
        if cut is None:
            groups.append(None)
        else:
            length, inside, n_strata = cut
            groups.append(ResamplingGroups(cut_pieces(template, length), inside, n_strata))
    return plan_survey(templates, statistics, groups, population=population)


def find(recipe: bytes, data: Sequence[NodeArray], first: int) -> SurveyResult:
    """Compute everything of the nodes from `first` on, whose data are given: what a worker does."""
    survey, n_nodes = _prepared(recipe), data[0].shape[0]
    sides = []
    for side, own in zip(survey.sides, data, strict=True):
        layers = cut_layers(side.raster.layers, first, first + n_nodes)
        sides.append(replace(side, raster=replace(side.raster, data=own, layers=layers)))
    found = replace(survey, sides=tuple(sides)).of_nodes(0, n_nodes)
    return replace(found, values=tuple(replace(one, first=first) for one in found.values))
