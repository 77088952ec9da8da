"""See every activation the moment it is made, before anything can overwrite it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from stochnet.errors import RecordingError
from stochnet.recording.networks.activations import (
    FUNCTIONS,
    RELU_LIKE,
    activation_of,
    activation_operation,
)
from stochnet.recording.networks.applications import Choice

Take = Callable[[str, str, torch.Tensor], None]
"""Called with the name of a layer, its kind and its output, which must not be kept."""

_HOMES = tuple(str(Path(str(home)).parent) for home in (torch.__file__, Path(__file__).parents[1]))


class Watch:
    """What is known of the forward pass under way.

    Attributes
    ----------
    functions : list of str
        Names of the layers that have no identity but the order in which they are called.
    unasked : list of str
        Names of activation functions that were applied and are not asked for.
    sites : list
        Where in the code each of `functions` was called in this pass.
    recognised : dict of nn.Module to str
        Which activation a module without children computes, ``""`` for none; grows where the
        watch may apply copies of modules, and says what is recorded.
    """

    def __init__(
        self, model: nn.Module, choice: Choice, take: Take, recognised: dict[nn.Module, str]
    ) -> None:
        self.functions: list[str] = []
        self.unasked: list[str] = []
        self.sites: list[Hashable] = []
        self.recognised = recognised
        self.recognising = False
        self._model = model
        self._choice = choice
        self._take = take
        self._listening = False
        self._here = threading.local()
        self._within_function = 0
        self._applied: Counter[str] = Counter()

    def begin(self) -> None:
        """Start a forward pass: applications are counted from 0 again."""
        self._applied.clear()
        self.sites.clear()
        self._running.clear()
        self._listening = True

    def end(self) -> None:
        """End a forward pass: what the network does now, such as being traced, is not seen."""
        self._listening = False

    @property
    def place(self) -> str:
        """Name of the module that runs."""
        return self._choice.names[self._inside]

    @property
    def within_activation(self) -> bool:
        """Whether what happens now is part of an activation that is known as a whole."""
        return bool(self._within_function) or self._is_activation(self._inside)

    def enter(self, module: nn.Module, inputs: Any) -> None:
        """Note that a module starts."""
        if self.recognising and module not in self.recognised and _may_be_activation(module):
            self._recognise(module, inputs)
        self._running.append([module, 0])

    def leave(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        """Note that a module has ended, in an error or not."""
        if self._running:
            self._running.pop()

    def module_applied(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        """Take the output of a module, if it is one to record."""
        if self._choice.patterns is None and not self._is_activation(module):
            return
        kind = self.recognised.get(module) or type(module).__name__
        self._seen(self._choice.names[module], kind, output)

    def function_applied(self, function: str, output: Any) -> None:
        """Take the output of an activation function."""
        inside = self._inside
        if not self._listening or self._is_activation(inside):
            return
        name = alias = self._choice.names[inside]
        alone = inside is not self._model and not any(inside.children())
        if inside is self._model:
            name = alias = function
        elif alone:
            alias = f"{name}.{function}"
            if self._choice.patterns is not None and self._choice.module(inside):
                return
        else:
            name = alias = f"{name}.{function}"
        layer = self._seen(name, function, output, alias)
        call: list[Any] = self._running[-1] if self._running else [inside, 0]
        call[1] += 1
        if layer is None:
            _add(self.unasked, name)
        elif not alone or call[1] > 1:
            _add(self.functions, layer)
            self.sites.append((layer, _call_site()))

    @contextmanager
    def within_function(self) -> Iterator[None]:
        """Know that what the dispatcher sees belongs to an activation function."""
        self._within_function += 1
        try:
            yield
        finally:
            self._within_function -= 1

    @property
    def _running(self) -> list[list[Any]]:
        """The modules that run in this thread, each with the functions it has called."""
        if not hasattr(self._here, "running"):
            self._here.running = []
        running: list[list[Any]] = self._here.running
        return running

    @property
    def _inside(self) -> nn.Module:
        module: nn.Module = self._running[-1][0] if self._running else self._model
        return module

    def _is_activation(self, module: nn.Module) -> bool:
        return isinstance(module, RELU_LIKE) or bool(self.recognised.get(module))

    def _recognise(self, module: nn.Module, inputs: Any) -> None:
        self.recognised[module] = ""
        alone = isinstance(inputs, tuple) and len(inputs) == 1
        if alone and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim > 0:
            # Nobody shall see this as part of the forward pass.
            listening, self._listening = self._listening, False
            with _disable_current_modes():
                self.recognised[module] = activation_of(module, inputs[0])
            self._listening = listening

    def _seen(self, name: str, kind: str, output: Any, alias: str = "") -> str | None:
        if not self._listening:
            return None
        layer = self._choice.layer(name, self._applied[name], alias)
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
        name = FUNCTIONS.get(func)
        if name is None:
            return func(*args, **(kwargs or {}))
        with self._watch.within_function():
            output = func(*args, **(kwargs or {}))
        self._watch.function_applied(name, output)
        return output


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees the activations that no Python function of torch is called for: in scripts, as clamps.

    They are named by what the dispatcher calls them.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watch = watch

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # Before the operation, which may write over its arguments.
        name = activation_operation(func, args, kwargs)
        output = func(*args, **kwargs)
        if name and not self._watch.within_activation:
            self._watch.function_applied(name, output)
        return output


@contextmanager
def watch(
    model: nn.Module,
    choice: Choice,
    take: Take,
    recognised: dict[nn.Module, str],
    around: Callable[[Watch], AbstractContextManager[Any]] | None = None,
) -> Iterator[Watch]:
    """Hand every chosen activation to `take` while the context lasts; no hook stays behind.

    Parameters
    ----------
    model : nn.Module
        The network; call ``begin`` and ``end`` of what is given around each forward pass.
    choice : Choice
        Which layers.
    take : callable
        Called in the order of application.
    recognised : dict of nn.Module to str
        Modules of other classes that are known to compute an activation.
    around : callable, optional
        Gives a mode that sees every operation before `take` is called with what it gave.
    """
    seen = Watch(model, choice, take, recognised)
    handles = []
    try:
        for module in choice.names:
            handles.append(module.register_forward_pre_hook(seen.enter, prepend=True))
            handles.append(module.register_forward_hook(seen.leave, always_call=True))
            if choice.module(module) or (choice.patterns is None and _may_be_activation(module)):
                handles.append(module.register_forward_hook(seen.module_applied))
        with around(seen) if around else nullcontext(), _Operations(seen), _Functions(seen):
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def _may_be_activation(module: nn.Module) -> bool:
    """Whether a module is of somebody's own class and has no children."""
    own = not type(module).__module__.startswith("torch.nn.modules")
    return own and not any(module.children()) and not isinstance(module, RELU_LIKE)


def _call_site() -> Hashable:
    """Return where in the code of a network the function was called that is seen now."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_HOMES):
            found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _tensor(layer: str, output: Any) -> torch.Tensor:
    """Return the tensor of an output; of several, the first."""
    while isinstance(output, (tuple, list, Mapping)) and output:
        output = next(iter(output.values())) if isinstance(output, Mapping) else output[0]
    if not isinstance(output, torch.Tensor):
        raise RecordingError(
            f"layer {layer!r} returns {type(output).__name__}, not a tensor; "
            "choose other layers with layers=PATTERN (--layers)"
        )
    return output
