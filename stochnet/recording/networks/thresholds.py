"""From the activations of a layer to spikes: one rule for positions, two for channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from stochnet.errors import InvalidInputError, RecordingError

UNITS = ("position", "channel")
CHANNEL_RULES = ("any", "mean")


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
        the channel axis. That axis is 1 (batch, channel, row, column), or the last one where the
        last layer with weights before was linear (batch, token, feature).
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

    def nodes(self, output: torch.Tensor, features_last: bool) -> torch.Tensor:
        """Return what is compared with the threshold: (batch, *shape of the layer)."""
        if self.unit == "position" or output.ndim < 3:
            return output if output.ndim > 1 else output.unsqueeze(1)
        channel = output.ndim - 1 if features_last else 1
        others = [axis for axis in range(1, output.ndim) if axis != channel]
        if self.channel_rule == "any":
            return output.amax(others)
        half = output.dtype in (torch.float16, torch.bfloat16) or not output.is_floating_point()
        return output.mean(others, dtype=torch.float32 if half else None)


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
