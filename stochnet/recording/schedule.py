"""Schedules: which stimulus stands in which bin of which trial; `present` applies one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels import rng
from stochnet.kernels.counting.gather import gather_counts, gather_spikes
from stochnet.kernels.threads import Progress, run_blocks
from stochnet.raster import packing
from stochnet.raster.blocks import node_blocks
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.raster.sinks import Shape
from stochnet.storage import open_sink

Index = NDArray[np.int64]
LABELS = MappingProxyType({"label": "conditions", "training-label": "training_labels"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which stimulus stands in which bin.

    Attributes
    ----------
    kind : str
        ``"shuffled"``, ``"blocked"``, ``"stratified"`` or ``"sequential"``.
    order : ndarray of int64 (trial, bin)
        Position of the stimulus in the recording.
    seed : int
        What the order was drawn from.
    """

    kind: str
    order: Index
    seed: int

    def __post_init__(self) -> None:
        entrance.option("kind", self.kind, _ORDERS)
        order = entrance.integers("order", self.order, 0, np.iinfo(np.int64).max)
        if order.ndim != 2 or 0 in order.shape:
            raise InvalidInputError(f"order must be (trial, bin), got {order.shape}")
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "seed", entrance.whole("seed", self.seed, 0, 2**64 - 1))


def make_schedule(
    kind: str,
    n_stimuli: int,
    n_trials: int,
    n_bins: int,
    *,
    labels: NDArray[Any] | None = None,
    seed: int | None = None,
    unlabelled: str = "error",
) -> Schedule:
    """Draw a schedule.

    Parameters
    ----------
    kind : {"shuffled", "blocked", "stratified", "sequential"}
        *shuffled* cuts a random permutation of the stimuli into trials and takes a new one when it
        is used up; *blocked* gives each trial stimuli of one class, the classes in turn, permuted
        within the class; *stratified* puts every class equally often into each trial, in random
        order; *sequential* keeps the order of the data set and starts again at its end.
    n_stimuli : int
        Stimuli in the recording.
    n_trials, n_bins : int
        Size of what is presented.
    labels : array_like of int (stimulus,), optional
        Class of every stimulus, for blocked and stratified; -1 for none.
    seed : int, optional
        None draws one.
    unlabelled : {"error", "omit"}, default "error"
        What blocked and stratified do with stimuli without a class: refuse them, or not show them.

    Raises
    ------
    InvalidInputError
        An unknown schedule, labels missing or negative, or sizes that the classes do not divide.
    """
    entrance.option("schedule", kind, _ORDERS)
    n_stimuli = entrance.whole("n_stimuli", n_stimuli, 1, entrance.MOST_BINS)
    n_trials = entrance.whole("n_trials", n_trials, 1, entrance.MOST_BINS)
    n_bins = entrance.whole("n_bins", n_bins, 1, entrance.MOST_BINS)
    # An index of 64 bits for every bin, and its permutation.
    entrance.fits_memory(f"a schedule of {n_trials:,} × {n_bins:,} bins", 16 * n_trials * n_bins)
    if labels is not None:
        labels = entrance.integers("labels", labels, -1, np.iinfo(np.int64).max)
    seed = rng.resolve_seed(seed)
    groups = [np.arange(n_stimuli)]
    if kind in _BY_CLASS:
        groups = _classes(kind, n_stimuli, labels, entrance.option("unlabelled", unlabelled, OMIT))
    order = _ORDERS[kind](groups, n_trials, n_bins, seed)
    return Schedule(kind, order, seed)


def _classes(
    kind: str, n_stimuli: int, labels: NDArray[Any] | None, unlabelled: str
) -> list[Index]:
    if labels is None or labels.shape != (n_stimuli,) or labels.max() < 0:
        raise InvalidInputError(
            f"a {kind} schedule needs the class label of every stimulus; record with labels, or "
            "use a shuffled or sequential schedule"
        )
    without = int(np.count_nonzero(labels < 0))
    if without and unlabelled == "error":
        raise InvalidInputError(
            f"{without} of {n_stimuli} stimuli have no class label (-1), and a {kind} schedule "
            "goes by classes: leave them out with unlabelled='omit' (--unlabelled omit), or use a "
            "shuffled or sequential schedule"
        )
    return [np.flatnonzero(labels == value) for value in np.unique(labels[labels >= 0])]


