"""Compare two rasters, statistic by statistic, with halves of the first as the floor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import Progress, single_library_thread
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import active_bins
from stochnet.statistics.table import USUAL_WINDOWS
from stochnet.validation.choice import CLASSIFICATION, DIMENSION, POPULATION, choose
from stochnet.validation.compared import gather
from stochnet.validation.compared.many_nodes import of_classifier, of_dimension
from stochnet.validation.compared.nodewise import statistics_to_compare
from stochnet.validation.compared.pairs_compared import CORRELATIONS
from stochnet.validation.comparison import FitCheck, Source
from stochnet.validation.diagnostics import diagnose
from stochnet.validation.excerpt.excerpt import excerpt
from stochnet.validation.findings import find
from stochnet.validation.fit_checks import check_fit
from stochnet.validation.judging.baseline import KIND, Baseline
from stochnet.validation.judging.baseline import of_nodes as independent
from stochnet.validation.judging.evidence import conclude
from stochnet.validation.judging.fit_error import fit_error
from stochnet.validation.matching import match, per_bin
from stochnet.validation.origin import origin
from stochnet.validation.report import Report
from stochnet.validation.sides import Sides, survey_both


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
    of the means and node by node, at equal size. How large a distance chance makes is drawn from
    random halves of both rasters, and all distances are judged together: if one process made both,
    the probability that any is said to differ is 5 %. Judge a surrogate on trials that it was not
    fitted to (`stochnet.split_trials`), and present every stimulus once.

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
        Names of those to compare, of ``"firing_rate"``, ``"fano_factor"``,
        ``"window_count_law"``, ``"cv_isi"``, ``"cv2"``, ``"lv"``, ``"gap_law"``,
        ``"autocorrelation"``, ``"rate_by_condition"``, ``"selectivity"``, ``"dead"``,
        ``"saturated"``, ``"population_count"``, ``"pairwise_correlation"``,
        ``"signal_correlation"``, ``"noise_correlation"``, ``"cross_layer_correlation"``,
        ``"participation_ratio"`` and ``"classification"``; by default all that both rasters have.
        What is not named is not computed.
    n_pairs : int, default 2000
        Pairs of nodes whose correlation is compared, in the network and in each layer.
    rng : numpy.random.Generator, int or None, default 0
        Draws pairs and halves; as in Scientific Python's SPEC 7.
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
    if n_pairs < 1:
        raise InvalidInputError(f"n_pairs must be at least 1, got {n_pairs}")
    generator = np.random.default_rng(rng)
    # Only the default itself shrinks: the same windows given by the user must fit.
    asked = None if windows is USUAL_WINDOWS else windows
    plan = match(observed, simulated, asked, generator)
    chance = None if plan.groups is None else plan.groups.chance(generator)
    diagnostics = diagnose(observed, simulated, bundle)
    if per_bin(observed, simulated):
        observed, simulated = (
            replace(raster, bin_width=math.nan) for raster in (observed, simulated)
        )
    known = origin(observed, simulated, bundle)
    sides = Sides(observed, simulated, plan, chance, progress, known)
    table = statistics_to_compare(
        plan.windows,
        conditions=observed.n_conditions if plan.conditions else 0,
        bins=min(observed.n_bins, simulated.n_bins),
        length=plan.unit_bins or min(observed.n_bins, simulated.n_bins),
        unit="spikes per bin" if math.isnan(observed.bin_width) else "spikes per second",
    )
    chosen = choose(
        statistics,
        table,
        observed.n_nodes,
        conditions=observed.n_conditions if plan.conditions else 0,
        n_layers=len(observed.layers),
        each=0 if plan.groups is None else plan.groups.each,
    )
    # The figures show firing rates in any case.
    table = tuple(x for x in table if x.name in chosen or x.name == "firing_rate")
    found = survey_both(sides, table, executor, population=POPULATION in chosen)
    pairs = [name for name in CORRELATIONS if name in chosen]
    refitted = bundle or known.bundle(observed)
    if refitted is not None and chance is not None and known.fitted_bins:
        error = fit_error(sides, table, refitted, generator, names=chosen, n_pairs=n_pairs)
        sides = replace(sides, fit_error=error)
    checks: tuple[FitCheck, ...] = ()
    if bundle is not None and plan.windows:
        checks = check_fit(sides, bundle, plan.windows[0], generator)
    active = np.asarray(active_bins(observed) / (observed.n_trials * observed.n_bins))
    base = independent(sides, table, found[0], active, generator)
    evidence = gather.of_nodes(sides, [x for x in table if x.name in chosen], found)
    population = [np.sum(list(x.population.values()), axis=0) for x in found if x.population]
    if POPULATION in chosen:
        evidence += gather.of_population(sides, found, population, active)
    if pairs:
        evidence += gather.of_pairs(sides, pairs, n_pairs, generator)
    if DIMENSION in chosen:
        evidence += of_dimension(sides, active, generator)
    if CLASSIFICATION in chosen:
        evidence += of_classifier(sides, active, generator)
    order = {scope: k for k, (scope, _) in enumerate(sides.scopes)}
    evidence.sort(key=lambda one: order[one.comparison.scope])
    base |= {
        (one.comparison.label, one.comparison.scope): one.baseline
        for one in evidence
        if one.baseline == one.baseline
    }
    compared = [Baseline(base).rate(one) for one in conclude(evidence)]
    width = 1.0 if math.isnan(observed.bin_width) else observed.bin_width
    rates = [side.whole["firing rate"] * width for side in found]
    fanos = next((x for x in table if x.name == "fano_factor"), None)
    nothing = np.full(observed.n_nodes, np.nan)
    shown = [nothing if fanos is None else side.whole[fanos.label] for side in found]
    tuned = next((x.label for x in table if x.name == "selectivity"), None)
    selectivities = None if tuned is None else (found[0].whole[tuned], found[1].whole[tuned])
    node_flags = {x.comparison.label: x.q_values for x in evidence if x.q_values is not None}
    return Report(
        Source.of(observed),
        Source.of(simulated),
        plan.windows,
        observed.layers,
        plan.compared_bins,
        tuple(compared),
        (known.note, *plan.notes),
        excerpt(
            observed,
            simulated,
            (rates[0], rates[1]),
            (shown[0], shown[1]),
            None if fanos is None else fanos.window,
            population,
            selectivities=selectivities,
            q_values=node_flags,
        ),
        findings=find(compared, {k: one.detail for k, one in enumerate(evidence)}),
        held_out=known.held_out,
        checks=checks,
        node_flags=node_flags,
        baseline=KIND,
        diagnostics=diagnostics,
    )
