"""SpikeRaster: which node fired in which bin of which trial; the one type everything returns."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster import packing
from stochnet.raster.binning import bin_times
from stochnet.raster.blocks import BLOCK_BYTES, node_blocks
from stochnet.raster.layers import Layer, check_layer_list, check_layers, cut_layers

SCHEDULES = ("none", "shuffled", "blocked", "stratified", "sequential")
# What to do with anything that is given as a raster and is none.
OF_ARRAYS = (
    "make one with SpikeRaster.from_dense (bins), SpikeRaster.from_spike_times (seconds) or "
    "stochnet.read_raster (a file)"
)


class NodeArray(Protocol):
    """An array in memory or on disk, sliced along its first axis, node, without the rest."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes (node, trial, word or bin)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint64 for packed spikes, uint8 or uint16 for counts."""

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Return the nodes of a slice, in memory."""


@dataclass(frozen=True, eq=False, slots=True)
class SpikeRaster:
    """Spikes (packed bits) or counts of every node, trial and bin.

    Build one with `from_dense`, `from_spike_times`, `stochnet.record`, `stochnet.present`,
    `stochnet.simulate` or `stochnet.read_raster`.

    Attributes
    ----------
    data : NodeArray
        uint64 (node, trial, word), bit b of word w is bin 64·w + b and padding is zero; or
        uint8/uint16 counts (node, trial, bin).
    n_bins : int
        Bins per trial.
    conditions, training_labels : ndarray of int16 (trial, bin) or None
        Class label in use, and the label the network was trained on where that is another; -1 for
        none.
    stimuli : ndarray of int64 (trial, bin) or None
        Index of the stimulus in the data set; -1: none.
    layers : tuple of Layer
        They partition the nodes in order.
    bin_width : float
        Seconds per bin, NaN if a bin has no duration.
    schedule : str
        How stimuli were presented: one of ``SCHEDULES``.
    provenance : dict
        Where the raster comes from; not part of its content.
    """

    data: NodeArray
    n_bins: int
    conditions: NDArray[np.int16] | None = None
    training_labels: NDArray[np.int16] | None = None
    stimuli: NDArray[np.int64] | None = None
    layers: tuple[Layer, ...] = ()
    bin_width: float = math.nan
    schedule: str = "none"
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)
        for name, dtype in (
            ("conditions", np.int16),
            ("training_labels", np.int16),
            ("stimuli", np.int64),
        ):
            values = getattr(self, name)
            if values is not None:
                values = per_bin(name, values, self.n_trials, self.n_bins, dtype)
            object.__setattr__(self, name, values)
        layers = check_layer_list(self.layers)
        layers = layers or (Layer("nodes", "nodes", (self.n_nodes,), 0, self.n_nodes),)
        object.__setattr__(self, "layers", layers)
        check_layers(self.layers, self.n_nodes)

    @classmethod
    def from_dense(
        cls,
        counts: ArrayLike,
        *,
        conditions: ArrayLike | None = None,
        bin_width: float | None = None,
        layers: Sequence[Layer] = (),
        stimuli: ArrayLike | None = None,
        schedule: str = "none",
    ) -> SpikeRaster:
        """Pack a dense array.

        Parameters
        ----------
        counts : array_like of bool or int, shape (node, trial, bin)
            Spikes per bin. If nothing exceeds 1 it is stored as packed bits. A (node, bin) array
            is taken as one trial.
        conditions : array_like of int, shape (trial, bin) or (bin,), optional
            Class label per bin, -1 for none.
        bin_width : float, optional
            Seconds per bin.

        Raises
        ------
        InvalidInputError
            Wrong shape, negative or fractional counts, counts above 65,535.
        """
        array = entrance.array("counts", counts, what="bool or whole numbers")
        if array.ndim == 2:
            array = array[:, None, :]
        if array.ndim != 3 or 0 in array.shape:
            raise InvalidInputError(
                f"counts must be (node, trial, bin) with at least one of each, got {array.shape}"
            )
        data = packing.pack_or_count(array)
        return cls(
            data,
            n_bins=array.shape[2],
            conditions=conditions,  # type: ignore[arg-type]
            stimuli=stimuli,  # type: ignore[arg-type]
            bin_width=math.nan if bin_width is None else bin_width,
            layers=check_layer_list(layers),
            schedule=schedule,
        )

    @classmethod
    def from_spike_times(
        cls, times: Sequence[ArrayLike], *, bin_width: float, n_bins: int, start: float = 0.0
    ) -> SpikeRaster:
        """Bin spike times, one trial.

        Parameters
        ----------
        times : sequence of array_like of float
            One array of seconds per node, in any order.
        bin_width : float
            Seconds per bin; bin b is [start + b·bin_width, start + (b+1)·bin_width). A time that
            is on an edge up to rounding (within 1e-8 of a bin, or the steps of its own type)
            stands on it, and belongs to the bin that begins there; the number of these is in
            ``provenance["spikes_on_edges"]``.
        n_bins : int
            Bins of the raster; spikes before `start` or after the last bin are left out, and
            their number is in ``provenance["spikes_outside"]``.
        start : float, default 0.0
            Time of the first edge in seconds.

        Raises
        ------
        InvalidInputError
            Times that are not one array per node (masks, bins, padded tables, nested trials), not
            finite, or too coarse for the bins; or no spike lies inside the bins although there
            are spikes.
        """
        width = entrance.positive("bin_width", bin_width)
        bins = entrance.whole("n_bins", n_bins, 1, entrance.MOST_BINS)
        binned = bin_times(times, width, bins, entrance.number("start", start, unit="seconds"))
        return cls(
            binned.data,
            n_bins=bins,
            bin_width=width,
            provenance={
                "spikes_outside": binned.outside,
                "spikes_on_edges": binned.on_edges,
            },
        )

    @property
    def kind(self) -> Literal["spikes", "counts"]:
        """``"spikes"`` for packed bits, ``"counts"`` for a number per bin."""
        return "spikes" if self.data.dtype == np.uint64 else "counts"

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.data.shape[0]

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.data.shape[1]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(node, trial, bin)."""
        return self.n_nodes, self.n_trials, self.n_bins

    @property
    def n_conditions(self) -> int:
        """One more than the highest condition; 0 without conditions."""
        return 0 if self.conditions is None else int(self.conditions.max(initial=-1)) + 1

    @property
    def node_bytes(self) -> int:
        """Bytes one node takes in memory."""
        return int(np.prod(self.data.shape[1:])) * self.data.dtype.itemsize

    def __repr__(self) -> str:
        return (
            f"SpikeRaster({self.n_nodes} nodes × {self.n_trials} trials × {self.n_bins} bins, "
            f"{self.kind}, {len(self.layers)} layer(s), schedule={self.schedule})"
        )

    def block(self, nodes: slice) -> SpikeRaster:
        """Return the consecutive nodes of a slice, read into memory, as a raster of their own."""
        start, stop, step = _indices("nodes", nodes, self.n_nodes)
        if step != 1 or stop <= start:
            raise InvalidInputError("nodes must be a non-empty slice of step 1")
        return replace(
            self,
            data=np.asarray(self.data[start:stop]),
            layers=cut_layers(self.layers, start, stop),
        )

    def blocks(self, max_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, SpikeRaster]]:
        """Yield (first node, raster of a block of nodes) with at most `max_bytes` of data each."""
        share = entrance.whole("max_bytes", max_bytes) / BLOCK_BYTES
        for first, last in node_blocks(self.n_nodes, self.node_bytes, share):
            yield first, self.block(slice(first, last))

    def layer(self, name: str) -> SpikeRaster:
        """Return the raster of one layer.

        Raises
        ------
        InvalidInputError
            No layer of that name; the message lists those there are.
        """
        for layer in self.layers:
            if isinstance(name, str) and layer.name == name:
                return self.block(layer.nodes)
        raise InvalidInputError(
            f"no layer {entrance.shown(name)}; there are {[x.name for x in self.layers]}"
        )

    def trials(self, trials: slice | NDArray[np.int64]) -> SpikeRaster:
        """Return the raster of a slice of trials, or of trials by number, in memory."""
        keep = np.arange(self.n_trials)[entrance.rows("trials", trials, self.n_trials)]
        if len(keep) == 0:
            raise InvalidInputError("that slice holds no trial: give a slice, or a list of trials")

        def cut(array: NDArray[Any] | None) -> Any:
            return None if array is None else array[keep]

        return replace(
            self,
            data=np.ascontiguousarray(self.data[0 : self.n_nodes][:, keep]),
            conditions=cut(self.conditions),
            training_labels=cut(self.training_labels),
            stimuli=cut(self.stimuli),
        )

    def load(self) -> SpikeRaster:
        """Return the raster read whole into memory."""
        return self.block(slice(0, self.n_nodes))

    def to_dense(self, nodes: slice = slice(None)) -> NDArray[Any]:
        """Return counts (node, trial, bin): uint8 (0 or 1) for spikes, as stored for counts."""
        block = np.asarray(self.data[slice(*_indices("nodes", nodes, self.n_nodes))])
        return packing.unpack(block, self.n_bins) if self.kind == "spikes" else block

    def spike_times(self, node: int, trial: int = 0) -> NDArray[np.float64]:
        """Return when a node fires in a trial: starts of bins, in seconds or bins, with repeats."""
        node = entrance.whole("node", node, 0, self.n_nodes - 1)
        trial = entrance.whole("trial", trial, 0, self.n_trials - 1)
        counts = self.to_dense(slice(node, node + 1))[0, trial]
        bins = np.repeat(np.arange(self.n_bins, dtype=np.float64), counts)
        return bins if math.isnan(self.bin_width) else bins * self.bin_width


