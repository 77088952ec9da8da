"""Counts activations above 0 with nothing but forward hooks and wrapped functions."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU,
    nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus, nn.Threshold,
)  # fmt: skip
FUNCTIONS = ("relu", "relu6", "gelu", "silu", "hardswish", "leaky_relu")


def channel_axis(network: nn.Module, name: str) -> int:
    """1, or the last axis where the activation follows a linear layer in a Sequential."""
    parent, _, own = name.rpartition(".")
    siblings = network.get_submodule(parent)
    if isinstance(siblings, nn.Sequential) and own.isdigit() and int(own):
        return -1 if isinstance(siblings[int(own) - 1], nn.Linear) else 1
    return 1


def count(
    network: nn.Module, images: torch.Tensor, batch_size: int
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Spikes of each activation, in the order of application: by position, and by channel.

    An output whose first axis is not the batch is left out. A channel spikes if any of its values
    does.
    """
    positions: list[torch.Tensor] = []
    channels: list[torch.Tensor] = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        outputs: list[tuple[int, torch.Tensor]] = []
        with torch.no_grad(), _heard(network, outputs):
            network(batch)
        spikes = [(axis, out > 0) for axis, out in outputs if out.shape[0] == len(batch)]
        by_position = [spike.flatten(1).sum(0) for _, spike in spikes]
        by_channel = [
            (spike if spike.ndim < 3 else spike.movedim(axis, 1).flatten(2).any(2)).sum(0)
            for axis, spike in spikes
        ]
        positions = _added(positions, by_position)
        channels = _added(channels, by_channel)
    return positions, channels


def _added(counts: list[torch.Tensor], more: list[torch.Tensor]) -> list[torch.Tensor]:
    return [a + b for a, b in zip(counts, more, strict=True)] if counts else more


@contextmanager
def _heard(network: nn.Module, outputs: list[tuple[int, torch.Tensor]]) -> Iterator[None]:
    within = [0]

    def enter(*_: object) -> None:
        within[0] += 1

    def leave(axis: int, _module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        within[0] -= 1
        outputs.append((axis, output.clone()))

    def wrapped(function, *args, **kwargs):  # type: ignore[no-untyped-def]
        output = function(*args, **kwargs)
        if not within[0]:
            outputs.append((1, output.clone()))
        return output

    handles = []
    for name, module in network.named_modules():
        if isinstance(module, MODULES):
            handles.append(module.register_forward_pre_hook(enter))
            axis = channel_axis(network, name)
            handles.append(module.register_forward_hook(functools.partial(leave, axis)))
    originals = {name: getattr(nn.functional, name) for name in FUNCTIONS}
    try:
        for name, original in originals.items():
            setattr(nn.functional, name, functools.partial(wrapped, original))
        yield
    finally:
        for name, original in originals.items():
            setattr(nn.functional, name, original)
        for handle in handles:
            handle.remove()
