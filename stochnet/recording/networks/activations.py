"""What counts as a ReLU-like activation: modules and functions that are recorded by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

RELU_LIKE: tuple[type[nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Softplus,
    nn.Threshold,
)
"""Modules that are recorded unless a pattern chooses others."""

_NAMES = [
    "relu",
    "relu6",
    "leaky_relu",
    "prelu",
    "rrelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "softplus",
    "threshold",
]


def _functions() -> dict[Callable[..., Any], str]:
    """Every callable by which torch applies one of these, with the name of what it does."""
    found: dict[Callable[..., Any], str] = {}
    for home in (nn.functional, torch, torch.Tensor):
        for name in _NAMES:
            for variant in (name, f"{name}_"):
                function = getattr(home, variant, None)
                if callable(function):
                    found[function] = name
    return found


FUNCTIONS = _functions()
"""Functions and methods that do what these modules do, and the name a layer gets from them."""
