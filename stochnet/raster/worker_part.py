"""Some nodes of a raster as a worker is sent them: the data, or where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, WorkerError
from stochnet.raster.raster import NodeArray, SpikeRaster


class NodeSlice:
    """Some consecutive nodes of an array that is read where it is needed."""

    def __init__(self, array: NodeArray, first: int, last: int) -> None:
        self._array, self._first = array, first
        self.shape = (last - first, *array.shape[1:])
        self.dtype = array.dtype

    def __getitem__(self, key: slice) -> NDArray[Any]:
        start, stop, _ = key.indices(self.shape[0])
        try:
            return self._array[self._first + start : self._first + max(start, stop)]
        except FileFormatError as error:
            path = getattr(self._array, "path", None)
            if path is None or path.exists():
                raise
            raise WorkerError(
                f"a worker has no file {path}: put it where all workers find it under that path, "
                "or load the raster first, with raster.load()"
            ) from error


def portable_data(data: NodeArray, first: int, last: int) -> NodeArray:
    """Return some nodes of the data of a raster so that they pickle small.

    Of an array in memory the nodes go along, of a file its path, of nodes that are drawn whenever
    they are read the parameters.
    """
    if isinstance(data, np.ndarray):
        return data[first:last]
    part = getattr(data, "part", None)
    return NodeSlice(data, first, last) if part is None else part(first, last)


def portable(
    raster: SpikeRaster, first: int, last: int, *, conditions: NDArray[np.int16] | None
) -> SpikeRaster:
    """Return some nodes of a raster, with the given labels; stimuli and provenance stay here."""
    return replace(
        raster,
        data=portable_data(raster.data, first, last),
        conditions=conditions,
        training_labels=None,
        stimuli=None,
        layers=(),
        provenance={},
    )
