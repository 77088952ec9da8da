"""Computes the indicators of a network on the same images again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import Progress
from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.sinks import MemorySink, Shape
from stochnet.recording.networks.identity import data_sha256
from stochnet.recording.networks.inputs.images import Inputs, Normalize, prepare
from stochnet.recording.networks.inputs.label_arrays import per_stimulus
from stochnet.recording.networks.options import RecordingOptions
from stochnet.recording.networks.recorder import record_into
from stochnet.recording.networks.state import find_device
from stochnet.recording.networks.thresholds import Rule
from stochnet.recording.tracking.indicators import Row, indicators
from stochnet.recording.tracking.plan import make_plan


class Meter:
    """Computes the indicators of networks on fixed images, under fixed schedules.

    Parameters are those of `stochnet.recording.Monitor`; networks are recorded on a `device`, or
    where they are.

    Attributes
    ----------
    plan : Plan
        Windows and schedules.
    settings : dict
        What the numbers depend on beside the weights, ready for JSON.
    """

    def __init__(
        self,
        images: Inputs,
        labels: ArrayLike | None = None,
        *,
        training_labels: ArrayLike | None = None,
        layers: str | Sequence[str] | None = None,
        threshold: float = 0.0,
        unit: Literal["position", "channel"] = "position",
        channel_rule: Literal["any", "mean"] = "any",
        windows: Sequence[int] | None = None,
        schedules: Sequence[str] | None = None,
        nodes_per_layer: int | None = None,
        normalize: Normalize | None = None,
        batch_size: int = 256,
        device: str | torch.device | None = None,
        seed: int = 0,
        trace: Literal["auto", "assume"] = "auto",
        channel_axis: int | Mapping[str, int] | None = None,
    ) -> None:
        if nodes_per_layer is not None and nodes_per_layer < 1:
            raise InvalidInputError(f"nodes_per_layer must be at least 1, got {nodes_per_layer}")
        shown = prepare(images, normalize)
        n, highest = len(shown), np.iinfo(np.int16).max
        self._images = images
        self._labels = per_stimulus("labels", labels, n, highest)
        self._training = per_stimulus("training_labels", training_labels, n, highest, lowest=-1)
        self._options = RecordingOptions(
            layers=layers,
            rule=Rule(threshold, unit, channel_rule),
            batch_size=batch_size,
            training_labels=self._training,
            normalize=normalize,
            trace=trace,
            channel_axis=channel_axis,
        )
        self._device = None if device is None else find_device(device)
        self._nodes_per_layer = nodes_per_layer
        self.plan = make_plan(
            n, self._labels, self._training, windows=windows, schedules=schedules, seed=seed
        )
        chosen = [layers] if isinstance(layers, str) else layers
        self.settings: dict[str, Any] = {
            "images": data_sha256(shown.data, self._labels),
            "n_images": n,
            "training_labels": None if self._training is None else _sha256(self._training),
            "preprocessing": shown.settings,
            "layers": "ReLU-like" if chosen is None else list(chosen),
            "threshold": self._options.rule.threshold,
            "unit": unit,
            "channel_rule": channel_rule,
            "windows": list(self.plan.windows),
            "schedules": {one.key: list(one.size) for one in self.plan.presentations},
            "nodes_per_layer": nodes_per_layer,
            "seed": self.plan.seed,
        }
        if channel_axis is not None:
            self.settings["channel_axis"] = channel_axis

    def record(self, model: nn.Module, progress: Progress | None = None) -> SpikeRaster:
        """Record a network where it is, or the chosen nodes of it.

        Raises
        ------
        InvalidInputError
            An argument of the meter cannot be used with this network.
        RecordingError
            As `stochnet.record`.
        """
        device = _home(model) if self._device is None else self._device
        return record_into(
            lambda template, _: sampled(template, self._nodes_per_layer, self.plan.seed),
            model,
            self._images,
            self._labels,
            replace(self._options, device=device, progress=progress),
        ).raster

    def measure(self, model: nn.Module, progress: Progress | None = None) -> list[Row]:
        """Return the indicators of a network: a row a layer, and one for the network.

        Raises
        ------
        InvalidInputError, RecordingError
            As `record`.
        """
        return indicators(self.record(model, progress), self.plan)


def _home(model: nn.Module) -> torch.device:
    return next((one.device for one in model.parameters()), torch.device("cpu"))


def _sha256(labels: NDArray[np.int64]) -> str:
    return hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()


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
