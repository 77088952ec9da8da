"""The independent baseline: what a network that knows nothing but rates would reach."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochnet.bundle.bundle import Bundle
from stochnet.raster.layers import Layer
from stochnet.simulation.simulate import simulate
from stochnet.validation.compared.nodewise import NodeStatistic
from stochnet.validation.comparison import Comparison
from stochnet.validation.sides import Sides
from stochnet.validation.sums.survey import Findings, plan_survey, take

Array = NDArray[np.float64]

KIND = (
    "nodes independent of each other, one rate each, that of the observed recording: no tuning to "
    "conditions, no memory, no correlation. For what that keeps by itself (firing rates, dead and "
    "saturated nodes), all nodes of a layer at its mean rate"
)
MOST_NODES, SEED = 2000, 1
# A baseline this close to the floor cannot be told from it, and is no mark to measure by.
CLOSE = 1.1


@dataclass(frozen=True, slots=True)
class Baseline:
    """Distances of the baseline from the observed raster.

    Attributes
    ----------
    distances : mapping of (label, scope) to float
        Root mean square differences; Kolmogorov for population counts.
    """

    distances: Mapping[tuple[str, str | None], float] = field(default_factory=dict)

    def rate(self, one: Comparison) -> Comparison:
        """Return a comparison with its quality: 0 at the baseline, 1 at the floor."""
        baseline = self.distances.get((one.label, one.scope), math.nan)
        if not one.distances or math.isnan(baseline):
            return one
        main = one.distances[-1]
        if baseline <= CLOSE * main.floor or main.limit >= baseline:
            # The baseline is as good as can be, and so is what cannot be told from it.
            quality = 1.0 if main.within else min(1.0, main.floor / main.value)
        else:
            quality = (baseline - main.value) / (baseline - main.floor)
        return replace(one, baseline=baseline, quality=min(1.0, max(0.0, quality)))


def of_nodes(
    sides: Sides,
    table: Sequence[NodeStatistic],
    observed: Findings,
    rate: Array,
    rng: np.random.Generator,
) -> dict[tuple[str, str | None], float]:
    """Draw a baseline of some nodes and measure it.

    Parameters
    ----------
    sides : Sides
    table : sequence of NodeStatistic
    observed : Findings
    rate : ndarray (node,)
        Active bins of the observed raster, as a part of all.
    rng : numpy.random.Generator
        Chooses the nodes where there are many.
    """
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return {}
    n = len(rate)
    nodes = np.arange(n) if n <= MOST_NODES else np.sort(rng.choice(n, MOST_NODES, replace=False))
    source = sides.observed
    network = Bundle.from_params(
        "bernoulli", {"p": rate[nodes]}, conditions=source.conditions, bin_width=source.bin_width
    )
    drawn = simulate(network, source.n_trials, source.n_bins, seed=SEED)
    drawn = replace(drawn, layers=(Layer("nodes", "nodes", (len(nodes),), 0, len(nodes)),))
    plan = plan_survey(drawn, table, units[0], groups.inside[0], groups.n_strata, population=False)
    found = take(plan)
    mean_rate = np.concatenate([np.full(x.n_nodes, rate[x.nodes].mean()) for x in source.layers])
    width = 1.0 if np.isnan(source.bin_width) else source.bin_width
    distances = {}
    for one in table:
        if one.label not in observed.grouped:
            continue
        own = observed.grouped[one.label][nodes]
        other = found.grouped[one.label]
        if one.name == "firing_rate":
            other = mean_rate[nodes] / width
        elif one.indicator:
            other = np.zeros(len(nodes))
        for scope, inside in sides.scopes:
            mine = (nodes >= inside.start) & (nodes < inside.stop)
            squares = ((own - other)[mine] ** 2).ravel()
            if (~np.isnan(squares)).any():
                distances[one.label, scope] = float(np.sqrt(np.nanmean(squares)))
    return distances


def independent_population(counts: NDArray[np.int64], rate: Array) -> float:
    """Return the distance of the law of independent nodes (normal) from that of population counts.

    Parameters
    ----------
    counts : ndarray of int64
        Active nodes in each bin.
    rate : ndarray (node,)
        Of these nodes.
    """
    spread = math.sqrt(float((rate * (1 - rate)).sum()))
    at, number = np.unique(counts, return_counts=True)
    law = stats.norm.cdf(at + 0.5, rate.sum(), max(spread, 1e-9))
    below = np.cumsum(number) / number.sum()
    return float(np.abs(below - law).max())


def without_correlation(correlations: Array, n_bins: int) -> float:
    """Return the root mean square of what is left of correlations, and of the noise, if none is."""
    known = correlations[~np.isnan(correlations)]
    return math.sqrt(float(np.mean(known**2)) + 1 / n_bins) if len(known) else math.nan
