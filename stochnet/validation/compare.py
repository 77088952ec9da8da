"""Compare two rasters, statistic by statistic, with halves of the first as the floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.coactivity import sample_pairs
from stochnet.errors import InvalidInputError
from stochnet.layers import Layer
from stochnet.raster import SpikeRaster
from stochnet.table import USUAL_WINDOWS
from stochnet.threads import Progress
from stochnet.validation.comparison import Comparison, distances, moments
from stochnet.validation.excerpt import excerpt
from stochnet.validation.matching import Match, match, per_bin
from stochnet.validation.nodewise import NodeStatistic, halves_of, statistics_to_compare
from stochnet.validation.outcome import Report, Source
from stochnet.validation.together import pair_correlations, population_by_layer, population_halves

Index = NDArray[np.int64]
Scopes = tuple[tuple[str | None, slice], ...]


def validate(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    *,
    windows: Sequence[int] | None = USUAL_WINDOWS,
    n_pairs: int = 2000,
    rng: np.random.Generator | int | None = 0,
    progress: Progress | None = None,
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
    n_pairs : int, default 2000
        Pairs of nodes whose correlation is compared, in the network and in each layer.
    rng : numpy.random.Generator, int or None, default 0
        Draws pairs and halves; as in Scientific Python's SPEC 7.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    Report

    Raises
    ------
    InvalidInputError
        Other nodes or layers, or a given window that does not fit both rasters twice.

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
    compared, values = compare_nodes(sides, table)
    together, population = compare_population(sides)
    compared += together + compare_pairs(sides, n_pairs, generator)
    order = {scope: k for k, (scope, _) in enumerate(sides.scopes)}
    fanos = [values[s.label] for s in table if s.name == "fano_factor"]
    width = 1.0 if math.isnan(observed.bin_width) else observed.bin_width
    nothing = np.full(observed.n_nodes, np.nan)
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
            (values["firing rate"][0] * width, values["firing rate"][1] * width),
            fanos[0] if fanos else (nothing, nothing),
            plan.windows[0] if fanos else None,
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


Both = tuple[NDArray[np.float64], NDArray[np.float64]]


def compare_nodes(
    sides: Sides, table: Sequence[NodeStatistic]
) -> tuple[list[Comparison], dict[str, Both]]:
    """Compare the statistics of nodes; also return them, (node, …), for both rasters."""
    values: dict[str, Both] = {}
    for k, one in enumerate(table):
        sides.say("comparing nodes", k, len(table))
        pair = [np.asarray(one.of_raster(raster), np.float64) for raster in sides.rasters]
        values[one.label] = (pair[0], pair[1])
    sides.say("comparing nodes", len(table), len(table))
    halves = _node_halves(sides, table)
    found = []
    for k, (scope, nodes) in enumerate(sides.scopes):
        for one in table:
            observed, simulated = (side[nodes] for side in values[one.label])
            known = ~(np.isnan(observed) | np.isnan(simulated))
            both = [side[one.label][:, nodes] for side in halves if one.label in side]
            found.append(
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
                    distances(both[0], both[1], indicator=one.indicator) if len(both) == 2 else (),
                )
            )
        sides.say("comparing laws", k + 1, len(sides.scopes))
    return found, values


def _node_halves(
    sides: Sides, table: Sequence[NodeStatistic]
) -> list[dict[str, NDArray[np.float32]]]:
    units, total = sides.plan.units, 2 * sides.observed.n_nodes
    if units is None:
        return []

    def teller(before: int) -> Callable[[int], None]:
        return lambda done: sides.say("splitting into halves", before + done, total)

    befores = (0, sides.observed.n_nodes)
    return [
        halves_of(raster, unit, weights, table, teller(before))
        for raster, unit, weights, before in zip(
            sides.rasters, units, sides.plan.weights, befores, strict=True
        )
    ]


def compare_population(sides: Sides) -> tuple[list[Comparison], list[Index]]:
    """Compare the law of the number of active nodes per bin; also return it for the network."""
    layers = [population_by_layer(raster) for raster in sides.rasters]
    whole = [np.sum(list(side.values()), axis=0) for side in layers]
    units = sides.plan.units
    found = []
    for scope, _ in sides.scopes:
        counts = whole if scope is None else [side[scope] for side in layers]
        halves = [] if units is None else [
            population_halves(count, unit, weights)
            for count, unit, weights in zip(counts, units, sides.plan.weights, strict=True)
        ]  # fmt: skip
        found.append(
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
    return found, whole


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
