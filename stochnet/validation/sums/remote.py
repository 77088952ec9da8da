"""A survey that workers take: what they need to know once, and the nodes of each task."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import lru_cache

import numpy as np

from stochnet.raster.layers import cut_layers
from stochnet.raster.raster import NodeArray
from stochnet.raster.sinks import Shape
from stochnet.raster.worker_part import portable_data
from stochnet.validation.sums.survey import Findings, Survey, plan_survey
from stochnet.validation.sums.units import cut_units
from stochnet.workers.dispatch import Call, nodes_per_block, results


def findings_of_workers(survey: Survey, executor: Executor) -> Iterator[Findings]:
    """Yield what workers find in every block of nodes, in order.

    Raises
    ------
    WorkerError
        The workers fail again and again.
    """
    raster = survey.raster
    step = nodes_per_block(raster.n_nodes, raster.node_bytes, executor)
    recipe = packed_survey(survey)
    blocks = [
        (first, min(first + step, raster.n_nodes)) for first in range(0, raster.n_nodes, step)
    ]
    yield from results(
        (
            Call(
                find,
                (recipe, portable_data(raster.data, first, last), first),
                f"nodes {first} to {last - 1}",
            )
            for first, last in blocks
        ),
        executor,
    )


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