def _deal(members: Index, n: int, seed: int, stream: int) -> Index:
    """Return n members: whole random permutations one after the other."""
    repeats = -(-n // len(members))
    deals = [members[rng.permutation(len(members), seed, stream, r)] for r in range(repeats)]
    return np.concatenate(deals)[:n]


def _shuffled(groups: list[Index], n_trials: int, n_bins: int, seed: int) -> Index:
    return _deal(groups[0], n_trials * n_bins, seed, 0).reshape(n_trials, n_bins)


def _sequential(groups: list[Index], n_trials: int, n_bins: int, seed: int) -> Index:
    return np.resize(groups[0], (n_trials, n_bins))


def _blocked(groups: list[Index], n_trials: int, n_bins: int, seed: int) -> Index:
    n_classes = len(groups)
    if n_trials % n_classes:
        raise InvalidInputError(
            f"a blocked schedule gives every class equally many trials: {n_trials} trials is no "
            f"multiple of {n_classes} classes; try "
            f"{max(1, round(n_trials / n_classes)) * n_classes}"
        )
    per_class = n_trials // n_classes
    order = np.empty((n_trials, n_bins), np.int64)
    for c, members in enumerate(groups):
        order[c::n_classes] = _deal(members, per_class * n_bins, seed, 1 + c).reshape(-1, n_bins)
    return order


def _stratified(groups: list[Index], n_trials: int, n_bins: int, seed: int) -> Index:
    n_classes = len(groups)
    if n_bins % n_classes:
        raise InvalidInputError(
            f"a stratified schedule puts every class equally often into each trial: {n_bins} bins "
            f"is no multiple of {n_classes} classes; try "
            f"{max(1, round(n_bins / n_classes)) * n_classes}"
        )
    share = n_bins // n_classes
    dealt = [
        _deal(members, n_trials * share, seed, 1 + c).reshape(n_trials, share)
        for c, members in enumerate(groups)
    ]
    order = np.concatenate(dealt, axis=1)
    for trial in range(n_trials):
        order[trial] = order[trial, rng.permutation(n_bins, seed, 0, trial)]
    return order


_ORDERS: dict[str, Callable[[list[Index], int, int, int], Index]] = {
    "shuffled": _shuffled,
    "blocked": _blocked,
    "stratified": _stratified,
    "sequential": _sequential,
}
OMIT = ("error", "omit")
_BY_CLASS = ("blocked", "stratified")


def present(
    raster: SpikeRaster,
    schedule: str | Schedule,
    *,
    n_trials: int | None = None,
    n_bins: int | None = None,
    seed: int | None = None,
    by: str = "label",
    path: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    unlabelled: str = "error",
) -> SpikeRaster:
    """Show the stimuli of a recording again, in another order; the network is not run.

    Parameters
    ----------
    raster : SpikeRaster
        A recording: every bin is one stimulus. Trials are taken one after the other.
    schedule : str or Schedule
        A kind (see `make_schedule`), or a schedule drawn before.
    n_trials, n_bins : int
        Needed with a kind; taken from a `Schedule`.
    seed : int, optional
        None draws one, which is kept in ``provenance["seed"]``.
    by : {"label", "training-label"}
        Which labels blocked and stratified go by; they become the conditions.
    path : path-like, optional
        Stream to this HDF5 file, a block of nodes at a time.
    progress : callable, optional
        Called with (what, done, total).
    unlabelled : {"error", "omit"}, default "error"
        As for `make_schedule`; how many stimuli were not shown is in ``provenance["omitted"]``.

    Returns
    -------
    SpikeRaster
        (node, trial, bin), the spikes of the stimulus in each bin.

    Raises
    ------
    InvalidInputError
        As `make_schedule`; labels that the recording does not have.
    """
    entrance.progress(progress)
    n_stimuli = check_raster(raster).n_trials * raster.n_bins
    labels = _labels(raster, by)
    if isinstance(schedule, str):
        if n_trials is None or n_bins is None:
            raise InvalidInputError("give n_trials and n_bins: how many trials of how many bins")
        plan = make_schedule(
            schedule, n_stimuli, n_trials, n_bins, labels=labels, seed=seed, unlabelled=unlabelled
        )
    else:
        plan = entrance.instance(
            "schedule", schedule, Schedule, "name a kind, or draw one with make_schedule"
        )
    order = plan.order
    template = presented(raster, plan, by)
    if unlabelled != "error" and plan.kind in _BY_CLASS and labels is not None:
        omitted = int(np.count_nonzero(labels < 0))
        template = replace(template, provenance={**template.provenance, "omitted": omitted})
    with open_sink(path, template) as sink:
        node_bytes = max(raster.node_bytes, template.node_bytes)
        for first, last in node_blocks(raster.n_nodes, node_bytes):
            sink.write(first, _gather(raster.block(slice(first, last)), order))
            if progress is not None:
                progress("present", last, raster.n_nodes)
    return sink.raster


def check_order(plan: Schedule, n_stimuli: int) -> None:
    """Refuse a schedule that names stimuli that are not there.

    Raises
    ------
    InvalidInputError
        It does.
    """
    if plan.order.min() < 0 or plan.order.max() >= n_stimuli:
        raise InvalidInputError(f"the schedule names stimuli that are not among the {n_stimuli}")


def presented(raster: SpikeRaster, plan: Schedule, by: str) -> SpikeRaster:
    """Return what a schedule makes of a recording, all but the data.

    Raises
    ------
    InvalidInputError
        The schedule names other stimuli; labels that the recording does not have.
    """
    order = plan.order
    check_order(plan, raster.n_trials * raster.n_bins)

    def shown(name: str) -> Any:
        values = getattr(raster, name)
        return None if values is None else values.reshape(-1)[order]

    labels = _labels(raster, by)
    width = packing.n_words(order.shape[1]) if raster.kind == "spikes" else order.shape[1]
    stimuli = shown("stimuli")
    return SpikeRaster(
        Shape((raster.n_nodes, order.shape[0], width), raster.data.dtype),
        n_bins=order.shape[1],
        conditions=None if labels is None else labels[order],
        training_labels=shown("training_labels"),
        stimuli=order if stimuli is None else stimuli,
        layers=raster.layers,
        bin_width=raster.bin_width,
        schedule=plan.kind,
        provenance=provenance(seed=plan.seed, by=by, recording=dict(raster.provenance)),
    )


def _labels(raster: SpikeRaster, by: str) -> NDArray[np.int16] | None:
    entrance.option("by", by, LABELS)
    labels: NDArray[np.int16] | None = getattr(raster, LABELS[by])
    if labels is None and by != "label":
        raise InvalidInputError(
            "this recording has no training labels: its network was trained on the true ones, or "
            "was recorded without its checkpoint; use by='label' (--by label)"
        )
    return None if labels is None else labels.reshape(-1)


def _gather(block: SpikeRaster, order: Index) -> NDArray[Any]:
    """Gather the bins of a block of nodes: data (node, trial, word or bin)."""
    n_trials, n_bins = order.shape
    index = np.ascontiguousarray(order.reshape(-1))
    if block.kind == "counts":
        counts = block.data[0 : block.n_nodes].reshape(block.n_nodes, -1)
        gathered: NDArray[Any] = np.empty((block.n_nodes, n_trials, n_bins), counts.dtype)
        run_blocks(
            lambda a, b: gather_counts(counts[a:b], index, n_bins, gathered[a:b]), block.n_nodes
        )
        return gathered
    if block.n_trials > 1:
        # Bin t of trial k stands in word k·n_words: renumber instead of repacking.
        trial, bin_ = np.divmod(index, block.n_bins)
        index = trial * (64 * packing.n_words(block.n_bins)) + bin_
    words = block.data[0 : block.n_nodes].reshape(block.n_nodes, -1)
    gathered = np.empty((block.n_nodes, n_trials, packing.n_words(n_bins)), np.uint64)
    run_blocks(lambda a, b: gather_spikes(words[a:b], index, n_bins, gathered[a:b]), block.n_nodes)
    return gathered
