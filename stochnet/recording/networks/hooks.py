"""See every activation the moment it is made, before anything can overwrite it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from stochnet.errors import RecordingError
from stochnet.recording.networks.activations import FUNCTIONS, RELU_LIKE
from stochnet.recording.networks.applications import Choice

Take = Callable[[str, str, torch.Tensor], None]
"""Called with the name of a layer, its kind and its output, which must not be kept."""

_FEATURES_LAST = (nn.Linear, nn.LayerNorm)
_CHANNELS_SECOND = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
)


class Watch:
    """What is known of the forward pass under way.

    Attributes
    ----------
    functions : list of str
        Names of the layers that come from functions, not from modules.
    unasked : list of str
        Names of activation functions that were applied and are not asked for.
    features_last : bool
        Whether the last layer with weights was one that works along the last axis.
    """

    def __init__(self, model: nn.Module, choice: Choice, take: Take) -> None:
        self.functions: list[str] = []
        self.unasked: list[str] = []
        self.features_last = False
        self._model = model
        self._choice = choice
        self._take = take
        self._listening = False
        self._running: list[nn.Module] = []
        self._applied: Counter[str] = Counter()

    def begin(self) -> None:
        """Start a forward pass: applications are counted from 0 again."""
        self._applied.clear()
        self._running.clear()
        self._listening = True

    def end(self) -> None:
        """End a forward pass: what the network does now, such as being traced, is not seen."""
        self._listening = False

    def enter(self, module: nn.Module, _inputs: Any) -> None:
        """Note that a module starts."""
        self._running.append(module)

    def leave(self, module: nn.Module, _inputs: Any, _output: Any) -> None:
        """Note that a module has ended, in an error or not."""
        if self._running:
            self._running.pop()
        if isinstance(module, _FEATURES_LAST):
            self.features_last = True
        elif isinstance(module, _CHANNELS_SECOND):
            self.features_last = False

    def module_applied(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        """Take the output of a chosen module."""
        self._seen(self._choice.names[module], type(module).__name__, output)

    def function_applied(self, function: str, output: Any) -> None:
        """Take the output of an activation function."""
        inside = self._running[-1] if self._running else self._model
        if isinstance(inside, RELU_LIKE) or not self._listening:
            return
        path = "" if inside is self._model else f"{self._choice.names[inside]}."
        layer = self._seen(path + function, function, output)
        known, name = (self.functions, layer) if layer else (self.unasked, path + function)
        if name not in known:
            known.append(name)

    def _seen(self, name: str, kind: str, output: Any) -> str | None:
        if not self._listening:
            return None
        layer = self._choice.layer(name, self._applied[name])
        self._applied[name] += 1
        if layer is not None:
            self._take(layer, kind, _tensor(layer, output))
        return layer


class _Functions(TorchFunctionMode):
    """Sees the calls of activation functions, wherever they are made."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = FUNCTIONS.get(func)
        if name is not None:
            self._watch.function_applied(name, output)
        return output


@contextmanager
def watch(model: nn.Module, choice: Choice, take: Take) -> Iterator[Watch]:
    """Hand every chosen activation to `take` while the context lasts; no hook stays behind.

    Parameters
    ----------
    model : nn.Module
        The network; call ``begin`` and ``end`` of what is given around each forward pass.
    choice : Choice
        Which layers.
    take : callable
        Called in the order of application.
    """
    seen = Watch(model, choice, take)
    handles = []
    try:
        for module in choice.names:
            handles.append(module.register_forward_pre_hook(seen.enter, prepend=True))
            handles.append(module.register_forward_hook(seen.leave, always_call=True))
            if choice.module(module):
                handles.append(module.register_forward_hook(seen.module_applied))
        with _Functions(seen):
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def _tensor(layer: str, output: Any) -> torch.Tensor:
    """Return the tensor of an output; of several, the first."""
    while isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise RecordingError(
            f"layer {layer!r} returns {type(output).__name__}, not a tensor; "
            "choose other layers with layers=PATTERN (--layers)"
        )
    return output.detach()
