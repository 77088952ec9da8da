"""The indicators of one epoch, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from stochnet.raster.raster import SpikeRaster
from stochnet.recording.schedule import present
from stochnet.recording.tracking.plan import Plan, selectivity_column
from stochnet.recording.tracking.selectivity import class_selectivity
from stochnet.statistics.table import statistics_table

Row = dict[str, Any]
NETWORK = "network"


def indicators(recording: SpikeRaster, plan: Plan) -> list[Row]:
    """Compute the indicators of a recording: a row a layer, and one for the network at the end.

    Rates are of all stimuli, and so are dead and saturated nodes; Fano factors are those of the
    presentations of the plan. Every number is that of `stochnet.statistics.table.statistics_table`
    (`stochnet stats`) of the recording and of what `present` makes of it.

    Returns
    -------
    list of dict
        ``layer`` and the columns of the plan; None for what does not exist.
    """
    rates = statistics_table(recording, ())
    rows: list[Row] = [
        {
            "layer": part["name"],
            "nodes": part["n_nodes"],
            **{name: part[name] for name in ("dead", "saturated", "mfr", "var_rate")},
        }
        for part in (*rates["layers"], rates["network"])
    ]
    nodes = [*(layer.nodes for layer in recording.layers), slice(None)]
    for by in plan.labels:
        share = class_selectivity(recording, by)
        for row, part in zip(rows, nodes, strict=True):
            known = share[part][~np.isnan(share[part])]
            row[selectivity_column(by)] = float(known.mean()) if len(known) else None
    for one in plan.presentations:
        table = statistics_table(present(recording, one.schedule, by=one.by), plan.windows)
        for row, part in zip(rows, (*table["layers"], table["network"]), strict=True):
            for window in plan.windows:
                entry = part["windows"][str(window)]
                row[f"mff_{one.key}_{window}"] = entry["mff"]
                row[f"var_fano_{one.key}_{window}"] = entry["var_fano"]
    return rows
