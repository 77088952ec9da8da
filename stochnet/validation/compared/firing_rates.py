"""Firing rates, in all bins and by condition, and which nodes are dead or saturated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from stochnet.validation.kinds.node_statistic import NodeStatistic, rate_noise
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.sums.totals import Totals

# Exchanging classes is named if it removes at least this part of the squared distance.
REMOVED = 0.5


def rate(totals: Totals) -> Array:
    """Spikes per bin, or per second where bins have a width."""
    return np.asarray(totals.spikes / (totals.n_pieces * totals.length) / totals.scale)


def dead(totals: Totals) -> Array:
    """1 for a node without any spike."""
    return np.asarray(totals.spikes == 0, np.float64)


def saturated(totals: Totals) -> Array:
    """1 for a node that is active in every bin."""
    return np.asarray(totals.active == totals.n_pieces * totals.length, np.float64)


def never(active: Array, width: float) -> Array:
    """Say of nodes that fire at some rate that they are neither dead nor saturated."""
    return np.zeros(len(active))


def rates(totals: Totals) -> Array:
    """Spikes per bin of each condition: (condition, set, node)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(totals.by_condition / totals.condition_bins)


def selectivity(totals: Totals) -> Array:
    """Part of the variance of a bin that is between conditions, all conditions weighted alike."""
    by_condition = rates(totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nanmean(by_condition, axis=0) if by_condition.size else by_condition.sum(axis=0)
        found = np.nanvar(by_condition, axis=0) / (mean * (1 - mean))
    return np.where(np.isfinite(found) & (mean < 1), found, np.nan)


def changed_classes(observed: Array, simulated: Array) -> str:
    """Say which classes differ, or seem to be exchanged, from rates (node, condition) of both."""
    known = ~(np.isnan(observed) | np.isnan(simulated)).any(axis=1)
    first, second = observed[known], simulated[known]
    if not len(first):
        return ""
    # Squared distance of every class of one raster from every class of the other.
    apart = np.array([[np.mean((a - b) ** 2) for b in second.T] for a in first.T])
    own = np.diagonal(apart)
    _, partner = linear_sum_assignment(apart)
    moved = np.flatnonzero(partner != np.arange(len(partner)))
    if len(moved) and apart[moved, partner[moved]].sum() < REMOVED * own[moved].sum():
        names = ", ".join(map(str, moved[:-1])) + f" and {moved[-1]}"
        return f"conditions {names} look exchanged"
    worst = int(np.argmax(own))
    return f"most in condition {worst}" if own[worst] > 2 * np.median(own) else ""


def indicator(name: str, order: int, sums: str, values: Callable[[Totals], Array]) -> NodeStatistic:
    """Return a statistic of which nodes are something, 1 or 0 each, that follows from rates."""
    return NodeStatistic(
        name=name,
        label=f"{name} nodes",
        plural=f"Shares of {name} nodes",
        order=order,
        sums=sums,
        values=values,
        indicator=True,
        of_active=never,
        follows_from=("firing_rate",),
    )


STATISTICS = (
    NodeStatistic(
        name="firing_rate",
        label="firing rate",
        order=10,
        unit="spikes per bin",
        per_second=True,
        sums="spikes",
        values=rate,
        noise=lambda matched, window, rate: rate_noise(matched, rate, matched.compared_bins),
        of_active=lambda active, width: active / width,
    ),
    indicator("dead", 110, "spikes", dead),
    indicator("saturated", 120, "active", saturated),
    NodeStatistic(
        name="rate_by_condition",
        label="rate per condition",
        plural="Rates per condition",
        order=90,
        unit="spikes per bin",
        over="nodes and conditions",
        available=lambda matched: matched.n_conditions > 0,
        needs="the same conditions in both",
        sums="by_condition",
        values=lambda totals: rates(totals).transpose(1, 2, 0),
        sized=lambda matched, window: (matched.n_conditions,),
        noise=lambda matched, window, rate: rate_noise(
            matched, rate, matched.compared_bins / matched.n_conditions
        ),
        says=changed_classes,
        follows_from=("firing_rate",),
    ),
    NodeStatistic(
        name="selectivity",
        label="class selectivity",
        plural="Class selectivities",
        order=100,
        available=lambda matched: matched.n_conditions > 0,
        needs="the same conditions in both",
        sums="by_condition",
        values=selectivity,
        follows_from=("firing_rate", "rate_by_condition", "fano_factor"),
    ),
)
