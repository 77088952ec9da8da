"""Statistics with a value for every node, from exact sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.inference.evidence import Evidence, node_q_values, weigh_indicator
from stochnet.validation.kinds.statistic import Array, Measured, Statistic
from stochnet.validation.matching import Matched
from stochnet.validation.sums.totals import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatistic(Statistic):
    """A statistic of nodes.

    Attributes
    ----------
    sums : str
        The attribute of `Totals` that it needs; gaps have as many thresholds as `sized` says.
    values : callable
        ``Totals -> (set, node, …)``, or ``(Totals, window)`` where it has windows; NaN where a set
        does not have it.
    enough : callable or None
        ``Totals -> (set, node)``, whether so little noise can be judged from what a node does;
        where it cannot, the node is shown and not judged.
    windowed, per_second, by_condition, indicator, by_mean : bool
        Whether it is taken for each window; is divided by the width of a bin, where there is one;
        has one value for each condition, from its bins alone; is 0 or 1; is judged by its mean
        only, because single nodes are too uneven.
    sized : callable or None
        ``Matched, window -> tuple of int``, the shape of the values of one node.
    shares_of : callable or None
        ``Matched, window -> float``, of how many bins or windows of a raster its values are shares.
    of_active : callable or None
        Its values for nodes that are active in some part of the bins, with the width of a bin: of
        what nodes that differ in nothing but their rate keep by themselves.
    says : callable or None
        What a finding says beside the size, from the values of both rasters.
    shape : tuple of int
        Of the values of one node; see `variants`.
    """

    sums: str
    values: Callable[..., NDArray[Any]]
    over: str = "nodes"
    enough: Callable[[Totals], NDArray[np.bool_]] | None = None
    windowed: bool = False
    per_second: bool = False
    by_condition: bool = False
    indicator: bool = False
    by_mean: bool = False
    sized: Callable[[Matched, int], tuple[int, ...]] | None = None
    shares_of: Callable[[Matched, int], float] | None = None
    of_active: Callable[[Array, float], Array] | None = None
    says: Callable[[Array, Array], str] | None = None
    shape: tuple[int, ...] = ()

    def variants(self, matched: Matched) -> list[NodeStatistic]:
        """Return the statistic as two rasters have it: its unit and shape, once for each window."""
        unit = self.unit
        if self.per_second and not math.isnan(matched.observed.bin_width):
            unit = unit.replace("per bin", "per second")
        if not self.windowed:
            shape = self.sized(matched, 0) if self.sized else ()
            return [replace(self, unit=unit, shape=shape)]
        return [
            replace(
                self,
                label=f"{self.label} ({window} bin{'s' if window > 1 else ''})",
                window=window,
                shape=self.sized(matched, window) if self.sized else (),
            )
            for window in matched.windows
        ]

    def of(self, totals: Totals) -> NDArray[Any]:
        """Compute the values of every set: (set, node, …)."""
        return self.values(totals) if self.window is None else self.values(totals, self.window)


def bins_of_bits(matched: Matched) -> float:
    """Return of how many bins a rate per bin is a share; NaN where bins hold counts."""
    counts = any(raster.kind == "counts" for raster in matched.rasters)
    return math.nan if counts else float(matched.compared_bins)


def weigh_nodes(
    matched: Matched, measured: Measured, statistics: Sequence[NodeStatistic]
) -> list[Evidence]:
    """Weigh statistics of nodes in the network and in each layer."""
    evidence = []
    for k, (scope, nodes) in enumerate(matched.scopes):
        evidence += [_weigh(one, scope, nodes, matched, measured) for one in statistics]
        matched.say("comparing laws", k + 1, len(matched.scopes))
    return evidence


def _weigh(
    one: NodeStatistic, scope: str | None, nodes: slice, matched: Matched, measured: Measured
) -> Evidence:
    values, resampling = measured.values, matched.resampling
    comparison = one.compare(scope, *(raster.whole[one.label][nodes] for raster in values))
    if resampling is None or any(one.label not in raster.influence for raster in values):
        return Evidence(comparison)
    grouped = [raster.grouped[one.label][nodes] for raster in values]
    influence = [raster.influence[one.label][:, nodes] for raster in values]
    if one.indicator:
        return weigh_indicator(comparison, grouped, influence, resampling.randomization)
    weighed = one.weigh_values(
        comparison,
        grouped,
        influence,
        matched,
        measured,
        strata=1 if one.by_condition and resampling.by_condition else None,
        by_mean=one.by_mean,
    )
    q_values = None
    if scope is None:
        q_values = node_q_values(
            grouped,
            influence,
            n_strata=resampling.n_strata,
            inflation=weighed.inflation,
            n_bins=one.shares_of(matched, one.window or 0) if one.shares_of else math.nan,
        )
    says = one.says(grouped[0], grouped[1]) if one.says else ""
    return replace(weighed, q_values=q_values, detail=says)
