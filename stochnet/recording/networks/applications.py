"""Which applications of modules and functions are recorded, and what their layers are called."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording.networks.activations import RELU_LIKE

_SHOWN = 40


def unwrap(model: nn.Module) -> nn.Module:
    """Return the network inside of wrappers that run it elsewhere or compile it."""
    while True:
        parallel = isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel))
        inner = getattr(model, "module" if parallel else "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return model
        model = inner


@dataclass(frozen=True, slots=True)
class Choice:
    """The layers that were asked for.

    Attributes
    ----------
    patterns : tuple of str or None
        Globs over names; None chooses every ReLU-like activation.
    names : dict of nn.Module to str
        The name of each module: where it has several, the first that a pattern matches; the
        network itself has the name of its class.
    """

    patterns: tuple[str, ...] | None
    names: dict[nn.Module, str]

    def module(self, module: nn.Module) -> bool:
        """Whether a module is one to watch; a layer of it may still not be asked for."""
        if self.patterns is None:
            return isinstance(module, RELU_LIKE)
        name = self.names[module]
        return any(_matches(pattern, name) or _ordinal(pattern, name) for pattern in self.patterns)

    def layer(self, name: str, application: int) -> str | None:
        """Return the name of a layer, or None if it is not asked for."""
        full = name if application == 0 else f"{name}:{application}"
        if self.patterns is None:
            return full
        asked = any(_matches(p, name) or _matches(p, full) for p in self.patterns)
        return full if asked else None


def choose(model: nn.Module, layers: str | Sequence[str] | None) -> Choice:
    """Return the choice that a glob, or several, makes among the modules of a network.

    Raises
    ------
    InvalidInputError
        A pattern is empty or no text.
    RecordingError
        The network is TorchScript.
    """
    patterns: tuple[str, ...] | None = None
    if layers is not None:
        patterns = (layers,) if isinstance(layers, str) else tuple(layers)
        if not patterns or not all(isinstance(p, str) and p for p in patterns):
            raise InvalidInputError(
                "layers must be a glob over module names such as 'features.*', or several"
            )
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise RecordingError(
            f"{type(model).__name__} is TorchScript, which cannot be seen into: record the network "
            "that it was made from"
        )
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        name = name or type(module).__name__
        asked = patterns is not None and any(_matches(p, name) for p in patterns)
        known = names.get(module)
        if known is None or (asked and patterns and not any(_matches(p, known) for p in patterns)):
            names[module] = name
    return Choice(patterns, names)


def nothing_chosen(model: nn.Module, choice: Choice, functions: Sequence[str]) -> RecordingError:
    """Return the error for a network in which nothing that was asked for is applied."""
    modules = [
        f"{name} ({type(module).__name__})"
        for module, name in choice.names.items()
        if module is not model
    ]
    there = [*modules, *(f"{name} (function)" for name in functions)]
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    listed = (", ".join(there[:_SHOWN]) + more) or "no module at all"
    if choice.patterns is None:
        return RecordingError(
            f"no ReLU-like activation is applied in {type(model).__name__}, as module or function; "
            f"choose what to record with layers=PATTERN (--layers) among: {listed}"
        )
    asked = ", ".join(repr(p) for p in choice.patterns)
    return RecordingError(
        f"the layer pattern {asked} matches nothing that is applied in {type(model).__name__}; "
        f"there are: {listed}"
    )


def require_static(model: nn.Module, functions: Sequence[str]) -> None:
    """Refuse activation functions in a network whose order of calls depends on its data.

    A function has no identity but the order in which it is called. Only where torch.fx can trace
    the network is that order the same for every stimulus.

    Raises
    ------
    RecordingError
        torch.fx cannot trace the network.
    """
    try:
        torch.fx.Tracer().trace(model)
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise RecordingError(
            f"{type(model).__name__} applies {', '.join(functions[:8])} as a function, not as a "
            f"module, and torch.fx cannot trace the network ({reason}); make these nn.ReLU modules "
            "(or the like), or choose modules only with layers=PATTERN (--layers)"
        ) from error


def _matches(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)


def _ordinal(pattern: str, name: str) -> bool:
    """Whether a pattern such as ``relu:1`` asks for one application of a module."""
    stem, colon, _ = pattern.rpartition(":")
    return bool(colon) and _matches(stem, name)
