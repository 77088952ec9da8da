"""Spike times as they come from outside, and the bins that they fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.errors.entrance import SAME, array, shown
from stochnet.raster import packing

# Steps of the floating-point numbers between two ways to compute one time, such as k · 0.001 and
# k / 1000: each of up to three operations is off by half a step.
STEPS = 4
# A time that may lie this far on either side of an edge, in bins, lies in no known bin.
COARSE = 0.25
_ONE_ARRAY = "give a list with one array of seconds per node"


@dataclass(frozen=True, slots=True)
class Binned:
    """Spikes in bins.

    Attributes
    ----------
    data : ndarray
        Packed bits, or counts where a bin holds several spikes: (node, 1, word or bin).
    outside : int
        Spikes that lie in none of the bins.
    on_edges : int
        Spikes that stood on an edge, up to rounding, and were counted to the bin that begins there.
    """

    data: NDArray[Any]
    outside: int
    on_edges: int


def bin_times(times: Sequence[Any], bin_width: float, n_bins: int, start: float) -> Binned:
    """Count spike times in bins; bin b begins with the time ``start + b·bin_width``.

    A time within 1e-8 of a bin of an edge, or as near to it as rounding allows, stands on it.

    Raises
    ------
    InvalidInputError
        Times that are none, not finite, or too coarse for the bins; or none of them lies in a bin.
    """
    trains = spike_trains(times)
    found, outside, on_edges = [], 0, 0
    for node, train in enumerate(trains):
        index, edges = bin_of(train, bin_width, start, f"node {node}")
        inside = (index >= 0) & (index < n_bins)
        outside += len(index) - int(inside.sum())
        on_edges += int(edges.sum())
        found.append(np.unique(index[inside].astype(np.int64), return_counts=True))
    kept = sum(int(n.sum()) for _, n in found)
    if outside and not kept:
        raise InvalidInputError(
            f"none of the {outside} spikes lies between {start} and {start + bin_width * n_bins} "
            "s; times, start and bin_width are in seconds: check their units"
        )
    return Binned(_filled(found, n_bins), outside, on_edges)


def _filled(found: list[tuple[NDArray[Any], NDArray[Any]]], n_bins: int) -> NDArray[Any]:
    """Return the data of a raster from the bins of each node and the spikes in them."""
    most = max((int(n.max(initial=0)) for _, n in found), default=0)
    if most > np.iinfo(np.uint16).max:
        raise InvalidInputError(f"a bin holds {most} spikes, and at most 65535: use narrower bins")
    if most <= 1:
        words = np.zeros((len(found), 1, packing.n_words(n_bins)), np.uint64)
        for row, (bins, _) in zip(words[:, 0], found, strict=True):
            bits = np.uint64(1) << (bins % packing.WORD).astype(np.uint64)
            np.bitwise_or.at(row, bins // packing.WORD, bits)
        return words
    counts = np.zeros((len(found), 1, n_bins), np.uint8 if most <= 255 else np.uint16)
    for row, (bins, n) in zip(counts[:, 0], found, strict=True):
        row[bins] = n
    return counts


def bin_of(
    times: NDArray[Any], bin_width: float, start: float, who: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the bin of every time, from minus infinity on, and whether it stood on an edge.

    Raises
    ------
    InvalidInputError
        A time is not finite, or its type too coarse to tell bins apart.
    """
    seconds = times.astype(np.float64)
    if not np.isfinite(seconds).all():
        raise InvalidInputError(
            f"{who}: a spike time is not finite; remove it first, for example with "
            "times[np.isfinite(times)]"
        )
    # The step of the type in which the time was computed, and that of the first edge.
    step = np.spacing(np.abs(times)) if times.dtype.kind == "f" else np.spacing(np.abs(seconds))
    reach = STEPS * (step.astype(np.float64) + np.spacing(abs(start))) / bin_width
    if (reach > COARSE).any():
        worst = int(np.argmax(reach))
        raise InvalidInputError(
            f"{who}: times near {seconds[worst]:g} s are known to {step[worst]:.2g} s as "
            f"{times.dtype}, which is too coarse for bins of {bin_width:g} s: give float64, or "
            "subtract the beginning of the recording"
        )
    place = (seconds - start) / bin_width
    nearest = np.rint(place)
    on_edge = np.abs(place - nearest) <= np.maximum(SAME, reach)
    return np.where(on_edge, nearest, np.floor(place)), on_edge


