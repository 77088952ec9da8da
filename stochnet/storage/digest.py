"""Content digests: one hash of what a raster or bundle says, however it was made or stored."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAF_BYTES = 1 << 20
PREFIX = "sha256:"


def rows_per_leaf(row_bytes: int) -> int:
    """Rows of the first axis that share one leaf of the hash tree."""
    return max(1, LEAF_BYTES // max(1, row_bytes))


def raw_bytes(rows: NDArray[Any]) -> memoryview:
    """Return the values of an array as bytes, in C order and little-endian; no copy if they are."""
    block = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<"))
    return memoryview(block.reshape(-1).view(np.uint8).data)


class ArrayDigest:
    """Hash tree over an array that arrives in blocks of rows, in order.

    Leaves are the SHA-256 of as many whole rows as fit into 1 MiB (at least one), little-endian in
    C order; the root is the SHA-256 of the leaves. So the digest does not depend on block sizes.

    Attributes
    ----------
    rows : int
        Rows so far.
    leaves : list of bytes
        The leaves that are full so far.
    leaf_bytes : int
        Bytes under a leaf; the last one may have fewer.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], leaves: Iterable[bytes] = ()
    ) -> None:
        self.dtype = dtype
        row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        self.leaf_bytes = rows_per_leaf(row_bytes) * row_bytes
        self.leaves = list(leaves)
        self.rows = len(self.leaves) * rows_per_leaf(row_bytes)
        self._open = hashlib.sha256()
        self._in_open = 0

    def update(self, rows: NDArray[Any], run: Callable[..., Iterable[bytes]] = map) -> None:
        """Add the next rows; `run` is ``map`` or works like it, and hashes the full leaves."""
        view = raw_bytes(np.asarray(rows, self.dtype))
        self.rows += rows.shape[0] if rows.ndim else 1
        begin = 0
        if self._in_open:
            begin = min(self.leaf_bytes - self._in_open, len(view))
            self._add_to_open(view[:begin])
        whole = range(begin, len(view) - self.leaf_bytes + 1, max(1, self.leaf_bytes))
        self.leaves += run(_sha256, [view[at : at + self.leaf_bytes] for at in whole])
        self._add_to_open(view[begin + len(whole) * self.leaf_bytes :])

    def _add_to_open(self, piece: memoryview) -> None:
        self._open.update(piece)
        self._in_open += len(piece)
        if self._in_open == self.leaf_bytes:
            self._close()

    def _close(self) -> None:
        if self._in_open:
            self.leaves.append(self._open.digest())
            self._open = hashlib.sha256()
            self._in_open = 0

    def digest(self) -> bytes:
        """Return the root over all rows; there must be no more to come."""
        self._close()
        return hashlib.sha256(b"".join(self.leaves)).digest()


def _sha256(piece: memoryview) -> bytes:
    return hashlib.sha256(piece).digest()


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
