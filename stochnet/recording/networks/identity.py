"""Hashes that say which weights, images and settings a recording was made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_ROWS = 1024


def weights_sha256(model: nn.Module) -> str:
    """Hash names, types, shapes and values of the state of a network, in the order of the names."""
    return state_sha256(model.state_dict())


def state_sha256(state: Mapping[str, Any]) -> str:
    """Hash a state dict, as `weights_sha256` does."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name]
        if isinstance(value, torch.Tensor):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(_tensor_bytes(value))
        else:
            digest.update(f"{name} {value!r}\n".encode())
    return digest.hexdigest()


def data_sha256(
    images: NDArray[Any] | torch.Tensor | Mapping[str, NDArray[Any] | torch.Tensor],
    labels: NDArray[Any] | None,
) -> str:
    """Hash type, shape and values of images and labels, a block of stimuli at a time."""
    digest = hashlib.sha256()
    parts = images if isinstance(images, Mapping) else {"images": images}
    for name in sorted(parts):
        part = parts[name]
        kind = str(part.dtype).rpartition(".")[2]
        digest.update(f"{name} {kind} {tuple(part.shape)}\n".encode())
        for start in range(0, part.shape[0], _ROWS):
            rows = part[start : start + _ROWS]
            if isinstance(rows, torch.Tensor):
                digest.update(_tensor_bytes(rows))
            else:
                digest.update(np.ascontiguousarray(rows).data.cast("B"))
    if labels is not None:
        digest.update(f"labels {labels.shape}\n".encode())
        digest.update(np.ascontiguousarray(labels, dtype="<i8").data.cast("B"))
    return digest.hexdigest()


def settings_sha256(settings: Mapping[str, Any]) -> str:
    """Hash settings, whatever the order of their names."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _tensor_bytes(tensor: torch.Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")
