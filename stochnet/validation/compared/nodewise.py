"""Statistics of nodes for validation, from exact sums: of whole rasters and of their halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.moments import Array, cv_from_moments, fano_from_moments, phi
from stochnet.statistics.unit_sums import SHARES
from stochnet.validation.sums.totals import Totals, limits

# Fewer gaps, or silent bins in them, are too few to judge a CV by.
FEW_GAPS = 20
# Fewer bins that are expected to be active in both by chance are too few for a correlation.
FEW_TOGETHER = 2.0


@dataclass(frozen=True, slots=True)
class NodeStatistic:
    """A statistic of nodes, declared once: its names, and how it is computed.

    Attributes
    ----------
    of_totals : callable
        ``Totals -> (set, node, …)``, NaN where a set of units does not have it.
    part : str
        The attribute of `Totals` that it needs.
    shape : tuple of int
        Of the values of one node.
    enough : callable or None
        ``Totals -> (set, node)``, whether so little noise can be judged from what a node does;
        where it cannot, the node is shown and not judged.
    by_mean : bool
        Whether only the mean is judged, because single nodes are too uneven.
    """

    name: str
    label: str
    of_totals: Callable[[Totals], NDArray[Any]]
    part: str
    unit: str = "1"
    window: int | None = None
    over: str = "nodes"
    indicator: bool = False
    shape: tuple[int, ...] = ()
    enough: Callable[[Totals], NDArray[np.bool_]] | None = None
    by_mean: bool = False


def statistics_to_compare(
    windows: Sequence[int], *, conditions: int, bins: int, unit: str, length: int = 2
) -> tuple[NodeStatistic, ...]:
    """List the statistics of nodes that two rasters can be compared by.

    Parameters
    ----------
    windows : sequence of int
        Bins per window for the Fano factor.
    conditions : int
        How many conditions both rasters have; 0 if they do not have the same.
    bins : int
        Bins per trial, the fewer of both.
    unit : str
        Unit of firing rates.
    length : int, default 2
        Bins of a unit, which is the longest gap.
    """
    found = [NodeStatistic("firing_rate", "firing rate", _rate, "spikes", unit)]
    for window in windows:
        label = f"Fano factor ({window} bin{'s' if window > 1 else ''})"
        of_totals = partial(_fano, window=window)
        found.append(NodeStatistic("fano_factor", label, of_totals, "windows", window=window))
    for window in windows:
        label = f"law of window counts ({window} bin{'s' if window > 1 else ''})"
        of_law = partial(_window_law, window=window)
        over, shape = "nodes and counts", (len(limits(window, 0)),)
        found.append(
            NodeStatistic(
                "window_count_law", label, of_law, "laws", window=window, over=over, shape=shape
            )
        )
    # A few long gaps make the CV of a node; node by node the law of gaps is compared.
    found.append(NodeStatistic("cv_isi", "CV of gaps", _cv, "gaps", enough=_gaps, by_mean=True))
    found.append(NodeStatistic("cv2", "CV2 of gaps", _cv2, "gap_pairs", enough=_pairs))
    found.append(NodeStatistic("lv", "local variation of gaps", _lv, "gap_pairs", enough=_pairs))
    if length > 1:
        over, shape = "nodes and gaps", (len(limits(length, 1)),)
        found.append(
            NodeStatistic(
                "gap_law", "law of gaps", _gap_law, "gap_law", over=over, shape=shape, enough=_some
            )
        )
    if bins > 1:
        name, label = "autocorrelation", "lag-1 autocorrelation"
        found.append(NodeStatistic(name, label, _lagged, "lagged", enough=_coincidences))
    if conditions:
        found.append(
            NodeStatistic(
                "rate_by_condition",
                "rate per condition",
                _by_condition,
                "by_condition",
                "spikes per bin",
                over="nodes and conditions",
                shape=(conditions,),
            )
        )
        found.append(
            NodeStatistic("selectivity", "class selectivity", _selectivity, "by_condition")
        )
    found.append(NodeStatistic("dead", "dead nodes", _dead, "spikes", indicator=True))
    found.append(
        NodeStatistic("saturated", "saturated nodes", _saturated, "active", indicator=True)
    )
    return tuple(found)


def _rate(totals: Totals) -> Array:
    return np.asarray(totals.spikes / (totals.n_units * totals.length) / totals.scale)


def _fano(totals: Totals, window: int) -> Array:
    n = totals.n_units * (totals.length // window)
    return fano_from_moments(n, *totals.windows[window])


def _window_law(totals: Totals, window: int) -> Array:
    n = totals.n_units * (totals.length // window)
    return np.asarray(totals.laws[window] / n).transpose(1, 2, 0)


def _gap_law(totals: Totals) -> Array:
    n = totals.gaps[0]
    shares = np.full(totals.gap_law.shape, np.nan)
    np.divide(totals.gap_law, n, out=shares, where=n > 0)
    return shares.transpose(1, 2, 0)


def _cv2(totals: Totals) -> Array:
    return _mean_share(totals, 1) * 2


def _lv(totals: Totals) -> Array:
    return _mean_share(totals, 2) * 3


def _mean_share(totals: Totals, which: int) -> Array:
    pairs = totals.gap_pairs
    mean = np.full(pairs[0].shape, np.nan)
    np.divide(pairs[which], pairs[0], out=mean, where=pairs[0] > 0)
    return mean / SHARES


def _pairs(totals: Totals) -> NDArray[np.bool_]:
    return np.asarray(totals.gap_pairs[0] >= FEW_GAPS)


def _some(totals: Totals) -> NDArray[np.bool_]:
    return np.asarray(totals.gaps[0] >= FEW_GAPS)


def _selectivity(totals: Totals) -> Array:
    """Part of the variance of a bin that is between conditions, all conditions weighted alike."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = totals.by_condition / totals.condition_bins
        mean = np.nanmean(rates, axis=0) if rates.size else rates.sum(axis=0)
        between = np.nanvar(rates, axis=0)
        found = between / (mean * (1 - mean))
    return np.where(np.isfinite(found) & (mean < 1), found, np.nan)


def _cv(totals: Totals) -> Array:
    return cv_from_moments(*totals.gaps)


def _lagged(totals: Totals) -> Array:
    return phi(*totals.lagged, totals.n_units * (totals.length - 1))


def _gaps(totals: Totals) -> NDArray[np.bool_]:
    n, total, _ = totals.gaps
    return np.asarray((n >= FEW_GAPS) & (total - n >= FEW_GAPS))


def _coincidences(totals: Totals) -> NDArray[np.bool_]:
    return enough_coincidences(*totals.lagged[:2], totals.n_units * (totals.length - 1))


def enough_coincidences(
    first: NDArray[Any], second: NDArray[Any], n: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return whether two rows of bins are expected to be active, and silent, together at times."""
    # Without any bins there is nothing to be together in.
    some = np.maximum(n, 1)
    both, neither = first / some * second, (n - first) / some * (n - second)
    return np.asarray((both >= FEW_TOGETHER) & (neither >= FEW_TOGETHER))


def _by_condition(totals: Totals) -> Array:
    with np.errstate(invalid="ignore"):
        rates = totals.by_condition / totals.condition_bins
    return np.asarray(rates).transpose(1, 2, 0)


def _dead(totals: Totals) -> Array:
    return np.asarray(totals.spikes == 0, np.float64)


def _saturated(totals: Totals) -> Array:
    return np.asarray(totals.active == totals.n_units * totals.length, np.float64)
