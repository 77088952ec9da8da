"""Weigh what many nodes do at once: the dimension of their bins, and what they tell of stimuli."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.statistics.moments import Array
from stochnet.validation.choice import CLASSIFICATION, DIMENSION
from stochnet.validation.compared import classifier, dimension
from stochnet.validation.comparison import Comparison, Moments
from stochnet.validation.judging.baseline import SEED
from stochnet.validation.judging.evidence import Evidence, Sample, Test, weigh
from stochnet.validation.sides import Sides
from stochnet.validation.sums.bits import MOST_BINS, GroupBits, bits_of_groups, sample_nodes

Index = NDArray[np.int64]


def bits(
    sides: Sides,
    raster: SpikeRaster,
    side: int,
    nodes: Index,
    rng: np.random.Generator,
    most: int = MOST_BINS,
) -> list[GroupBits]:
    """Return the bins of some nodes of a raster, in the groups of the observed (0) or the other."""
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return bits_of_groups(raster, nodes, None, None, rng, most)
    return bits_of_groups(raster, nodes, units[side], groups.inside[side], rng, most)


def of_dimension(sides: Sides, rate: Array, rng: np.random.Generator) -> list[Evidence]:
    """Weigh the participation ratio of up to 300 nodes of the network and of each layer.

    Parameters
    ----------
    sides : Sides
    rate : ndarray (node,)
        Active bins of the observed raster, as a part of all.
    rng : numpy.random.Generator
        Samples nodes, and bins where there are many.
    """
    evidence = []
    n_strata = 1 if sides.plan.groups is None else sides.plan.groups.n_strata
    for scope, inside in sides.scopes:
        nodes = sample_nodes(inside.start, inside.stop, rng)
        if len(nodes) < 2:
            continue
        groups = [bits(sides, raster, k, nodes, rng) for k, raster in enumerate(sides.rasters)]
        found = [dimension.participation_by_groups(one, n_strata) for one in groups]
        known = not any(math.isnan(value) for value, _ in found)
        comparison = Comparison(
            DIMENSION,
            dimension.LABEL,
            scope,
            None,
            "1",
            "sampled nodes",
            len(nodes) if known else 0,
            0 if known else len(nodes),
            _alone(found[0][0]),
            _alone(found[1][0]),
            (),
        )
        if sides.chance is None:
            evidence.append(Evidence(comparison))
            continue
        weighed = weigh(
            comparison,
            Sample.of([np.array([x]) for x, _ in found], [parts[:, None] for _, parts in found]),
            sides.chance,
            widening=sides.widening(dimension.LABEL),
            shift=sides.shift(dimension.LABEL, scope),
        )
        n_bins = sum(len(one.active) for one in groups[0])
        alone = dimension.independent_dimension(rate[nodes], n_bins)
        evidence.append(replace(weighed, baseline=abs(alone - found[0][0])))
    return evidence


def of_classifier(sides: Sides, rate: Array, rng: np.random.Generator) -> list[Evidence]:
    """Weigh how well a classifier that was trained on the surrogate does on the recording.

    It sees up to 200 nodes of the network; parameters are as for `of_dimension`. Where the
    surrogate was fitted and the bias of that cannot be measured, accuracies are not judged.
    """
    groups, chance = sides.plan.groups, sides.chance
    if groups is None or chance is None:
        return []
    source, n_strata = sides.observed, groups.n_strata
    nodes = sample_nodes(0, source.n_nodes, rng, classifier.NODES)
    most = classifier.most_bins(source.n_conditions)
    observed, simulated = (
        bits(sides, raster, k, nodes, rng, most=most) for k, raster in enumerate(sides.rasters)
    )
    found = classifier.transfer(observed, simulated, n_strata, source.n_conditions)
    comparison = Comparison(
        CLASSIFICATION,
        classifier.LABEL,
        None,
        None,
        "1",
        "bins",
        sum(int((one.labels >= 0).sum()) for one in observed),
        0,
        _alone(found.observed),
        _alone(found.simulated),
        (),
    )
    known = (classifier.LABEL, None) in sides.fit_error.shift
    if sides.origin.fitted_bins and not known:
        return [Evidence(comparison)]
    network = Bundle.from_params("bernoulli", {"p": rate[nodes]}, conditions=source.conditions)
    drawn = simulate(network, source.n_trials, source.n_bins, seed=SEED)
    alone = bits(sides, drawn, 0, np.arange(len(nodes)), rng, most=most)
    base = classifier.transfer(observed, alone, n_strata, source.n_conditions, parts=False)

    def variance(parts: Array) -> float:
        return float((parts**2).sum()) * groups.each / (groups.each - 1)

    n, own = groups.n_groups, found.parts
    gap_error = math.sqrt(variance(own))
    # A copy of the recording would add by training what its own halves add.
    floor = math.sqrt(variance(own[:n]) + variance(found.training[0]))
    widening = sides.widening(classifier.LABEL)
    shift, doubt = sides.shift(classifier.LABEL, None)
    error = gap_error * widening
    wider = math.hypot(error, doubt) / error if error > 0 else 1.0
    freedom = 4 * n_strata * (groups.each // 2 - 1)
    draws = chance.of_mean(own, freedom) * (widening * wider)
    test = Test("mean", abs(found.gap - shift), floor, draws)
    errors = (
        math.sqrt(variance(found.testing[0] + found.training[0])),
        math.sqrt(variance(found.testing[1]) + variance(found.training[1])),
    )
    means = (found.observed, found.simulated)
    weighed = Evidence(comparison, (test,), means, errors, freedom, widening)
    return [replace(weighed, baseline=abs(base.gap), gap_error=gap_error)]


def _alone(value: float) -> Moments:
    """Return a single value, which has no variance over anything."""
    return Moments(value, math.nan if math.isnan(value) else 0.0)
