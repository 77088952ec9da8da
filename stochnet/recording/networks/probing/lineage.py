"""Follows every tensor of a forward pass from the stimuli on: what it comes from, and its axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from stochnet.recording.networks.activations import activation_operation
from stochnet.recording.networks.hooks import Watch
from stochnet.recording.networks.probing.axes import CONSTANT, Operand, Origin, output_axes
from stochnet.recording.networks.probing.by_hand import computed_by_hand


class Lineage(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation of the dispatcher while it is entered.

    Parameters
    ----------
    network : nn.Module
        Its weights are known to come from nowhere.
    inputs : iterable of Tensor
        The stimuli. Images of four axes have their channels second.
    seen : Watch
        Knows in which module the network is.

    Attributes
    ----------
    foreign : list of tuple
        (place, shape) of each tensor that was used and that nothing is known of: neither a weight
        nor the output of an operation seen. What computed it is out of sight.
    by_hand : list of tuple
        (place, activation) of each activation that the network puts together by itself.
    """

    def __init__(self, network: nn.Module, inputs: Iterable[torch.Tensor], seen: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.foreign: list[tuple[str, tuple[int, ...]]] = []
        self.by_hand: list[tuple[str, str]] = []
        self._seen = seen
        self._origins: Any = WeakTensorKeyDictionary()
        for tensor in (*network.parameters(), *network.buffers()):
            self._origins[tensor] = CONSTANT
        for tensor in inputs:
            self._origins[tensor] = Origin(True, frozenset({1}) if tensor.ndim == 4 else None)

    def of(self, tensor: torch.Tensor) -> Origin:
        """Return what is known of a tensor."""
        found: Origin = self._origins.get(tensor, CONSTANT)
        return found

    def look_at(self, outputs: Any) -> None:
        """Take the outputs of the network: a tensor of unknown origin is noted."""
        for tensor in _tensors(outputs):
            self._origin(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operands: list[Operand] = [
            (tensor, self._origin(tensor)) for tensor in _tensors((args, kwargs))
        ]
        whole = bool(activation_operation(func, args, kwargs)) or self._seen.within_activation
        output = func(*args, **kwargs)
        of_stimulus = any(origin.of_stimulus for _, origin in operands)
        name = func._schema.name.partition("::")[2]
        named = {a.name: value for a, value in zip(func._schema.arguments, args, strict=False)}
        for tensor in _tensors(output):
            axes = output_axes(name, {**named, **kwargs}, operands, tensor) if of_stimulus else None
            self._origins[tensor] = Origin(True, axes) if of_stimulus else CONSTANT
        if of_stimulus and not whole and isinstance(output, torch.Tensor):
            activation = computed_by_hand(name, (tensor for tensor, _ in operands), output)
            if activation is not None:
                self.by_hand.append((self._seen.place, activation))
        return output

    def _origin(self, tensor: torch.Tensor) -> Origin:
        found: Origin | None = self._origins.get(tensor)
        if found is None:
            # Masks and indices, which transforms such as vmap make, are no activations.
            if tensor.is_floating_point():
                self.foreign.append((self._seen.place, tuple(tensor.shape)))
            found = self._origins[tensor] = CONSTANT
        return found


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
