"""What is to be estimated: a quantity, and the rows that it has in a network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# No node, no condition, no other node.
NONE = -1


class Per(StrEnum):
    """What a quantity has one value for."""

    node = "node"
    condition = "node and condition"
    pair = "pair of nodes"
    network = "network"
    option = "network and option"


class Kind(StrEnum):
    """How an estimate is compared with the truth."""

    number = "number"
    label = "label"
    probability = "probability"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity to be estimated, declared once.

    Attributes
    ----------
    name, unit, doc : str
        Name in the files of estimates, unit, and what it is, exactly.
    per : Per
        One value for each node, node and condition, pair of nodes, network, or network and option.
    kind : Kind
        A number, whose error is measured; the number of a class, right or wrong; or a probability,
        of which those of one network sum to 1.
    floor : float
        Errors that are small against it count as alike, in the unit of the loss.
    options : tuple of str
        Names of the classes of a label or probability, in the order of their numbers.
    """

    name: str
    unit: str
    per: Per
    doc: str
    kind: Kind = Kind.number
    floor: float = 1e-4
    options: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return what the file of the suite says of it."""
        facts = {
            "unit": self.unit,
            "per": self.per.value,
            "kind": self.kind.value,
            "doc": self.doc,
            "columns": list(COLUMNS[self.per]),
        }
        return facts | ({"options": list(self.options)} if self.options else {})

    def keys(self, n_nodes: int, n_conditions: int) -> NDArray[np.int64]:
        """Return the rows of a network: (row, 3), with node, condition and other node.

        -1 stands where there is none. Of a pair the node with the lower number comes first.
        """
        nodes = np.arange(n_nodes)
        if self.per is Per.network:
            return np.full((1, 3), NONE, np.int64)
        if self.per is Per.option:
            options = np.arange(len(self.options))
            return _stack(np.full_like(options, NONE), options, NONE)
        if self.per is Per.node:
            return _stack(nodes, NONE, NONE)
        if self.per is Per.condition:
            return _stack(
                np.repeat(nodes, n_conditions), np.tile(np.arange(n_conditions), n_nodes), NONE
            )
        first, second = np.triu_indices(n_nodes, 1)
        return _stack(first, NONE, second)


# The columns that name a row, beside raster and quantity.
COLUMNS: dict[Per, tuple[str, ...]] = {
    Per.node: ("node",),
    Per.condition: ("node", "condition"),
    Per.pair: ("node", "other"),
    Per.network: (),
    Per.option: ("condition",),
}


def _stack(*columns: Any) -> NDArray[np.int64]:
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """Estimates of one quantity in one network, with intervals where there are any.

    Attributes
    ----------
    values : ndarray of float64 (row,)
        In the order of `Quantity.keys`.
    low, high : ndarray of float64 (row,) or None
        Ends of 95 % intervals.
    """

    values: Array
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """True values of one quantity in one network.

    Attributes
    ----------
    values : ndarray of float64 (row,)
    spread : ndarray of float64 (row,) or None
        Standard deviation to be expected of a good estimate (the Cramér-Rao bound, or that of the
        usual estimator); None where none is known, or the usual error is no use as a measure.
    """

    values: Array
    spread: Array | None = None
