"""Put a network into the state of a recording, and back into exactly the one it had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from stochnet.errors import InvalidInputError, RecordingError


def find_device(name: str | torch.device) -> torch.device:
    """Return a device that is there.

    Raises
    ------
    InvalidInputError
        There is no such device.
    """
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise InvalidInputError(f"device {name!r} is unknown: use 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InvalidInputError(
            f"device {str(name)!r} was asked for, but torch finds no CUDA device; use 'cpu', or "
            "install a build of torch with CUDA"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInputError(
            f"device {str(name)!r} was asked for; there are {torch.cuda.device_count()}"
        )
    return device


@contextmanager
def recording_state(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Set evaluation mode without gradients on a device; all is as before when the context ends."""
    home = _home(model)
    modes = [(module, module.training) for module in model.modules()]
    # The fused path of transformer layers applies their activations where nobody can see them.
    fused = torch.backends.mha.get_fastpath_enabled()
    away = home is not None and not _same(home, device)
    try:
        if away:
            _move(model, device)
        model.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, training in modes:
            module.training = training
        if away and home is not None:
            model.to(home)


@contextmanager
def moved(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Keep a network on a device within the context; afterwards it is where it was."""
    home = _home(model)
    if home is None or _same(home, device):
        yield
        return
    try:
        _move(model, device)
        yield
    finally:
        model.to(home)


def input_type(model: nn.Module) -> torch.dtype:
    """Return the floating type that a network computes in: that of its first parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.float32


def _home(model: nn.Module) -> torch.device | None:
    tensors = [*model.parameters(), *model.buffers()]
    if any(nn.parameter.is_lazy(tensor) for tensor in tensors):
        raise RecordingError(
            f"{type(model).__name__} has weights without a shape yet; run it once before recording"
        )
    devices = {tensor.device for tensor in tensors}
    if len(devices) > 1:
        raise RecordingError(
            f"the weights of {type(model).__name__} lie on several devices "
            f"({', '.join(sorted(map(str, devices)))}); move them to one before recording"
        )
    return next(iter(devices), None)


def _move(model: nn.Module, device: torch.device) -> None:
    try:
        model.to(device)
    except RuntimeError as error:
        raise RecordingError(
            f"{type(model).__name__} cannot be moved to {device}: {str(error).splitlines()[0]}"
        ) from error


def _same(one: torch.device, other: torch.device) -> bool:
    return one.type == other.type and (one.index or 0) == (other.index or 0)


@contextmanager
def untouched_random_state(model: nn.Module) -> Iterator[None]:
    """Leave the random state of torch as it is, on the CPU and where the network is."""
    devices = sorted({tensor.device.index or 0 for tensor in model.parameters()
                      if tensor.device.type == "cuda"})  # fmt: skip
    with torch.random.fork_rng(devices=devices):
        yield
