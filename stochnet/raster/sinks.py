"""Where blocks of a new raster go: memory, or a file written whole or not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster.raster import SpikeRaster


@dataclass(frozen=True, slots=True)
class Shape:
    """Stands for the data of a raster that is yet to be drawn: a shape and a type."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: slice) -> NDArray[Any]:
        raise InvalidInputError("this raster has no data yet")


class RasterSink(Protocol):
    """Takes the data of a raster block by block."""

    @property
    def done(self) -> int:
        """Nodes that are there already; the first one to write."""

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return memory in which whole nodes may be drawn before they are written."""

    def write(self, first_node: int, block: NDArray[Any]) -> None:
        """Take whole nodes, in order."""

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Take a few words of all nodes: uint64 (node, 1, word)."""

    @property
    def raster(self) -> SpikeRaster:
        """The finished raster."""


@runtime_checkable
class UnorderedSink(Protocol):
    """Takes blocks of nodes in any order, from several threads."""

    @property
    def grain(self) -> int:
        """Blocks begin at a multiple of this many nodes."""

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return memory in which whole nodes may be drawn before they are written."""

    def put(self, first_node: int, block: NDArray[Any]) -> None:
        """Take whole nodes; the block ends at a multiple of `grain`, or with the last node."""


class WordSink(Protocol):
    """Takes the words of all nodes in the order of the bins."""

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Take words `first_word` and following of all nodes: uint64 (node, 1, word)."""


class BlockSink(Protocol):
    """Takes a raster block by block and keeps what it wants of it (`simulate(..., sink=)`)."""

    def begin(self, raster: SpikeRaster) -> None:
        """Begin; `raster` is the whole one, whose nodes are drawn again where they are read."""

    def take(self, first_node: int, block: SpikeRaster) -> None:
        """Take a block of whole nodes, as a raster in memory; blocks come in order."""


class MemorySink:
    """Collects blocks in one array."""

    done = 0

    def __init__(self, template: SpikeRaster) -> None:
        self._template = template
        n_bytes = math.prod(template.data.shape) * template.data.dtype.itemsize
        entrance.fits_memory("a raster in memory", n_bytes)
        self._data = np.empty(template.data.shape, template.data.dtype)

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Return the place of these nodes: what is drawn there need not be copied."""
        return self._data[first_node:last_node]

    def write(self, first_node: int, block: NDArray[Any]) -> None:
        """Take whole nodes; nothing is copied if they were drawn in their place."""
        place = self._data[first_node : first_node + len(block)]
        if place.ctypes.data != block.ctypes.data or place.strides != block.strides:
            place[...] = block

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Take a few words of all nodes: uint64 (node, 1, word)."""
        self._data[:, :, first_word : first_word + block.shape[2]] = block

    @property
    def raster(self) -> SpikeRaster:
        """The finished raster, in memory."""
        return replace(self._template, data=self._data)