def _indices(name: str, which: Any, n: int) -> tuple[int, int, int]:
    """Return start, stop and step of a slice of `n`."""
    if isinstance(which, slice):
        with contextlib.suppress(TypeError, ValueError):
            return which.indices(n)
    raise InvalidInputError(f"{name} must be a slice, as slice(0, 10), got {entrance.shown(which)}")


def check_raster(value: Any, name: str = "raster") -> SpikeRaster:
    """Return a raster; anything else is refused.

    Raises
    ------
    InvalidInputError
        It is something else; the message says how to make a raster of it.
    """
    return entrance.instance(name, value, SpikeRaster, OF_ARRAYS)


def check_bin_width(value: Any) -> float:
    """Return a width of bins in seconds, NaN for bins without a duration.

    Raises
    ------
    InvalidInputError
        It is neither.
    """
    if isinstance(value, (float, np.floating)) and math.isnan(value):
        return math.nan
    return entrance.positive("bin_width", value, "seconds, or NaN for none")


def _check(raster: SpikeRaster) -> None:
    data, n_bins = raster.data, entrance.whole("n_bins", raster.n_bins, 1, entrance.MOST_BINS)
    object.__setattr__(raster, "n_bins", n_bins)
    object.__setattr__(raster, "bin_width", check_bin_width(raster.bin_width))
    entrance.option("schedule", raster.schedule, SCHEDULES)
    entrance.instance("provenance", raster.provenance, Mapping, "give a dict of facts")
    if not (isinstance(getattr(data, "shape", None), tuple) and hasattr(data, "dtype")):
        raise InvalidInputError(
            f"data must be an array of packed bits or counts, got {entrance.shown(data)}: use "
            "SpikeRaster.from_dense"
        )
    if len(data.shape) != 3 or 0 in data.shape or n_bins < 1:
        raise InvalidInputError(
            f"a raster needs at least one node, trial and bin; data has shape {data.shape}"
        )
    if data.dtype not in (np.dtype(np.uint64), np.dtype(np.uint8), np.dtype(np.uint16)):
        raise InvalidInputError("data must be packed uint64, or counts in uint8 or uint16")
    width = packing.n_words(n_bins) if data.dtype == np.uint64 else n_bins
    if data.shape[2] != width:
        raise InvalidInputError(
            f"the last axis of data must be {width} for {n_bins} bins, got {data.shape[2]}"
        )


def per_bin(
    name: str, values: ArrayLike, n_trials: int, n_bins: int, dtype: type = np.int16
) -> NDArray[Any]:
    """Return numbers (trial, bin); those of one trial hold for every trial.

    Raises
    ------
    InvalidInputError
        Another shape, fractions, or numbers below -1 or too large for the type.
    """
    array = entrance.array(name, values, what="integers")
    if array.ndim == 1:
        array = np.broadcast_to(array, (n_trials, len(array)))
    if array.shape != (n_trials, n_bins):
        raise InvalidInputError(
            f"{name} must have shape (trial, bin) = {(n_trials, n_bins)}, got {array.shape}"
        )
    high = int(np.iinfo(dtype).max)
    if array.dtype.kind not in "iu" or array.min() < -1 or array.max() > high:
        raise InvalidInputError(
            f"{name} must be integers from -1 (none) to {high}; number your labels 0, 1, …"
        )
    return np.ascontiguousarray(array, dtype=dtype)
