"""How many nodes each layer, and each process of a layer, has in a network of another size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster.layers import Layer

Sizes = int | Mapping[str, int] | Sequence[int]


def apportion(total: int, weights: NDArray[Any], least: int = 0) -> NDArray[np.int64]:
    """Share a whole number in proportion to weights (largest remainders), each at least `least`."""
    exact = (total - least * len(weights)) * weights / weights.sum()
    shares = np.floor(exact).astype(np.int64)
    missing = total - least * len(weights) - int(shares.sum())
    order = np.argsort(-(exact - shares), kind="stable")
    shares[order[:missing]] += 1
    return np.asarray(shares + least, np.int64)


def layer_sizes(layers: Sequence[Layer], n_nodes: Sizes) -> NDArray[np.int64]:
    """Return the new number of nodes of every layer.

    Parameters
    ----------
    layers : sequence of Layer
    n_nodes : int, mapping of layer name to int, or sequence of int
        All nodes, shared in proportion to the layers, of which each keeps one at least; the nodes
        of the layers that are named, the others keep theirs; or those of every layer in turn.

    Raises
    ------
    InvalidInputError
        A number below 1, fewer nodes than layers, an unknown layer, or a wrong number of layers.
    """
    old = np.array([layer.n_nodes for layer in layers])
    names = [layer.name for layer in layers]
    if isinstance(n_nodes, Mapping):
        unknown = [name for name in n_nodes if name not in names]
        if unknown:
            raise InvalidInputError(
                f"n_nodes names the layer {entrance.shown(unknown[0])}; the layers are "
                f"{', '.join(names)}"
            )
        given = [n_nodes.get(name, int(n)) for name, n in zip(names, old, strict=True)]
    elif isinstance(n_nodes, (list, tuple, range)) or getattr(n_nodes, "ndim", 0) > 0:
        given = list(entrance.items("n_nodes", n_nodes, "whole numbers"))
        if len(given) != len(layers):
            raise InvalidInputError(
                f"n_nodes has {len(given)} numbers, the network {len(layers)} layers: "
                f"{', '.join(names)}"
            )
    else:
        total = _whole(n_nodes, "n_nodes")
        if total < len(layers):
            raise InvalidInputError(
                f"n_nodes must be at least {len(layers)}, one for each layer, got {total}"
            )
        # In proportion; only layers that would vanish are given a node that others pay for.
        shares = apportion(total, old)
        return shares if (shares > 0).all() else apportion(total, old, 1)
    return np.array([_whole(n, f"layer {name!r}") for name, n in zip(names, given, strict=True)])


def _whole(n: Any, what: str) -> int:
    return entrance.whole(f"{what}: nodes", n, 1, 2**31 - 1)
