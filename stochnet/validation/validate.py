"""Compare two rasters, statistic by statistic, with what chance makes.

A comparison goes through five stages, each with its record: the rasters are *matched* (by what and
in which groups of trials they can be compared), their statistics are *measured*, *weighed* against
what chance makes, and *judged* together; the *report* says what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.errors import entrance
from stochnet.kernels.threads import Progress, single_library_thread
from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.statistics.nodes import active_bins
from stochnet.statistics.table import USUAL_WINDOWS
from stochnet.validation.compared import STATISTICS, Chosen, choose
from stochnet.validation.comparison import Comparison, Finding, FitCheck, Source
from stochnet.validation.excerpt.excerpt import Excerpt, excerpt
from stochnet.validation.findings import find
from stochnet.validation.fit_checks import check_fit
from stochnet.validation.fit_error import measure_fit_error
from stochnet.validation.given_rasters import check_given, covers
from stochnet.validation.inference.evidence import Evidence, conclude
from stochnet.validation.kinds.node_statistic import NodeStatistic, weigh_nodes
from stochnet.validation.kinds.pair_statistic import weigh_pairs
from stochnet.validation.kinds.statistic import BASELINE_SEED, Array, Measured
from stochnet.validation.kinds.survey import plan_survey, survey_both, take
from stochnet.validation.matching import Matched, match
from stochnet.validation.report import Report
from stochnet.validation.sums.sampled_nodes import sample_nodes

KIND = (
    "nodes independent of each other, one rate each, that of the observed recording: no tuning to "
    "conditions, no memory, no correlation. For what that keeps by itself (firing rates, dead and "
    "saturated nodes), all nodes of a layer at its mean rate"
)
MOST_NODES = 2000
# A baseline this close to the floor cannot be told from it, and is no mark to measure by.
CLOSE = 1.1


@single_library_thread()
def validate(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    *,
    windows: Sequence[int] | None = USUAL_WINDOWS,
    statistics: Sequence[str] | None = None,
    n_pairs: int = 2000,
    rng: np.random.Generator | int | None = 0,
    progress: Progress | None = None,
    executor: Executor | None = None,
    bundle: Bundle | None = None,
) -> Report:
    """Compare a simulated raster with an observed one.

    Every statistic is compared over the nodes of the network and of each layer, by the difference
    of the means and node by node, at equal size. How large a distance chance makes is seen by
    exchanging trials between both rasters, and all distances are judged together: if one process
    made both, the probability that any is told apart is at most 5 %. With fewer than five trials in
    a raster (of several conditions three, or two, of each) there is no verdict. Judge a surrogate
    on trials that it was not fitted to (`stochnet.split_trials`), and present every stimulus once.

    Parameters
    ----------
    observed : SpikeRaster
        The recording; its halves are the floor.
    simulated : SpikeRaster
        The surrogate: the same layers; sizes, schedule and conditions may differ, and bits may
        stand against counts.
    windows : sequence of int, default (10, 100)
        Bins per window of the Fano factors. The default leaves out those that do not fit.
    statistics : sequence of str, optional
        Names of those to compare, for example ``"firing_rate"`` and ``"fano_factor"``: see the
        page on validating, or any report; by default all that both rasters have. What is not named
        is not computed.
    n_pairs : int, default 2000
        Pairs of nodes whose correlation is compared, in the network and in each layer.
    rng : numpy.random.Generator, int or None, default 0
        Draws pairs and exchanges; as in Scientific Python's SPEC 7.
    progress : callable, optional
        Called with (what, done, total).
    executor : concurrent.futures.Executor, optional
        Computes the statistics of blocks of nodes, as for `stochnet.fit`; the report is the same.
    bundle : Bundle, optional
        What the surrogate was drawn from. Its laws of window counts are checked, and the error of
        its fit is measured by fitting some nodes of the surrogate again. Without it the error is
        measured for surrogates whose provenance names one process for all nodes; for others it is
        taken as large as it can be.

    Returns
    -------
    Report

    Raises
    ------
    InvalidInputError
        Other nodes or layers, a given window that does not fit both rasters twice, or a name of
        no statistic, or of one that these rasters do not have.

    Notes
    -----
    Memory is bounded by blocks of nodes beside one number per node, statistic and group (at most 48
    groups, and 24 for more than 20,000 nodes), and the nodes of the sampled pairs.

    """
    observed, simulated = check_given(observed, simulated, bundle, progress, executor)
    # Only the default itself shrinks: the same windows given by the user must fit.
    usual = windows is None or windows is USUAL_WINDOWS
    matched = match(
        observed,
        simulated,
        None if usual else entrance.items("windows", windows, "windows, in bins"),
        bundle=bundle,
        n_pairs=n_pairs,
        rng=entrance.generator(rng),
        progress=progress,
    )
    chosen = choose(statistics, matched)
    measured = measure(matched, chosen, bundle, executor)
    weighed = weigh(matched, chosen, measured)
    judged = judge(weighed)
    return report(matched, chosen, measured, judged)


def measure(
    matched: Matched, chosen: Chosen, bundle: Bundle | None, executor: Executor | None
) -> Measured:
    """Compute the statistics of nodes of both rasters, and measure the error of the fit."""
    observed = matched.observed
    population = any(one.population for one in chosen.network)
    found = survey_both(matched, chosen.surveyed, executor, population=population)
    fit_error = measure_fit_error(matched, chosen, bundle)
    checks: tuple[FitCheck, ...] = ()
    if bundle is not None and matched.windows and covers(bundle, observed):
        checks = check_fit(matched, bundle, matched.windows[0])
    return Measured(
        found.values,
        found.by_stratum,
        np.asarray(active_bins(observed) / (observed.n_trials * observed.n_bins)),
        fit_error,
        checks,
    )


@dataclass(frozen=True, eq=False, slots=True)
class Weighed:
    """Statistics beside what chance makes of them, and beside the independent baseline.

    Attributes
    ----------
    evidence : list of Evidence
        Those of the network, then those of each layer.
    baseline : dict of (label, scope) to float
        Distances of the independent baseline.
    """

    evidence: list[Evidence]
    baseline: dict[tuple[str, str | None], float]


def weigh(matched: Matched, chosen: Chosen, measured: Measured) -> Weighed:
    """Weigh what was measured, and measure what is weighed pair by pair or all at once."""
    baseline = node_baseline(matched, measured, chosen.surveyed)
    evidence = weigh_nodes(matched, measured, chosen.nodes)
    evidence += weigh_pairs(matched, measured, chosen.pairs)
    for one in chosen.network:
        evidence += one.weigh(matched, measured)
    place = {scope: k for k, (scope, _) in enumerate(matched.scopes)}
    evidence.sort(
        key=lambda one: (place[one.comparison.scope], STATISTICS[one.comparison.statistic].order)
    )
    for weighed in evidence:
        if not np.isnan(weighed.baseline):
            baseline[weighed.comparison.label, weighed.comparison.scope] = weighed.baseline
    return Weighed(evidence, baseline)


def node_baseline(
    matched: Matched, measured: Measured, statistics: Sequence[NodeStatistic]
) -> dict[tuple[str, str | None], float]:
    """Return the distance of independent nodes from the observed raster, by label and scope.

    Where there are many nodes some are drawn. Root mean square differences over nodes.
    """
    groups, source, rate = matched.groups[0], matched.observed, measured.active
    if groups is None:
        return {}
    nodes = sample_nodes(0, len(rate), matched.rng, MOST_NODES)
    network = Bundle.from_params(
        "bernoulli", {"p": rate[nodes]}, conditions=source.conditions, bin_width=source.bin_width
    )
    drawn = simulate(network, source.n_trials, source.n_bins, seed=BASELINE_SEED)
    drawn = replace(drawn, layers=(Layer("nodes", "nodes", (len(nodes),), 0, len(nodes)),))
    independent = take(plan_survey([drawn], statistics, [groups])).values[0].grouped
    alike = np.concatenate([np.full(x.n_nodes, rate[x.nodes].mean()) for x in source.layers])
    distances = {}
    for one in statistics:
        if one.label not in independent:
            continue
        other = independent[one.label]
        if one.of_active is not None:
            other = one.of_active(alike[nodes], matched.bin_seconds)
        gap = measured.values[0].grouped[one.label][nodes] - other
        for scope, inside in matched.scopes:
            mine = (nodes >= inside.start) & (nodes < inside.stop)
            squares = (gap[mine] ** 2).ravel()
            if (~np.isnan(squares)).any():
                distances[one.label, scope] = float(np.sqrt(np.nanmean(squares)))
    return distances


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """Comparisons with their verdicts, and what follows from them.

    Attributes
    ----------
    comparisons : tuple of Comparison
    findings : tuple of Finding
        What differs, the largest first.
    node_flags : dict of label to ndarray (node,)
        As in `Report`.
    """

    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    node_flags: dict[str, Array]


def judge(weighed: Weighed) -> Judged:
    """Judge all evidence together."""
    evidence = weighed.evidence
    comparisons = tuple(
        with_quality(one, weighed.baseline.get((one.label, one.scope), np.nan))
        for one in conclude(evidence)
    )
    return Judged(
        comparisons,
        find(comparisons, [one.detail for one in evidence]),
        {x.comparison.label: x.q_values for x in evidence if x.q_values is not None},
    )


def with_quality(one: Comparison, baseline: float) -> Comparison:
    """Return a comparison with its quality: 0 at the distance of the baseline, 1 at the floor."""
    if not one.distances or math.isnan(baseline):
        return one
    main = one.distances[-1]
    if baseline <= CLOSE * main.floor or main.limit >= baseline:
        # The baseline is as good as can be, and so is what cannot be told from it.
        quality = 1.0 if main.within else min(1.0, main.floor / main.value)
    else:
        quality = (baseline - main.value) / (baseline - main.floor)
    return replace(one, baseline=baseline, quality=min(1.0, max(0.0, quality)))


def report(matched: Matched, chosen: Chosen, measured: Measured, judged: Judged) -> Report:
    """Put everything together, with the material of the figures."""
    return Report(
        observed=Source.of(matched.observed),
        simulated=Source.of(matched.simulated),
        windows=matched.windows,
        layers=matched.observed.layers,
        compared_bins=matched.compared_bins,
        statistics=judged.comparisons,
        notes=matched.notes,
        excerpt=_excerpt(matched, chosen, measured, judged),
        diagnostics=matched.diagnostics,
        baseline=KIND,
        findings=judged.findings,
        held_out=matched.fit.held_out,
        checks=measured.checks,
        node_flags=judged.node_flags,
    )


def _excerpt(matched: Matched, chosen: Chosen, measured: Measured, judged: Judged) -> Excerpt:
    """Collect the material of the figures: rates, and Fano factors and selectivities if known."""
    missing = np.full(matched.observed.n_nodes, np.nan)
    first = {one.name: one for one in reversed(chosen.surveyed)}

    def both(name: str) -> tuple[Array, Array]:
        label = first[name].label if name in first else ""
        observed, simulated = (one.whole.get(label, missing) for one in measured.values)
        return observed, simulated

    observed, simulated = both("firing_rate")
    return excerpt(
        matched.observed,
        matched.simulated,
        rates=(observed * matched.bin_seconds, simulated * matched.bin_seconds),
        fanos=both("fano_factor"),
        window=first["fano_factor"].window if "fano_factor" in first else None,
        population=[one.population() for one in measured.values if one.active_nodes],
        selectivities=both("selectivity"),
        q_values=judged.node_flags,
    )
