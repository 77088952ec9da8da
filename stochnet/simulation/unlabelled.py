"""Bins without a condition in a network whose parameters are per condition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.errors import InvalidInputError, entrance
from stochnet.process import Array, Process
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.summary import summarize

WAYS = ("error", "silent")


def with_unlabelled(
    bundle: Bundle, table: NDArray[np.int16] | None, unlabelled: str | Bundle
) -> tuple[Bundle, NDArray[np.int16] | None]:
    """Return a bundle with one more condition, which stands for none, and the table to draw by.

    Parameters
    ----------
    bundle : Bundle
    table : ndarray of int16 (trial, bin) or None
        -1 where there is no condition.
    unlabelled : {"error", "silent"} or Bundle
        What nodes do in such bins: see `stochnet.simulate`.

    Raises
    ------
    InvalidInputError
        There are such bins, and nothing says what nodes do in them; or a law that does not fit.
    """
    n = bundle.n_conditions
    if isinstance(unlabelled, str):
        entrance.option("unlabelled", unlabelled, WAYS)
    else:
        entrance.instance("unlabelled", unlabelled, Bundle, "or give 'silent'")
    if not n or table is None:
        return bundle, table
    if (table >= n).any():
        raise InvalidInputError(
            f"conditions go up to {table.max()}, and there are parameters for 0 to {n - 1} only"
        )
    if not (table < 0).any():
        return bundle, table
    if unlabelled == "error":
        raise InvalidInputError(
            f"{np.count_nonzero(table < 0):,} of {table.size:,} bins have no condition (-1), and "
            "the parameters are per condition: say what nodes do there, with unlabelled='silent' "
            "or a bundle that was fitted without conditions (--unlabelled silent|BUNDLE.h5)"
        )
    given = None if isinstance(unlabelled, str) else unlabelled
    laws = [_law(bundle, fit, given) for fit in bundle.fits]
    fits = tuple(_with_column(*pair) for pair in zip(bundle.fits, laws, strict=True))
    drawn = replace(bundle, fits=fits, conditions=None, populations=(), selection=None)
    return drawn, np.where(table < 0, n, table).astype(np.int16)


def _law(bundle: Bundle, fit: ProcessFit, given: Bundle | None) -> dict[str, Array]:
    """Return the parameters (node,) of the nodes of a fit in bins without a condition."""
    if given is None:
        return _silent(fit.process, len(fit.node_ids))
    if given.n_nodes != bundle.n_nodes or given.n_conditions:
        raise InvalidInputError(
            f"unlabelled must be a bundle of the same {bundle.n_nodes} nodes without conditions, "
            f"as of fit_bundle(raster, process); it has {given.n_nodes} nodes and "
            f"{given.n_conditions} conditions"
        )
    found = {name: np.empty(len(fit.node_ids)) for name in fit.params}
    missing = np.ones(len(fit.node_ids), np.bool_)
    for one in given.fits:
        mine = np.isin(fit.node_ids, one.node_ids)
        if (one.process, one.window) == (fit.process, fit.window) and mine.any():
            rows = np.searchsorted(one.node_ids, fit.node_ids[mine])
            for name, values in found.items():
                values[mine] = one.params[name][rows]
            missing[mine] = False
    if missing.any():
        node = int(fit.node_ids[missing][0])
        raise InvalidInputError(
            f"unlabelled must have the process and window of the bundle for every node; node "
            f"{node} is {fit.process.name} with a window of {fit.window or 'the trial'} here"
        )
    return found


def _silent(process: Process, n_nodes: int) -> dict[str, Array]:
    """Return parameters under which nodes never fire: those of nodes that never fired."""
    nothing = SpikeRaster.from_dense(np.zeros((1, 1, 64), np.uint8))
    params = process.estimate(summarize(nothing)[0]).params
    return {name: np.repeat(value, n_nodes) for name, value in params.items()}


def _with_column(fit: ProcessFit, law: dict[str, Array]) -> ProcessFit:
    """Return the fit with one more condition."""
    if not fit.n_conditions:
        return fit
    params = {
        name: np.concatenate([values, law[name][:, None]], axis=1)
        for name, values in fit.params.items()
    }
    return known_fit(fit.process, fit.node_ids, params, fit.window)
