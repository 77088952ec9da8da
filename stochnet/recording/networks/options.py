"""Everything that can be asked of a recording, in one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress
from stochnet.recording.networks.collector import BUFFER_BYTES
from stochnet.recording.networks.inputs.images import Normalize
from stochnet.recording.networks.inputs.label_arrays import per_stimulus
from stochnet.recording.networks.thresholds import Rule

TRACES = ("auto", "assume")
_LARGEST_LABEL = int(np.iinfo(np.int16).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """The arguments of `stochnet.record` beyond network, images and labels, with their meaning."""

    layers: str | Sequence[str] | None = None
    rule: Rule = Rule()  # noqa: RUF009
    batch_size: int = 256
    device: str | torch.device = "cpu"
    shard: tuple[int, int] | None = None
    stimuli: ArrayLike | None = None
    training_labels: ArrayLike | None = None
    normalize: Normalize | None = None
    provenance: Mapping[str, Any] | None = None
    progress: Progress | None = None
    buffer_bytes: int = BUFFER_BYTES
    strict: bool = False
    trace: str = "auto"
    channel_axis: int | Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise InvalidInputError(f"batch_size must be at least 1, got {self.batch_size}")
        if self.trace not in TRACES:
            raise InvalidInputError(f"trace must be one of {TRACES}, got {self.trace!r}")
        _check_channel_axis(self.channel_axis)

    def per_bin(self, labels: ArrayLike | None, n: int) -> dict[str, Any]:
        """Return what a raster keeps of each of `n` stimuli: conditions, labels, indices.

        Raises
        ------
        InvalidInputError
            One of them is not a whole number for each stimulus.
        """
        shown = np.arange(n) if self.stimuli is None else self.stimuli
        return {
            "conditions": per_stimulus("labels", labels, n, _LARGEST_LABEL),
            "training_labels": per_stimulus(
                "training_labels", self.training_labels, n, _LARGEST_LABEL, lowest=-1
            ),
            "stimuli": per_stimulus("stimuli", shown, n, int(np.iinfo(np.int64).max)),
        }


def _check_channel_axis(asked: object) -> None:
    axes = asked.values() if isinstance(asked, Mapping) else () if asked is None else (asked,)
    globs = asked if isinstance(asked, Mapping) else ()
    whole = all(isinstance(a, int | np.integer) and not isinstance(a, bool) for a in axes)
    if not whole or not all(isinstance(glob, str) for glob in globs):
        raise InvalidInputError(
            "channel_axis must be the number of an axis, or a mapping of layer patterns to such "
            f"numbers, got {entrance.shown(asked)}"
        )
