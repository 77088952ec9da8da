"""A file as a flat table of datasets and attributes: written whole, digested generically."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet._version import __version__
from stochnet.errors import FileFormatError, entrance
from stochnet.errors.publishing.publish import publish
from stochnet.raster.blocks import node_blocks
from stochnet.storage.digest import array_digest, content_digest
from stochnet.storage.files.attributes import write_provenance
from stochnet.storage.files.safe import Layout, attribute, is_file, safe_open
from stochnet.storage.files.seal import USERBLOCK, check_seal, write_seal

# Deflate of bytes of one significance; smaller datasets would grow by their chunk table.
_FILTERS: Mapping[str, Any] = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
_WORTH = 1 << 12
Scalar = str | int | float
# Root attributes that are no content.
OUTSIDE = ("content-digest", "stochnet-version")


@dataclass(frozen=True, slots=True)
class Tree:
    """Datasets by path, and attributes by ``path@name`` (``@name`` for those of the root).

    `compressed` are the paths of the datasets that are written with filters, which do not change
    the digest.
    """

    datasets: Mapping[str, NDArray[Any]]
    attributes: Mapping[str, Scalar]
    compressed: frozenset[str] = frozenset()

    def digest(self) -> str:
        """Return the content digest that a file of this tree carries."""
        roots = {
            path: (array_digest([array], array.shape, array.dtype), array.dtype, array.shape)
            for path, array in self.datasets.items()
        }
        return content_digest(roots, self.attributes)


def write_tree(
    tree: Tree, path: str | os.PathLike[str], layout: Layout, provenance: Mapping[str, Any]
) -> None:
    """Write a tree to a file: whole, verified, or not at all."""
    digest = tree.digest()

    def check(part: Path) -> None:
        with safe_open(part, {layout.kind: layout}) as handle:
            if file_digest(handle) != digest:
                raise FileFormatError(f"{path}: what was written cannot be read back; disk full?")

    content = _in_memory(tree, digest, provenance)
    with publish(path, check) as part:
        part.write_bytes(content)
        write_seal(part)


def _in_memory(tree: Tree, digest: str, provenance: Mapping[str, Any]) -> memoryview:
    """Return the bytes of a file, made in memory: HDF5 never meets a full disk.

    A flush of HDF5 that fails leaves identifiers open, on which the process dies when it exits.
    """
    memory = io.BytesIO()
    with h5py.File(memory, "w", userblock_size=USERBLOCK) as handle:
        for name, array in tree.datasets.items():
            filters = _FILTERS if name in tree.compressed and array.nbytes >= _WORTH else {}
            handle.create_dataset(name, data=array, **filters)
        for name, value in tree.attributes.items():
            where, _, key = name.rpartition("@")
            node = handle[where] if where in tree.datasets else handle.require_group(where or "/")
            node.attrs[key] = value
        handle.attrs["content-digest"] = digest
        handle.attrs["stochnet-version"] = __version__
        write_provenance(handle, provenance)
    return memory.getbuffer()


@contextlib.contextmanager
def checked_open(
    path: str | os.PathLike[str], layouts: Mapping[str, Layout]
) -> Iterator[h5py.File]:
    """Open a file as `safe_open` does, and give it only if every byte is as it was written.

    The seal comes first: bytes that were damaged never reach HDF5, which hangs on some of them.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        As `safe_open`, or its bytes do not match its seal, or its content its digest.
    """
    target = entrance.path("path", path)
    sealed = is_file(target) and check_seal(target)
    with safe_open(target, layouts) as handle:
        # Other software writes no seal, and may write no digest.
        known = "content-digest" in handle.attrs
        if not sealed and known and file_digest(handle) != attribute(handle, "content-digest"):
            raise FileFormatError(
                f"{target}: its content does not match its digest; take a good copy"
            )
        yield handle


def row_blocks(dataset: Any) -> Iterator[NDArray[Any]]:
    """Yield a dataset in blocks of rows."""
    row_bytes = int(np.prod(dataset.shape[1:], dtype=np.int64)) * dataset.dtype.itemsize
    for first, last in node_blocks(dataset.shape[0], row_bytes):
        yield dataset[first:last]


def file_digest(handle: h5py.File) -> str:
    """Recompute the content digest of an open file from all that it holds."""
    roots: dict[str, Any] = {}
    attributes: dict[str, Scalar] = {}

    def visit(group: h5py.Group, prefix: str) -> None:
        for name in group.attrs:
            if prefix or name not in OUTSIDE:
                attributes[f"{prefix.rstrip('/')}@{name}"] = attribute(group, name)
        for name, child in group.items():
            where = f"{prefix}{name}"
            if where == "provenance":
                continue
            if isinstance(child, h5py.Group):
                visit(child, f"{where}/")
                continue
            native = child.dtype.newbyteorder("=")
            roots[where] = (
                array_digest(row_blocks(child), child.shape, native),
                native,
                child.shape,
            )
            for key in child.attrs:
                attributes[f"{where}@{key}"] = attribute(child, key)

    visit(handle, "")
    return content_digest(roots, attributes)
