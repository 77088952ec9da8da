"""Strategies for rasters, recordings and schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from stochnet.errors import InvalidInputError
from stochnet.process import Process
from stochnet.raster.raster import SpikeRaster
from stochnet.recording.schedule import Schedule, make_schedule
from stochnet.simulation.simulate import simulate
from stochnet.testing.strategies.arrays import Size, conditions, dense, sizes
from stochnet.testing.strategies.parameters import N_CONDITIONS, Window, bundles, seeds

KINDS = ("sequential", "shuffled", "blocked", "stratified")


@st.composite
def rasters(
    draw: st.DrawFn,
    *,
    n_nodes: Size = (1, 5),
    n_trials: Size = (1, 4),
    n_bins: Size = (1, 200),
    counts: bool | None = None,
    n_conditions: int | None = None,
    bin_width: float | None = None,
    process: str | Process | Sequence[str | Process] | None = None,
    window: Window = "any",
) -> SpikeRaster:
    """Draw rasters: any spikes and counts at all, or those that a process draws.

    Parameters
    ----------
    n_nodes, n_trials, n_bins : int or tuple of int
        A size, or its lowest and highest value.
    counts : bool, optional
        False for packed spikes, True for counts, either by default. Not together with `process`.
    n_conditions : int, optional
        Conditions of the bins; 0 for none; by default 0 or 3. Without a `process` some bins may
        have no condition, which is -1.
    bin_width : float, optional
        Seconds per bin; none by default.
    process : str, Process or sequence of these, optional
        Draw a network with `bundles` and simulate it.
    window : int, None or "any"
        As for `bundles`.

    Returns
    -------
    strategy of SpikeRaster
        A counterexample prints as the call of `SpikeRaster.from_dense`, or of `simulate`, that
        makes it.

    Raises
    ------
    InvalidInputError
        A size below 1, no such process, `counts` together with `process`.
    """
    if process is not None:
        if counts is not None:
            raise InvalidInputError("a process decides about counts: leave out counts or process")
        network = bundles(
            process,
            n_nodes=n_nodes,
            n_trials=n_trials,
            n_bins=n_bins,
            n_conditions=n_conditions,
            window=window,
            bin_width=bin_width,
        )
        return draw(st.builds(simulate, network, seed=seeds()))
    array = draw(dense(n_nodes=n_nodes, n_trials=n_trials, n_bins=n_bins, counts=counts))
    if n_conditions is None:
        n_conditions = draw(st.sampled_from([0, N_CONDITIONS]))
    # What is left out is not printed.
    options: dict[str, st.SearchStrategy[Any]] = {}
    if n_conditions:
        options["conditions"] = conditions(*array.shape[1:], n_conditions=n_conditions)
    if bin_width is not None:
        options["bin_width"] = st.just(bin_width)
    return draw(st.builds(SpikeRaster.from_dense, st.just(array), **options))


@st.composite
def recordings(
    draw: st.DrawFn,
    *,
    n_nodes: Size = (1, 5),
    n_trials: Size = (1, 3),
    n_bins: Size = (1, 90),
    counts: bool | None = False,
    n_classes: int = 4,
) -> SpikeRaster:
    """Draw recordings, for `present`: every bin is one stimulus and has a class.

    Parameters
    ----------
    n_nodes, n_trials, n_bins : int or tuple of int
        A size, or its lowest and highest value; there are n_trials · n_bins stimuli.
    counts : bool, optional
        As for `dense`; spikes by default.
    n_classes : int, default 4
        Classes of the stimuli, all of which occur; fewer where there are fewer stimuli.

    Returns
    -------
    strategy of SpikeRaster
        With conditions 0 to n_classes - 1, in turn.

    Raises
    ------
    InvalidInputError
        A size below 1.
    """
    array = draw(dense(n_nodes=n_nodes, n_trials=n_trials, n_bins=n_bins, counts=counts))
    n_stimuli = array.shape[1] * array.shape[2]
    labels = np.arange(n_stimuli).reshape(array.shape[1:]) % min(n_classes, n_stimuli)
    return draw(st.builds(SpikeRaster.from_dense, st.just(array), conditions=st.just(labels)))


@st.composite
def schedules(
    draw: st.DrawFn,
    recording: SpikeRaster,
    *,
    kinds: Sequence[str] = KINDS,
    n_trials: Size = (1, 6),
    n_bins: Size = (1, 40),
) -> Schedule:
    """Draw schedules of a recording, for ``present(recording, schedule)``.

    Blocked and stratified schedules are drawn where every stimulus has a class. Their trials or
    bins are rounded up to a multiple of the classes.

    Parameters
    ----------
    recording : SpikeRaster
        Every bin is one stimulus; its conditions are the classes.
    kinds : sequence of str
        Kinds of `make_schedule` to draw from; all by default.
    n_trials, n_bins : int or tuple of int
        Size of what is presented, or its lowest and highest value.

    Returns
    -------
    strategy of Schedule

    Raises
    ------
    InvalidInputError
        A size below 1, or no kind that this recording can be shown in.
    """
    labels = None if recording.conditions is None else recording.conditions.reshape(-1)
    classed = labels is not None and int(labels.min()) >= 0
    possible = [kind for kind in kinds if classed or kind not in ("blocked", "stratified")]
    if not possible:
        raise InvalidInputError(
            "blocked and stratified schedules need a class for every stimulus; allow others too"
        )
    kind = draw(st.sampled_from(possible))
    trials, bins = draw(sizes(n_trials, "n_trials")), draw(sizes(n_bins, "n_bins"))
    n_classes = len(np.unique(labels)) if labels is not None else 1
    if kind == "blocked":
        trials = -(-trials // n_classes) * n_classes
    if kind == "stratified":
        bins = -(-bins // n_classes) * n_classes
    return draw(
        st.builds(
            make_schedule,
            st.just(kind),
            st.just(recording.n_trials * recording.n_bins),
            st.just(trials),
            st.just(bins),
            labels=st.just(labels if classed else None),
            seed=seeds(),
        )
    )
