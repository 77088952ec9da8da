"""Put a network into the state of a recording, and back into exactly the one it had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
    if device.type == "meta":
        raise InvalidInputError("device 'meta' computes nothing: use 'cpu' or 'cuda'")
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


class Buffers:
    """The buffers of a network as they are now, to be put back.

    Attributes
    ----------
    changed : list of str
        Names of those that were found changed.
    """

    def __init__(self, model: nn.Module) -> None:
        self.changed: list[str] = []
        self._model = model
        self._kept = [
            (name, module, key, buffer, buffer.clone())
            for name, module in model.named_modules()
            for key, buffer in module._buffers.items()
            if buffer is not None
        ]
        self._versions = [(name, one, _version(one)) for name, one in model.named_parameters()]

    def restore(self) -> None:
        """Put every buffer back.

        Raises
        ------
        RecordingError
            A parameter was changed.
        """
        for name, module, key, buffer, value in self._kept:
            now = module._buffers.get(key)
            if now is not buffer or not _equal(buffer, value):
                full = f"{name}.{key}" if name else key
                if full not in self.changed:
                    self.changed.append(full)
                module._buffers[key] = buffer
                buffer.copy_(value)
        for name, parameter, version in self._versions:
            if _version(parameter) != version:
                raise RecordingError(
                    f"{type(self._model).__name__} changes its weights while it runs, first "
                    f"{name}: what it is shown later is not seen by the same network"
                )


@contextmanager
def recording_state(model: nn.Module, device: torch.device) -> Iterator[Buffers]:
    """Set evaluation mode without gradients on a device; all is as before when the context ends.

    Gives the buffers, which are put back too. Compiled parts of the network run as they were
    written, and scripted functions operation by operation.
    """
    home = _home(model)
    modes = [(module, module.training) for module in model.modules()]
    # The fused path of transformer layers applies their activations where nobody can see them.
    fused = torch.backends.mha.get_fastpath_enabled()
    away = home is not None and not _same(home, device)
    try:
        if away:
            _move(model, device)
        buffers = Buffers(model)
        try:
            _evaluate(model)
            torch.backends.mha.set_fastpath_enabled(False)
            with ExitStack() as stack:
                stack.enter_context(torch.no_grad())
                stack.enter_context(torch.jit.optimized_execution(False))  # type: ignore[attr-defined]
                # Where this was never imported nothing is compiled, and it takes seconds.
                if "torch._dynamo" in sys.modules:
                    stack.enter_context(torch.compiler.set_stance("force_eager"))
                yield buffers
        finally:
            buffers.restore()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, training in modes:
            module.training = training
        if away and home is not None:
            model.to(home)


def _evaluate(model: nn.Module) -> None:
    try:
        model.eval()
    except NotImplementedError:
        # Exported networks have one mode, that in which they were exported.
        for module in model.modules():
            module.training = False


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape:
        return False
    if torch.equal(one, other):
        return True
    if not one.is_floating_point():
        return False
    return bool(torch.isclose(one, other, rtol=0, atol=0, equal_nan=True).all())


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
    if any(tensor.is_meta for tensor in tensors):
        raise RecordingError(
            f"the weights of {type(model).__name__} lie on the device 'meta', where they have no "
            "values; load them first, for example with model.to_empty(device='cpu') and "
            "model.load_state_dict(...)"
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
