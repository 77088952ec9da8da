"""How much of a network do correlated surrogates keep, on stimuli that were held out?

    python sims/correlated/run.py [--smoke] [--only NAME]... [-o DIR]

MNIST, CIFAR-10 and the ResNet-20 are read from the folder in STOCHNET_SHARED, Fashion-MNIST from
that in STOCHNET_FASHION (by default where Debian's package dataset-fashion-mnist puts it); networks
without data are left out, and said so. --smoke trains one small network on digits at hand.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from measures import Judge
from scipy import stats

import stochnet as sn
from stochnet.recording import build_model, load_dataset, load_network, record, train
from stochnet.recording.networks.training.train import torch_threads

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("STOCHNET_SHARED", HERE.parents[2] / "shared")) / "data"
FASHION = Path(os.environ.get("STOCHNET_FASHION", "/usr/share/datasets/fashion-mnist"))
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
FIELDS = (
    "network", "nodes", "layers", "fitted", "held_out", "rank", "seconds", "rates_rank_r",
    "rates_rank_r_of_data",
    "total_r", "total_r_of_data", "total_rmse", "total_floor",
    "noise_r", "noise_r_of_data", "noise_rmse", "noise_floor",
    "population", "participation", "decoding", "decoding_x4", "decoding_of_data",
)  # fmt: skip


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


def trained(network: dict[str, Any], paths: list[Path]) -> None:
    """Train on the first images, and record on others: some to fit to and some to hold out."""
    images, labels = pool(network["data"])
    limit = network["limit"]
    model = build_model(network["name"], (1, 28, 28), 10, seed=1)
    train(model, images[:limit], labels[:limit], epochs=network["epochs"], seed=1)
    order = limit + np.random.default_rng(5).permutation(len(labels) - limit)
    ends = network["fitted"], network["fitted"] + network["held_out"]
    for path, some in zip(paths, np.split(order, ends), strict=False):
        record(model, images[some], labels[some], path=path)


def downloaded(network: dict[str, Any], paths: list[Path]) -> None:
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
    for path, some in zip(paths, np.array_split(order, 2), strict=True):
        shown = np.stack([moved(images[some], copy, rng) for copy in range(copies)], axis=1)
        flat = shown.reshape(-1, *images.shape[1:])
        record(model, flat, np.repeat(labels[some], copies), normalize=IMAGENET, path=path)


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


def recordings(network: dict[str, Any], folder: Path) -> list[sn.SpikeRaster]:
    """Return the recordings to fit to and to hold out; those that are there are used again."""
    paths = [folder / f"{network['name']}-{part}.h5" for part in ("fit", "held")]
    if not all(path.exists() for path in paths):
        if network["data"] == "cifar10-subset":
            downloaded(network, paths)
        else:
            trained(network, paths)
    return [sn.read_raster(path) for path in paths]


def rows_of(network: dict[str, Any], config: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    fitted, held = recordings(network, folder)
    judge, rows = Judge(fitted, held, config["compared"], network.get("copies", 1)), []
    size = held.n_trials, held.n_bins
    # Those of a surrogate that is long enough, whatever its latents.
    rates = stats.spearmanr(
        sn.rate_by_condition(fitted).ravel(), sn.rate_by_condition(held).ravel()
    ).statistic
    for rank in network.get("ranks", config["fit"]["ranks"]):
        begin = time.monotonic()
        bundle = sn.fit_bundle(fitted, "bernoulli", per_condition=True, correlated=rank)
        seconds = time.monotonic() - begin
        drawn = sn.simulate(bundle, *size, conditions=held.conditions, seed=2)
        alike = sn.simulate(bundle, seed=3)
        longer = sn.simulate(bundle, 4 * fitted.n_trials, fitted.n_bins, seed=4)
        rows.append(
            {
                "network": network["name"], "nodes": held.n_nodes, "layers": len(held.layers),
                "fitted": fitted.n_bins, "held_out": held.n_bins, "rank": rank,
                "seconds": seconds,
                "rates_rank_r": rates,
                "rates_rank_r_of_data": judge.rates_of_data(),
                **judge.pairs(drawn), **judge.population(drawn), **judge.spread(drawn),
                **judge.decoding(alike, ""), **judge.decoding(longer, "_x4"),
            }
        )  # fmt: skip
        print(f"{network['name']} rank {rank}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one small network")
    parser.add_argument("--only", action="append", metavar="NAME", help="these networks only")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results")
    given = parser.parse_args()
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    if given.smoke:
        small = config["smoke"]
        config["fit"]["ranks"], config["network"] = small["ranks"], small["network"]
        config["compared"]["pairs"] = small["pairs"]
    folder = given.output / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    path = given.output / "networks.csv"
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        if handle.tell() == 0:
            writer.writeheader()
        for network in config["network"]:
            if given.only and network["name"] not in given.only:
                continue
            try:
                rows = rows_of(network, config, folder)
            except FileNotFoundError as missing:
                print(f"{network['name']} left out: no {missing.filename}", file=sys.stderr)
                continue
            for row in rows:
                writer.writerow(
                    {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
                )
            handle.flush()


if __name__ == "__main__":
    with torch_threads(1):
        main()
