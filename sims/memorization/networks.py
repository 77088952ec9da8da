"""The networks of the study, trained with a look at every checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stochnet.errors import InvalidInputError
from stochnet.recording import ARCHITECTURES, Dataset, Epoch, train
from stochnet.recording.networks.inputs.images import prepare
from stochnet.recording.networks.models.named import seeded

from .stimuli import Stimuli

Look = Callable[[int, nn.Module, bool], None]
"""Called with epoch, network, and whether it is the last one."""
BATCH = 500


def build(architecture: str, control: dict[str, Any], config: dict[str, Any], data: Dataset,
          seed: int) -> nn.Module:  # fmt: skip
    """Build a network with random weights.

    Parameters
    ----------
    architecture : str
        One of `stochnet.recording.ARCHITECTURES`.
    control : dict
        ``dropout``: probability, after every hidden layer of an mlp; ``batch_norm``: whether
        before every ReLU of an mlp.
    config : dict
        Of the architecture: ``breadth`` (share of the channels and units), ``dropout``
        (probability in the layers that have it), ``weights`` ("he": see `he`).
    """
    channels, height, width = data.image_shape
    options = {"breadth": config["breadth"]} if config.get("breadth", 1) != 1 else {}
    with seeded(seed):
        model = ARCHITECTURES[architecture](channels, height, width, data.n_classes, **options)
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.get("dropout", module.p)
        if config.get("weights") == "he":
            he(model)
        if control.get("dropout") or control.get("batch_norm"):
            model = changed(model, control)
    return model


def he(model: nn.Module) -> None:
    """Draw the weights of all layers but the last as in He et al. 2015, without biases.

    By torch's own draw, signals fade over the layers of a deep network without normalization.
    """
    weighted = [x for x in model.modules() if isinstance(x, nn.Linear | nn.Conv2d)]
    for module in weighted[:-1]:
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def changed(model: nn.Module, control: dict[str, Any]) -> nn.Module:
    """Add batch normalization before, or dropout after, every ReLU of a plain perceptron."""
    if not isinstance(model, nn.Sequential) or any(isinstance(x, nn.Conv2d) for x in model):
        raise InvalidInputError("dropout and batch_norm are controls of the mlp only")
    layers: list[nn.Module] = []
    units = 0
    for layer in model:
        units = layer.out_features if isinstance(layer, nn.Linear) else units
        if isinstance(layer, nn.ReLU) and control.get("batch_norm"):
            layers.append(nn.BatchNorm1d(units))
        layers.append(layer)
        if isinstance(layer, nn.ReLU) and control.get("dropout"):
            layers.append(nn.Dropout(control["dropout"]))
    return nn.Sequential(*layers)


def fit(model: nn.Module, stimuli: Stimuli, regime: str, seed: int, config: dict[str, Any],
        weight_decay: float, look: Look) -> NDArray[np.int64]:  # fmt: skip
    """Train a network, with a look at it at epochs 0, 1, 2, 4, 8, … and the last.

    The last is the first epoch, not before ``least_epochs``, at whose end every training image
    gets the label it was trained on; or ``most_epochs``.

    Returns
    -------
    ndarray of int64 (stimulus,)
        The labels trained on.
    """
    most = config["most_epochs"]

    def after(epoch: Epoch, network: nn.Module) -> bool:
        done = epoch.train_accuracy == 1 and epoch.epoch >= config["least_epochs"]
        last = done or epoch.epoch == most
        # Powers of two.
        if last or epoch.epoch & (epoch.epoch - 1) == 0:
            look(epoch.epoch, network, last)
        return done

    return train(
        model,
        stimuli.train.images,
        stimuli.train.labels,
        epochs=most,
        batch_size=config["batch_size"],
        lr=config["learning_rate"],
        weight_decay=weight_decay,
        seed=seed,
        labels_mode=regime,
        stop_at=None,
        n_classes=stimuli.train.n_classes,
        normalize=stimuli.normalize,
        device=config["device"],
        after_epoch=after,
    ).training_labels


def scores(model: nn.Module, data: Dataset, normalize: Any) -> torch.Tensor:
    """Return what a network says of every image: (stimulus, class), in eval mode."""
    shown = prepare(data.images, normalize)
    home = next(model.parameters()).device
    before = model.training
    model.eval()
    with torch.no_grad():
        found = [
            model(shown.batch(a, a + BATCH, home, torch.float32)).cpu()
            for a in range(0, len(shown), BATCH)
        ]
    model.train(before)
    return torch.cat(found)


def judged(said: torch.Tensor, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the accuracy and the mean cross-entropy (nats) of what a network says."""
    wanted = torch.from_numpy(labels)
    loss = float(nn.functional.cross_entropy(said.double(), wanted))
    return float((said.argmax(1) == wanted).double().mean()), loss


def weight_norm(model: nn.Module) -> float:
    """Euclidean norm of the weights of linear and convolutional layers, biases left out."""
    squares = [
        float(module.weight.detach().double().square().sum())
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    return float(np.sqrt(sum(squares)))
