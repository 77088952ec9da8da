"""Gather the evidence of every statistic, in the network and in each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.pairs import sample_pairs
from stochnet.validation.choice import ACROSS, SIGNAL
from stochnet.validation.compared.nodewise import NodeStatistic
from stochnet.validation.compared.pairs_compared import LABELS, Correlations, pair_correlations
from stochnet.validation.compared.together import population_laws
from stochnet.validation.comparison import Comparison, kolmogorov, moments
from stochnet.validation.findings import changed_classes
from stochnet.validation.judging.baseline import independent_population, without_correlation
from stochnet.validation.judging.evidence import Evidence, Sample, Test, weigh, weigh_indicator
from stochnet.validation.judging.node_flags import node_q_values
from stochnet.validation.sides import Sides
from stochnet.validation.sums.survey import Findings

Index = NDArray[np.int64]
Array = NDArray[np.float64]


def of_nodes(
    sides: Sides, table: Sequence[NodeStatistic], found: tuple[Findings, Findings]
) -> list[Evidence]:
    """Weigh the statistics of nodes."""
    evidence = []
    for k, (scope, nodes) in enumerate(sides.scopes):
        for one in table:
            observed, simulated = (side.whole[one.label][nodes] for side in found)
            known = ~(np.isnan(observed) | np.isnan(simulated))
            comparison = Comparison(
                one.name,
                one.label,
                scope,
                one.window,
                one.unit,
                one.over,
                int(known.sum()),
                int(known.size - known.sum()),
                moments(observed),
                moments(simulated),
                (),
            )
            if sides.chance is None or any(one.label not in side.parts for side in found):
                evidence.append(Evidence(comparison))
                continue
            grouped = [side.grouped[one.label][nodes] for side in found]
            parts = [side.parts[one.label][:, nodes] for side in found]
            if one.indicator:
                evidence.append(weigh_indicator(comparison, grouped, parts, sides.chance))
                continue
            sample = Sample.of(grouped, parts)
            by_class = one.over == "nodes and conditions"
            weighed = weigh(
                comparison,
                sample,
                sides.chance,
                widening=sides.widening(one.label),
                shift=sides.shift(one.label, scope),
                strata=1 if by_class and sides.plan.labelled else None,
                by_mean=one.by_mean,
            )
            if scope is None and sides.plan.groups is not None:
                q_values = node_q_values(
                    grouped,
                    parts,
                    each=sides.plan.groups.each,
                    n_strata=sides.plan.groups.n_strata,
                    widening=sides.widening(one.label),
                    n_bins=bins_behind(sides, one),
                )
                weighed = replace(weighed, q_values=q_values)
            if by_class:
                weighed = replace(weighed, detail=changed_classes(grouped[0], grouped[1]))
            evidence.append(weighed)
        sides.say("comparing laws", k + 1, len(sides.scopes))
    return evidence


def bins_behind(sides: Sides, one: NodeStatistic) -> float:
    """Return of how many bins or windows the values of a statistic are shares; NaN if of none."""
    bins = float(sides.plan.compared_bins)
    if one.name == "window_count_law" and one.window is not None:
        return bins // sides.plan.unit_bins * (sides.plan.unit_bins // one.window)
    if any(raster.kind == "counts" for raster in sides.rasters):
        return math.nan
    if one.name == "firing_rate" and math.isnan(sides.observed.bin_width):
        return bins
    return bins / sides.observed.n_conditions if one.name == "rate_by_condition" else math.nan


def of_population(
    sides: Sides, found: tuple[Findings, Findings], whole: Sequence[Index], rate: Array
) -> list[Evidence]:
    """Weigh the law of the number of active nodes per bin.

    Parameters are those of both rasters: whole (raster, trial, bin); rate (node,) is observed.
    """
    evidence = []
    groups, units = sides.plan.groups, sides.plan.units
    for scope, nodes in sides.scopes:
        counts = whole if scope is None else [side.population[scope] for side in found]
        comparison = Comparison(
            "population_count",
            "population count",
            scope,
            None,
            "active nodes",
            "bins",
            min(count.size for count in counts),
            0,
            moments(counts[0].astype(np.float64)),
            moments(counts[1].astype(np.float64)),
            (),
        )
        if sides.chance is None or groups is None or units is None:
            evidence.append(Evidence(comparison))
            continue
        used, parts, means = population_laws(counts, units, groups)
        value = kolmogorov(*used)
        products = np.einsum("ij,kj->ikj", parts, parts).max(axis=2)
        floor = float(np.sqrt(2 * sides.chance.variance(products)[0]))
        widening = sides.widening(comparison.label)
        draws = sides.chance.of_largest(parts) * widening
        test = Test("kolmogorov", value, floor, draws)
        own = sides.chance.variance(np.outer(means, means))
        errors = (float(np.sqrt(own[0])), float(np.sqrt(own[1])))
        centers = (float(used[0].mean()), float(used[1].mean()))
        weighed = Evidence(comparison, (test,), centers, errors, sides.chance.freedom, widening)
        baseline = independent_population(used[0], rate[nodes])
        evidence.append(replace(weighed, baseline=baseline))
    return evidence


def sampled(
    sides: Sides, names: Sequence[str], n_pairs: int, rng: np.random.Generator
) -> Iterator[tuple[str | None, Index, Index, list[str]]]:
    """Yield scope, nodes of pairs, and what they are compared by."""
    inside = [name for name in names if name != ACROSS]
    for scope, nodes in sides.scopes:
        n_nodes = nodes.stop - nodes.start
        if n_nodes > 1 and inside:
            first, second = sample_pairs(n_nodes, n_pairs, rng=rng)
            yield scope, nodes.start + first, nodes.start + second, inside
    if ACROSS in names:
        layers = sides.observed.layers
        which = rng.integers(len(layers) - 1, size=n_pairs)
        starts = np.array([x.first for x in layers])
        sizes = np.array([x.n_nodes for x in layers])
        first, second = (starts[k] + rng.integers(sizes[k]) for k in (which, which + 1))
        pairs = np.unique(np.stack([first, second]), axis=1)
        yield None, pairs[0], pairs[1], [ACROSS]


def of_pairs(
    sides: Sides, names: Sequence[str], n_pairs: int, rng: np.random.Generator
) -> list[Evidence]:
    """Weigh the correlations of sampled pairs, in the network, within and across its layers."""
    evidence = []
    groups = sides.plan.groups
    for k, (scope, first, second, wanted) in enumerate(sampled(sides, names, n_pairs, rng)):
        sides.say("comparing pairs", k, len(sides.scopes) + 1)
        both = [
            pair_correlations(
                raster,
                None if sides.plan.units is None else sides.plan.units[side],
                None if groups is None else groups.inside[side],
                1 if groups is None else groups.n_strata,
                first,
                second,
                wanted,
            )
            for side, raster in enumerate(sides.rasters)
        ]
        evidence += [
            _of_correlations(sides, name, scope, [one[name] for one in both]) for name in wanted
        ]
    sides.say("comparing pairs", len(sides.scopes) + 1, len(sides.scopes) + 1)
    return evidence


def _of_correlations(
    sides: Sides, name: str, scope: str | None, both: Sequence[Correlations]
) -> Evidence:
    whole = [one.whole for one in both]
    known = ~(np.isnan(whole[0]) | np.isnan(whole[1]))
    comparison = Comparison(
        name,
        LABELS[name],
        scope,
        None,
        "1",
        "pairs",
        int(known.sum()),
        int(known.size - known.sum()),
        moments(whole[0]),
        moments(whole[1]),
        (),
    )
    if sides.chance is None:
        return Evidence(comparison)
    weighed = weigh(
        comparison,
        Sample.of([one.grouped for one in both], [one.parts for one in both]),
        sides.chance,
        widening=sides.widening(comparison.label),
        shift=sides.shift(comparison.label, scope),
    )
    bins = sides.plan.compared_bins if name != SIGNAL else sides.observed.n_conditions
    return replace(weighed, baseline=without_correlation(both[0].grouped, bins))
