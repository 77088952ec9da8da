"""Images as a network takes them: float32, channels first, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError

Normalize = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation, a value per channel or one for all."""

Inputs = ArrayLike | torch.Tensor | Mapping[str, ArrayLike | torch.Tensor]
"""What a user shows to a network."""

Batch = torch.Tensor | dict[str, torch.Tensor]
"""What a network is called with: one tensor, or several as keywords."""

_Array = NDArray[Any] | torch.Tensor

_TYPES = ("uint8", "float16", "bfloat16", "float32", "float64")
_AS_THEY_ARE = ("bool", "int8", "int16", "int32", "int64")
_FLOATS = ("float", "bfloat")
_HALF = (torch.float16, torch.bfloat16)
_CHANNELS = (1, 3, 4)
_LOOKED_AT = 64


@dataclass(frozen=True, slots=True)
class Stimuli:
    """Images, and what is done to them before a network sees them.

    Attributes
    ----------
    data : ndarray or Tensor, shape (stimulus, ...), or dict of these
        uint8 arrays are (n, height, width) or (n, height, width, channel) and are divided by 255;
        uint8 tensors are (n, channel, height, width) and are divided by 255. Floating arrays and
        tensors are taken as they are, whatever their shape, and integer tensors are not converted.
        A dict is passed as keywords; nothing in it is scaled.
    mean, std : tuple of float
        Subtracted, and divided by, in float32 after that; empty for neither.
    doubts : tuple of str
        What the user should be told of the images.
    """

    data: _Array | dict[str, _Array]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(_arrays(self.data)[0].shape[0])

    @property
    def settings(self) -> dict[str, Any]:
        """The preprocessing, in words and numbers."""
        if isinstance(self.data, dict):
            return {"scale": "none", "layout": "keywords", "mean": [], "std": []}
        return {
            "scale": "divided by 255" if _type(self.data) == "uint8" else "none",
            "layout": "channels first",
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def batch(self, start: int, stop: int, device: torch.device, dtype: torch.dtype) -> Batch:
        """Return stimuli `start` to `stop` on a device, floats converted to `dtype` at the end."""
        return self.pick(slice(start, stop), device, dtype)

    def pick(
        self, which: NDArray[np.int64] | slice, device: torch.device, dtype: torch.dtype
    ) -> Batch:
        """Return the stimuli of an index on a device, floats converted to `dtype` at the end."""
        if isinstance(self.data, dict):
            return {
                name: _as_type(_tensor(_rows(one, which)).to(device), dtype)
                for name, one in self.data.items()
            }
        return _as_type(self._converted(_rows(self.data, which), device), dtype)

    def at(self, index: torch.Tensor) -> torch.Tensor:
        """Return the stimuli of an index, float32 on the CPU.

        Raises
        ------
        InvalidInputError
            They are not images.
        """
        if isinstance(self.data, dict):
            raise InvalidInputError("images must be one array or tensor here, not a mapping")
        which = index if isinstance(self.data, torch.Tensor) else index.numpy()
        return self._converted(self.data[which], torch.device("cpu")).to(torch.float32)

    def _converted(self, raw: _Array, device: torch.device) -> torch.Tensor:
        images = _tensor(raw).to(device)
        if images.dtype == torch.uint8:
            if isinstance(raw, np.ndarray):
                images = _channels_first(images)
            images = images.to(torch.float32).div_(255)
        if not images.is_floating_point():
            return images
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


def prepare(images: Any, normalize: Normalize | None = None) -> Stimuli:
    """Check images and the values they are normalized with.

    Raises
    ------
    InvalidInputError
        There is no image, they are of a type or shape that says nothing, or the values do not fit.
    """
    if isinstance(images, Mapping):
        if normalize is not None:
            raise InvalidInputError(
                "normalize is for images, not for a mapping: normalize its tensors before"
            )
        return Stimuli(_keywords(images))
    data = images if isinstance(images, torch.Tensor) else _array("images", images)
    if data.ndim < 2:
        raise InvalidInputError(
            f"images must have shape (n, height, width[, channel]), got {tuple(data.shape)}"
        )
    if 0 in data.shape:
        raise InvalidInputError(
            f"the data set is empty: its images have shape {tuple(data.shape)}; give at least one"
        )
    name = _type(data)
    integers = isinstance(data, torch.Tensor) and name in _AS_THEY_ARE
    if name not in _TYPES and not integers:
        raise InvalidInputError(
            f"images must be uint8 (0 to 255) or floating, not {name}; "
            "convert them, for example with images.astype('uint8'). Integers that a network takes "
            "as they are, such as token ids, are given as a torch tensor"
        )
    if isinstance(data, np.ndarray) and name == "uint8":
        check_layout("images", data)
    if normalize is None:
        return Stimuli(data, doubts=_doubts(data))
    if integers:
        raise InvalidInputError(f"normalize is for images, not for integers ({name})")
    mean, std = (tuple(float(x) for x in np.ravel(np.asarray(v, float))) for v in normalize)
    if not mean or not std or not np.isfinite(mean + std).all() or min(std) <= 0:
        raise InvalidInputError(
            "normalize takes finite means and positive standard deviations, one per channel; "
            f"got {mean} and {std}"
        )
    return Stimuli(data, mean, std, _doubts(data) if max(mean) <= 1 else ())


def check_layout(what: str, images: NDArray[Any]) -> None:
    """Refuse uint8 images that are not (n, height, width[, channel]).

    Raises
    ------
    InvalidInputError
        They have another number of axes, or their channels stand second.
    """
    if images.ndim not in (2, 3, 4):
        raise InvalidInputError(
            f"uint8 images must be (n, height, width[, channel]), got shape {images.shape}"
        )
    if images.ndim == 4 and images.shape[1] in _CHANNELS and images.shape[3] > max(_CHANNELS):
        raise InvalidInputError(
            f"{what} of shape {images.shape} look like (n, channel, height, width), and arrays of "
            "uint8 must be (n, height, width, channel): give images.transpose(0, 2, 3, 1), or a "
            "torch tensor, which has its channels second"
        )


def _keywords(given: Mapping[Any, Any]) -> dict[str, _Array]:
    data = {
        name: one if isinstance(one, torch.Tensor) else _array(repr(name), one)
        for name, one in given.items()
    }
    known = (*_TYPES, *_AS_THEY_ARE)
    if not data or not all(isinstance(name, str) for name in data):
        raise InvalidInputError("a mapping of images must have names of arguments as its keys")
    for name, one in data.items():
        if one.ndim == 0 or 0 in one.shape or _type(one) not in known:
            raise InvalidInputError(
                f"{name!r} must be numbers with the stimuli along the first axis, got "
                f"{_type(one)} of shape {tuple(one.shape)}"
            )
    lengths = {name: int(one.shape[0]) for name, one in data.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError(
            f"all that is shown must have as many stimuli, got {lengths} along the first axes"
        )
    return data


def _array(what: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidInputError(
            f"{what} must have one shape for all stimuli: resize or pad them, and stack them with "
            "numpy.stack or torch.stack"
        ) from error


def _doubts(images: _Array) -> tuple[str, ...]:
    """Return what is to be said of floating images that stand in 0 to 255."""
    some = images[:_LOOKED_AT]
    if images.ndim != 4 or _type(images) == "uint8" or not _type(images).startswith(_FLOATS):
        return ()
    lowest, highest = float(some.min()), float(some.max())
    if not (lowest >= 0 and 100 < highest <= 255):
        return ()
    text = (
        f"floating images are shown as they are, and these reach {highest:g}; networks that were "
        "trained on images in 0 to 1 need images / 255, or the images as uint8"
    )
    return (text,)


def _arrays(data: _Array | dict[str, _Array]) -> list[_Array]:
    return list(data.values()) if isinstance(data, dict) else [data]


def _type(data: _Array) -> str:
    return str(data.dtype).rpartition(".")[2]


def _rows(data: _Array, which: NDArray[np.int64] | slice) -> _Array:
    if isinstance(data, torch.Tensor) and not isinstance(which, slice):
        return data[torch.from_numpy(which)]
    return data[which]


def _tensor(raw: _Array) -> torch.Tensor:
    # A copy: torch warns of arrays that are not writable.
    return raw if isinstance(raw, torch.Tensor) else torch.tensor(raw)


def _as_type(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert floats; whole numbers that the type cannot hold are no images.

    Raises
    ------
    InvalidInputError
        They are all whole, and would be changed.
    """
    if not tensor.is_floating_point() or tensor.dtype == dtype:
        return tensor
    converted = tensor.to(dtype)
    changed = dtype in _HALF and bool((converted.to(tensor.dtype) != tensor).any())
    if changed and bool((tensor == tensor.round()).all()):
        raise InvalidInputError(
            f"the stimuli are whole numbers that {dtype} cannot hold, so the network would be "
            "shown others; give token ids as integers, for example ids.long()"
        )
    return converted


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
