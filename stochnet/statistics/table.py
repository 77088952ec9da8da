"""The summary table of a raster: rates and Fano factors, layer by layer, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import fano_factor, firing_rate, saturated
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.stored_moments import fano_windows

USUAL_WINDOWS = (10, 100)


def default_windows(raster: SpikeRaster | RasterSummary) -> tuple[int, ...]:
    """Return windows in bins that fit a raster: 10 and 100 where at least two of them do.

    Otherwise the whole trial, or half of it where there is one trial; none for a single bin. Of a
    summary, its own window, if at least two of it fit.
    """
    if isinstance(raster, RasterSummary):
        return fano_windows(raster)
    usual = tuple(
        window for window in USUAL_WINDOWS if raster.n_trials * (raster.n_bins // window) > 1
    )
    whole = raster.n_bins if raster.n_trials > 1 else raster.n_bins // 2
    return usual or ((whole,) if whole else ())


def statistics_table(
    raster: SpikeRaster | RasterSummary,
    windows: Sequence[int] | None = None,
    per_node: bool = False,
) -> dict[str, Any]:
    """Rates and Fano factors of a raster, for every layer and for the network.

    A Fano factor is the variance (ddof=1) over the mean of the window counts of one node. Dead
    nodes have none: they count for ``mfr`` and ``var_rate``, and are left out of ``mff`` and
    ``var_fano``, which are thus over the nodes that fire. Variances over nodes have ddof=0.
    Every statistic is computed over blocks of nodes, so the raster may be larger than memory.

    Parameters
    ----------
    raster : SpikeRaster or RasterSummary
    windows : sequence of int, optional
        Bins per window; by default 10 and 100 where they fit (see `default_windows`).
    per_node : bool, default False
        Also give every node's rate, and its Fano factor for each window.

    Returns
    -------
    dict
        ``n_nodes, n_trials, n_bins, schedule``; ``layers``, a list of dicts with ``name``,
        ``n_nodes``, the numbers of ``dead`` and ``saturated`` nodes, ``mfr`` and ``var_rate``
        (spikes per bin; per second where the raster has a `bin_width`) and ``windows``: for each
        window, in bins and as text, ``mff``, ``var_fano`` and ``n_windows`` (per node); and
        ``network``, a dict like those of the layers. With `per_node`, layers have ``rate`` and
        windows ``fano``, lists over nodes. What does not exist is None.

    Raises
    ------
    InvalidInputError
        A window that does not fit, or of which there are fewer than two; another window than that
        of a summary.
    """
    chosen = default_windows(raster) if windows is None else tuple(windows)
    rate = firing_rate(raster)
    always = saturated(raster)
    fanos = {int(window): fano_factor(raster, window) for window in chosen}

    def part(name: str, nodes: slice, lists: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "name": name,
            "n_nodes": len(rate[nodes]),
            "dead": int(np.count_nonzero(rate[nodes] == 0)),
            "saturated": int(np.count_nonzero(always[nodes])),
            "mfr": _number(rate[nodes].mean()),
            "var_rate": _number(rate[nodes].var()),
            "windows": {},
        }
        if lists:
            row["rate"] = _numbers(rate[nodes])
        for window, fano in fanos.items():
            alive = fano[nodes][~np.isnan(fano[nodes])]
            entry: dict[str, Any] = {
                "mff": _number(alive.mean()) if len(alive) else None,
                "var_fano": _number(alive.var()) if len(alive) else None,
                "n_windows": raster.n_trials * (raster.n_bins // window),
            }
            if lists:
                entry["fano"] = _numbers(fano[nodes])
            row["windows"][str(window)] = entry
        return row

    return {
        "n_nodes": raster.n_nodes,
        "n_trials": raster.n_trials,
        "n_bins": raster.n_bins,
        "schedule": raster.schedule,
        "layers": [part(layer.name, layer.nodes, per_node) for layer in raster.layers],
        "network": part("network", slice(None), False),
    }


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [_number(value) for value in values.tolist()]
