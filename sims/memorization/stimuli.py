"""The images of a cell: a balanced random subset of a data set, another for every seed."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.recording import Dataset, load_dataset

VARIABLE = "STOCHNET_DATA"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
IDX = {"train": "train", "test": "t10k"}
CIFAR_SUBSET = "cifar10-subset.npz"
HOW = {
    "mnist": "torchvision's files of MNIST (MNIST/raw)",
    "fashion-mnist": "torchvision's files of Fashion-MNIST (FashionMNIST/raw); or install Debian's "
    "package dataset-fashion-mnist",
    "cifar10": f"torchvision's files of CIFAR-10 (cifar-10-batches-py), or a {CIFAR_SUBSET} with "
    "train_images, train_labels, test_images and test_labels",
}
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Stimuli:
    """What a cell trains on and records, and how its images are normalized."""

    train: Dataset
    test: Dataset
    normalize: tuple[tuple[float, ...], tuple[float, ...]]


def load(name: str, n_train: int | None, n_test: int | None, seed: int) -> Stimuli:
    """Load a data set and draw the subsets of a seed; None for all images.

    Images are normalized by the mean and standard deviation of each channel over the training
    images of the subset.

    Raises
    ------
    InvalidInputError
        The data set is not there, or has not so many images.
    """
    train = balanced(whole(name, "train"), n_train, seed)
    test = balanced(whole(name, "test"), n_test, seed)
    channels = train.images.reshape(*train.images.shape[:3], -1) / 255
    mean, std = channels.mean(axis=(0, 1, 2)), channels.std(axis=(0, 1, 2))
    return Stimuli(train, test, (tuple(mean.tolist()), tuple(std.tolist())))


def balanced(data: Dataset, n: int | None, seed: int) -> Dataset:
    """Keep as many images of every class; the order is that of the data set."""
    index = draw(data, n, seed)
    return Dataset(data.images[index], data.labels[index], data.name, data.classes, data.split)


def draw(data: Dataset, n: int | None, seed: int) -> NDArray[np.int64]:
    """Draw the indices of n images, as many of every class; of all for None.

    Raises
    ------
    InvalidInputError
        There are not so many.
    """
    if n is None or n == len(data):
        return np.arange(len(data))
    share, left = divmod(n, data.n_classes)
    if left:
        raise InvalidInputError(f"{n} images are no multiple of {data.n_classes} classes")
    rng = np.random.default_rng([seed, SPLITS.index(data.split or "train"), 2])
    chosen = []
    for label in range(data.n_classes):
        members = np.flatnonzero(data.labels == label)
        if len(members) < share:
            raise InvalidInputError(
                f"{data.name} ({data.split}) has {len(members)} images of class {label}, "
                f"{share} are asked for: lower the numbers of images in the configuration"
            )
        chosen.append(rng.choice(members, share, replace=False))
    return np.sort(np.concatenate(chosen))


@lru_cache(maxsize=4)
def whole(name: str, split: str) -> Dataset:
    """Load a split of a data set.

    The bundled digits are always there. The others are looked for in the folder that the
    environment variable STOCHNET_DATA names, Fashion-MNIST also where Debian puts it.

    Raises
    ------
    InvalidInputError
        It is not there; the message says what to do.
    """
    if name not in HOW:
        return load_dataset(name, split)
    root = Path(os.environ.get(VARIABLE, "."))
    if VARIABLE in os.environ:
        if name == "cifar10" and (root / CIFAR_SUBSET).is_file():
            return load_dataset(root / CIFAR_SUBSET, split)
        try:
            return load_dataset(name, split, root=root)
        except InvalidInputError:
            if name != "fashion-mnist" or not DEBIAN.is_dir():
                raise missing(name) from None
    if name == "fashion-mnist" and DEBIAN.is_dir():
        return debian(DEBIAN, split)
    raise missing(name)


def missing(name: str) -> InvalidInputError:
    return InvalidInputError(
        f"{name} is not here: let the environment variable {VARIABLE} name a folder with "
        f"{HOW[name]}"
    )


def debian(folder: Path, split: str) -> Dataset:
    """Read Fashion-MNIST from the four files of Debian's package dataset-fashion-mnist."""
    images = idx(folder / f"{IDX[split]}-images-idx3-ubyte.gz")
    labels = idx(folder / f"{IDX[split]}-labels-idx1-ubyte.gz")
    classes = tuple(map(str, range(10)))
    return Dataset(images, labels.astype(np.int64), "fashion-mnist", classes, split)


def idx(path: Path) -> NDArray[np.uint8]:
    """Read a compressed file of unsigned bytes in the format of MNIST (IDX)."""
    try:
        with gzip.open(path, "rb") as handle:
            content = handle.read()
    except (OSError, EOFError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}") from error
    n_axes = content[3] if content[:3] == b"\x00\x00\x08" else 0
    shape: Sequence[Any] = np.frombuffer(content, ">u4", n_axes, offset=4)
    if not n_axes or len(content) != 4 + 4 * n_axes + int(np.prod(shape)):
        raise InvalidInputError(f"{path} is no file of bytes in the IDX format, or is cut off")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(tuple(map(int, shape)))
