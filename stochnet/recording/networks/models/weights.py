"""Load and save weights without running anybody's code."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stochnet._version import __version__
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.storage.files.publish import publish

CHECKPOINT = "stochnet-network"
_VERSION = 1
_PREFIXES = ("module.", "_orig_mod.")
_SHOWN = 5

State = dict[str, torch.Tensor]


def read_weights(path: str | os.PathLike[str]) -> tuple[State, dict[str, Any]]:
    """Read a state dict, and the facts beside it if the file is a checkpoint of stochnet.

    Parameters
    ----------
    path : path-like
        A ``.safetensors`` file, or what ``torch.save`` wrote: a state dict, or a dictionary that
        has one under ``state_dict``. Prefixes of parallel or compiled networks are removed.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It holds no weights, or only code could make them.
    """
    source = Path(path)
    if not source.is_file():
        raise InvalidInputError(f"there is no file {source}")
    content = _read_safetensors(source) if source.suffix == ".safetensors" else _read_torch(source)
    facts: dict[str, Any] = {}
    state = content
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        state = content["state_dict"]
        if content.get("format") == CHECKPOINT:
            facts = {key: value for key, value in content.items() if key != "state_dict"}
            if facts.get("version") != _VERSION:
                raise FileFormatError(
                    f"{source} has version {facts.get('version')}; this stochnet reads version "
                    f"{_VERSION}: update stochnet"
                )
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise FileFormatError(
            f"{source} holds no state dict: save model.state_dict() with torch.save"
        )
    return _without_prefix(dict(state)), facts


def apply_state(model: nn.Module, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Load a state dict into a network that it fits exactly.

    Raises
    ------
    InvalidInputError
        Names or shapes differ.
    """
    own = model.state_dict()
    # Old files do not have these counters, and evaluation does not need them.
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in own]
    reshaped = [
        f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    faults = [
        f"{what} {', '.join(names[:_SHOWN])}"
        + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        for what, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", reshaped),
        )
        if names
    ]
    if faults:
        raise InvalidInputError(
            f"{source} does not fit {type(model).__name__}: {'; '.join(faults)}; "
            "name the architecture these weights were trained in, with its number of classes"
        )
    model.load_state_dict(dict(state), strict=False)


def save_network(path: str | os.PathLike[str], model: nn.Module, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint that `read_weights` loads safely: whole, or not at all.

    Parameters
    ----------
    path : path-like
        Target.
    model : nn.Module
        The network.
    facts : mapping
        Texts, numbers, tensors, and lists and dictionaries of these; ``architecture``,
        ``image_shape`` and ``n_classes`` are needed to build the network again.
    """
    content = {
        "format": CHECKPOINT,
        "version": _VERSION,
        "stochnet_version": __version__,
        **facts,
        "state_dict": {k: v.detach().cpu() for k, v in model.state_dict().items()},
    }
    with publish(path) as part:
        torch.save(content, part)


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # Remarks on the pickle protocol, before the error that matters.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FileFormatError(
            f"{path} is damaged, or can only be loaded by running code from it, which stochnet "
            "never does; if you trust it, load it yourself and save model.state_dict() alone"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise FileFormatError(
            f"{path} is damaged or holds no weights: save model.state_dict() with torch.save"
        ) from error


def _read_safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise FileFormatError(f"{path} is no safetensors file, or damaged: {error}") from error


def _without_prefix(state: State) -> State:
    for prefix in _PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            return _without_prefix({name[len(prefix) :]: x for name, x in state.items()})
    return state
