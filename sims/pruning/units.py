"""Hidden units of a plain chain of layers: what reaches them, what they give, and their removal."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

WEIGHTED = (nn.Linear, nn.Conv2d)


@dataclass(frozen=True)
class Hidden:
    """A hidden layer: the modules that make it, its ReLU, and the weighted layer that reads it.

    A unit is a neuron of a linear layer or a channel of a convolution.
    """

    name: str
    own: tuple[nn.Module, ...]
    relu: nn.Module
    after: nn.Module

    @property
    def n_units(self) -> int:
        return len(self.own[0].weight)


def hidden_layers(model: nn.Sequential) -> list[Hidden]:
    """List the hidden layers of a chain, in order; batch normalization belongs to its layer."""
    found: list[Hidden] = []
    own: tuple[nn.Module, ...] = ()
    last: tuple[str, tuple[nn.Module, ...], nn.Module] | None = None
    for name, module in model.named_children():
        if isinstance(module, WEIGHTED):
            if last is not None:
                found.append(Hidden(*last, module))
            own = (module,)
        elif isinstance(module, nn.BatchNorm2d):
            own += (module,)
        elif isinstance(module, nn.ReLU):
            last = name, own, module
    return found


def without(
    model: nn.Sequential,
    orders: Sequence[np.ndarray],
    fraction: float,
    means: Sequence[np.ndarray] | None = None,
) -> nn.Sequential:
    """Return a smaller network: each hidden layer lacks that share of its units, rounded.

    Those that come first in a layer's order are left out. What reads them gets zeros in their
    place, or with `means` their mean activation, folded into its bias.
    """
    small = copy.deepcopy(model)
    kept = [np.sort(order[round(fraction * len(order)) :]) for order in orders]
    for k, layer in enumerate(hidden_layers(small)):
        keep, after = kept[k], layer.after
        # A linear layer after a convolution reads all positions of a channel, one after another.
        weight = after.weight.data.reshape(len(after.weight), layer.n_units, -1)
        if means is not None:
            gone = np.setdiff1d(np.arange(layer.n_units), keep)
            after.bias.data += weight[:, gone].sum(2) @ torch.from_numpy(means[k][gone]).float()
        shape = after.weight.shape
        after.weight.data = weight[:, keep].reshape(shape[0], -1, *shape[2:])
        for module in layer.own:
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.ndim:
                    tensor.data = tensor.data[keep]
    return small


def magnitude(layer: Hidden, power: int) -> np.ndarray:
    """Norm of a unit's incoming weights times that of its outgoing ones."""
    into = layer.own[0].weight.detach().flatten(1)
    # A linear layer after a convolution reads all positions of a channel, one behind the other.
    out = layer.after.weight.detach().reshape(layer.after.weight.shape[0], layer.n_units, -1)
    return (into.norm(p=power, dim=1) * out.norm(p=power, dim=(0, 2))).numpy().astype(np.float64)


def responses(
    model: nn.Module, layers: Sequence[Hidden], images: torch.Tensor, labels: torch.Tensor
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Mean activation of each unit, and its Taylor score: mean |activation × gradient of the loss|.

    The Taylor score is that of Molchanov et al. (2017), summed over positions before the modulus.
    """
    kept: dict[str, torch.Tensor] = {}

    def keeping(name: str):
        def hook(_: nn.Module, __: object, out: torch.Tensor) -> None:
            out.retain_grad()
            kept[name] = out

        return hook

    handles = [layer.relu.register_forward_hook(keeping(layer.name)) for layer in layers]
    mean = [np.zeros(layer.n_units) for layer in layers]
    taylor = [np.zeros(layer.n_units) for layer in layers]
    model.eval()
    try:
        for shown, wanted in zip(images.split(250), labels.split(250), strict=True):
            model.zero_grad()
            nn.functional.cross_entropy(model(shown), wanted, reduction="sum").backward()
            for k, layer in enumerate(layers):
                out = kept[layer.name]
                flat = out.detach().flatten(2) if out.ndim > 2 else out.detach()[..., None]
                mean[k] += flat.mean(2).sum(0).numpy()
                taylor[k] += (flat * out.grad.reshape(flat.shape)).sum(2).abs().sum(0).numpy()
    finally:
        for handle in handles:
            handle.remove()
        model.zero_grad()
    return [a / len(images) for a in mean], [t / len(images) for t in taylor]


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the images whose label is the network's answer."""
    model.eval()
    with torch.no_grad():
        right = sum(
            int((model(shown).argmax(1) == wanted).sum())
            for shown, wanted in zip(images.split(500), labels.split(500), strict=True)
        )
    return right / len(images)
