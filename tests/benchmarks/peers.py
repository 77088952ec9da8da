"""stochnet beside other ways to do the same work, in one run, as ratios.

    python tests/benchmarks/peers.py [--rounds 7] [--nodes 20000]

Ratios are medians over rounds in which the contenders run in turn; lowest and highest in brackets.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from race import median, race, ratio

import stochnet as sn
from stochnet.recording import build_model
from stochnet.recording.images import prepare
from stochnet.statistics import spike_count

BINS = 10_000


def simulating(nodes: int, rounds: int) -> None:
    """Independent nodes into memory, against NumPy's comparison of uniforms."""
    p = np.random.default_rng(0).beta(1, 4, nodes)
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    generator = np.random.default_rng(1)
    column = p.astype(np.float32)[:, None]
    chunk = np.empty((min(nodes, 1000), BINS), np.float32)
    spikes = np.empty(chunk.shape, np.bool_)

    def numpy_draw() -> None:
        # In reused buffers, and not packed: NumPy at its fastest.
        for first in range(0, nodes, len(chunk)):
            rows = chunk[: min(len(chunk), nodes - first)]
            generator.random(out=rows, dtype=np.float32)
            np.less(rows, column[first : first + len(rows)], out=spikes[: len(rows)])

    contenders: dict[str, Callable[[], object]] = {
        "numpy": numpy_draw,
        "1 thread": lambda: sn.simulate(bundle, 1, BINS, seed=1, threads=1),
        "2 threads": lambda: sn.simulate(bundle, 1, BINS, seed=1, threads=2),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simulated.h5"
        contenders["to HDF5"] = lambda: sn.simulate(bundle, 1, BINS, seed=1, path=path)
        seconds = race(contenders, rounds)
    print(f"simulate {nodes:,} independent nodes × {BINS:,} bins, p ~ Beta(1, 4)")
    for name in ("1 thread", "2 threads", "to HDF5"):
        speed = nodes * BINS / median(seconds[name]) / 1e9
        print(
            f"  {name:<10} {speed:6.2f} Gbin/s, NumPy takes "
            f"{ratio(seconds['numpy'], seconds[name])} times as long"
        )


def recording(images: int, rounds: int) -> None:
    """ResNet-20 on 32 × 32 images, against the bare forward pass in the same batches."""
    model = build_model("resnet20", (3, 32, 32), 10).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
    shown = prepare(pixels)
    cpu = torch.device("cpu")

    def forward() -> None:
        with torch.inference_mode():
            for first in range(0, images, 256):
                model(shown.batch(first, min(first + 256, images), cpu, torch.float32))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.h5"
        seconds = race(
            {
                "forward": forward,
                "record": lambda: sn.record(model, pixels),
                "record to HDF5": lambda: sn.record(model, pixels, path=path),
            },
            rounds,
        )
    print(f"record ResNet-20 on {images:,} images, {torch.get_num_threads()} threads")
    print(f"  forward pass alone {images / median(seconds['forward']):.0f} images/s")
    for name in ("record", "record to HDF5"):
        print(f"  {name:<18} takes {ratio(seconds[name], seconds['forward'])} times as long")


def fitting(nodes: int, rounds: int) -> None:
    """Every process, in packed bytes per second, beside one pass over the bits."""
    trials, bins = 100, BINS // 100
    p = np.random.default_rng(0).beta(1, 4, nodes)
    raster = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), trials, bins, seed=1)
    data = np.asarray(raster.data[0:nodes])
    contenders: dict[str, Callable[[], object]] = {"one pass": lambda: spike_count(raster)}
    for name in sn.PROCESSES:
        contenders[name] = lambda name=name: sn.fit(raster, name)
    contenders["select among all"] = lambda: sn.select(raster)
    seconds = race(contenders, rounds)
    print(f"fit {nodes:,} nodes × {trials} trials × {bins} bins, {data.nbytes / 1e6:.0f} MB packed")
    for name in contenders:
        print(
            f"  {name:<18} {data.nbytes / median(seconds[name]) / 1e9:7.3f} GB/s, "
            f"{median(seconds[name]) / nodes * 1e5:7.2f} s for 100,000 nodes, "
            f"{ratio(seconds[name], seconds['one pass'])} passes"
        )


def main() -> None:
    """Run all races."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--images", type=int, default=2048)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    simulating(options.nodes, options.rounds)
    fitting(options.nodes, options.rounds)
    recording(options.images, options.rounds)


if __name__ == "__main__":
    main()
