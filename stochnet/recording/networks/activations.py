"""What counts as a ReLU-like activation: modules, functions, operations, and what they compute."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

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


def _is_zero(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.is_floating_point() and not bool(value.any())
    return isinstance(value, int | float) and value == 0


def _clamp(arguments: Mapping[str, Any]) -> str | None:
    highest = arguments.get("max")
    open_above = highest is None or (not isinstance(highest, torch.Tensor) and highest == 6)
    return "clamp" if _is_zero(arguments.get("min")) and open_above else None


def _hardtanh(arguments: Mapping[str, Any]) -> str | None:
    limits = arguments.get("min_val", -1), arguments.get("max_val", 1)
    return "relu6" if limits == (0, 6) else None


def _maximum(arguments: Mapping[str, Any]) -> str | None:
    return "maximum" if _is_zero(arguments["other"]) or _is_zero(arguments["self"]) else None


_OPERATIONS: dict[str, Callable[[Mapping[str, Any]], str | None]] = {
    **{name: lambda _, name=name: name for name in _NAMES},  # type: ignore[misc]
    "_prelu_kernel": lambda _: "prelu",
    "rrelu_with_noise": lambda _: "rrelu",
    "hardtanh": _hardtanh,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "maximum": _maximum,
    "fmax": _maximum,
}
_unlike: set[Any] = set()


def activation_operation(operation: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return which activation an operation of the dispatcher computes, ``""`` for none.

    A clamp from 0, to nothing or to 6, and a maximum with zeros are activations too.
    """
    if operation in _unlike:
        return ""
    schema = operation._schema
    rule = _OPERATIONS.get(schema.name.partition("::")[2].removesuffix("_"))
    if rule is None:
        _unlike.add(operation)
        return ""
    arguments = {one.name: value for one, value in zip(schema.arguments, args, strict=False)}
    first = next(iter(arguments.values()), None)
    if not isinstance(first, torch.Tensor) or not first.is_floating_point():
        return ""
    return rule({**arguments, **kwargs}) or ""


Activation = Callable[[torch.Tensor], torch.Tensor]

FORMULAS: dict[str, Activation] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": functional.hardswish,
    "softplus": functional.softplus,
    "shifted_softplus": lambda x: functional.softplus(x) - math.log(2),
    "elu": functional.elu,
    "selu": functional.selu,
    "squared_relu": lambda x: functional.relu(x).square(),
}
"""Common activations as functions of numbers."""

_NUMBERS = torch.linspace(-7.5, 7.5, 31, dtype=torch.float64)
_LARGEST_COPY = 1 << 16
_PLAIN = 0.05


def activation_of(module: nn.Module, like: torch.Tensor) -> str:
    """Return which common activation a module computes, ``""`` for none.

    A copy of the module is applied to a few numbers. It is an activation if it does the same to
    every element, and what one of the formulas does, or a leaky ReLU, ELU or swish of any strength.

    Parameters
    ----------
    module : nn.Module
        A module without children.
    like : Tensor, shape (batch, ...)
        An input it gets; only its shape, type and device matter.
    """
    state = [*module.parameters(), *module.buffers()]
    row = math.prod(like.shape[1:])
    if not like.is_floating_point() or not row or sum(t.numel() for t in state) > _LARGEST_COPY:
        return ""
    rows = -(-2 * len(_NUMBERS) // row)
    dtype = like.dtype if state else torch.float32
    repeats = -(-rows * row // len(_NUMBERS))
    given = _NUMBERS.repeat(repeats)[: rows * row].reshape(rows, *like.shape[1:])
    try:
        # Without the hooks, which belong to the recording.
        hooks: dict[int, Any] = {id(v): {} for k, v in vars(module).items() if "hooks" in k}
        output = copy.deepcopy(module, hooks).forward(given.to(like.device, dtype))
    except Exception:  # noqa: BLE001 - whatever it cannot take, it is no function of one number
        return ""
    if not isinstance(output, torch.Tensor) or output.shape != given.shape:
        return ""
    table = output.detach().double().cpu().flatten()[: 2 * len(_NUMBERS)].reshape(2, -1)
    tolerance = max(16 * torch.finfo(dtype).eps, 1e-5) * (1 + _NUMBERS.abs())
    if not bool(((table[0] - table[1]).abs() <= tolerance).all()):
        return ""
    errors = {
        name: float(((table[0] - formula(_NUMBERS)).abs() / tolerance).max())
        for name, formula in {**_families(table[0]), **FORMULAS}.items()
    }
    # What is plainly one of the formulas is no swish that happens to have the strength of one.
    plain = [name for name in FORMULAS if errors[name] < _PLAIN]
    best = min(plain or errors, key=lambda name: math.inf if math.isnan(errors[name])
               else errors[name])  # fmt: skip
    return best.removesuffix("_alpha") if errors[best] <= 1 else ""


def _families(values: torch.Tensor) -> dict[str, Activation]:
    """Return the leaky ReLU, the ELU and the swish whose strength fits the values, if any does."""
    at = dict(zip(_NUMBERS.tolist(), values.tolist(), strict=True))
    found: dict[str, Activation] = {}
    slope = at[-1.0] / -1.0
    if 0 < slope < 1:
        found["leaky_relu"] = lambda x: functional.leaky_relu(x, slope)
    if (alpha := at[-1.0] / math.expm1(-1.0)) > 0:
        found["elu_alpha"] = lambda x: functional.elu(x, alpha)
    if 0.5 < at[1.0] < 1:
        beta = math.log(at[1.0] / (1 - at[1.0]))
        found["swish"] = lambda x: x * torch.sigmoid(beta * x)
    return found
