"""Strategies for seeds, for parameters of processes, and for bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError
from stochnet.process import Array, Param, Process
from stochnet.processes import PROCESSES, get_process
from stochnet.testing.strategies.arrays import Size, conditions, sizes
from stochnet.testing.strategies.factors import latents

N_CONDITIONS = 3
Window = int | None | Literal["any"]


def seeds() -> st.SearchStrategy[int]:
    """Return a strategy of seeds for `simulate` and `present`: 0 to 2**64 - 1."""
    return st.integers(0, 2**64 - 1)


def _values(param: Param, edges: bool) -> st.SearchStrategy[float]:
    typical = st.floats(*param.typical, allow_nan=False)
    if param.whole:
        typical = st.integers(*map(round, param.typical)).map(float)
    if not edges:
        return typical
    low, high = param.domain
    # The far end of a rate would only make tables large; its largest typical value is enough.
    return typical | st.sampled_from([low, high if high <= 1 else param.typical[1]])


@st.composite
def params(
    draw: st.DrawFn,
    process: str | Process,
    *,
    n_nodes: Size = (1, 4),
    n_conditions: int = 0,
    edges: bool = False,
) -> dict[str, Array]:
    """Draw parameters of a process, for `Bundle.from_params`.

    Parameters
    ----------
    process : str or Process
    n_nodes : int or tuple of int
        Number of nodes, or its lowest and highest value.
    n_conditions : int, default 0
        Conditions of the parameters; 0 when pooled.
    edges : bool, default False
        Whether the ends of a domain may occur, beside the typical range of a parameter.

    Returns
    -------
    strategy of dict of name to ndarray of float64
        Each (node,), or (node, condition).

    Raises
    ------
    InvalidInputError
        No such process, or a size below 1.
    """
    record = get_process(process)
    n = draw(sizes(n_nodes, "n_nodes"))
    shape = (n, n_conditions) if n_conditions else (n,)
    size = n * max(1, n_conditions)
    found = {}
    for param in record.params:
        values = draw(st.lists(_values(param, edges), min_size=size, max_size=size))
        found[param.name] = np.array(values, np.float64).reshape(shape)
    return found


@st.composite
def bundles(
    draw: st.DrawFn,
    process: str | Process | Sequence[str | Process] | None = None,
    *,
    n_nodes: Size = (1, 4),
    n_trials: Size = (1, 3),
    n_bins: Size = (1, 100),
    n_conditions: int | None = None,
    window: Window = "any",
    bin_width: float | None = None,
    edges: bool = False,
    correlated: bool = False,
) -> Bundle:
    """Draw networks, ready for `simulate` without further arguments.

    Parameters
    ----------
    process : str, Process or sequence of these, optional
        The process of all nodes, or several of which each node has one. All processes by default.
    n_nodes, n_trials, n_bins : int or tuple of int
        A size, or its lowest and highest value.
    n_conditions : int, optional
        Conditions of the parameters; 0 when pooled; by default 0 or 3.
    window : int, None or "any"
        Bins in which a gain is held or a profile runs; None is the whole trial; ``"any"`` draws 1
        to `n_bins`.
    bin_width : float, optional
        Seconds per bin; none by default.
    edges : bool, default False
        As for `params`.
    correlated : bool, default False
        Whether the nodes of independent 0/1 bins share latents.

    Returns
    -------
    strategy of Bundle

    Raises
    ------
    InvalidInputError
        No such process, or a size below 1.
    """
    chosen = tuple(PROCESSES) if process is None else process
    names = (chosen,) if isinstance(chosen, (str, Process)) else chosen
    records = [get_process(one) for one in names]
    if not records:
        raise InvalidInputError("give at least one process")
    n = draw(sizes(n_nodes, "n_nodes"))
    size = draw(sizes(n_trials, "n_trials")), draw(sizes(n_bins, "n_bins"))
    if n_conditions is None:
        n_conditions = draw(st.sampled_from([0, N_CONDITIONS]))
    labels = None
    if n_conditions:
        labels = draw(conditions(*size, n_conditions=n_conditions, unlabelled=False))
    held = draw(st.integers(1, size[1])) if window == "any" else window
    which = st.sampled_from(range(len(records)))
    owner = np.array(draw(st.lists(which, min_size=n, max_size=n)))
    # What is left out is not printed.
    given = {"conditions": labels, "n_trials": size[0], "n_bins": size[1], "bin_width": bin_width}
    options = {name: st.just(value) for name, value in given.items() if value is not None}
    parts = []
    for k in np.unique(owner):
        record, ids = records[k], np.flatnonzero(owner == k)
        values = draw(params(record, n_nodes=len(ids), n_conditions=n_conditions, edges=edges))
        # By its name a process prints as something that can be typed.
        known = record.name if PROCESSES.get(record.name) == record else record
        whole = st.builds(
            Bundle.from_params, st.just(known), st.just(values), window=st.just(held), **options
        )
        parts.append((draw(whole), ids))
    bundle = parts[0][0]
    if len(parts) > 1:
        fits = tuple(replace(one.fits[0], node_ids=ids) for one, ids in parts)
        bundle = replace(bundle, fits=fits, layers=())
    if not correlated:
        return bundle
    shared = draw(latents(n))
    plain = np.zeros(n)
    for fit in bundle.fits:
        plain[fit.node_ids] = fit.process.is_plain
    shared = replace(shared, loadings=shared.loadings * plain[:, None], trial=shared.trial * plain)
    return replace(bundle, latents=shared)
