"""How stimuli get into a network: which, where, in what order, and as what arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stochnet.recording.networks.inputs.images import Batch, Stimuli


@dataclass(frozen=True, slots=True)
class Feed:
    """Batches of stimuli in the order in which they are shown, as a network takes them."""

    shown: Stimuli
    device: torch.device
    dtype: torch.dtype
    order: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.shown) if self.order is None else len(self.order)

    def batch(self, start: int, stop: int) -> Batch:
        """Return what is shown in bins `start` to `stop`."""
        if self.order is None:
            return self.shown.batch(start, stop, self.device, self.dtype)
        return self.pick(self.order[start:stop])

    def pick(self, which: NDArray[np.int64]) -> Batch:
        """Return the stimuli of an index."""
        return self.shown.pick(which, self.device, self.dtype)


def run(network: Callable[..., Any], batch: Batch) -> Any:
    """Call a network with a batch."""
    return network(**batch) if isinstance(batch, dict) else network(batch)


def inputs_of(batch: Batch) -> list[torch.Tensor]:
    """Return the tensors of a batch."""
    return list(batch.values()) if isinstance(batch, dict) else [batch]
