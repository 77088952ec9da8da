"""Simulating into a file, beside h5py writing the same bytes and nothing else; and its memory.

    python tests/benchmarks/streaming.py [--rounds 7] [--nodes 100000] [--many 1000000]

The contenders run in turn, each into a new file that is removed outside of its time. h5py creates
a contiguous dataset, writes the spikes, which lie in memory, block by block, and closes the file;
with fsync it is as durable as ours, which is also read back, hashed and sealed. The goal is 0.7 of
the speed of h5py with fsync. Memory is that of a fresh process; the goal is less than 500 MB for
1,000,000 nodes, which takes 1.25 GB in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from race import median, race, ratio

import stochnet as sn
from stochnet.raster.blocks import nodes_that_fit

BINS = 10_000
GOAL = 0.7

SIMULATE = """
import pathlib, re, sys
import numpy as np
import stochnet as sn
p = np.random.default_rng(0).beta(1, 4, int(sys.argv[1]))
sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), 1, 10_000, seed=1, path=sys.argv[2])
# Not ru_maxrss, which begins with that of the parent.
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
"""


def independent(nodes: int) -> sn.Bundle:
    """Rates from Beta(1, 4)."""
    return sn.Bundle.from_params("bernoulli", {"p": np.random.default_rng(0).beta(1, 4, nodes)})


def speed(nodes: int, rounds: int, folder: Path) -> None:
    """Time a simulation into a file, and its parts alone."""
    bundle = independent(nodes)
    spikes = np.asarray(sn.simulate(bundle, 1, BINS, seed=1).data[0:nodes])
    rows = nodes_that_fit(spikes[0].nbytes)
    count = iter(range(10**9))

    def new() -> Path:
        return folder / f"{next(count)}.h5"

    def h5py_alone(*, durable: bool) -> None:
        path = new()
        with h5py.File(path, "w") as handle:
            data = handle.create_dataset("spikes", spikes.shape, spikes.dtype)
            for first in range(0, nodes, rows):
                data[first : first + rows] = spikes[first : first + rows]
        if durable:
            number = os.open(path, os.O_RDONLY)
            os.fsync(number)
            os.close(number)

    def remove() -> None:
        for path in folder.iterdir():
            path.unlink()

    contenders: dict[str, Callable[[], object]] = {
        "h5py with fsync": lambda: h5py_alone(durable=True),
        "remove 1": remove,
        "h5py": lambda: h5py_alone(durable=False),
        "remove 2": remove,
        "simulate to a file": lambda: sn.simulate(bundle, 1, BINS, seed=1, path=new()),
        "remove 3": remove,
        "write_raster": lambda: sn.write_raster(raster, new()),
        "remove 4": remove,
        "simulate in memory": lambda: sn.simulate(bundle, 1, BINS, seed=1),
    }
    raster = sn.SpikeRaster(spikes, BINS)
    seconds = race(contenders, rounds)
    print(f"{nodes:,} independent nodes × {BINS:,} bins to HDF5, {spikes.nbytes / 1e6:.0f} MB")
    for name in contenders:
        if not name.startswith("remove"):
            print(f"  {name:<20} {median(seconds[name]):6.3f} s")
    ours = seconds["simulate to a file"]
    for name in ("h5py with fsync", "h5py"):
        goal = f", goal {GOAL}" if name == "h5py with fsync" else ""
        print(f"  speed of {name:<15} × {ratio(seconds[name], ours)}{goal}")
    print(f"  time in memory         × {ratio(ours, seconds['simulate in memory'])}", flush=True)


def resuming(nodes: int, folder: Path) -> None:
    """Kill a simulation half-way, and time the run that continues it."""
    bundle, path = independent(nodes), folder / "resumed.h5"

    def half(what: str, done: int, total: int) -> None:
        if done >= total // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        sn.simulate(bundle, 1, BINS, seed=1, path=path, progress=half)
        os._exit(0)
    os.waitpid(child, 0)
    said: list[str] = []
    begin = time.perf_counter()
    sn.simulate(
        bundle, 1, BINS, seed=1, path=path, progress=lambda what, done, total: said.append(what)
    )
    print(f"  killed half-way, {said[0]}: {time.perf_counter() - begin:.3f} s", flush=True)


def memory(nodes: int, folder: Path) -> None:
    """Print the high-water mark of a fresh process."""
    path = folder / "many.h5"
    begin = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", SIMULATE, str(nodes), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - begin
    size = path.stat().st_size / 1e6
    path.unlink()
    peak = int(run.stdout) * 1024 / 1e6
    print(
        f"  {nodes:,} nodes × {BINS:,} bins: peak {peak:.0f} MB, file {size:,.0f} MB, "
        f"{seconds:.1f} s",
        flush=True,
    )


def main() -> None:
    """Run the race, then measure memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        speed(given.nodes, given.rounds, Path(folder))
        resuming(given.nodes, Path(folder))
        print("peak memory of a fresh process, goal 500 MB")
        for nodes in (given.many // 5, given.many):
            memory(nodes, Path(folder))


if __name__ == "__main__":
    main()
