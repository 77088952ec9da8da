"""From the activations of a layer to spikes: one rule for positions, two for channels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from stochnet.errors import InvalidInputError, RecordingError

UNITS = ("position", "channel")
CHANNEL_RULES = ("any", "mean")


@dataclass(frozen=True, slots=True)
class Handling:
    """How the output of a layer becomes stimuli and channels.

    Attributes
    ----------
    fold : int
        Rows of the output that belong to one stimulus: its first axis is the batch, folded with an
        axis of this length.
    channel_axes : tuple of int or None
        Axes of (stimulus, *shape of the layer) that hold channels; None where they are not known.
    """

    fold: int = 1
    channel_axes: tuple[int, ...] | None = None

    def unfolded(self, output: torch.Tensor) -> torch.Tensor:
        """Return an output with the stimuli along its first axis."""
        if self.fold == 1 or output.ndim == 0 or output.shape[0] % self.fold:
            return output
        return output.reshape(-1, self.fold, *output.shape[1:])


PLAIN = Handling()


@dataclass(frozen=True, slots=True)
class Rule:
    """When a node spikes.

    Attributes
    ----------
    threshold : float
        A spike is a value above it. The comparison is torch's ``activation > threshold``: in the
        type of the activation, to which the threshold is rounded.
    unit : {"position", "channel"}
        A node is one scalar of the output, or one channel: all values that share an index along
        the axes of channels.
    channel_rule : {"any", "mean"}
        A channel spikes if any of its values, or their mean, is above the threshold. The mean is
        taken in float32 at least.
    """

    threshold: float = 0.0
    unit: str = "position"
    channel_rule: str = "any"

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _one_number(self.threshold))
        if self.unit not in UNITS:
            raise InvalidInputError(f"unit must be one of {UNITS}, got {self.unit!r}")
        if self.channel_rule not in CHANNEL_RULES:
            raise InvalidInputError(
                f"channel_rule must be one of {CHANNEL_RULES}, got {self.channel_rule!r}"
            )
        if not math.isfinite(self.threshold):
            raise InvalidInputError(f"threshold must be a finite number, got {self.threshold}")

    def nodes(self, layer: str, output: torch.Tensor, handling: Handling) -> torch.Tensor:
        """Return what is compared with the threshold: (batch, *shape of the layer)."""
        if self.unit == "position" or output.ndim < 3:
            return output if output.ndim > 1 else output.unsqueeze(1)
        if handling.channel_axes is None:
            raise unknown_channels({layer: tuple(output.shape[1:])})
        others = [axis for axis in range(1, output.ndim) if axis not in handling.channel_axes]
        if not others:
            return output
        if self.channel_rule == "any":
            return output.amax(others)
        half = output.dtype in (torch.float16, torch.bfloat16) or not output.is_floating_point()
        return output.mean(others, dtype=torch.float32 if half else None)


def unknown_channels(layers: Mapping[str, tuple[int, ...]]) -> RecordingError:
    """Return the error for layers, with their shapes, whose channels are not known."""
    named = ", ".join(f"{name!r} {shape}" for name, shape in list(layers.items())[:8])
    more = f" and {len(layers) - 8} more" if len(layers) > 8 else ""
    return RecordingError(
        f"unit='channel': which axis holds the channels of {named}{more} is not known; say "
        "channel_axis=1 (axis 0 are the stimuli), or one by layer, channel_axis={'encoder.*': 2}; "
        "on the command line --channel-axis"
    )


def _one_number(threshold: object) -> float:
    try:
        return float(threshold)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInputError(
            f"threshold must be one number for all layers, got {threshold!r}; record layers that "
            "need another one apart, with layers=PATTERN (--layers)"
        ) from error


def check_output(layer: str, output: torch.Tensor, n_stimuli: int) -> None:
    """Refuse an output that does not give every stimulus its values.

    Raises
    ------
    RecordingError
        The first axis is not the batch, or there is nothing, or it is complex.
    """
    if output.ndim == 0 or output.shape[0] != n_stimuli:
        raise RecordingError(
            f"layer {layer!r} has an output of shape {tuple(output.shape)} for a batch of "
            f"{n_stimuli} stimuli: its first axis must be the stimuli; "
            "choose other layers with layers=PATTERN (--layers)"
        )
    if output.numel() == 0 or output.is_complex():
        raise RecordingError(
            f"layer {layer!r} has an empty or complex output; "
            "choose other layers with layers=PATTERN (--layers)"
        )


def pack_nodes(spikes: torch.Tensor) -> torch.Tensor:
    """Pack truth values (batch, node) along the nodes, on the device they are on.

    Returns
    -------
    Tensor of uint8, shape (batch, byte)
        Bit b of byte B is node 8·B + b; the number of bytes is a multiple of 8.
    """
    n_stimuli, n_nodes = spikes.shape
    padded = torch.nn.functional.pad(spikes.to(torch.uint8), (0, -n_nodes % 64))
    bits = padded.reshape(n_stimuli, -1, 8)
    shifts = torch.arange(8, dtype=torch.uint8, device=spikes.device)
    return (bits << shifts).sum(-1, dtype=torch.uint8)
