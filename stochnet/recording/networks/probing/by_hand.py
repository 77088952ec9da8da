"""Activations that a network computes in several steps of its own."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from stochnet.recording.networks.activations import FORMULAS

# The last step of an activation that is put together: x·(x > 0), where(x > 0, x, 0), x·σ(x), …
_LAST_STEPS = frozenset({"mul", "where", "masked_fill", "maximum", "fmax", "div", "addcmul", "add"})
_FEWEST, _MOST = 8, 512
# Where all of them stay for numbers below -1/4.
_LOWEST, _HIGHEST = -0.35, 0.6


def computed_by_hand(
    name: str, operands: Iterable[torch.Tensor], output: torch.Tensor
) -> str | None:
    """Return which common activation of one of its operands an operation has given, if any.

    Parameters
    ----------
    name : str
        Of the operation, without its namespace.
    operands : iterable of Tensor
        Its tensors; those it may have written over are left out.
    output : Tensor
        Its output.
    """
    if name not in _LAST_STEPS or not output.is_floating_point():
        return None
    tolerance = 16 * torch.finfo(output.dtype).eps
    step = max(1, output.numel() // _MOST) | 1
    found = output.reshape(-1)[::step].float()
    for operand in operands:
        if operand.shape != output.shape or operand.dtype != output.dtype or operand is output:
            continue
        given = operand.reshape(-1)[::step].float()
        # What is small, or of one sign, looks like many functions at once.
        negative = found[given < -0.25]
        if len(negative) < _FEWEST or int((given > 0.25).sum()) < _FEWEST:
            continue
        if float(negative.min()) < _LOWEST or float(negative.max()) > _HIGHEST:
            continue
        for activation, formula in FORMULAS.items():
            if bool(((found - formula(given)).abs() <= tolerance * (1 + given.abs())).all()):
                return activation
    return None
