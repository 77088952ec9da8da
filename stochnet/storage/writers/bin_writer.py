"""Write a raster that arrives by columns: a few words of all nodes at a time, in chunks."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.errors.publishing.part import Part
from stochnet.raster.raster import SpikeRaster
from stochnet.storage.digest import LEAF_BYTES, ArrayDigest
from stochnet.storage.files.seal import write_seal
from stochnet.storage.files.tree import row_blocks
from stochnet.storage.rasters import combine, raster_digest, read_raster
from stochnet.storage.writers.create import create, held


class ColumnWriter:
    """Writes words of all nodes; made by `stochnet.storage.raster_writer`.

    Parameters
    ----------
    path : path-like
        Target.
    part : Part
        Where the file is made.
    template : SpikeRaster
        Everything but the data.
    words_per_write : int
        Words that arrive together.
    """

    done = 0

    def __init__(
        self,
        path: str | os.PathLike[str],
        part: Part,
        template: SpikeRaster,
        words_per_write: int,
    ) -> None:
        self.path = Path(path)
        self._part = part
        self._template = template
        rows = max(1, LEAF_BYTES // (8 * words_per_write))
        chunks = (min(rows, template.n_nodes), 1, words_per_write)
        with ExitStack() as stack:
            self._file = stack.enter_context(held(part.path, os.O_CREAT | os.O_EXCL))
            self._handle: h5py.File = create(self._file, template, chunks)
            stack.callback(self._handle.close)
            self._file.check()
            self._open = stack.pop_all()
        self._data = self._handle[template.kind]
        self._words = 0

    def space(self, first_node: int, last_node: int) -> NDArray[Any]:
        """Refuse: whole nodes cannot be written here."""
        raise InvalidInputError("this file is written by columns: use write_words")

    def write(self, first_node: int, block: NDArray[Any]) -> None:
        """Refuse: whole nodes cannot be written here."""
        raise InvalidInputError("this file is written by columns: use write_words")

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Write words `first_word` and following of all nodes: uint64 (node, 1, word)."""
        if first_word != self._words:
            raise InvalidInputError(f"word {self._words} comes next, not {first_word}")
        self._words += block.shape[2]
        self._data[:, :, first_word : self._words] = block
        self._file.check()

    def finish(self) -> None:
        """Hash what was written, seal and publish the file."""
        n_words = self._template.data.shape[2]
        if self._words != n_words:
            raise InvalidInputError(
                f"{self._words} of {n_words} words were written; nothing is kept"
            )
        self._handle.flush()
        self._file.check()
        tree = ArrayDigest(tuple(self._template.data.shape), self._template.data.dtype)
        for rows in row_blocks(self._data):
            tree.update(rows)
        digest = combine(self._template, tree.digest())
        self._handle.attrs["content-digest"] = digest
        self.close()
        write_seal(self._part.path)

        def check(part: Path) -> None:
            if raster_digest(read_raster(part)) != digest:
                raise FileFormatError(
                    f"{self.path}: what was written cannot be read back; disk full?"
                )

        self._part.publish(self.path, check)

    def close(self) -> None:
        """Let the file go."""
        self._open.close()

    @property
    def raster(self) -> SpikeRaster:
        """The finished raster, read lazily from its file."""
        return read_raster(self.path)
