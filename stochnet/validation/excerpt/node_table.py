"""The table of nodes of a report: all of them, or the worst ones beside an even sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.statistics.moments import Array

Index = NDArray[np.int64]
Both = tuple[Array, Array]

MOST_ROWS = 2000
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True, slots=True)
class NodeTable:
    """Nodes one by one, observed and simulated; those that differ most come first.

    Attributes
    ----------
    nodes : ndarray of int64 (row,)
        Their places in the raster.
    layer_of : tuple of str
        Layer of each row.
    index : ndarray of int64 (row,)
        Place within the layer.
    rates, fanos, selectivities : tuple of ndarray (row,)
        Observed and simulated, rates in spikes per bin; NaN where a node has none.
    q_values : mapping of label to ndarray (row,)
        Of each test; NaN where the node was not tested.
    smallest : ndarray (row,)
        The smallest q-value of the node.
    flags : tuple of tuple of str
        Statistics in which the node differs, at a false discovery rate of 0.05 each.
    n_nodes, n_flagged, n_worst : int
        Nodes of the network, how many of them have a flag, and how many rows were chosen because
        they differ most: all, or half of the rows while the others are an even sample.
    """

    nodes: Index
    layer_of: tuple[str, ...]
    index: Index
    rates: Both
    fanos: Both
    selectivities: Both
    q_values: Mapping[str, Array]
    smallest: Array
    flags: tuple[tuple[str, ...], ...]
    n_nodes: int
    n_flagged: int
    n_worst: int

    @property
    def selective(self) -> bool:
        """Whether a node has a selectivity."""
        return not all(np.isnan(one).all() for one in self.selectivities)

    @property
    def tested(self) -> bool:
        """Whether a node was tested."""
        return not np.isnan(self.smallest).all()

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON has it, but for NaN."""
        return {
            "n_nodes": self.n_nodes,
            "n_flagged": self.n_flagged,
            "n_worst": self.n_worst,
            "false_discovery_rate": FALSE_DISCOVERIES,
            "rows": [
                {
                    "node": int(node),
                    "layer": self.layer_of[k],
                    "index": int(self.index[k]),
                    "rate": [float(one[k]) for one in self.rates],
                    "fano_factor": [float(one[k]) for one in self.fanos],
                    "selectivity": [float(one[k]) for one in self.selectivities],
                    "q_value": float(self.smallest[k]),
                    "q_values": {x: float(values[k]) for x, values in self.q_values.items()},
                    "differs_in": list(self.flags[k]),
                }
                for k, node in enumerate(self.nodes)
            ],
        }


def node_table(
    layers: Sequence[Layer],
    rates: Both,
    fanos: Both,
    selectivities: Both | None = None,
    q_values: Mapping[str, Array] | None = None,
) -> NodeTable:
    """Choose and order the rows.

    Parameters
    ----------
    layers : sequence of Layer
    rates, fanos, selectivities : tuple of ndarray (node,)
        Observed and simulated, of all nodes.
    q_values : mapping of str to ndarray (node,), optional
        By the label of the statistic that was tested; NaN where it was not.
    """
    n_nodes = len(rates[0])
    missing = np.full(n_nodes, np.nan)
    tests = dict(q_values or {})
    smallest = np.full(n_nodes, np.inf)
    for values in tests.values():
        smallest = np.fmin(smallest, values)
    order = np.lexsort((-np.abs(rates[1] - rates[0]), smallest))
    n_worst = n_nodes if n_nodes <= MOST_ROWS else MOST_ROWS // 2
    rest = np.sort(order[n_worst:])
    if len(rest):
        even = np.linspace(0, len(rest) - 1, MOST_ROWS - n_worst).round().astype(int)
        chosen = np.isin(order, rest[even])
        chosen[:n_worst] = True
        order = order[chosen]
    place = np.concatenate([np.full(x.n_nodes, k) for k, x in enumerate(layers)])
    first = np.array([x.first for x in layers])
    # A network of which no node was tested is one of NaN.
    smallest[np.isinf(smallest)] = np.nan

    def pick(both: Both | None) -> Both:
        observed, simulated = both or (missing, missing)
        return observed[order], simulated[order]

    return NodeTable(
        nodes=order.astype(np.int64),
        layer_of=tuple(layers[k].name for k in place[order]),
        index=(order - first[place[order]]).astype(np.int64),
        rates=pick(rates),
        fanos=pick(fanos),
        selectivities=pick(selectivities),
        q_values={label: values[order] for label, values in tests.items()},
        smallest=smallest[order],
        flags=tuple(
            tuple(label for label, values in tests.items() if values[node] < FALSE_DISCOVERIES)
            for node in order
        ),
        n_nodes=n_nodes,
        n_flagged=int(np.sum(smallest < FALSE_DISCOVERIES)),
        n_worst=n_worst,
    )
