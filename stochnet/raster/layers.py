"""Layer tables: runs of consecutive nodes that came from one layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stochnet.errors import InvalidInputError, entrance


@dataclass(frozen=True, slots=True)
class Layer:
    """A run of consecutive nodes that came from one layer.

    Attributes
    ----------
    name, kind : str
        Name of the module (``relu:1`` is its second application) and its class.
    shape : tuple of int
        Shape of the layer's output for one stimulus; its product is ``n_nodes``.
    first, n_nodes : int
        First node in the raster, and how many there are.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    first: int
    n_nodes: int

    @property
    def nodes(self) -> slice:
        """The layer's nodes along the first axis of the raster."""
        return slice(self.first, self.first + self.n_nodes)


def check_layer_list(layers: Any) -> tuple[Layer, ...]:
    """Return layers that are given as a list; those of a `Layer` are checked too.

    Raises
    ------
    InvalidInputError
        Something is no `Layer`, or its name, shape or numbers are none.
    """
    found = entrance.items("layers", layers, "Layer")
    for one in found:
        entrance.instance("every layer", one, Layer, "make one with stochnet.Layer")
        if not (isinstance(one.name, str) and isinstance(one.kind, str)):
            raise InvalidInputError(
                f"name and kind of a layer must be texts, got {entrance.shown(one.name)} and "
                f"{entrance.shown(one.kind)}"
            )
        entrance.whole("first", one.first, 0)
        entrance.whole("n_nodes", one.n_nodes, 0)
        entrance.wholes("shape", one.shape, 0)
    return found


def check_layers(layers: tuple[Layer, ...], n_nodes: int) -> None:
    """Refuse a layer table that does not partition the nodes in order.

    Raises
    ------
    InvalidInputError
        A gap, an overlap, a shape that does not fit, or two layers of one name.
    """
    end = 0
    for layer in layers:
        if layer.first != end or layer.n_nodes < 1 or math.prod(layer.shape) != layer.n_nodes:
            raise InvalidInputError(
                f"layer {layer.name!r} must start at node {end} and its shape {layer.shape} "
                f"must hold its {layer.n_nodes} nodes"
            )
        end += layer.n_nodes
    if end != n_nodes:
        raise InvalidInputError(f"the layers hold {end} nodes, the raster {n_nodes}")
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise InvalidInputError("two layers have the same name")


def cut_layers(layers: tuple[Layer, ...], start: int, stop: int) -> tuple[Layer, ...]:
    """Return the layer table of nodes start to stop; a cut layer becomes a flat one."""
    kept = []
    for layer in layers:
        first, last = max(layer.first, start), min(layer.first + layer.n_nodes, stop)
        if last > first:
            whole = last - first == layer.n_nodes
            shape = layer.shape if whole else (last - first,)
            kept.append(Layer(layer.name, layer.kind, shape, first - start, last - first))
    return tuple(kept)
