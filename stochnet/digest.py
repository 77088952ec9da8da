"""Content digests: one hash of what a raster or bundle says, however it was made or stored."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAF_BYTES = 1 << 20
PREFIX = "sha256:"


def rows_per_leaf(row_bytes: int) -> int:
    """Rows of the first axis that share one leaf of the hash tree."""
    return max(1, LEAF_BYTES // max(1, row_bytes))


class ArrayDigest:
    """Hash tree over an array that arrives in blocks of rows, in order.

    Leaves are the SHA-256 of as many whole rows as fit into 1 MiB (at least one), little-endian in
    C order; the root is the SHA-256 of the leaves. So the digest does not depend on block sizes.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype.newbyteorder("<")
        self._row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        self._leaf_bytes = rows_per_leaf(self._row_bytes) * self._row_bytes
        self._root = hashlib.sha256()
        self._leaf = hashlib.sha256()
        self._in_leaf = 0
        self.rows = 0

    def update(self, rows: NDArray[Any]) -> None:
        """Add the next rows."""
        block = np.ascontiguousarray(rows, dtype=self.dtype)
        self.rows += block.shape[0] if block.ndim else 1
        view = memoryview(block.reshape(-1).view(np.uint8).data)
        position = 0
        while position < len(view):
            take = min(self._leaf_bytes - self._in_leaf, len(view) - position)
            self._leaf.update(view[position : position + take])
            self._in_leaf += take
            position += take
            if self._in_leaf == self._leaf_bytes:
                self._close_leaf()

    def _close_leaf(self) -> None:
        self._root.update(self._leaf.digest())
        self._leaf = hashlib.sha256()
        self._in_leaf = 0

    def digest(self) -> bytes:
        """Return the root over all rows so far."""
        if self._in_leaf:
            self._close_leaf()
        return self._root.digest()


def array_digest(blocks: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: Any) -> bytes:
    """Return the root of the hash tree of an array given as blocks of rows."""
    tree = ArrayDigest(shape, np.dtype(dtype))
    for block in blocks:
        tree.update(block)
    return tree.digest()


def _header(path: str, array_dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    little = array_dtype.newbyteorder("<").str.replace(
        "=", "<" if sys.byteorder == "little" else ""
    )
    return f"dataset {path} {little} {','.join(map(str, shape))}\n"


def attribute_text(value: str | int | float) -> str:
    """Return the text of an attribute that is hashed; floats in hexadecimal, which is exact."""
    if isinstance(value, str):
        return f"str {value}"
    if isinstance(value, (bool, int, np.integer)):
        return f"int {int(value)}"
    return f"float {float(value).hex()}"


def content_digest(
    roots: Mapping[str, tuple[bytes, np.dtype[Any], tuple[int, ...]]],
    attributes: Mapping[str, str | int | float],
) -> str:
    """Combine array roots and attributes into the digest of a whole file.

    Parameters
    ----------
    roots : mapping of path to (root, dtype, shape)
        One entry per dataset.
    attributes : mapping of ``path@name`` to value
        One entry per attribute that is content.
    """
    total = hashlib.sha256()
    for path in sorted(roots):
        root, dtype, shape = roots[path]
        total.update(_header(path, dtype, shape).encode())
        total.update(root)
    for name in sorted(attributes):
        total.update(f"attribute {name}\n".encode())
        total.update(hashlib.sha256(attribute_text(attributes[name]).encode()).digest())
    return PREFIX + total.hexdigest()
