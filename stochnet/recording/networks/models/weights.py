"""Load and save weights without running anybody's code."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import re
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stochnet._version import __version__
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.errors.publishing.publish import publish_bytes

CHECKPOINT = "stochnet-network"
_VERSION = 1
_HOLDERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
_COUNTER = "num_batches_tracked"
_SHOWN = 5

_FOREIGN = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "an array of NumPy",
    b"version https://git-lfs": "a pointer of Git LFS (fetch the file with git lfs pull)",
    b"<": "a web page",
}

State = dict[str, torch.Tensor]


def read_weights(path: str | os.PathLike[str]) -> tuple[State, dict[str, Any]]:
    """Read a state dict, and the facts beside it if the file is a checkpoint of stochnet.

    Parameters
    ----------
    path : path-like
        A ``.safetensors`` file, or what ``torch.save`` wrote: a state dict, or a dictionary that
        has one under ``state_dict``, ``model_state_dict``, ``model``, ``net``, ``network`` or
        ``weights``. Prefixes of parallel or compiled networks are removed. Namespaces and NumPy
        numbers may stand beside the weights; nothing is loaded that could run code.

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
    if isinstance(content, Mapping) and content.get("format") == CHECKPOINT:
        facts = {key: value for key, value in content.items() if key != "state_dict"}
        if facts.get("version") != _VERSION:
            raise FileFormatError(
                f"{source} has version {facts.get('version')}; this stochnet reads version "
                f"{_VERSION}: update stochnet"
            )
    state = _held(content)
    if state is None:
        keys = ""
        if isinstance(content, Mapping):
            keys = f" (its keys: {', '.join(map(str, list(content)[:_SHOWN]))})"
        raise FileFormatError(
            f"{source} holds no state dict{keys}: save model.state_dict() with torch.save"
        )
    return _plain_names(state), facts


def apply_state(model: nn.Module, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Load a state dict into a network that it fits exactly.

    The weights of the network may stand under a prefix, such as the ``model.`` of Lightning.

    Raises
    ------
    InvalidInputError
        Names or shapes differ.
    """
    own = model.state_dict()
    state = _under_prefix(state, own)
    # Old files do not have these counters, and evaluation does not need them.
    missing = [k for k in own if k not in state and not k.endswith(_COUNTER)]
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
    # In memory: the writer of torch ends in a traceback where the disk is full.
    memory = io.BytesIO()
    torch.save(content, memory)
    publish_bytes(path, memory.getbuffer())


def _held(content: Any) -> State | None:
    """Return the state dict that is the content, or stands in it."""
    if not isinstance(content, Mapping):
        return None
    if all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in content.items()):
        return dict(content)
    return next((x for key in _HOLDERS if (x := _held(content.get(key))) is not None), None)


def _harmless() -> list[Any]:
    """Return what may stand beside weights: plain holders of values, and numbers of NumPy."""
    numbers = {type(np.dtype(code)) for code in "?bhilqBHILQefd"}
    scalar, rebuilt = np.float64(0).__reduce__()[0], np.zeros(0).__reduce__()[0]
    old = [(scalar, "numpy.core.multiarray.scalar"),
           (rebuilt, "numpy.core.multiarray._reconstruct")]  # fmt: skip
    return [argparse.Namespace, types.SimpleNamespace, np.dtype, np.ndarray, scalar, rebuilt,
            *numbers, *old]  # fmt: skip


def _read_torch(path: Path) -> Any:
    with path.open("rb") as file:
        first = file.read(64)
    kind = next((what for magic, what in _FOREIGN.items() if first.startswith(magic)), None)
    if kind is not None:
        raise FileFormatError(
            f"{path} is {kind}, which holds no weights of torch: save model.state_dict() with "
            "torch.save, or as .safetensors"
        )
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless()):
            # Remarks on the pickle protocol, before the error that matters.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f" (of {named[1]})" if named else ""
        raise FileFormatError(
            f"{path} is damaged, or can only be loaded by running code from it{what}, which "
            "stochnet never does; if you trust it, load it yourself and save model.state_dict() "
            "alone"
        ) from error
    except Exception as error:
        if "TorchScript" in str(error):
            raise FileFormatError(
                f"{path} is TorchScript: save torch.jit.load({str(path)!r}).state_dict() with "
                "torch.save, and name the architecture"
            ) from error
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


def _plain_names(state: State) -> State:
    """Return a state dict without the prefixes of parallel and compiled networks."""
    state = {name.replace("_orig_mod.", ""): value for name, value in state.items()}
    while state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def _under_prefix(state: Mapping[str, torch.Tensor], own: Mapping[str, Any]) -> State:
    """Return the part of a state dict under the one prefix where a network stands as a whole."""
    needed = {name for name in own if not name.endswith(_COUNTER)}
    if not needed or needed <= set(state):
        return dict(state)
    some = min(needed)
    prefixes = [name.removesuffix(some) for name in state if name.endswith(f".{some}")]
    parts = [
        {name.removeprefix(one): x for name, x in state.items() if name.startswith(one)}
        for one in prefixes
    ]
    whole = [part for part in parts if needed <= set(part)]
    return whole[0] if len(whole) == 1 else dict(state)
