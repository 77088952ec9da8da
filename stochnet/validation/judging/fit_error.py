"""How much the error of the fit adds to the difference of a surrogate from new trials.

A surrogate differs from a recording by the noise of both, and by the error of its parameters. For a
statistic that the process has as a parameter, such as the rate, that error is as large as the noise
of the trials of the fit; for one that follows from other parameters it is smaller. Which of the two
is seen by doing it again: the process is fitted to the surrogate, and a second surrogate is drawn
from that fit. Where the error is large the second one follows the noise of the first, so that they
are closer to each other than two surrogates of the true parameters and an error of the fit.

For an efficient estimator, with V the variance of the statistic over trials of that number and k V
that of its value under the fit, the squared distance of the two is (2 - k) V in the mean. What the
second one has more in the mean over nodes is the bias of the fit, which shrinks with its length.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit
from stochnet.estimation.fit import fit
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.statistics.pairs import sample_pairs
from stochnet.validation.choice import ACROSS, CLASSIFICATION, DIMENSION, PAIRS
from stochnet.validation.compared.classifier import LABEL as CLASSIFIER_LABEL
from stochnet.validation.compared.classifier import NODES, most_bins, transfer
from stochnet.validation.compared.dimension import LABEL as DIMENSION_LABEL
from stochnet.validation.compared.dimension import participation_by_groups
from stochnet.validation.compared.nodewise import NodeStatistic
from stochnet.validation.compared.pairs_compared import CORRELATIONS, LABELS, pair_correlations
from stochnet.validation.compared.together import take_nodes
from stochnet.validation.sides import FitError, Sides
from stochnet.validation.sums.bits import bits_of_groups, sample_nodes
from stochnet.validation.sums.survey import Findings, plan_survey, take

Array = NDArray[np.float64]
Pair = tuple[Array, NDArray[np.float32]]
Scoped = Sequence[tuple[str | None, NDArray[np.bool_]]]

PAIR_LABEL = LABELS[PAIRS]

# Nodes that are fitted again, and surrogates that are drawn of them.
MOST_NODES, DRAWN = 2000, 3
# Fits whose surrogates train a classifier, to measure its bias.
REPEATED = 5


def second_surrogates(
    simulated: SpikeRaster, bundle: Bundle, rng: np.random.Generator
) -> tuple[NDArray[np.int64], SpikeRaster, list[SpikeRaster]]:
    """Fit some nodes of a surrogate as it was fitted itself, and draw them again.

    Returns
    -------
    tuple
        The nodes, the surrogate of these, and others of the fit to it.
    """
    n = simulated.n_nodes
    nodes = np.arange(n) if n <= MOST_NODES else np.sort(rng.choice(n, MOST_NODES, replace=False))
    first = take_nodes(simulated, nodes)
    network = fit_again(first, nodes, bundle)
    seeds = rng.integers(2**63, size=DRAWN)
    return nodes, first, [simulate(network, seed=int(seed)) for seed in seeds]


def fit_again(first: SpikeRaster, nodes: NDArray[np.int64], bundle: Bundle) -> Bundle:
    """Fit a raster of some nodes of a bundle as these were fitted."""
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
    return replace(network, bin_width=first.bin_width)


def fit_error(
    sides: Sides,
    table: Sequence[NodeStatistic],
    bundle: Bundle,
    rng: np.random.Generator,
    *,
    names: Collection[str],
    n_pairs: int,
) -> FitError:
    """Measure the error of the fit of a surrogate, for statistics of nodes and of pairs of them.

    Parameters
    ----------
    sides : Sides
    table : sequence of NodeStatistic
    bundle : Bundle
        Its processes; their parameters do not matter.
    rng : numpy.random.Generator
    names : collection of str
        Of the statistics that are compared.
    n_pairs : int
        Pairs in each scope.
    """
    # Nodes are fitted again one by one: that says nothing of correlations that are fitted too.
    correlated = bundle.latents is not None or sides.origin.correlated
    inner = [name for name in CORRELATIONS if name in names and name != ACROSS and not correlated]
    # The error of a correlation does not ask in which layers the nodes are.
    if ACROSS in names and PAIRS not in inner and not correlated:
        inner.append(PAIRS)
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return FitError()
    inside, n_strata = groups.inside[1], groups.n_strata
    smooth = [one for one in table if not one.indicator]
    nodes, first, others = second_surrogates(sides.simulated, bundle, rng)
    share: dict[str, float] = {}
    shift: dict[tuple[str, str | None], tuple[float, float]] = {}

    def add(label: str, base: Pair, again: Sequence[Array], scopes: Scoped) -> None:
        values, parts = base
        squares = np.mean([(one - values) ** 2 for one in again], axis=0)
        noise = (parts.astype(np.float64) ** 2).sum(axis=0) * groups.each / (groups.each - 1)
        known = ~(np.isnan(noise) | np.isnan(squares))
        # The first scope is the network, or pairs all over it.
        if label not in share and noise[known].sum() > 0:
            share[label] = float(np.clip(2 - squares[known].sum() / noise[known].sum(), 0, 1))
        for scope, mine in scopes:
            used = known & mine.reshape(mine.shape + (1,) * (known.ndim - mine.ndim))
            if not used.any():
                continue
            own = parts[:, used].mean(axis=1, dtype=np.float64)
            variance = float((own**2).sum()) * groups.each / (groups.each - 1)
            gap = float(np.mean([one[used].mean() for one in again]) - values[used].mean())
            kept = 1 - share.get(label, 0.0)
            shift[label, scope] = gap, math.sqrt(variance * (kept + 1 / len(again)))

    def survey(raster: SpikeRaster) -> Findings:
        return take(plan_survey(raster, smooth, units[1], inside, n_strata, population=False))

    base, drawn = survey(first), [survey(other) for other in others]
    scoped = [(scope, (nodes >= x.start) & (nodes < x.stop)) for scope, x in sides.scopes]
    for label, values in base.grouped.items():
        again = [one.grouped[label] for one in drawn]
        add(label, (values, base.parts[label]), again, scoped)
    for scope, mine in scoped if inner else []:
        if mine.sum() > 1:
            rows = np.flatnonzero(mine)
            a, b = (rows[side] for side in sample_pairs(len(rows), n_pairs, rng=rng))
            one, *more = (
                pair_correlations(raster, units[1], inside, n_strata, a, b, inner)
                for raster in (first, *others)
            )
            everywhere = [(scope, np.ones(len(a), np.bool_))]
            for name, found in one.items():
                again = [other[name].grouped for other in more]
                add(LABELS[name], (found.grouped, found.parts), again, everywhere)
    if PAIR_LABEL in share:
        share[LABELS[ACROSS]] = share[PAIR_LABEL]
    if DIMENSION in names and not correlated:
        for scope, mine in scoped:
            if mine.sum() > 1:
                rows = np.flatnonzero(mine)
                shift[DIMENSION_LABEL, scope] = dimension_bias(sides, (first, *others), rows, rng)
    if CLASSIFICATION in names:
        shift[CLASSIFIER_LABEL, None] = fit_bias(sides, bundle, nodes, others[0], rng)
    return FitError(share, shift)


def dimension_bias(
    sides: Sides, rasters: Sequence[SpikeRaster], rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[float, float]:
    """Return how much larger the participation ratio is after another fit, and the error of it.

    Errors of rates under conditions look like tuning in directions of their own.

    Parameters
    ----------
    sides : Sides
    rasters : sequence of SpikeRaster
        A surrogate, and others of a fit to it.
    rows : ndarray of int64 (node,)
        Nodes of a scope in them.
    rng : numpy.random.Generator
    """
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return 0.0, 0.0
    nodes = rows[sample_nodes(0, len(rows), rng)]
    (base, parts), *again = (
        participation_by_groups(
            bits_of_groups(one, nodes, units[1], groups.inside[1], rng), groups.n_strata
        )
        for one in rasters
    )
    gap = float(np.mean([value for value, _ in again]) - base)
    variance = float((parts**2).sum()) * groups.each / (groups.each - 1)
    if math.isnan(gap) or math.isnan(variance):
        return 0.0, 0.0
    # It is no mean over nodes, and shrinks with the length of the fit only about as one over it.
    return gap, math.hypot(gap, math.sqrt(variance * (1 + 1 / len(again))))


def fit_bias(
    sides: Sides,
    bundle: Bundle,
    nodes: NDArray[np.int64],
    drawn: SpikeRaster,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return how much better a classifier is trained on a surrogate of a fit, and the error of it.

    Errors of the fit make a surrogate a worse teacher than as many trials of the truth. A raster is
    taken for the truth: it is fitted, drawn, fitted again, and a surrogate of that fit stands
    against new trials, or against the trials of the fit if those are judged.

    Parameters
    ----------
    sides : Sides
    bundle : Bundle
        Its processes; their parameters do not matter.
    nodes : ndarray of int64 (node,)
        Of the bundle, those of the raster.
    drawn : SpikeRaster
    rng : numpy.random.Generator
    """
    groups, units = sides.plan.groups, sides.plan.units
    if groups is None or units is None:
        return 0.0, 0.0
    chosen = sample_nodes(0, len(nodes), rng, NODES)
    known = nodes[chosen]
    truth = fit_again(take_nodes(drawn, chosen), known, bundle)
    classes = sides.simulated.n_conditions
    rows, unit, inside = np.arange(len(chosen)), units[1], groups.inside[1]

    def draw(network: Bundle) -> SpikeRaster:
        return simulate(network, seed=int(rng.integers(2**63)))

    gaps = []
    for _ in range(REPEATED):
        training = draw(truth)
        surrogate = draw(fit_again(training, known, bundle))
        judged = training if sides.origin.held_out is False else draw(truth)
        first, second = (
            bits_of_groups(one, rows, unit, inside, rng, most_bins(classes))
            for one in (judged, surrogate)
        )
        gaps.append(transfer(first, second, groups.n_strata, classes, parts=False).gap)
    return float(np.mean(gaps)), float(np.std(gaps, ddof=1)) / math.sqrt(REPEATED)
