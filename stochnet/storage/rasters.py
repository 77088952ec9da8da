"""Rasters on disk (format: docs/file-format.md): what they hold, and how they are read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, entrance
from stochnet.kernels.threads import count
from stochnet.raster.layers import Layer
from stochnet.raster.packing import last_word_mask
from stochnet.raster.raster import SpikeRaster
from stochnet.storage.digest import ArrayDigest, array_digest, content_digest
from stochnet.storage.files.attributes import read_provenance
from stochnet.storage.files.safe import (
    DAMAGE,
    FORMAT_VERSION,
    Layout,
    attribute,
    number,
    safe_open,
    whole,
)
from stochnet.storage.files.tree import checked_open

RASTER = "stochnet-raster"
_PER_BIN = ("conditions", "training_labels", "stimuli")
LAYOUT = Layout(
    RASTER,
    ("layers", "provenance"),
    ("spikes", "counts", *_PER_BIN, "layers/(name|kind|shape|first|n_nodes)"),
)


class StoredArray:
    """A dataset of a file that is opened only while nodes are read; workers can be sent it."""

    def __init__(
        self,
        path: Path,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        padding: int = 0,
        limits: tuple[int, int] | None = None,
    ) -> None:
        self.path = path.resolve()
        # Bits of the last word that no value may have, and the least and the most of all values.
        self.padding = padding
        self.limits = limits
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self._identity = self._stat()

    def moved(self, path: Path) -> StoredArray:
        """Return the same dataset of the same file, which was renamed."""
        other = copy(self)
        other.path = path.resolve()
        return other

    def _stat(self) -> tuple[int, int, int]:
        try:
            stat = self.path.stat()
        except OSError as error:
            raise FileFormatError(f"{self.path} is gone; load the raster again") from error
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def __getitem__(self, key: slice) -> NDArray[Any]:
        if self._stat() != self._identity:
            raise FileFormatError(f"{self.path} was replaced since it was opened; read it again")
        start, stop, _ = key.indices(self.shape[0])
        block = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        try:
            with h5py.File(self.path, "r") as handle:
                if block.size:
                    handle[self.name].read_direct(block, np.s_[start:stop])
        except DAMAGE as error:
            raise FileFormatError(f"{self.path} is damaged: {error}") from error
        if self.padding and (block[..., -1] & np.uint64(self.padding)).any():
            raise FileFormatError(f"{self.path}: there are spikes after the last bin")
        if self.limits is not None:
            check_range(block, self.name, *self.limits, self.path)
        return block


def check_range(values: NDArray[Any], name: str, low: int, high: int | float, path: Path) -> None:
    """Refuse numbers of a file that lie outside of what they can be.

    Raises
    ------
    FileFormatError
        Some do, or are no numbers.
    """
    if values.size and not low <= values.min() <= values.max() <= high:
        raise FileFormatError(
            f"{path}: {name} has values from {values.min()} to {values.max()}, which lie outside "
            f"of {low} to {high}; take a good copy"
        )


def layer_arrays(layers: tuple[Layer, ...]) -> dict[str, NDArray[Any]]:
    """Return the layer table as the arrays it is stored in."""
    rank = max(len(layer.shape) for layer in layers)
    shape = np.zeros((len(layers), rank), np.int64)
    for row, layer in enumerate(layers):
        shape[row, : len(layer.shape)] = layer.shape
    return {
        "layers/name": np.array([layer.name.encode() for layer in layers]),
        "layers/kind": np.array([layer.kind.encode() or b"-" for layer in layers]),
        "layers/shape": shape,
        "layers/first": np.array([layer.first for layer in layers], np.int64),
        "layers/n_nodes": np.array([layer.n_nodes for layer in layers], np.int64),
    }


def read_layers(handle: h5py.File) -> tuple[Layer, ...]:
    """Read the layer table of a raster or bundle."""
    if "layers" not in handle:
        return ()
    columns = {name: handle[f"layers/{name}"][...] for name in handle["layers"]}
    return tuple(
        Layer(
            columns["name"][i].decode(),
            columns["kind"][i].decode(),
            tuple(int(n) for n in columns["shape"][i] if n > 0),
            int(columns["first"][i]),
            int(columns["n_nodes"][i]),
        )
        for i in range(len(columns["name"]))
    )


def small_arrays(raster: SpikeRaster) -> dict[str, NDArray[Any]]:
    """Return every dataset of a raster but the spikes."""
    per_bin = {name: getattr(raster, name) for name in _PER_BIN}
    present = {name: array for name, array in per_bin.items() if array is not None}
    return present | layer_arrays(raster.layers)


def raster_attributes(raster: SpikeRaster) -> dict[str, str | int | float]:
    """Return the root attributes of a raster that are content."""
    return {
        "@encoding-type": RASTER,
        "@encoding-version": FORMAT_VERSION,
        "@n_bins": raster.n_bins,
        "@bin_width": raster.bin_width,
        "@schedule": raster.schedule,
    }


def combine(raster: SpikeRaster, data_root: bytes) -> str:
    """Return the content digest of a raster, given the root of the hash tree of its data."""
    roots = {
        name: (array_digest([array], array.shape, array.dtype), array.dtype, array.shape)
        for name, array in small_arrays(raster).items()
    }
    roots[raster.kind] = (data_root, raster.data.dtype, tuple(raster.data.shape))
    return content_digest(roots, raster_attributes(raster))


def raster_digest(raster: SpikeRaster) -> str:
    """Return the content digest of a raster in memory or on disk: ``sha256:…``.

    It is the digest that a file of this raster carries; provenance is not part of it.
    """
    tree = ArrayDigest(tuple(raster.data.shape), raster.data.dtype)
    with ThreadPoolExecutor(count(None)) as pool:
        for _, block in raster.blocks():
            tree.update(block.data[0 : block.n_nodes], pool.map)
    return combine(raster, tree.digest())


def read_raster(path: str | os.PathLike[str], *, verify: bool = False) -> SpikeRaster:
    """Open a raster; spikes stay on disk until nodes are asked for.

    Parameters
    ----------
    path : path-like
    verify : bool, default False
        Read the whole file once and compare it with its seal, or without one with its digest. A
        bundle or a summary is always compared; a raster may be far larger.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is no raster, damaged, unsafe or of an unknown version.
    """
    opened = checked_open if entrance.truth("verify", verify) else safe_open
    with opened(path, {RASTER: LAYOUT}) as handle:
        return raster_of(handle, Path(path))


def raster_of(handle: h5py.File, path: Path) -> SpikeRaster:
    """Return the raster of an open file."""
    names = [name for name in ("spikes", "counts") if name in handle]
    if len(names) != 1:
        raise FileFormatError(f"{path} must hold either spikes or counts")
    data = handle[names[0]]
    if (
        data.dtype.newbyteorder("=")
        not in {
            "spikes": (np.dtype(np.uint64),),
            "counts": (np.dtype(np.uint8), np.dtype(np.uint16)),
        }[names[0]]
    ):
        raise FileFormatError(f"{path}: {names[0]} has type {data.dtype}")
    n_bins = whole(handle, "n_bins", 1, entrance.MOST_BINS)
    padding = int(~last_word_mask(n_bins)) if names[0] == "spikes" else 0
    fields: Mapping[str, Any] = {n: handle[n][...] for n in _PER_BIN if n in handle}
    return SpikeRaster(
        StoredArray(path, names[0], data.shape, data.dtype.newbyteorder("="), padding=padding),
        n_bins=n_bins,
        bin_width=number(handle, "bin_width"),
        schedule=str(attribute(handle, "schedule")),
        layers=read_layers(handle),
        provenance=read_provenance(handle),
        **fields,
    )


def moved(raster: SpikeRaster, path: Path) -> SpikeRaster:
    """Return a raster whose file was renamed."""
    stored = raster.data
    return replace(raster, data=stored.moved(path)) if isinstance(stored, StoredArray) else raster
