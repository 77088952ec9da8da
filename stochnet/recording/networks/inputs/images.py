"""Images as a network takes them: float32, channels first, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError

Normalize = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation, a value per channel or one for all."""

_TYPES = ("uint8", "float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Stimuli:
    """Images, and what is done to them before a network sees them.

    Attributes
    ----------
    data : ndarray or Tensor, shape (stimulus, ...)
        uint8 arrays are (n, height, width) or (n, height, width, channel) and are divided by 255;
        uint8 tensors are (n, channel, height, width) and are divided by 255. Floating arrays and
        tensors are taken as they are, whatever their shape.
    mean, std : tuple of float
        Subtracted, and divided by, in float32 after that; empty for neither.
    """

    data: NDArray[Any] | torch.Tensor
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __len__(self) -> int:
        return int(self.data.shape[0])

    @property
    def settings(self) -> dict[str, Any]:
        """The preprocessing, in words and numbers."""
        scaled = str(self.data.dtype).rpartition(".")[2] == "uint8"
        return {
            "scale": "divided by 255" if scaled else "none",
            "layout": "channels first",
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def batch(
        self, start: int, stop: int, device: torch.device, dtype: torch.dtype
    ) -> torch.Tensor:
        """Return stimuli `start` to `stop` on a device, converted to `dtype` at the end."""
        return self._converted(self.data[start:stop], device).to(dtype)

    def pick(
        self, which: NDArray[np.int64], device: torch.device, dtype: torch.dtype
    ) -> torch.Tensor:
        """Return the stimuli of an index on a device, converted to `dtype` at the end."""
        index = torch.from_numpy(which) if isinstance(self.data, torch.Tensor) else which
        return self._converted(self.data[index], device).to(dtype)

    def at(self, index: torch.Tensor) -> torch.Tensor:
        """Return the stimuli of an index, float32 on the CPU."""
        which = index if isinstance(self.data, torch.Tensor) else index.numpy()
        return self._converted(self.data[which], torch.device("cpu")).to(torch.float32)

    def _converted(self, raw: NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
        # A copy: torch warns of arrays that are not writable.
        images = (raw if isinstance(raw, torch.Tensor) else torch.tensor(raw)).to(device)
        if images.dtype == torch.uint8:
            if isinstance(raw, np.ndarray):
                images = _channels_first(images)
            images = images.to(torch.float32).div_(255)
        images = images.to(torch.float32) if images.dtype != torch.float64 else images
        return self._normalized(images) if self.mean else images

    def _normalized(self, images: torch.Tensor) -> torch.Tensor:
        channels = images.shape[1] if images.ndim > 1 else 1
        if any(len(values) not in (1, channels) for values in (self.mean, self.std)):
            raise InvalidInputError(
                f"the images have {channels} channel(s): give as many means and standard "
                f"deviations, or one of each; got {len(self.mean)} and {len(self.std)}"
            )
        shape = (1, -1, *(1 for _ in images.shape[2:]))
        mean, std = (
            torch.tensor(values, dtype=images.dtype, device=images.device).reshape(shape)
            for values in (self.mean, self.std)
        )
        return (images - mean) / std


@dataclass(frozen=True, slots=True)
class Feed:
    """Batches of stimuli in the order in which they are shown, as a network takes them."""

    shown: Stimuli
    device: torch.device
    dtype: torch.dtype
    order: NDArray[np.int64] | None = None

    def batch(self, start: int, stop: int) -> torch.Tensor:
        """Return what is shown in bins `start` to `stop`."""
        if self.order is None:
            return self.shown.batch(start, stop, self.device, self.dtype)
        return self.pick(self.order[start:stop])

    def pick(self, which: NDArray[np.int64]) -> torch.Tensor:
        """Return the stimuli of an index."""
        return self.shown.pick(which, self.device, self.dtype)


def prepare(images: Any, normalize: Normalize | None = None) -> Stimuli:
    """Check images and the values they are normalized with.

    Raises
    ------
    InvalidInputError
        There is no image, they are neither uint8 nor floating, or the values do not fit.
    """
    data = images if isinstance(images, torch.Tensor) else np.asarray(images)
    if data.ndim < 2:
        raise InvalidInputError(
            f"images must have shape (n, height, width[, channel]), got {tuple(data.shape)}"
        )
    if 0 in data.shape:
        raise InvalidInputError(
            f"the data set is empty: its images have shape {tuple(data.shape)}; give at least one"
        )
    name = str(data.dtype).rpartition(".")[2]
    if name not in _TYPES:
        raise InvalidInputError(
            f"images must be uint8 (0 to 255) or floating, not {name}; "
            "convert them, for example with images.astype('uint8')"
        )
    if isinstance(data, np.ndarray) and name == "uint8" and data.ndim > 4:
        raise InvalidInputError(
            f"uint8 images must be (n, height, width[, channel]), got shape {data.shape}"
        )
    if normalize is None:
        return Stimuli(data)
    mean, std = (tuple(float(x) for x in np.ravel(np.asarray(v, float))) for v in normalize)
    if not mean or not std or not np.isfinite(mean + std).all() or min(std) <= 0:
        raise InvalidInputError(
            "normalize takes finite means and positive standard deviations, one per channel; "
            f"got {mean} and {std}"
        )
    return Stimuli(data, mean, std)


def batches(n: int, batch_size: int) -> Iterator[tuple[int, int]]:
    """Cut `n` stimuli into batches, the last never a single one if that can be avoided.

    Networks that squeeze their output lose the batch axis of a single stimulus.
    """
    start = 0
    while start < n:
        stop = min(start + batch_size, n)
        if n - stop == 1 and stop - start > 2:
            stop -= 1
        yield start, stop
        start = stop


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images.permute(0, 3, 1, 2).contiguous() if images.ndim == 4 else images
