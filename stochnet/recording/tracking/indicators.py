"""The indicators of one epoch, layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.raster.raster import SpikeRaster
from stochnet.recording.schedule import LABELS, present
from stochnet.recording.tracking.plan import Plan, selectivity_column
from stochnet.statistics.nodes import rate_by_condition
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


def class_selectivity(recording: SpikeRaster, by: str = "label") -> NDArray[np.float64]:
    """Return the share of the variance of every node's spikes that lies between classes.

    It is Kelley's epsilon squared, 1 - (N - 1)/(N - C)·(1 - η²), where η² is the variance of the
    class rates over that of the spikes, for N stimuli of C classes: 1 for a node that fires for all
    stimuli of some classes and for no others, and 0 in the mean over all ways to deal the labels.
    A single node without selectivity is thus as often somewhat below 0 as above.

    Parameters
    ----------
    recording : SpikeRaster
        Spikes, one bin per stimulus.
    by : {"label", "training-label"}
        Which labels; bins without one are left out.

    Returns
    -------
    ndarray (node,)
        NaN for nodes that never or always fire.

    Raises
    ------
    InvalidInputError
        The recording has no such labels, or not two classes and more stimuli than classes.

    References
    ----------
    Kelley (1935), An unbiased correlation ratio measure. Proc. Natl. Acad. Sci. 21.
    """
    labels: NDArray[np.int16] | None = getattr(recording, LABELS[by])
    if labels is None:
        raise InvalidInputError(f"the recording has no {by.replace('-', ' ')}s")
    sizes = np.bincount(labels[labels >= 0])
    n, n_classes = int(sizes.sum()), int(np.count_nonzero(sizes))
    if n_classes < 2 or n <= n_classes:
        raise InvalidInputError(
            f"class selectivity needs two classes and more stimuli than classes, there are {n} "
            f"stimuli of {n_classes}"
        )
    of_class = rate_by_condition(replace(recording, conditions=labels))[:, sizes > 0]
    size = sizes[sizes > 0]
    counts = np.rint(of_class * size)
    rate = counts.sum(axis=1) / n
    between = (size * (of_class - rate[:, None]) ** 2).sum(axis=1)
    total = n * rate * (1 - rate)
    share = np.full(recording.n_nodes, np.nan)
    varies = total > 0
    share[varies] = 1 - (n - 1) / (n - n_classes) * (1 - between[varies] / total[varies])
    return share
