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
    """Return the network inside of wrappers that run it elsewhere or compile it.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    if not isinstance(model, nn.Module):
        exported = callable(getattr(model, "module", None))
        raise InvalidInputError(
            f"model must be a torch.nn.Module, not {type(model).__name__}"
            + ("; give model.module(), the exported network" if exported else "")
        )
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
    excluded : tuple of str
        Globs over names that are left out again, without the ``!`` before them.
    names : dict of nn.Module to str
        The name of each module: where it has several, the first that a pattern matches; the
        network itself has the name of its class.
    """

    patterns: tuple[str, ...] | None
    names: dict[nn.Module, str]
    excluded: tuple[str, ...] = ()

    @property
    def selection(self) -> str | list[str]:
        """What was asked for, for the provenance."""
        if self.patterns is None and not self.excluded:
            return "ReLU-like"
        return [*(self.patterns or ("ReLU-like",)), *(f"!{one}" for one in self.excluded)]

    def module(self, module: nn.Module) -> bool:
        """Whether a module is one to watch; a layer of it may still not be asked for."""
        if self.patterns is None:
            return isinstance(module, RELU_LIKE)
        name = self.names[module]
        return any(_matches(pattern, name) or _ordinal(pattern, name) for pattern in self.patterns)

    def layer(self, name: str, application: int, alias: str = "") -> str | None:
        """Return the name of a layer, or None if it is not asked for.

        Parameters
        ----------
        name : str
            Of the module, or of the module and the function that it calls.
        application : int
            How often it was applied before, in this forward pass.
        alias : str, optional
            Another name that a pattern may have.
        """
        full = name if application == 0 else f"{name}:{application}"
        called = {name, full, alias or name}
        if any(_matches(p, one) for p in self.excluded for one in called):
            return None
        if self.patterns is None:
            return full
        return full if any(_matches(p, one) for p in self.patterns for one in called) else None

    def by_name(self, layer: str) -> bool:
        """Whether a layer was asked for by exactly its name."""
        return self.patterns is not None and layer in self.patterns


def choose(model: nn.Module, layers: str | Sequence[str] | None) -> Choice:
    """Return the choice that a glob, or several, makes among the modules of a network.

    A glob that begins with ``!`` takes layers out again.

    Raises
    ------
    InvalidInputError
        A pattern is empty or no text.
    RecordingError
        The network is TorchScript.
    """
    patterns: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    if layers is not None:
        given = _globs(layers)
        excluded = tuple(one[1:] for one in given if one.startswith("!"))
        patterns = tuple(one for one in given if not one.startswith("!")) or None
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise RecordingError(
            f"{type(model).__name__} is TorchScript, which cannot be seen into: record the network "
            "that it was made from"
        )
    names: dict[nn.Module, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        name = _plain(name) or type(module).__name__
        asked = patterns is not None and any(_matches(p, name) for p in patterns)
        known = names.get(module)
        if known is None or (asked and patterns and not any(_matches(p, known) for p in patterns)):
            names[module] = name
    return Choice(patterns, names, excluded)


def nothing_chosen(
    model: nn.Module, choice: Choice, functions: Sequence[str], unseen: Sequence[str] = ()
) -> RecordingError:
    """Return the error for a network in which nothing that was asked for is applied.

    Parameters
    ----------
    functions : sequence of str
        Activation functions that were not asked for.
    unseen : sequence of str
        Activations that cannot be recorded.
    """
    modules = [
        f"{name} ({type(module).__name__})"
        for module, name in choice.names.items()
        if module is not model
    ]
    there = [*modules, *(f"{name} (function)" for name in functions)]
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    listed = (", ".join(there[:_SHOWN]) + more) or "no module at all"
    if choice.patterns is None:
        missed = f" ({', '.join(unseen[:8])} cannot be recorded)" if unseen else ""
        return RecordingError(
            f"no ReLU-like activation is applied in {type(model).__name__}, as module or "
            f"function{missed}; choose what to record with layers=PATTERN (--layers) among: "
            f"{listed}"
        )
    asked = ", ".join(map(repr, choice.selection))
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
    if isinstance(model, torch.fx.GraphModule):
        return
    try:
        torch.fx.Tracer().trace(model)
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise RecordingError(
            f"{type(model).__name__} applies {', '.join(functions[:8])} as a function, not as a "
            f"module, and torch.fx cannot trace the network ({reason}); if the order of its calls "
            "does not depend on the data, say trace='assume' (--trace assume), which is checked; "
            "or make these nn.ReLU modules (or the like), or choose modules only with "
            "layers=PATTERN (--layers)"
        ) from error


def _globs(layers: str | Sequence[str]) -> tuple[str, ...]:
    given = (layers,) if isinstance(layers, str) else layers
    if (
        not isinstance(given, Sequence)
        or not given
        or not all(isinstance(p, str) and p.removeprefix("!") for p in given)
    ):
        raise InvalidInputError(
            "layers must be a glob over module names such as 'features.*', or several; "
            "'!*.norm*' leaves layers out"
        )
    return tuple(given)


def _plain(name: str) -> str:
    """Return the name of a module without the wrappers of compiled modules in it."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def _matches(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)


def _ordinal(pattern: str, name: str) -> bool:
    """Whether a pattern such as ``relu:1`` asks for one application of a module."""
    stem, colon, _ = pattern.rpartition(":")
    return bool(colon) and _matches(stem, name)
