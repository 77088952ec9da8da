"""Statistics with a value for every node, from exact sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.inference.evidence import (
    Evidence,
    node_q_values,
    weigh_indicator,
    weigh_profile,
)
from stochnet.validation.kinds.statistic import Array, Measured, Statistic, no_verdict
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
    windowed, per_second, indicator, by_mean, profile : bool
        Whether it is taken for each window; is divided by the width of a bin, where there is one;
        is 0 or 1; is judged by its mean only, because single nodes are too uneven; is judged by its
        means over nodes, too, at each of its values.
    sized : callable or None
        ``Matched, window -> tuple of int``, the shape of the values of one node.
    noise : callable or None
        ``Matched, window, ndarray -> ndarray``, the variance of values of a raster, of independent
        bins with the mean values of both. Without it single nodes are not judged: their own groups
        do not tell it well enough.
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
    indicator: bool = False
    by_mean: bool = False
    profile: bool = False
    sized: Callable[[Matched, int], tuple[int, ...]] | None = None
    noise: Callable[[Matched, int, Array], Array] | None = None
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


def share_noise(share: Array, n: float) -> Array:
    """Return the variance of shares of n bins (windows), with one more of either kind in both."""
    share = (2 * n * share + 1) / (2 * n + 2)
    return np.asarray(np.maximum(share * (1 - share), 0) / n)


def rate_noise(matched: Matched, rate: Array, n_bins: float) -> Array:
    """Return the variance of rates in so many bins: of bits, or of Poisson counts."""
    if all(raster.kind == "spikes" for raster in matched.rasters):
        return share_noise(rate * matched.bin_seconds, n_bins) / matched.bin_seconds**2
    return (rate * matched.bin_seconds + 0.5 / n_bins) / n_bins / matched.bin_seconds**2


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
    judged = one.window is None or one.window in matched.judged_windows
    if resampling is None or not judged:
        return no_verdict(comparison, matched)
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
        by_stratum=_of_nodes(measured.by_stratum.get(one.label), nodes),
        by_mean=one.by_mean,
    )
    q_values = None
    if scope is None and one.noise is not None:
        q_values = node_q_values(
            grouped,
            influence,
            n_strata=resampling.n_strata,
            inflation=weighed.inflation,
            least=one.noise(matched, one.window or 0, (grouped[0] + grouped[1]) / 2),
        )
    if one.profile and weighed.tests:
        gaps = _of_nodes(measured.by_stratum.get(one.label), nodes)
        profile = weigh_profile(
            grouped, influence, gaps, resampling.randomization, weighed.inflation
        )
        first, *others = weighed.tests
        weighed = replace(weighed, tests=(first, profile, *others))
    says = one.says(grouped[0], grouped[1]) if one.says else ""
    return replace(weighed, q_values=q_values, detail=says)


def _of_nodes(by_stratum: Array | None, nodes: slice) -> Array | None:
    return None if by_stratum is None else by_stratum[:, nodes]
