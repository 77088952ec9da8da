"""stochnet: packed spikes into memory, to a file, or only reduced to rates."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from serve import Work, serve

import stochnet as sn

# HDF5 maps a file by its name, so the folder must live as long as the process.
FOLDER = tempfile.TemporaryDirectory(dir=os.environ.get("STOCHNET_BENCH_FOLDER"))


class Rates:
    """A sink that keeps the number of spikes."""

    def begin(self, raster: Any) -> None:
        self.spikes = 0

    def take(self, first: int, block: Any) -> None:
        self.spikes += int(sn.spike_count(block).sum())


def in_memory(threads: int | None):
    def prepare(p, n_bins):
        bundle = sn.Bundle.from_params("bernoulli", {"p": p})
        return Work(
            lambda: sn.simulate(bundle, 1, n_bins, seed=1, threads=threads),
            lambda raster: sn.spike_count(raster).sum(),
        )

    return prepare


def to_file(p, n_bins):
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    path = Path(FOLDER.name) / "simulated.h5"
    return Work(
        lambda: sn.simulate(bundle, 1, n_bins, seed=1, path=path),
        lambda raster: sn.spike_count(raster).sum(),
    )


def reduced(p, n_bins):
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    sink = Rates()
    return Work(
        lambda: sn.simulate(bundle, 1, n_bins, seed=1, sink=sink), lambda raster: sink.spikes
    )


FORMS = {
    "1 thread": in_memory(1),
    "2 threads": in_memory(2),
    "to HDF5": to_file,
    "reduced to rates": reduced,
}

if __name__ == "__main__":
    serve(FORMS, sn.__version__)
