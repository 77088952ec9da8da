"""Compare two rasters, statistic by statistic, with halves of the first as the floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.coactivity import sample_pairs
from stochnet.errors import InvalidInputError
from stochnet.layers import Layer
from stochnet.raster import SpikeRaster
from stochnet.table import USUAL_WINDOWS
from stochnet.threads import Progress
from stochnet.validation.choice import PAIRS, POPULATION, choose
from stochnet.validation.comparison import Comparison, distances, moments
from stochnet.validation.excerpt import excerpt
from stochnet.validation.matching import Match, match, per_bin
from stochnet.validation.nodewise import NodeStatistic, statistics_to_compare
from stochnet.validation.outcome import Report, Source
from stochnet.validation.survey import Findings, plan_survey, take
from stochnet.validation.together import pair_correlations, population_halves

Index = NDArray[np.int64]
Scopes = tuple[tuple[str | None, slice], ...]


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
) -> Report:
    """Compare a simulated raster with an observed one.

    Every statistic is compared over the nodes of the network and of each layer, by two distances:
    between the two values of a node, and between the laws over nodes. The floor is the same
    distance between two halves of the observed raster; the distances are taken between halves of
    the same size, so that they compare (see `stochnet.validation.comparison`). Judge a surrogate
    on trials that it was not fitted to, and present every stimulus once: see the notes of the
    report.

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
        Names of those to compare, of ``"firing_rate"``, ``"fano_factor"``, ``"cv_isi"``,
        ``"autocorrelation"``, ``"rate_by_condition"``, ``"dead"``, ``"saturated"``,
        ``"population_count"`` and ``"pairwise_correlation"``; by default all that both rasters
        have. What is not named is not computed.
    n_pairs : int, default 2000
        Pairs of nodes whose correlation is compared, in the network and in each layer.
    rng : numpy.random.Generator, int or None, default 0
        Draws pairs and halves; as in Scientific Python's SPEC 7.
    progress : callable, optional
        Called with (what, done, total).
    executor : concurrent.futures.Executor, optional
        Computes the statistics of blocks of nodes, as for `stochnet.fit`; the report is the same.

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
    Memory is bounded by blocks of nodes beside one number per node, statistic and half (there are
    20 halves), and the nodes of the sampled pairs.
    """
    if n_pairs < 1:
        raise InvalidInputError(f"n_pairs must be at least 1, got {n_pairs}")
    generator = np.random.default_rng(rng)
    # Only the default itself shrinks: the same windows given by the user must fit.
    asked = None if windows is USUAL_WINDOWS else windows
    plan = match(observed, simulated, asked, generator)
    if per_bin(observed, simulated):
        observed, simulated = (
            replace(raster, bin_width=math.nan) for raster in (observed, simulated)
        )
    sides = Sides(observed, simulated, plan, progress)
    table = statistics_to_compare(
        plan.windows,
        conditions=plan.conditions,
        bins=min(observed.n_bins, simulated.n_bins),
        unit="spikes per bin" if math.isnan(observed.bin_width) else "spikes per second",
    )
    chosen = choose(statistics, table, observed.n_nodes)
    # The figures show firing rates in any case.
    table = tuple(x for x in table if x.name in chosen or x.name == "firing_rate")
    found = survey_both(sides, table, executor, population=POPULATION in chosen)
    compared = compare_nodes(sides, [x for x in table if x.name in chosen], found)
    population = [np.sum(list(x.population.values()), axis=0) for x in found if x.population]
    if POPULATION in chosen:
        compared += compare_population(sides, found, population)
    if PAIRS in chosen:
        compared += compare_pairs(sides, n_pairs, generator)
    order = {scope: k for k, (scope, _) in enumerate(sides.scopes)}
    width = 1.0 if math.isnan(observed.bin_width) else observed.bin_width
    rates = [side.whole["firing rate"] * width for side in found]
    fanos = next((x for x in table if x.name == "fano_factor"), None)
    nothing = np.full(observed.n_nodes, np.nan)
    shown = [nothing if fanos is None else side.whole[fanos.label] for side in found]
    return Report(
        Source.of(observed),
        Source.of(simulated),
        plan.windows,
        observed.layers,
        plan.half_bins,
        tuple(sorted(compared, key=lambda one: order[one.scope])),
        plan.notes,
        excerpt(
            observed,
            simulated,
            (rates[0], rates[1]),
            (shown[0], shown[1]),
            None if fanos is None else fanos.window,
            population,
        ),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """The two rasters, how they are compared, and whom to tell."""

    observed: SpikeRaster
    simulated: SpikeRaster
    plan: Match
    progress: Progress | None

    @property
    def rasters(self) -> tuple[SpikeRaster, SpikeRaster]:
        """Observed and simulated."""
        return self.observed, self.simulated

    @property
    def scopes(self) -> Scopes:
        """The network, and the layers unless there is only one: name and nodes."""
        layers: tuple[Layer, ...] = self.observed.layers
        whole: Scopes = ((None, slice(0, self.observed.n_nodes)),)
        return whole + tuple((x.name, x.nodes) for x in layers if len(layers) > 1)

    def say(self, what: str, done: int, total: int) -> None:
        """Report progress, if anyone listens."""
        if self.progress is not None:
            self.progress(what, done, total)


def survey_both(
    sides: Sides,
    table: Sequence[NodeStatistic],
    executor: Executor | None = None,
    *,
    population: bool,
) -> tuple[Findings, Findings]:
    """Compute the statistics of nodes of both rasters, whole and in halves."""
    n_nodes = sides.observed.n_nodes

    def teller(before: int) -> Callable[[int], None]:
        return lambda done: sides.say("reading nodes", before + done, 2 * n_nodes)

    all_units = sides.plan.units or (None, None)
    surveys = [
        plan_survey(raster, table, units, weights, population=population)
        for raster, units, weights in zip(sides.rasters, all_units, sides.plan.weights, strict=True)
    ]
    return take(surveys[0], teller(0), executor), take(surveys[1], teller(n_nodes), executor)


def compare_nodes(
    sides: Sides, table: Sequence[NodeStatistic], found: tuple[Findings, Findings]
) -> list[Comparison]:
    """Compare the statistics of nodes, in the network and in each layer."""
    compared = []
    for k, (scope, nodes) in enumerate(sides.scopes):
        for one in table:
            observed, simulated = (side.whole[one.label][nodes] for side in found)
            known = ~(np.isnan(observed) | np.isnan(simulated))
            cut = [x.halves[one.label][:, nodes] for x in found if one.label in x.halves]
            compared.append(
                Comparison(
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
                    distances(cut[0], cut[1], indicator=one.indicator) if len(cut) == 2 else (),
                )
            )
        sides.say("comparing laws", k + 1, len(sides.scopes))
    return compared


def compare_population(
    sides: Sides, found: tuple[Findings, Findings], whole: Sequence[Index]
) -> list[Comparison]:
    """Compare the law of the number of active nodes per bin: whole (raster, trial, bin)."""
    units = sides.plan.units
    compared = []
    for scope, _ in sides.scopes:
        counts = whole if scope is None else [side.population[scope] for side in found]
        halves = [] if units is None else [
            population_halves(count, unit, weights)
            for count, unit, weights in zip(counts, units, sides.plan.weights, strict=True)
        ]  # fmt: skip
        compared.append(
            Comparison(
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
                distances(halves[0], halves[1], paired=False) if halves else (),
            )
        )
    return compared


def compare_pairs(sides: Sides, n_pairs: int, rng: np.random.Generator) -> list[Comparison]:
    """Compare the correlations of sampled pairs, in the network and within each layer."""
    found = []
    for k, (scope, nodes) in enumerate(sides.scopes):
        n_nodes = nodes.stop - nodes.start
        sides.say("comparing pairs", k, len(sides.scopes))
        if n_nodes > 1:
            first, second = (nodes.start + side for side in sample_pairs(n_nodes, n_pairs, rng=rng))
            whole, halves = [], []
            for raster, unit, weights in zip(
                sides.rasters, sides.plan.units or (None, None), sides.plan.weights, strict=True
            ):
                one, cut = pair_correlations(raster, unit, weights, first, second)
                whole.append(one)
                halves += [] if cut is None else [cut]
            known = ~(np.isnan(whole[0]) | np.isnan(whole[1]))
            found.append(
                Comparison(
                    "pairwise_correlation",
                    "pairwise correlation",
                    scope,
                    None,
                    "1",
                    "pairs",
                    int(known.sum()),
                    int(known.size - known.sum()),
                    moments(whole[0]),
                    moments(whole[1]),
                    distances(halves[0], halves[1]) if halves else (),
                )
            )
    sides.say("comparing pairs", len(sides.scopes), len(sides.scopes))
    return found
