"""Write a raster that arrives by nodes: straight to its place, hashed and read back meanwhile."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.errors.publishing.part import Part
from stochnet.kernels.threads import count
from stochnet.raster.raster import SpikeRaster
from stochnet.storage.digest import ArrayDigest, raw_bytes
from stochnet.storage.files import journal
from stochnet.storage.files.raw import PIECE, equals, hash_at, reserve, start_writing_back, write_at
from stochnet.storage.files.safe import attribute, safe_open
from stochnet.storage.files.seal import Pieces, write_seal
from stochnet.storage.rasters import LAYOUT, RASTER, combine, moved, raster_of
from stochnet.storage.writers.create import Place, create_contiguous, placed, set_digest


class RowWriter:
    """Writes whole nodes, in order; made by `stochnet.storage.raster_writer`.

    Parameters
    ----------
    path : path-like
        Target.
    part : Part
        Where the file is made, or what a killed writer left of it.
    template : SpikeRaster
        Everything but the data.
    identity : callable or None
        Says what the data will be; None keeps no journal.

    Attributes
    ----------
    done : int
        Nodes that are there already; the first one to write.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        part: Part,
        template: SpikeRaster,
        identity: Callable[[], str] | None = None,
    ) -> None:
        self.path = Path(path)
        self._part = part
        self._template = template
        self._identity = identity
        self._tree = ArrayDigest(tuple(template.data.shape), template.data.dtype)
        left = None
        if identity is not None and part.taken_over:
            left = journal.read(part, identity())
        if left is None:
            self._place = create_contiguous(part.path, template)
        else:
            begin = len(left.head)
            end = begin + template.n_nodes * template.node_bytes
            self._place = Place(begin, end, end + len(left.tail))
        self._has_journal = left is not None
        self._local = threading.local()
        self._lock = threading.Lock()
        self._early: dict[int, list[bytes]] = {}
        self._spaces: dict[int, NDArray[Any]] = {}
        self._free: list[int] = []
        with ExitStack() as stack:
            self._pool = stack.enter_context(ThreadPoolExecutor(count(None)))
            self._fd = os.open(part.path, os.O_RDWR)
            stack.callback(os.close, self._fd)
            if left is not None:
                self._continue(left)
            reserve(self._fd, self._place.size, self.path)
            self._open = stack.pop_all()
        self.done = self._tree.rows
        self._raster: SpikeRaster | None = None

    def _continue(self, left: journal.Journal) -> None:
        """Put the frame of a leftover in order, and keep its leaves up to the first bad one."""
        write_at(self._fd, memoryview(left.head), 0)
        write_at(self._fd, memoryview(left.tail), self._place.end)
        length, end = self._tree.leaf_bytes, self._place.end
        begins = range(self._place.begin, end, length)[: len(left.leaves)]
        stored = self._pool.map(lambda at: hash_at(self._fd, at, min(at + length, end)), begins)
        good = 0
        for leaf, found in zip(left.leaves, stored, strict=False):
            if leaf != found:
                break
            good += 1
        data = self._template.data
        self._tree = ArrayDigest(tuple(data.shape), data.dtype, left.leaves[:good])
        # The last leaf may have fewer.
        self._tree.rows = min(self._tree.rows, self._template.n_nodes)
        journal.keep(self._part, left, good)

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return memory in which whole nodes may be drawn; it is used again once it was written."""
        n_nodes = last_node - first_node
        with self._lock:
            for address in self._free:
                if len(self._spaces[address]) >= n_nodes:
                    self._free.remove(address)
                    return self._spaces[address][:n_nodes]
            data = self._template.data
            space: NDArray[Any] = np.empty((n_nodes, *data.shape[1:]), data.dtype)
            self._spaces[space.ctypes.data] = space
            return space

    def write(self, first_node: int, block: NDArray[Any]) -> None:
        """Write whole nodes; blocks must come in the order of the nodes."""
        if first_node != self._tree.rows:
            raise InvalidInputError(f"node {self._tree.rows} comes next, not {first_node}")
        data = raw_bytes(block)
        pieces = [self._pool.submit(self._put, *piece) for piece in self._cut(first_node, data)]
        known = len(self._tree.leaves)
        self._tree.update(block, self._pool.map)
        for piece in pieces:
            piece.result()
        with self._lock:
            self._note(self._tree.leaves[known:])
            self._free_space(block)

    @property
    def grain(self) -> int:
        """Nodes in a leaf; blocks that come in any order begin at a multiple."""
        return self._tree.leaf_bytes // self._template.node_bytes

    def put(self, first_node: int, block: NDArray[Any]) -> None:
        """Write whole leaves, or the last nodes, in any order and from several threads."""
        data, length = raw_bytes(block), self._tree.leaf_bytes
        leaves = []
        for at in range(0, len(data), length):
            leaf = data[at : at + length]
            leaves.append(hashlib.sha256(leaf).digest())
            for piece in self._cut(first_node + at // self._template.node_bytes, leaf):
                self._put(*piece)
        with self._lock:
            self._early[first_node] = leaves
            ready: list[bytes] = []
            while self._tree.rows in self._early:
                ready += self._early.pop(self._tree.rows)
                self._tree.rows = min(
                    (len(self._tree.leaves) + len(ready)) * self.grain, self._template.n_nodes
                )
            self._tree.leaves += ready
            self._note(ready)
            self._free_space(block)

    def _cut(self, first_node: int, data: memoryview) -> list[tuple[memoryview, int]]:
        """Cut bytes at whole pages: none is on its way to the disk when its other half comes."""
        start = self._place.begin + first_node * self._template.node_bytes
        stop = start + len(data)
        cuts = [start, *range(start - start % PIECE + PIECE, stop, PIECE), stop]
        return [(data[a - start : b - start], a) for a, b in itertools.pairwise(cuts)]

    def _free_space(self, block: NDArray[Any]) -> None:
        if block.ctypes.data in self._spaces:
            self._free.append(block.ctypes.data)

    def _note(self, leaves: list[bytes]) -> None:
        """Add leaves to the journal, which begins with the first ones."""
        if self._identity is None or not leaves:
            return
        if not self._has_journal:
            place = self._place
            head = os.pread(self._fd, place.begin, 0)
            tail = os.pread(self._fd, place.size - place.end, place.end)
            journal.start(self._part, self._identity(), journal.Journal(head, tail))
            self._has_journal = True
        journal.append(self._part, leaves)

    def _put(self, data: memoryview, at: int) -> None:
        """Write a piece, start it on its way to the disk, and compare what can be read back."""
        write_at(self._fd, data, at)
        start_writing_back(self._fd, at, len(data))
        if not hasattr(self._local, "buffer"):
            self._local.buffer = bytearray(PIECE)
        if not equals(self._fd, data, at, self._local.buffer):
            raise self._unreadable()

    def _unreadable(self) -> FileFormatError:
        return FileFormatError(f"{self.path}: what was written cannot be read back; disk full?")

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Write all words of all nodes: uint64 (node, 1, word)."""
        if first_word or block.shape[2] != self._template.data.shape[2]:
            raise InvalidInputError("this file is written by whole nodes: use write")
        self.write(0, block)

    def finish(self) -> None:
        """Seal and publish the file."""
        if self._tree.rows != self._template.n_nodes:
            raise InvalidInputError(
                f"{self._tree.rows} of {self._template.n_nodes} nodes were written; nothing is kept"
            )
        root = self._tree.digest()
        digest = combine(self._template, root)
        set_digest(self._part.path, digest)
        place = self._place
        leaves = Pieces(place.begin, self._tree.leaf_bytes, self._tree.leaves, place.end)
        write_seal(self._part.path, leaves)

        def check(part: Path) -> None:
            """Check all around the data, which were compared as they were written."""
            with safe_open(part, {RASTER: LAYOUT}) as handle:
                raster = raster_of(handle, part)
                same = placed(handle, self._template.kind) == (place.begin, place.end)
                same = same and attribute(handle, "content-digest") == digest
            if not same or combine(raster, root) != digest:
                raise self._unreadable()
            self._raster = raster

        self._part.publish(self.path, check)

    def close(self) -> None:
        """Let the file go."""
        self._open.close()

    @property
    def raster(self) -> SpikeRaster:
        """The finished raster, read lazily from its file."""
        if self._raster is None:
            raise InvalidInputError("the file is not finished")
        return moved(self._raster, self.path)
