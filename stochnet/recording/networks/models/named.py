"""Networks by name: stochnet's own, torchvision's, or a factory of the user's."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stochnet.errors import InvalidInputError
from stochnet.recording.networks.inputs.datasets import Dataset
from stochnet.recording.networks.inputs.images import Normalize
from stochnet.recording.networks.models.architectures import ARCHITECTURES, SMALLEST
from stochnet.recording.networks.models.weights import apply_state, read_weights
from stochnet.recording.networks.torchvision_compat import import_torchvision

ImageShape = tuple[int, int, int]
"""Channels, height and width."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network, and what its checkpoint says of it.

    Attributes
    ----------
    model : nn.Module
        The network.
    name : str
        Name of the architecture.
    image_shape : tuple of int
        Channels, height and width of the images it was built for.
    n_classes : int
        Number of classes.
    training_labels : ndarray of int64 (stimulus,) or None
        Labels it was trained on, for the first stimuli of the training split.
    normalize : tuple of (mean, std), or None
        How the images were normalized in training.
    facts : mapping
        Everything else in a checkpoint of stochnet: seed, labels, history, data set, …
    """

    model: nn.Module
    name: str
    image_shape: ImageShape
    n_classes: int
    training_labels: NDArray[np.int64] | None = None
    normalize: Normalize | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def build_model(name: str, image_shape: ImageShape, n_classes: int, *, seed: int = 0) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    name : str
        One of stochnet's own (`ARCHITECTURES`), a classifier of torchvision, or
        ``package.module:factory``, a callable without arguments. Modules in the working folder are
        found too.
    image_shape : tuple of int
        Channels, height and width of the images.
    n_classes : int
        Number of classes.
    seed : int, default 0
        Decides the weights; the global random state of torch is as before afterwards.

    Raises
    ------
    InvalidInputError
        There is no such network, or it does not take such images.
    """
    with seeded(seed):
        if ":" in name:
            return _from_factory(name)
        channels, height, width = image_shape
        builder = ARCHITECTURES.get(name)
        if builder is None:
            return _from_torchvision(name, channels, n_classes)
        if min(height, width) < SMALLEST:
            raise InvalidInputError(
                f"{name} takes images of at least {SMALLEST} × {SMALLEST} pixels, "
                f"not {height} × {width}"
            )
        return builder(channels, height, width, n_classes)


def load_network(
    name: str,
    weights: str | os.PathLike[str] | None = None,
    *,
    image_shape: ImageShape,
    n_classes: int,
    seed: int = 0,
) -> Network:
    """Build a network and load its weights.

    Parameters
    ----------
    name : str
        As in `build_model`, or the path of a checkpoint of stochnet, which knows its architecture.
    weights : path-like, optional
        A state dict in a ``.pt``, ``.pth``, ``.th`` or ``.safetensors`` file, or a checkpoint of
        stochnet. Without, the weights are random.
    image_shape : tuple of int
        Channels, height and width of the images to show.
    n_classes : int
        Number of classes, where no checkpoint says it.
    seed : int, default 0
        Decides random weights.

    Raises
    ------
    InvalidInputError
        The name is unknown, or weights, architecture and images do not belong together.
    FileFormatError
        The file does not hold weights that can be loaded safely.
    """
    if weights is None and ":" not in name and Path(name).suffix and Path(name).is_file():
        name, weights = "", name
    if weights is None:
        model = build_model(name, image_shape, n_classes, seed=seed)
        return Network(model, name, image_shape, n_classes)
    state, facts = read_weights(weights)
    if not name and not facts:
        raise InvalidInputError(
            f"{weights} holds weights without an architecture: name one, and give the file as its "
            "weights (--weights)"
        )
    if facts:
        trained = str(facts["architecture"])
        if name and name != trained:
            raise InvalidInputError(f"{weights} holds a {trained}, not a {name}")
        shape = tuple(int(side) for side in facts["image_shape"])
        if shape != tuple(image_shape):
            raise InvalidInputError(
                f"{weights} was trained on images of {_shape_text(shape)}, "
                f"these are {_shape_text(image_shape)}"
            )
        name, n_classes = trained, int(facts["n_classes"])
    model = build_model(name, image_shape, n_classes, seed=seed)
    apply_state(model, state, str(weights))
    labels = facts.get("training_labels")
    normalize = facts.get("normalize")
    return Network(
        model,
        name,
        image_shape,
        n_classes,
        labels.numpy() if isinstance(labels, torch.Tensor) else None,
        (tuple(normalize[0]), tuple(normalize[1])) if normalize else None,
        {key: value for key, value in facts.items() if key != "training_labels"},
    )


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Draw from a seed within the context; torch's random state is as before afterwards."""
    away = device is not None and device.type == "cuda"
    # manual_seed alone would touch every device.
    with torch.random.fork_rng(devices=[device] if away else []):
        torch.default_generator.manual_seed(seed)
        if away:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _from_torchvision(name: str, channels: int, n_classes: int) -> nn.Module:
    models = import_torchvision().models
    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(name, [*ARCHITECTURES, *known], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise InvalidInputError(
            f"no network is called {name!r}: {hint}use one of {', '.join(ARCHITECTURES)}, a "
            "classifier of torchvision such as resnet18, or package.module:factory"
        )
    if channels != 3:
        raise InvalidInputError(
            f"{name} of torchvision takes images of 3 channels, these have {channels}; use one of "
            f"{', '.join(ARCHITECTURES)} instead"
        )
    model: nn.Module = models.get_model(name, weights=None, num_classes=n_classes)
    return model


def _from_factory(name: str) -> nn.Module:
    module_name, _, attribute = name.partition(":")
    # As for a script: files in the current folder may import each other by name while it loads.
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
        factory = getattr(module, attribute)
        model = factory()
    except Exception as error:
        reason = (str(error) or "no reason given").splitlines()[0]
        raise InvalidInputError(
            f"{name} gives no network: {type(error).__name__}: {reason}; it must be "
            "package.module:factory, a callable without arguments"
        ) from error
    finally:
        sys.path.remove(here)
    if not isinstance(model, nn.Module):
        raise InvalidInputError(f"{name} returns {type(model).__name__}, not a torch.nn.Module")
    return model


def trained_on(network: Network, shown: Dataset) -> NDArray[np.int64] | None:
    """Return the labels a network was trained on, -1 for images that it was not trained on.

    None where they are the true ones, or nothing is known of them, or the images are others.
    """
    labels = network.training_labels
    facts = network.facts
    if labels is None or facts.get("labels") == "true" or facts.get("dataset") != shown.name:
        return None
    if shown.split not in (None, "train"):
        return None
    known = np.full(len(shown), -1, np.int64)
    n = min(len(shown), len(labels))
    known[:n] = labels[:n]
    return known
