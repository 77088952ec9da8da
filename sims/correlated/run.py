"""How much of a network do correlated surrogates keep, on stimuli that were held out?

    python sims/correlated/run.py [--smoke] [--only NAME]... [-o DIR]

MNIST, CIFAR-10 and the ResNet-20 are read from the folder in STOCHNET_SHARED; networks whose data
are not there are left out, and said so. --smoke trains one small network on digits at hand.
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

import stochnet as sn
from stochnet.recording import build_model, load_dataset, load_network, record, train
from stochnet.recording.processors import torch_threads

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("STOCHNET_SHARED", HERE.parents[2] / "shared")) / "data"
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
FIELDS = (
    "network", "nodes", "layers", "fitted", "held_out", "rank", "seconds", "rates_r",
    "total_r", "total_r_of_data", "total_rmse", "total_floor",
    "noise_r", "noise_r_of_data", "noise_rmse", "noise_floor",
    "population", "participation", "decoding", "decoding_x4", "decoding_of_data",
)  # fmt: skip


def idx(path: Path) -> np.ndarray:
    """Read one of the four files of MNIST."""
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * k : 8 + 4 * k]) for k in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def digits(name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and labels by split."""
    if name == "mnist-5k":
        parts = {split: load_dataset(name, split) for split in ("train", "test")}
        return {split: (part.images, part.labels) for split, part in parts.items()}
    raw = SHARED / "mnist" / "MNIST" / "raw"
    return {
        split: (
            idx(raw / f"{prefix}-images-idx3-ubyte.gz"),
            idx(raw / f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64),
        )
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }


def trained(network: dict[str, Any], paths: list[Path]) -> None:
    """Train on digits and record on the test digits, one half to fit to and one to hold out."""
    parts = digits(network["data"])
    images, labels = (part[: network["limit"]] for part in parts["train"])
    model = build_model(network["name"], (1, 28, 28), 10, seed=1)
    train(model, images, labels, epochs=network["epochs"], seed=1)
    unseen, classes = parts["test"]
    order = np.random.default_rng(5).permutation(len(unseen))
    for path, half in zip(paths, np.array_split(order, 2), strict=True):
        record(model, unseen[half], classes[half], path=path)


def downloaded(paths: list[Path]) -> None:
    """Record the ResNet-20 on training images, to fit to, and on test images, to hold out."""
    weights = SHARED / "resnet20-cifar10" / "resnet20-12fca82f.th"
    source = SHARED / "cifar10-subset" / "cifar10-subset.npz"
    if not source.is_file():
        raise FileNotFoundError(2, "no data", str(source))
    parts = [load_dataset(source, split) for split in ("train", "test")]
    model = load_network("resnet20", weights, image_shape=(3, 32, 32), n_classes=10).model
    for path, part in zip(paths, parts, strict=True):
        record(model, part.images, part.labels, normalize=IMAGENET, path=path)


def recordings(network: dict[str, Any], folder: Path) -> list[sn.SpikeRaster]:
    """Return the recordings to fit to and to hold out; those that are there are used again."""
    paths = [folder / f"{network['name']}-{part}.h5" for part in ("fit", "held")]
    if not all(path.exists() for path in paths):
        if network["data"] == "cifar10-subset":
            downloaded(paths)
        else:
            trained(network, paths)
    return [sn.read_raster(path) for path in paths]


def rows_of(network: dict[str, Any], config: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    fitted, held = recordings(network, folder)
    judge, rows = Judge(fitted, held, config["compared"]), []
    size = held.n_trials, held.n_bins
    known = sn.rate_by_condition(held)
    for rank in config["fit"]["ranks"]:
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
                "rates_r": np.corrcoef(
                    sn.rate_by_condition(drawn).ravel(), known.ravel())[0, 1],
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
