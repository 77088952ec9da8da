"""Recording ResNet-20 on 32 × 32 images, against the bare forward pass in the same batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from options import Options
from race import median, race
from table import Table, figures, times

import stochnet as sn
from stochnet.recording import build_model
from stochnet.recording.networks.inputs.images import prepare

BATCH = 256


def measure(options: Options) -> dict[str, Any]:
    """Race the forward pass, recording into memory and recording to a file."""
    images = 128 if options.quick else 512
    model = build_model("resnet20", (3, 32, 32), 10).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
    shown = prepare(pixels)
    cpu = torch.device("cpu")

    def forward() -> None:
        with torch.inference_mode():
            for first in range(0, images, BATCH):
                model(shown.batch(first, min(first + BATCH, images), cpu, torch.float32))

    path = options.folder / "recording.h5"
    contenders = {
        "forward pass alone": forward,
        "`record`": lambda: sn.record(model, pixels),
        "`record` to HDF5": lambda: sn.record(model, pixels, path=path),
    }
    seconds = race(contenders, min(5, options.rounds))
    path.unlink()
    return {"images": images, "threads": torch.get_num_threads(), "seconds": seconds}


def tables(results: dict[str, Any]) -> list[Table]:
    """Images per second."""
    seconds = results["seconds"]
    rows = [
        (
            name,
            figures(results["images"] / median(spent)),
            times(spent, seconds["forward pass alone"]),
        )
        for name, spent in seconds.items()
    ]
    return [
        Table(
            "recording",
            f"ResNet-20 on {results['images']:,} images, all of its positions, "
            f"{results['threads']} threads of PyTorch",
            ("work", "images/s", "time over that of the forward pass"),
            rows,
        )
    ]
