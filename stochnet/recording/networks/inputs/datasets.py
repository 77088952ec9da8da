"""Labeled images: the digits that come with stochnet, torchvision's data sets, or a file."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.recording.networks.inputs.images import check_layout
from stochnet.recording.networks.inputs.label_arrays import per_stimulus
from stochnet.recording.networks.torchvision_compat import import_torchvision

BUNDLED = "mnist-5k"
BUNDLED_TRAIN = 4000
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}
SPLITS = ("train", "test")
_PACKAGE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images with labels.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, channel)
        The images.
    labels : ndarray of int64, shape (n,)
        Class of each image, from 0.
    name : str
        Name of the data set or of the file.
    classes : tuple of str
        Names of the classes.
    split : str or None
        ``"train"``, ``"test"``, or None for a file that is not split.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    name: str
    classes: tuple[str, ...]
    split: str | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        height, width = self.images.shape[1:3]
        return (self.images.shape[3] if self.images.ndim == 4 else 1), height, width

    def first(self, limit: int | None) -> Dataset:
        """Return the first `limit` images; all for None.

        Raises
        ------
        InvalidInputError
            There are not so many.
        """
        if limit is None:
            return self
        if not 1 <= limit <= len(self):
            raise InvalidInputError(
                f"limit must lie in 1 to {len(self)}, the images of {self.name}, got {limit}"
            )
        return replace(self, images=self.images[:limit], labels=self.labels[:limit])


def load_dataset(
    name: str | os.PathLike[str],
    split: str | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
) -> Dataset:
    """Load a data set by name, or from a file.

    Parameters
    ----------
    name : str or path-like
        ``"mnist-5k"`` (comes with stochnet), ``"mnist"``, ``"fashion-mnist"``, ``"cifar10"``, or
        an ``.npz`` file with ``images`` uint8 (n, height, width[, channel]) and ``labels`` (n,),
        or with ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``.
    split : {"train", "test"}, optional
        "train" where there are two and none is named. A file with ``images`` and ``labels`` is not
        split: all its images are used, and asking for a split is an error.
    root : path-like, optional
        Folder of torchvision's data sets; ``~/.cache/stochnet`` by default.
    download : bool, default False
        Whether they may be downloaded if they are not there.

    Raises
    ------
    InvalidInputError
        There is no such data set, split or file, or it was not downloaded.
    FileFormatError
        The file is damaged, or its arrays do not fit.
    """
    if split is not None and split not in SPLITS:
        raise InvalidInputError(f"split must be 'train' or 'test', got {split!r}")
    text = os.fspath(name)
    if text == BUNDLED:
        return _bundled(split or "train")
    if text in TORCHVISION:
        return _torchvision(text, split or "train", root, download)
    if Path(text).suffix == ".npz":
        return _from_npz(Path(text), split)
    raise InvalidInputError(
        f"no data set is called {text!r}: use {BUNDLED}, {', '.join(TORCHVISION)} or an .npz file"
    )


def bundled_path() -> Path:
    """Return the file of the digits that come with stochnet."""
    candidates = (
        _PACKAGE / "_data" / f"{BUNDLED}.npz",
        _PACKAGE.parent / "data" / f"{BUNDLED}.npz",
    )
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InvalidInputError(f"{candidates[0]} is missing; install stochnet again")


def _bundled(split: str) -> Dataset:
    whole = _from_npz(bundled_path(), None)
    part = slice(None, BUNDLED_TRAIN) if split == "train" else slice(BUNDLED_TRAIN, None)
    return Dataset(whole.images[part], whole.labels[part], BUNDLED, whole.classes, split)


def _torchvision(
    name: str, split: str, root: str | os.PathLike[str] | None, download: bool
) -> Dataset:
    folder = Path.home() / ".cache" / "stochnet" if root is None else Path(root)
    make = getattr(import_torchvision().datasets, TORCHVISION[name])
    try:
        found = make(root=str(folder), train=split == "train", download=download)
    except (RuntimeError, OSError, ValueError) as error:
        if download:
            raise InvalidInputError(
                f"{name} could not be downloaded to {folder}: {error}"
            ) from error
        raise InvalidInputError(
            f"{name} is not in {folder}: name its folder with root (--data-root), or allow the "
            "download with download=True (--download)"
        ) from error
    return Dataset(
        np.asarray(found.data, dtype=np.uint8),
        np.asarray(found.targets, dtype=np.int64),
        name,
        tuple(found.classes),
        split,
    )


def _from_npz(path: Path, split: str | None) -> Dataset:
    if not path.is_file():
        raise InvalidInputError(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            has_splits = "images" not in archive and "train_images" in archive
            if split is not None and not has_splits:
                raise InvalidInputError(
                    f"{path} is not split: leave the split out to use all its images, or store "
                    "train_images, train_labels, test_images and test_labels"
                )
            split = (split or "train") if has_splits else None
            prefix = f"{split}_" if split else ""
            images, labels = archive[f"{prefix}images"], archive[f"{prefix}labels"]
    except InvalidInputError:
        raise
    except KeyError as error:
        raise FileFormatError(
            f"{path} lacks an array: {error.args[0]}; it must hold images and labels"
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} cannot be read as .npz without pickle: {error}") from error
    return _checked(path, images, labels, split)


def _checked(path: Path, images: NDArray[Any], labels: NDArray[Any], split: str | None) -> Dataset:
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in images.shape:
        raise FileFormatError(
            f"{path}: images must be uint8 (n, height, width[, channel]), they are "
            f"{images.dtype} {images.shape}{_remedy(images)}"
        )
    check_layout(f"{path}: images", images)
    try:
        whole = per_stimulus("labels", labels, len(images), np.iinfo(np.int16).max)
    except InvalidInputError as error:
        raise FileFormatError(f"{path}: {error}") from error
    known = np.zeros(0, np.int64) if whole is None else whole
    n_classes = int(known.max()) + 1
    classes = tuple(map(str, range(n_classes)))
    return Dataset(images, known, path.stem, classes, split)


def _remedy(images: NDArray[Any]) -> str:
    """Return what to do with images of another type."""
    if images.size == 0 or images.dtype.kind not in "fiu" or images.ndim not in (3, 4):
        return ""
    lowest, highest = float(images.min()), float(images.max())
    if lowest >= 0 and highest <= 1 and images.dtype.kind == "f":
        return ": they lie in 0 to 1, so store (images * 255).round().astype('uint8')"
    if lowest >= 0 and highest <= 255:
        return ": they lie in 0 to 255, so store images.round().astype('uint8')"
    return f": they span {lowest:g} to {highest:g}; show such arrays with stochnet.record in Python"