def spike_trains(times: Any) -> list[NDArray[Any]]:
    """Return one array of times for each node; what would be read as another thing is refused.

    Masked times are left out: a masked entry is no spike.

    Raises
    ------
    InvalidInputError
        The message says which node, and what to give instead.
    """
    if isinstance(times, Mapping):
        raise InvalidInputError(
            "times is a mapping, and its keys would become times: give list(times.values())"
        )
    if hasattr(times, "toarray") and hasattr(times, "nnz"):
        raise InvalidInputError(
            "times is a sparse array, of bins perhaps: SpikeRaster.from_dense takes x.toarray()"
        )
    listed = isinstance(times, (list, tuple)) or hasattr(times, "__array__")
    if not listed or isinstance(times, (np.generic, type)) or getattr(times, "shape", 0) == ():
        raise InvalidInputError(f"times must be a list, got {shown(times)}: {_ONE_ARRAY}")
    rows = list(times)
    if not rows:
        raise InvalidInputError(f"times is empty: {_ONE_ARRAY}")
    rectangular = not isinstance(times, (list, tuple)) and getattr(times, "ndim", 1) > 1
    trains = [_train(node, one) for node, one in enumerate(rows)]
    for node, train in enumerate(trains):
        _check_padding(node, train, rectangular)
    return trains


def _train(node: int, value: Any) -> NDArray[Any]:
    """Return the times of one node."""
    if isinstance(value, (Real, np.generic)) or getattr(value, "shape", None) == ():
        raise InvalidInputError(
            f"times[{node}] is one number, so each number would become a node: {_ONE_ARRAY}; for "
            "one node that is [times]"
        )
    several = isinstance(value, (list, tuple)) and any(
        isinstance(one, (list, tuple)) or getattr(one, "ndim", 0) > 0 for one in value
    )
    # A vector of MATLAB has an axis of length 1 beside its own.
    vector = isinstance(value, np.ndarray) and value.ndim == 2 and 1 in value.shape
    if several or (getattr(value, "ndim", 1) > 1 and not vector):
        raise InvalidInputError(
            f"node {node} has several arrays of times, of trials perhaps, which would be poured "
            "together: bin each trial by itself and join the bins, "
            "SpikeRaster.from_dense(np.concatenate([one.to_dense() for one in trials], axis=1), "
            "bin_width=...); if they are one trial, give np.ravel of them"
        )
    if isinstance(value, np.ma.MaskedArray):
        value = value.compressed()
    found = np.ravel(array(f"the times of node {node}", value, what="seconds"))
    bits = found.dtype.kind in "iu" and found.size > 2 and found.min() >= 0 and found.max() <= 1
    if found.dtype.kind == "b" or bits:
        raise InvalidInputError(
            f"the times of node {node} are {'truth values' if not bits else 'all 0 or 1'}: a mask "
            "picks times, times[mask]; bins are taken by SpikeRaster.from_dense"
        )
    return found


def _check_padding(node: int, train: NDArray[Any], rectangular: bool) -> None:
    """Refuse zeros behind the times of a node: they fill a table up more often than they spike."""
    filled = np.flatnonzero(train)
    if len(filled):
        body, tail = train[: filled[-1] + 1], len(train) - 1 - int(filled[-1])
        padded = tail > 1 or (tail == 1 and body[-1] > 0 and bool((np.diff(body) >= 0).all()))
    else:
        padded = rectangular and len(train) > 1
    if padded:
        raise InvalidInputError(
            f"the times of node {node} end with zeros, which look like padding: give each node an "
            "array of its own length, without them; times that are meant, sort (np.sort)"
        )
