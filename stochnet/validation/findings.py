"""What differs between two rasters, in words, the largest first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from stochnet.statistics.moments import Array
from stochnet.validation.comparison import Comparison, Finding, excess

# What is seen in other statistics too, if one of these differs in the same place.
FOLLOWS = {
    "firing_rate": (
        "rate_by_condition", "fano_factor", "window_count_law", "gap_law", "cv_isi", "cv2", "lv",
        "autocorrelation", "population_count", "selectivity", "classification", "dead", "saturated",
        "participation_ratio",
    ),
    "rate_by_condition": (
        "fano_factor", "selectivity", "window_count_law", "gap_law", "cv_isi", "autocorrelation",
        "population_count", "signal_correlation", "pairwise_correlation", "classification",
        "cross_layer_correlation", "participation_ratio",
    ),
    "fano_factor": (
        "window_count_law", "gap_law", "cv_isi", "cv2", "lv", "autocorrelation", "selectivity",
    ),
    "noise_correlation": (
        "population_count", "participation_ratio", "cross_layer_correlation",
    ),
    "pairwise_correlation": (
        "population_count", "participation_ratio", "cross_layer_correlation", "signal_correlation",
        "noise_correlation",
    ),
}  # fmt: skip
# What has a scale of its own comes after whatever else differs.
LAST = ("classification",)
# A difference is explained by another one that is at least this part as large.
PART = 0.25
# Below this ratio to its standard error a mean is taken for zero, and no ratio is given.
ABOUT_ZERO = 8.0
# Exchanging classes is named if it removes at least this part of the squared distance.
REMOVED = 0.5

PLURALS = {
    "firing_rate": "Firing rates",
    "fano_factor": "Fano factors",
    "cv_isi": "CVs of gaps",
    "cv2": "CV2 of gaps",
    "lv": "Local variations of gaps",
    "autocorrelation": "Lag-1 autocorrelations",
    "rate_by_condition": "Rates per condition",
    "window_count_law": "Laws of window counts",
    "gap_law": "Laws of gaps",
    "selectivity": "Class selectivities",
    "population_count": "Population counts",
    "pairwise_correlation": "Pairwise correlations",
    "signal_correlation": "Signal correlations",
    "noise_correlation": "Noise correlations",
    "cross_layer_correlation": "Correlations across layers",
    "participation_ratio": "Participation ratios",
    "classification": "Classification accuracies",
    "dead": "Shares of dead nodes",
    "saturated": "Shares of saturated nodes",
}


def find(statistics: Sequence[Comparison], details: Mapping[int, str]) -> tuple[Finding, ...]:
    """Return one finding for each statistic that differs, where it differs most.

    Statistics whose difference follows from that of a simpler one come after the others.

    Parameters
    ----------
    statistics : sequence of Comparison
    details : mapping of int to str
        What else is known of some of them.
    """
    worst: dict[str, int] = {}
    for k, one in enumerate(statistics):
        if one.verdict == "differs":
            now = worst.get(one.label)
            if now is None or _size(one) > _size(statistics[now]):
                worst[one.label] = k
    chosen = [statistics[k] for k in worst.values()]
    found = []
    for k in worst.values():
        one = statistics[k]
        follows = (one.statistic in LAST and len(chosen) > 1) or any(
            one.statistic in FOLLOWS.get(cause.statistic, ()) and _size(cause) >= PART * _size(one)
            for cause in chosen
        )
        text = _sentence(one, details.get(k, ""))
        found.append((follows, -_size(one), Finding(one.scope, one.label, _size(one), text)))
    return tuple(finding for *_, finding in sorted(found, key=lambda item: item[:2]))


def _size(one: Comparison) -> float:
    return max((excess(distance) for distance in one.distances), default=0.0)


def _sentence(one: Comparison, detail: str) -> str:
    """Say what differs, where and by how much, without a full stop."""
    name = PLURALS.get(one.statistic, one.label.capitalize())
    if one.window is not None:
        name += f" ({one.window} bin{'s' if one.window > 1 else ''})"
    place = "the network" if one.scope is None else f"layer {one.scope}"
    start = f"{name} in {place}"
    rest = f"; {detail}" if detail else ""
    by_mean = [d for d in one.distances if d.name == "mean" and not d.within]
    gap, (observed, simulated) = one.difference, one.intervals
    if by_mean and not math.isnan(gap.value):
        error = (observed.high - observed.low) / 4
        if observed.value > 0 and observed.value > ABOUT_ZERO * error and gap.low == gap.low:
            ratio, low, high = (1 + x / observed.value for x in (gap.value, gap.low, gap.high))
            digits = _digits(ratio)
            ends = f"({low:.{digits}f} to {high:.{digits}f})"
            size = f"{ratio:.{digits}f} {ends} times the observed"
            return f"{start} are {size}{rest}"
        size = f"{simulated.value:.2g} where {observed.value:.2g} is observed"
        return f"{start} are {size} (difference {gap.low:.2g} to {gap.high:.2g}){rest}"
    far = next((d for d in reversed(one.distances) if not d.within), None)
    if far is None:
        return f"{start} differ{rest}"
    kind = "in their law" if far.name == "kolmogorov" else "node by node"
    if one.over == "pairs":
        kind = "pair by pair"
    return f"{start} differ {kind} by {far.value:.2g}, where chance explains {far.limit:.2g}{rest}"


def _digits(ratio: float) -> int:
    """Return the decimals at which a ratio can be told from 1."""
    return 2 if abs(ratio - 1) >= 0.02 else 3


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
