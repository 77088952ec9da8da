"""The arguments of a recording, checked before a network runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch

from stochnet.errors import InvalidInputError, entrance

P = ParamSpec("P")
T = TypeVar("T")


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that checks its arguments, by their names, before it is called."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in _CHECKS and value is not None:
                bound.arguments[name] = _CHECKS[name](name, value)
            elif value is None and name in _NEEDED:
                raise InvalidInputError(f"{name} must be given, and cannot be None")
        return function(*bound.args, **bound.kwargs)

    return call


def _data(name: str, value: Any) -> Any:
    """Return data without a gradient; lists become arrays."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, Mapping):
        if value and all(isinstance(one, str) for one in value):
            return value
        raise InvalidInputError(f"{name} is a mapping whose keys are no names: give an array")
    return entrance.array(name, value, what="numbers")


def _labels(name: str, value: Any) -> Any:
    return entrance.array(name, value, what="whole numbers")


def _threshold(name: str, value: Any) -> float:
    try:
        return entrance.number(name, value)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{error}; it is one number for all layers: record layers that need another one "
            "apart, with layers=PATTERN (--layers)"
        ) from None


def _size(name: str, value: Any) -> int:
    return entrance.whole(name, value)


def _names(name: str, value: Any) -> Any:
    return value if isinstance(value, str) else entrance.options(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise InvalidInputError(f"{name} must be a text, got {entrance.shown(value)}")


def _device(name: str, value: Any) -> Any:
    if isinstance(value, (str, torch.device)):
        return value
    raise InvalidInputError(
        f"{name} must be a name such as 'cpu' or 'cuda', got {entrance.shown(value)}"
    )


def _shard(name: str, value: Any) -> tuple[int, int]:
    pair = entrance.wholes(name, value)
    if len(pair) != 2:
        raise InvalidInputError(f"{name} must be (i, n): part i of n, got {entrance.shown(value)}")
    return pair[0], pair[1]


def _normalize(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return tuple(np.ravel(entrance.floats(name, one)).tolist() for one in value)
    raise InvalidInputError(
        f"{name} must be (mean, std), each one number or one per channel, got "
        f"{entrance.shown(value)}"
    )


def _facts(name: str, value: Any) -> Any:
    entrance.instance(name, value, Mapping, "give a dict of facts")
    if all(isinstance(one, str) for one in value):
        return value
    raise InvalidInputError(f"the names of {name} must be texts, got {entrance.shown(value)}")


def _progress(name: str, value: Any) -> Any:
    entrance.progress(value)
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "images": _data,
    "labels": _labels,
    "training_labels": _labels,
    "stimuli": _labels,
    "layers": _names,
    "threshold": _threshold,
    "unit": _text,
    "channel_rule": _text,
    "trace": _text,
    "by": _text,
    "batch_size": _size,
    "buffer_bytes": _size,
    "n_trials": _size,
    "n_bins": _size,
    "window": _size,
    "schedule_seed": lambda name, value: entrance.whole(name, value, 0, exact=True),
    "per_condition": entrance.truth,
    "strict": entrance.truth,
    "device": _device,
    "path": entrance.path,
    "shard": _shard,
    "normalize": _normalize,
    "provenance": _facts,
    "progress": _progress,
}
_NEEDED = {
    "images", "threshold", "unit", "channel_rule", "trace", "by", "batch_size",
    "buffer_bytes", "device", "per_condition", "strict",
}  # fmt: skip
