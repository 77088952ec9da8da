"""Statistics of nodes for validation: of whole rasters, and of many halves in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.segments import cut_segments
from stochnet.statistics import (
    Array,
    autocorrelation,
    cv_isi,
    dead,
    fano_factor,
    fano_from_moments,
    firing_rate,
    phi,
    rate_by_condition,
    saturated,
)
from stochnet.validation.halves import Units
from stochnet.validation.totals import Sums, Totals, totals_of

Halves = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NodeStatistic:
    """A statistic of nodes, declared once: its names, and how it is computed.

    Attributes
    ----------
    of_raster : callable
        ``raster -> (node, …)``
    of_halves : callable
        ``Totals -> (half, node, …)``, NaN where a half does not have it.
    """

    name: str
    label: str
    of_raster: Callable[[SpikeRaster], NDArray[Any]]
    of_halves: Callable[[Totals], NDArray[Any]]
    unit: str = "1"
    window: int | None = None
    over: str = "nodes"
    indicator: bool = False


def statistics_to_compare(
    windows: Sequence[int], *, conditions: bool, bins: int, unit: str
) -> tuple[NodeStatistic, ...]:
    """List the statistics of nodes that two rasters can be compared by.

    Parameters
    ----------
    windows : sequence of int
        Bins per window for the Fano factor.
    conditions : bool
        Whether both rasters have the same conditions.
    bins : int
        Bins per trial, the fewer of both.
    unit : str
        Unit of firing rates.
    """
    found = [NodeStatistic("firing_rate", "firing rate", firing_rate, _rate, unit)]
    found += [_fano(window) for window in windows]
    found.append(NodeStatistic("cv_isi", "CV of gaps", cv_isi, _cv))
    if bins > 1:
        found.append(
            NodeStatistic("autocorrelation", "lag-1 autocorrelation", autocorrelation, _lagged)
        )
    if conditions:
        found.append(
            NodeStatistic(
                "rate_by_condition",
                "rate per condition",
                rate_by_condition,
                _by_condition,
                "spikes per bin",
                over="nodes and conditions",
            )
        )
    found.append(NodeStatistic("dead", "dead nodes", dead, _dead, indicator=True))
    found.append(
        NodeStatistic("saturated", "saturated nodes", saturated, _saturated, indicator=True)
    )
    return tuple(found)


def _fano(window: int) -> NodeStatistic:
    def of_raster(raster: SpikeRaster) -> Array:
        return fano_factor(raster, window)

    def of_halves(totals: Totals) -> Array:
        counts, squares = totals.windows[window]
        out = np.full(counts.T.shape, np.nan)
        for half, n_units in enumerate(totals.n_units):
            n = int(n_units) * (totals.length // window)
            if n > 1:
                out[half] = fano_from_moments(n, counts[:, half], squares[:, half])
        return out

    label = f"Fano factor ({window} bin{'s' if window > 1 else ''})"
    return NodeStatistic("fano_factor", label, of_raster, of_halves, window=window)


def _rate(totals: Totals) -> Array:
    return np.asarray(totals.spikes / (totals.n_units * totals.length) / totals.scale).T


def _cv(totals: Totals) -> Array:
    n, total, squares = totals.gaps.astype(np.float64)
    out = np.full(n.shape, np.nan)
    good = (n > 1) & (total > 0)
    out[good] = np.sqrt((n * squares - total**2)[good]) / total[good]
    return out.T


def _lagged(totals: Totals) -> Array:
    early, late, both = totals.lagged
    pairs = np.broadcast_to(totals.n_units * (totals.length - 1), early.shape)
    return correlation(early, late, both, pairs).T


def correlation(first: Sums, second: Sums, both: Sums, n: Sums) -> Array:
    """Correlate two binary variables from their sums, those of their product and their number."""
    flat = phi(first.ravel(), second.ravel(), both.ravel(), n.ravel())  # type: ignore[arg-type]
    return flat.reshape(first.shape)


def _by_condition(totals: Totals) -> Array:
    with np.errstate(invalid="ignore"):
        rates = totals.by_condition / totals.condition_bins[:, None, :]
    return np.asarray(rates).transpose(2, 1, 0)


def _dead(totals: Totals) -> Array:
    return np.asarray(totals.spikes == 0, np.float64).T


def _saturated(totals: Totals) -> Array:
    return np.asarray(totals.active == totals.n_units * totals.length, np.float64).T


def halves_of(
    raster: SpikeRaster,
    units: Units,
    weights: NDArray[np.float64],
    wanted: Sequence[NodeStatistic],
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Halves]:
    """Compute statistics of every half, one block of nodes at a time.

    Parameters
    ----------
    raster : SpikeRaster
    units : Units
        What its halves are made of.
    weights : ndarray (unit, half)
        From `stochnet.validation.halves.deal`.
    wanted : sequence of NodeStatistic
    report : callable
        Called with the number of nodes that are done.

    Returns
    -------
    dict of label to ndarray of float32 (half, node, …)
    """
    windows = [s.window for s in wanted if s.window is not None and s.window <= units.length]
    per_condition = any(s.over == "nodes and conditions" for s in wanted)
    table = units.conditions if per_condition else None
    segments = None if table is None else cut_segments(units.n_units, units.length, None, table)
    parts: dict[str, list[Halves]] = {s.label: [] for s in wanted}
    # Gaps, pairs, window sums and halves take memory beside the bits themselves.
    beside = 128 * units.n_units + 48 * weights.shape[1]
    if segments is not None:
        beside += 12 * segments.n_segments
    share = raster.node_bytes / (raster.node_bytes + beside)
    for first, block in raster.blocks(max(raster.node_bytes, int(BLOCK_BYTES * share))):
        totals = totals_of(block, units, weights, windows, segments)
        for one in wanted:
            if one.window is None or one.window in totals.windows:
                parts[one.label].append(one.of_halves(totals).astype(np.float32))
        report(first + block.n_nodes)
    return {label: np.concatenate(part, axis=1) for label, part in parts.items() if part}
