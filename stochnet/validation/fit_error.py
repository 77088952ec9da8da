"""How much the error of the fit adds to the difference of a surrogate from new trials.

A surrogate differs from a recording by the noise of both, and by the error of its parameters. For a
statistic that the process has as a parameter, such as the rate, that error is as large as the noise
of the trials of the fit; for one that follows from other parameters it is smaller. Which is the case
is seen by doing it again: the process is fitted to the surrogate, and a second surrogate is drawn
from that fit. Where the error is large the second one follows the noise of the first, so that they
are closer to each other than two surrogates of the true parameters and an error of the fit.

For an efficient estimator, with V the variance of the statistic over trials of that number and k V
that of its value under the fit, the squared distance of the two is (2 - k) V in the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle import Bundle
from stochnet.estimation import fit
from stochnet.fits import ProcessFit
from stochnet.raster import SpikeRaster
from stochnet.simulation import simulate
from stochnet.validation.nodewise import NodeStatistic
from stochnet.validation.randomization import Chance
from stochnet.validation.sides import Sides
from stochnet.validation.survey import plan_survey, take
from stochnet.validation.together import take_nodes

# Nodes that are fitted again, and surrogates that are drawn of them.
MOST_NODES, DRAWN = 2000, 2


def second_surrogates(
    simulated: SpikeRaster, bundle: Bundle, rng: np.random.Generator
) -> tuple[SpikeRaster, list[SpikeRaster]]:
    """Fit some nodes of a surrogate as it was fitted itself, and draw them again.

    Returns
    -------
    tuple
        The surrogate of these nodes, and others of the fit to it.
    """
    n = simulated.n_nodes
    nodes = np.arange(n) if n <= MOST_NODES else np.sort(rng.choice(n, MOST_NODES, replace=False))
    first = take_nodes(simulated, nodes)
    fits: list[ProcessFit] = []
    for one in bundle.fits:
        mine = np.flatnonzero(np.isin(nodes, one.node_ids))
        if len(mine):
            again = fit(
                take_nodes(first, mine),
                one.process,
                per_condition=one.n_conditions > 0,
                window=one.window,
            )
            fits.append(replace(again, node_ids=mine))
    network = Bundle(tuple(fits), (), first.n_trials, first.n_bins, first.conditions)
    network = replace(network, bin_width=first.bin_width)
    seeds = rng.integers(2**63, size=DRAWN)
    return first, [simulate(network, seed=int(seed)) for seed in seeds]


def shares(
    sides: Sides,
    table: Sequence[NodeStatistic],
    bundle: Bundle,
    chance: Chance,
    rng: np.random.Generator,
) -> Mapping[str, float]:
    """Return, for each statistic of nodes, its k: from 0, no error of the fit, to 1."""
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return {}
    smooth = [one for one in table if not one.indicator]
    first, others = second_surrogates(sides.simulated, bundle, rng)

    def survey(raster: SpikeRaster) -> dict[str, NDArray[np.float64]]:
        plan = plan_survey(
            raster, smooth, units[1], groups.inside[1], groups.n_strata, population=False
        )
        found = take(plan)
        parts.append(found.parts)
        return found.grouped

    parts: list[dict[str, NDArray[np.float32]]] = []
    base, drawn = survey(first), [survey(other) for other in others]
    found = {}
    for label, values in base.items():
        each = groups.each
        noise = (parts[0][label].astype(np.float64) ** 2).sum(axis=0) * each / (each - 1)
        squares = np.mean([(one[label] - values) ** 2 for one in drawn], axis=0)
        known = ~(np.isnan(noise) | np.isnan(squares))
        total = float(noise[known].sum())
        if total > 0:
            found[label] = float(np.clip(2 - squares[known].sum() / total, 0, 1))
    return found
