"""A sink that keeps some nodes of every layer, the same ones for every recording."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.sinks import MemorySink, Shape


class SampleSink:
    """Collects the words of at most so many nodes of each layer, in memory.

    Parameters
    ----------
    template : SpikeRaster
        The whole recording, without its data.
    per_layer : int or None
        Nodes of a layer to keep; all for None.
    seed : int
        Decides which.
    """

    def __init__(self, template: SpikeRaster, per_layer: int | None, seed: int) -> None:
        layers: list[Layer] = []
        chosen: list[NDArray[np.int64]] = []
        first = 0
        for k, layer in enumerate(template.layers):
            nodes = np.arange(layer.first, layer.nodes.stop)
            if per_layer is not None and len(nodes) > per_layer:
                rng = np.random.default_rng([seed, k])
                nodes = np.sort(rng.choice(nodes, per_layer, replace=False))
                layer = Layer(layer.name, layer.kind, (len(nodes),), first, len(nodes))
            else:
                layer = replace(layer, first=first)
            layers.append(layer)
            chosen.append(nodes)
            first += len(nodes)
        self._nodes = np.concatenate(chosen)
        shape = (len(self._nodes), *template.data.shape[1:])
        kept = replace(template, data=Shape(shape, template.data.dtype), layers=tuple(layers))
        self._sink = MemorySink(kept)

    def write_words(self, first_word: int, block: NDArray[np.uint64]) -> None:
        """Take a few words of all nodes: uint64 (node, 1, word)."""
        self._sink.write_words(first_word, block[self._nodes])

    @property
    def raster(self) -> SpikeRaster:
        """The recording of the nodes that were kept."""
        return self._sink.raster


@contextmanager
def sampled(template: SpikeRaster, per_layer: int | None, seed: int) -> Iterator[SampleSink]:
    """Give a `SampleSink`."""
    yield SampleSink(template, per_layer, seed)
