"""Every process fitted to a large recording: time against one pass over the bits, and memory.

    python tests/benchmarks/fits.py [--rounds 5] [--nodes 100000]

Rate-like processes are timed in turn with a bare popcount of the same bits, and given as ratios.
The others are timed once, with their intervals, on as many nodes. Memory is that of a fresh process
that fits a file, at two sizes: it must not grow with the file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from race import race, ratio

import stochnet as sn
from stochnet.statistics.nodes import spike_count

TRIALS, BINS, WINDOW = 100, 100, 100
RATES = ("bernoulli", "poisson")

MEASURE = """
import pathlib, re, sys
import stochnet as sn
sn.fit(sn.read_raster(sys.argv[1]), sys.argv[2], window=100)
# Not ru_maxrss, which begins with that of the parent.
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
"""


def observed(nodes: int, path: Path | None = None) -> sn.SpikeRaster:
    """Independent nodes with rates from Beta(1, 4)."""
    p = np.random.default_rng(0).beta(1, 4, nodes)
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    return sn.simulate(bundle, TRIALS, BINS, seed=1, path=path)


def rates(raster: sn.SpikeRaster, rounds: int) -> None:
    contenders = {"pass": lambda: spike_count(raster)}
    for name in RATES:
        contenders[name] = lambda name=name: sn.fit(raster, name)
    seconds = race(contenders, rounds)
    print(f"fit {raster.n_nodes:,} nodes × {TRIALS * BINS:,} bins")
    for name in RATES:
        print(f"  {name:<24} {ratio(seconds[name], seconds['pass'])} × one pass over the bits")


def others(raster: sn.SpikeRaster) -> None:
    names = [name for name in sn.PROCESSES if name not in RATES]
    for name in names:
        sn.fit(raster.block(slice(0, 8)), name, window=WINDOW)
        begin = time.perf_counter()
        sn.fit(raster, name, window=WINDOW)
        print(f"  {name:<24} {time.perf_counter() - begin:6.1f} s with intervals", flush=True)


def memory(nodes: int) -> None:
    print("peak memory of fitting a file, at a quarter of the nodes and at all of them")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{n}.h5" for n in (nodes // 4, nodes)]
        for n, path in zip((nodes // 4, nodes), paths, strict=True):
            observed(n, path)
        for name in ("bernoulli", "beta_bernoulli", "gamma_renewal"):
            if name not in sn.PROCESSES:
                continue
            peaks = [
                int(
                    subprocess.run(
                        [sys.executable, "-c", MEASURE, str(path), name],
                        capture_output=True,
                        text=True,
                        check=True,
                    ).stdout
                )
                / 1024
                for path in paths
            ]
            sizes = [path.stat().st_size / 2**20 for path in paths]
            print(
                f"  {name:<24} {peaks[0]:.0f} and {peaks[1]:.0f} MiB "
                f"(files {sizes[0]:.0f} and {sizes[1]:.0f} MiB)",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=100_000)
    given = parser.parse_args()
    raster = observed(given.nodes)
    rates(raster, given.rounds)
    others(raster)
    del raster
    memory(given.nodes)


if __name__ == "__main__":
    main()
