"""One forward pass of a few stimuli, and all that is seen in it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from stochnet.errors import RecordingError, StochnetError
from stochnet.recording.networks.applications import Choice
from stochnet.recording.networks.hooks import Watch, watch
from stochnet.recording.networks.inputs.feed import inputs_of, run
from stochnet.recording.networks.inputs.images import Batch
from stochnet.recording.networks.probing.axes import Origin
from stochnet.recording.networks.probing.lineage import Lineage

_VALUES = 4096


@dataclass(frozen=True, slots=True)
class Applied:
    """A layer in one forward pass: the shape of its output, some of its values, its origin."""

    kind: str
    shape: tuple[int, ...]
    values: torch.Tensor
    origin: Origin


@dataclass(slots=True)
class Pass:
    """What was seen in one forward pass of `size` stimuli."""

    size: int
    layers: dict[str, Applied] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    sites: list[Hashable] = field(default_factory=list)
    foreign: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    by_hand: list[tuple[str, str]] = field(default_factory=list)


def show(
    network: nn.Module,
    choice: Choice,
    batch: Batch,
    size: int,
    recognised: dict[nn.Module, str],
    *,
    follow: bool,
) -> Pass:
    """Show a batch of `size` stimuli to a network.

    Parameters
    ----------
    recognised : dict of nn.Module to str
        As for `watch`; filled where `follow`.
    follow : bool
        Whether to follow the tensors from the stimuli on, and to look for activations.
    """
    found = Pass(size)
    lineage: list[Lineage] = []

    def followed(seen: Watch) -> Lineage:
        lineage.append(Lineage(network, inputs_of(batch), seen))
        return lineage[0]

    def take(name: str, kind: str, output: torch.Tensor) -> None:
        origin = lineage[0].of(output) if lineage else Origin(True)
        found.layers[name] = Applied(kind, tuple(output.shape), _some(output, size), origin)

    with watch(network, choice, take, recognised, followed if follow else None) as seen:
        seen.recognising = follow
        seen.begin()
        outputs = forward(network, batch)
        seen.end()
    found.functions, found.unasked, found.sites = seen.functions, seen.unasked, seen.sites
    for one in lineage:
        one.look_at(outputs)
        found.foreign = [(place, shape) for place, shape in one.foreign if shape and 0 not in shape]
        found.by_hand = one.by_hand
    return found


def _some(output: torch.Tensor, size: int) -> torch.Tensor:
    """Return some thousand values a stimulus, the same ones whatever the size of the batch."""
    if output.ndim == 0:
        return output.reshape(1, 1).clone()
    step = max(1, output.numel() // size // _VALUES) | 1
    return output.flatten(1)[:, ::step].clone() if output.ndim > 1 else output[:, None].clone()


def forward(network: nn.Module, batch: Batch) -> Any:
    """Run a network.

    Raises
    ------
    RecordingError
        It fails; the message says on what.
    """
    try:
        return run(network, batch)
    except StochnetError:
        raise
    except Exception as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        shapes = ", ".join(str(tuple(one.shape)) for one in inputs_of(batch))
        raise RecordingError(
            f"{type(network).__name__} fails on images of shape {shapes} "
            f"(batch first): {type(error).__name__}: {reason}"
        ) from error
