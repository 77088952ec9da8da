"""Where the channels of a tensor are: rules that follow its axes through an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Axes = frozenset[int]
"""Axes that hold channels; the batch and the positions are the others."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a tensor.

    Attributes
    ----------
    of_stimulus : bool
        Whether it was computed from the stimuli.
    axes : frozenset of int or None
        Its channels; None where they are not known.
    """

    of_stimulus: bool
    axes: Axes | None = None


CONSTANT = Origin(False)

Operand = tuple[torch.Tensor, Origin]
Rule = Callable[[Mapping[str, Any], Sequence[Operand], torch.Tensor], Axes | None]
"""From the arguments by name, the operands and an output to the channels of the output."""


def output_axes(
    name: str, arguments: Mapping[str, Any], operands: Sequence[Operand], output: torch.Tensor
) -> Axes | None:
    """Return the channels of an output of an operation.

    Parameters
    ----------
    name : str
        Of the operation, without its namespace: ``"permute"``.
    arguments : mapping
        Its arguments by name.
    operands : sequence of (Tensor, Origin)
        Its tensors, those of lists too, in order.
    output : Tensor
        One of its outputs.
    """
    rule = _RULES.get(name.rstrip("_"))
    if rule is None:
        rule = next((one for part, one in _BY_PART.items() if part in name), _like_operands)
    return rule(arguments, operands, output)


def follow_reshape(before: Sequence[int], after: Sequence[int], axes: Axes) -> Axes | None:
    """Return where the channels of a shape are in another one with as many elements.

    Axes are matched in groups with equal products. A group of channels only becomes channels; one
    that pours channels and positions together leaves nothing known.
    """
    found: set[int] = set()
    i = j = 0
    while i < len(before) and j < len(after):
        old, new = [i], [j]
        p, q = before[i], after[j]
        i, j = i + 1, j + 1
        while p != q:
            if p < q and i < len(before):
                p, i = p * before[i], i + 1
                old.append(i - 1)
            elif q < p and j < len(after):
                q, j = q * after[j], j + 1
                new.append(j - 1)
            else:
                return None
        wide = [axis for axis in old if before[axis] > 1] or old
        held = [axis in axes for axis in wide]
        if any(held):
            if not all(held):
                return None
            found.update(axis for axis in new if after[axis] > 1 or len(new) == 1)
    return frozenset(found) or None


def _like_operands(_: Mapping[str, Any], operands: Sequence[Operand], out: Any) -> Axes | None:
    """Of operations that keep the axes: those of the operand that fills the output."""
    told: dict[Axes, bool] = {}
    for tensor, origin in operands:
        shift = out.ndim - tensor.ndim
        if origin.axes is None or shift < 0:
            continue
        axes = frozenset(axis + shift for axis in origin.axes)
        whole = all(tensor.shape[axis - shift] == out.shape[axis] for axis in axes)
        told[axes] = told.get(axes, False) or whole
    if len(told) > 1:
        told = {axes: whole for axes, whole in told.items() if whole}
    return next(iter(told)) if len(told) == 1 else None


def _first(operands: Sequence[Operand]) -> Operand:
    return operands[0]


def _last(out: torch.Tensor) -> Axes:
    return frozenset({out.ndim - 1})


def _second(out: torch.Tensor) -> Axes | None:
    return frozenset({1}) if out.ndim > 1 else None


def _product(_: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    """Of a product of matrices: weights on the right make new features, the last axis."""
    right, origin = operands[-1]
    if not origin.of_stimulus:
        return _last(out)
    # Of mixed positions the features stay what they were.
    return _last(out) if origin.axes == frozenset({right.ndim - 1}) else None


def _weighted_sum(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    """Of ``addmm`` and the like, whose first operand is the bias."""
    return _product(arguments, operands[1:], out)


def _linear(_: Mapping[str, Any], __: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    return _last(out)


def _conv(_: Mapping[str, Any], __: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    return _second(out)


def _view(_: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    tensor, origin = _first(operands)
    return None if origin.axes is None else follow_reshape(tensor.shape, out.shape, origin.axes)


def _permute(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    order = [dim % out.ndim for dim in arguments["dims"]]
    axes = _first(operands)[1].axes
    return None if axes is None else frozenset(k for k, dim in enumerate(order) if dim in axes)


def _transpose(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    axes = _first(operands)[1].axes
    if axes is None or out.ndim < 2:
        return axes
    one, other = (int(arguments.get(name, k)) % out.ndim for k, name in enumerate(("dim0", "dim1")))
    swap = {one: other, other: one}
    return frozenset(swap.get(axis, axis) for axis in axes)


def _unsqueeze(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    axes, new = _first(operands)[1].axes, int(arguments["dim"]) % out.ndim
    return None if axes is None else frozenset(axis + (axis >= new) for axis in axes)


def _stack(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    new = int(arguments.get("dim", 0)) % out.ndim
    each = {origin.axes for _, origin in operands if origin.axes is not None}
    return frozenset(axis + (axis >= new) for axis in each.pop()) if len(each) == 1 else None


def _without(
    arguments: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor
) -> Axes | None:
    """Of operations that may take axes away: sums, means, ``select``, ``squeeze``."""
    tensor, origin = _first(operands)
    if origin.axes is None or out.ndim == tensor.ndim:
        return origin.axes
    dims = arguments.get("dim")
    if dims is None:
        gone = {axis for axis in range(tensor.ndim) if tensor.shape[axis] == 1}
    else:
        given = [dims] if isinstance(dims, int) else dims
        gone = {dim % tensor.ndim for dim in given}
    if len(gone) != tensor.ndim - out.ndim:
        gone = {axis for axis in gone if tensor.shape[axis] == 1}
    kept = [axis for axis in range(tensor.ndim) if axis not in gone]
    if len(kept) != out.ndim:
        return None
    return frozenset(k for k, axis in enumerate(kept) if axis in origin.axes) or None


def _norm(_: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    return _first(operands)[1].axes or _second(out)


def _layer_norm(_: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor) -> Axes:
    return _first(operands)[1].axes or _last(out)


def _attention(_: Mapping[str, Any], operands: Sequence[Operand], out: torch.Tensor) -> Axes | None:
    values = operands[2][1].axes if len(operands) > 2 else None
    return values if out.ndim == operands[0][0].ndim else None


def _unknown(_: Mapping[str, Any], __: Sequence[Operand], ___: torch.Tensor) -> None:
    return None


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("mm", "bmm", "matmul", "mv"), _product),
    **dict.fromkeys(("addmm", "baddbmm", "addbmm"), _weighted_sum),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy"), _view),
    **dict.fromkeys(("permute", "permute_copy"), _permute),
    **dict.fromkeys(("transpose", "transpose_copy", "t", "t_copy"), _transpose),
    **dict.fromkeys(("unsqueeze", "unsqueeze_copy"), _unsqueeze),
    **dict.fromkeys(
        ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "prod", "logsumexp", "norm",
         "linalg_vector_norm", "select", "squeeze", "unbind", "any", "all", "argmax", "argmin"),
        _without,
    ),
    **dict.fromkeys(("as_strided", "im2col", "index", "unfold", "stft", "diagonal"), _unknown),
    "stack": _stack,
    "embedding": _linear,
    "linear": _linear,
    "native_layer_norm": _layer_norm,
}  # fmt: skip
_BY_PART: dict[str, Rule] = {
    "conv": _conv,
    "batch_norm": _norm,
    "group_norm": _norm,
    "attention": _attention,
    "rnn": _linear,
    "lstm": _linear,
    "gru": _linear,
}
