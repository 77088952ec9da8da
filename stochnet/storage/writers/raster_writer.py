"""Write rasters to files, whole or streamed: a file appears when it is whole and verified."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stochnet.errors import entrance
from stochnet.errors.publishing.part import Part
from stochnet.errors.publishing.publish import claim
from stochnet.raster.raster import SpikeRaster, check_raster
from stochnet.raster.sinks import MemorySink, RasterSink
from stochnet.storage.files import journal
from stochnet.storage.writers.bin_writer import ColumnWriter
from stochnet.storage.writers.node_writer import RowWriter


@contextmanager
def raster_writer(
    path: str | os.PathLike[str],
    template: SpikeRaster,
    words_per_write: int | None = None,
    identity: Callable[[], str] | None = None,
) -> Iterator[RowWriter | ColumnWriter]:
    """Give a writer of the data of a raster; when the block ends well, the file is published.

    Parameters
    ----------
    path : path-like
        Target; an existing file is replaced at the end.
    template : SpikeRaster
        Everything but the data; the shape and type of its ``data`` are those of the file.
    words_per_write : int, optional
        Set when data arrive by columns (`write_words`), a few words of all nodes at a time.
    identity : callable, optional
        Says what the data will be, down to the last bit, in 64 hexadecimal digits. Nodes that a
        killed writer of the same had finished are kept: the writer's ``done`` says how many.

    Raises
    ------
    InvalidInputError
        The target cannot be written, or not all data were given.
    """
    by_columns = words_per_write is not None and words_per_write < template.data.shape[2]

    def goes_on(part: Part) -> bool:
        return identity is not None and journal.is_of(part, identity())

    resumable = identity is not None and not by_columns
    with claim(path, goes_on if resumable else None) as part:
        writer: RowWriter | ColumnWriter
        if words_per_write is not None and by_columns:
            writer = ColumnWriter(path, part, template, words_per_write)
        else:
            writer = RowWriter(path, part, template, identity)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


def write_raster(raster: SpikeRaster, path: str | os.PathLike[str]) -> None:
    """Write a raster to an HDF5 file: whole, or not at all.

    Raises
    ------
    InvalidInputError
        The target cannot be written.
    """
    entrance.path("path", path)
    with raster_writer(path, check_raster(raster)) as writer:
        for first, block in raster.blocks():
            writer.write(first, block.data[0 : block.n_nodes])


@contextmanager
def open_sink(
    path: str | os.PathLike[str] | None,
    template: SpikeRaster,
    words_per_write: int | None = None,
    identity: Callable[[], str] | None = None,
) -> Iterator[RasterSink]:
    """Give a sink for the data of `template`: in memory, or in a file if a path is given.

    The ``raster`` of the sink is there after the context has ended without an error. With an
    `identity` of the data a file that was left half written is continued (its ``done``).
    """
    if path is None:
        yield MemorySink(template)
    else:
        with raster_writer(path, template, words_per_write, identity) as writer:
            yield writer
