"""Create the file of a raster with everything in it but the data."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from stochnet._version import __version__
from stochnet.raster.raster import SpikeRaster
from stochnet.storage.files.attributes import write_provenance
from stochnet.storage.files.raw import HeldFile
from stochnet.storage.files.seal import USERBLOCK
from stochnet.storage.rasters import raster_attributes, small_arrays

# Of the length of a digest, so that it is replaced in its place.
_NO_DIGEST = "sha256:" + 64 * "0"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data stand in a file.

    Attributes
    ----------
    begin, end : int
        First byte, and the one after the last.
    size : int
        Bytes of the whole file.
    """

    begin: int
    end: int
    size: int


@contextlib.contextmanager
def held(path: Path, flags: int = 0) -> Iterator[HeldFile]:
    """Open a file for h5py to write; what went wrong is raised at the end."""
    fd = os.open(path, os.O_RDWR | flags, 0o666)
    try:
        file = HeldFile(fd)
        yield file
        file.check()
    finally:
        os.close(fd)


def create(file: HeldFile, template: SpikeRaster, chunks: tuple[int, ...] | None) -> h5py.File:
    """Create the file; the data are laid out last, at once when they stand contiguous."""
    handle = h5py.File(file, "w", userblock_size=USERBLOCK)
    for name, array in small_arrays(template).items():
        handle.create_dataset(name, data=array)
    for name, value in raster_attributes(template).items():
        handle.attrs[name[1:]] = value
    handle.attrs["stochnet-version"] = __version__
    handle.attrs["content-digest"] = _NO_DIGEST
    write_provenance(handle, template.provenance)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    # What is not written yet is not filled with zeros either.
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if chunks is None:
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    else:
        properties.set_chunk(chunks)
    space = h5py.h5s.create_simple(tuple(template.data.shape))
    little = h5py.h5t.py_create(np.dtype(template.data.dtype).newbyteorder("<"))
    h5py.h5d.create(handle.id, template.kind.encode(), little, space, properties)
    return handle


def create_contiguous(path: Path, template: SpikeRaster) -> Place:
    """Create the file, close it, and say where the data are to be written."""
    with held(path, os.O_CREAT | os.O_EXCL) as file, create(file, template, None) as handle:
        data = handle[template.kind].id
        begin, end = data.get_offset(), data.get_offset() + data.get_storage_size()
    return Place(begin, end, path.stat().st_size)


def placed(handle: h5py.File, kind: str) -> tuple[int, int]:
    """Return the first byte of the data of an open file, and the one after the last."""
    data = handle[kind].id
    begin = data.get_offset() or 0
    return begin, begin + data.get_storage_size()


def set_digest(path: Path, digest: str) -> None:
    """Put the content digest into a closed file."""
    with held(path) as file, h5py.File(file, "r+") as handle:
        handle.attrs["content-digest"] = digest
