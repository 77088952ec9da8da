"""The networks of the study: trained here or by others, and recorded in two parts.

MNIST, CIFAR-10 and the ResNet-20 are read from the folder in STOCHNET_SHARED, Fashion-MNIST from
that in STOCHNET_FASHION (by default where Debian's package dataset-fashion-mnist puts it).
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.recording import build_model, load_dataset, load_network, record, train

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("STOCHNET_SHARED", HERE.parents[2] / "shared")) / "data"
FASHION = Path(os.environ.get("STOCHNET_FASHION", "/usr/share/datasets/fashion-mnist"))
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def recordings(network: dict[str, Any]) -> list[sn.SpikeRaster]:
    """Return the recordings to fit to and to hold out."""
    return downloaded(network) if network["data"] == "cifar10-subset" else trained(network)


def idx(path: Path) -> np.ndarray:
    """Read one of the four files of MNIST or Fashion-MNIST."""
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * k : 8 + 4 * k]) for k in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def pool(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, those of the training set first."""
    if name == "mnist-5k":
        parts = [load_dataset(name, split) for split in ("train", "test")]
        images, labels = [x.images for x in parts], [x.labels for x in parts]
    else:
        raw = FASHION if name == "fashion-mnist" else SHARED / "mnist" / "MNIST" / "raw"
        images = [idx(raw / f"{x}-images-idx3-ubyte.gz") for x in ("train", "t10k")]
        labels = [idx(raw / f"{x}-labels-idx1-ubyte.gz") for x in ("train", "t10k")]
    return np.concatenate(images), np.concatenate(labels).astype(np.int64)


def trained(network: dict[str, Any]) -> list[sn.SpikeRaster]:
    """Train on the first images, and record on others: some to fit to and some to hold out."""
    images, labels = pool(network["data"])
    limit = network["limit"]
    model = build_model(network["name"], (1, 28, 28), 10, seed=1)
    train(model, images[:limit], labels[:limit], epochs=network["epochs"], seed=1)
    order = limit + np.random.default_rng(5).permutation(len(labels) - limit)
    ends = network["fitted"], network["fitted"] + network["held_out"]
    return [record(model, images[some], labels[some]) for some in np.split(order, ends)[:2]]


def downloaded(network: dict[str, Any]) -> list[sn.SpikeRaster]:
    """Record the ResNet-20: the images at random into two parts, some copies of each image."""
    weights = SHARED / "resnet20-cifar10" / "resnet20-12fca82f.th"
    source = SHARED / "cifar10-subset" / "cifar10-subset.npz"
    if not source.is_file():
        raise FileNotFoundError(2, "no data", str(source))
    parts = [load_dataset(source, split) for split in ("train", "test")]
    images = np.concatenate([x.images for x in parts])
    labels = np.concatenate([x.labels for x in parts])
    model = load_network("resnet20", weights, image_shape=(3, 32, 32), n_classes=10).model
    rng = np.random.default_rng(5)
    order, copies = rng.permutation(len(labels)), network["copies"]
    parts = []
    for some in np.array_split(order, 2):
        shown = np.stack([moved(images[some], copy, rng) for copy in range(copies)], axis=1)
        flat = shown.reshape(-1, *images.shape[1:])
        parts.append(record(model, flat, np.repeat(labels[some], copies), normalize=IMAGENET))
    return parts


def moved(images: np.ndarray, copy: int, rng: np.random.Generator) -> np.ndarray:
    """Leave the first copy; shift the others by up to 4 pixels, and mirror half of them."""
    if copy == 0:
        return images
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    size = images.shape[1]
    out = np.empty_like(images)
    for one, (image, (y, x), mirror) in enumerate(
        zip(padded, rng.integers(9, size=(len(images), 2)), rng.random(len(images)), strict=True)
    ):
        cut = image[y : y + size, x : x + size]
        out[one] = cut[:, ::-1] if mirror < 0.5 else cut
    return out
