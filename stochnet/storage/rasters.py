"""Rasters on disk (format: docs/file-format.md): write whole or streamed, read lazily by node."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet import __version__
from stochnet.digest import LEAF_BYTES, ArrayDigest, array_digest, content_digest
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.layers import Layer
from stochnet.raster import SpikeRaster
from stochnet.storage.provenance import read_provenance, write_provenance
from stochnet.storage.publish import publish
from stochnet.storage.safe import DAMAGE, FORMAT_VERSION, Layout, attribute, safe_open
from stochnet.storage.seal import USERBLOCK, write_seal
from stochnet.storage.tree import row_blocks

RASTER = "stochnet-raster"
_PER_BIN = ("conditions", "training_labels", "stimuli")
LAYOUT = Layout(
    RASTER,
    ("layers", "provenance"),
    ("spikes", "counts", *_PER_BIN, "layers/(name|kind|shape|first|n_nodes)"),
)


class StoredArray:
    """A dataset of a file that is opened only while nodes are read; workers can be sent it."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path = path.resolve()
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self._identity = self._stat()

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
        return block


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


def _attributes(raster: SpikeRaster) -> dict[str, str | int | float]:
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
    return content_digest(roots, _attributes(raster))


def raster_digest(raster: SpikeRaster) -> str:
    """Return the content digest of a raster in memory or on disk: ``sha256:…``.

    It is the digest that a file of this raster carries; provenance is not part of it.
    """
    tree = ArrayDigest(tuple(raster.data.shape), raster.data.dtype)
    for _, block in raster.blocks():
        tree.update(block.data[0 : block.n_nodes])
    return combine(raster, tree.digest())


class RasterWriter:
    """Stream a raster to a file that appears only when it is whole and verified.

    Parameters
    ----------
    path : path-like
        Target; an existing file is replaced at the end.
    template : SpikeRaster
        Everything but the data; the shape and type of its ``data`` are those of the file.
    words_per_write : int, optional
        Set when data arrive by columns (`write_words`), a few words of all nodes at a time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        template: SpikeRaster,
        words_per_write: int | None = None,
    ) -> None:
        self.path = Path(path)
        self._template = template
        self._columns = words_per_write
        self._tree = ArrayDigest(tuple(template.data.shape), template.data.dtype)
        self._digest = ""
        self._by_columns = False

    def __enter__(self) -> RasterWriter:
        self._session = self._write_all()
        self._session.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.__exit__(kind, error, trace)

    @contextmanager
    def _write_all(self) -> Iterator[None]:
        """Create the file, let the user write, finish, seal, verify and publish it."""
        with publish(self.path, check=self._check) as part:
            with h5py.File(part, "x", userblock_size=USERBLOCK) as handle:
                self._data = self._create(handle)
                yield
                self._digest = self._finish(handle)
                handle.attrs["content-digest"] = self._digest
            write_seal(part)

    def _create(self, handle: h5py.File) -> h5py.Dataset:
        template, shape = self._template, tuple(self._template.data.shape)
        chunks = None
        if self._columns is not None and self._columns < shape[2]:
            rows = max(1, LEAF_BYTES // (8 * self._columns))
            chunks = (min(rows, shape[0]), 1, self._columns)
        for name, array in small_arrays(template).items():
            handle.create_dataset(name, data=array)
        for name, value in _attributes(template).items():
            handle.attrs[name[1:]] = value
        handle.attrs["stochnet-version"] = __version__
        write_provenance(handle, template.provenance)
        return handle.create_dataset(template.kind, shape, template.data.dtype, chunks=chunks)

    def _finish(self, handle: h5py.File) -> str:
        if self._by_columns:
            handle.flush()
            for rows in row_blocks(self._data):
                self._tree.update(rows)
        if self._tree.rows != self._template.n_nodes:
            raise InvalidInputError(
                f"{self._tree.rows} of {self._template.n_nodes} nodes were written; nothing is kept"
            )
        return combine(self._template, self._tree.digest())

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return memory in which whole nodes may be drawn before they are written."""
        data = self._template.data
        return np.empty((last_node - first_node, *data.shape[1:]), data.dtype)

    def write(self, first_node: int, block: NDArray[Any]) -> None:
        """Write whole nodes; blocks must come in the order of the nodes."""
        if first_node != self._tree.rows:
            raise InvalidInputError(f"node {self._tree.rows} comes next, not {first_node}")
        self._data[first_node : first_node + len(block)] = block
        self._tree.update(block)

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Write words `first_word` and following of all nodes: uint64 (node, 1, word)."""
        if block.shape[2] == self._data.shape[2] and self._tree.rows == 0:
            self.write(0, block)
            return
        self._data[:, :, first_word : first_word + block.shape[2]] = block
        self._by_columns = True

    def _check(self, part: Path) -> None:
        if raster_digest(read_raster(part)) != self._digest:
            raise FileFormatError(f"{self.path}: what was written cannot be read back; disk full?")

    @property
    def raster(self) -> SpikeRaster:
        """The finished raster, read lazily from its file."""
        return read_raster(self.path)


def write_raster(raster: SpikeRaster, path: str | os.PathLike[str]) -> None:
    """Write a raster to an HDF5 file: whole, or not at all.

    Raises
    ------
    InvalidInputError
        The target cannot be written.
    """
    with RasterWriter(path, raster) as writer:
        for first, block in raster.blocks():
            writer.write(first, block.data[0 : block.n_nodes])


def read_raster(path: str | os.PathLike[str]) -> SpikeRaster:
    """Open a raster; spikes stay on disk until nodes are asked for.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is no raster, damaged, unsafe or of an unknown version.
    """
    with safe_open(path, {RASTER: LAYOUT}) as handle:
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
        fields: Mapping[str, Any] = {n: handle[n][...] for n in _PER_BIN if n in handle}
        return SpikeRaster(
            StoredArray(Path(path), names[0], data.shape, data.dtype.newbyteorder("=")),
            n_bins=int(attribute(handle, "n_bins")),
            bin_width=float(attribute(handle, "bin_width")),
            schedule=str(attribute(handle, "schedule")),
            layers=read_layers(handle),
            provenance=read_provenance(handle),
            **fields,
        )
