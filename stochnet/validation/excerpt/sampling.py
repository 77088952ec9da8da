"""Which layers and nodes a report shows where it cannot show all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.statistics.moments import Array

Index = NDArray[np.int64]
Item = TypeVar("Item")


def some(items: Sequence[Item], most: int) -> list[Item]:
    """Return up to `most` items, evenly spaced, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, most).round().astype(int)]


def spread_nodes(layers: Sequence[Layer], rate: Array, n_nodes: int) -> Index:
    """Choose nodes that fire: as many of each layer, spread evenly over the order of its rates.

    Layers that are too many for one node each are left out from the middle; dead nodes only show
    where nothing fires.
    """
    layers = some(layers, n_nodes)
    share = n_nodes // len(layers)
    chosen = []
    for layer in layers:
        members = np.arange(layer.first, layer.first + layer.n_nodes)
        firing = members[rate[members] > 0]
        chosen.append(evenly_by(firing if len(firing) else members, rate, share))
    return np.concatenate(chosen)


def evenly_by(nodes: Index, rate: Array, most: int) -> Index:
    """Return up to `most` of some nodes, spread evenly over the order of their rates."""
    ordered = nodes[np.argsort(rate[nodes], kind="stable")]
    # The two ends are left out: the extremes of a layer say little about it.
    places = np.linspace(0, len(ordered) - 1, min(most, len(ordered)) + 2).round()[1:-1]
    return np.asarray(ordered[np.unique(places.astype(int))])
