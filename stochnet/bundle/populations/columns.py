"""The parameters of a fit as one table: a row a node, a column a parameter and condition."""

from __future__ import annotations

import numpy as np

from stochnet.bundle.populations.scales import Scale, scale_of
from stochnet.bundle.process_fit import ProcessFit
from stochnet.process import Array, Process


def table_of(fit: ProcessFit) -> Array:
    """Return the parameters of a fit: (node, parameter · condition), conditions side by side."""
    return np.concatenate(
        [fit.params[p.name].reshape(len(fit.node_ids), -1) for p in fit.process.params], axis=1
    )


def params_of(process: Process, table: Array, n_conditions: int) -> dict[str, Array]:
    """Return a table as parameters (node,), or (node, condition)."""
    width = max(1, n_conditions)
    shape = (len(table), n_conditions) if n_conditions else (len(table),)
    return {
        p.name: table[:, k * width : (k + 1) * width].reshape(shape)
        for k, p in enumerate(process.params)
    }


def scales_of(process: Process, n_conditions: int) -> tuple[Scale, ...]:
    """Return the scale of every column."""
    return tuple(scale_of(p) for p in process.params for _ in range(max(1, n_conditions)))


def names_of(process: Process, n_conditions: int) -> tuple[str, ...]:
    """Return the name of every column: ``p``, or ``p[3]`` under condition 3."""
    if not n_conditions:
        return tuple(p.name for p in process.params)
    return tuple(f"{p.name}[{c}]" for p in process.params for c in range(n_conditions))


def on_line(table: Array, scales: tuple[Scale, ...]) -> Array:
    """Map every column to its unbounded scale; NaN where a value is a point mass or whole."""
    found = np.full(table.shape, np.nan)
    for k, scale in enumerate(scales):
        if scale.kind != "whole":
            found[:, k] = scale.forward(table[:, k])
    return found


def from_line(line: Array, before: Array, scales: tuple[Scale, ...]) -> Array:
    """Map columns back; where `line` is NaN the value is that of `before`."""
    found = before.copy()
    for k, scale in enumerate(scales):
        moved = ~np.isnan(line[:, k])
        found[moved, k] = scale.backward(line[moved, k])
    return found
