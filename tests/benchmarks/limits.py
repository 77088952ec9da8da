"""What the machine gives: random words, memory and disk; and how much of it stochnet uses."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from options import Options
from race import TURN, median, race, timed, turns
from table import Table, figures, times

import stochnet as sn
from stochnet.kernels.philox import lanes
from stochnet.kernels.rng import SPIKE

BINS = 10_000
STATISTICS = ("firing rate", "Fano factor, 100 bins", "Fano factor, 10 bins", "CV of intervals")
LANES, COUNTERS = 32, 1024
# Eight bits a bin, and one bin in 256 draws a counter of four words beside them.
WORDS_A_BIN = 8 / 32 + 4 / 256
_draw = lanes(LANES)


@numba.njit(nogil=True, error_model="numpy")
def _philox_alone(repeats, c0, c1, random):
    """Draw the same counters for many nodes, into a buffer that stays in the cache."""
    k0, k1 = np.uint64(1), np.uint64(2)
    for node in range(repeats):
        for done in range(0, COUNTERS, LANES):
            _draw(random, 2 * done, c0, c1, done, np.uint64(node), SPIKE, k0, k1)


@numba.njit(nogil=True, error_model="numpy")
def _read(words):
    total = np.uint64(0)
    for i in range(len(words)):
        total += words[i]
    return total


def _philox(repeats: int) -> None:
    counters = np.arange(COUNTERS, dtype=np.uint64)
    _philox_alone(repeats, counters, np.zeros(COUNTERS, np.uint64), np.empty(2 * COUNTERS, "u8"))


def _together(function, parts) -> None:
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(function, parts))


def _write(path, block, blocks: int) -> None:
    with path.open("wb") as file:
        for _ in range(blocks):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def measure(options: Options) -> dict[str, Any]:
    """Each limit in turn with what it limits."""
    nodes = 2_000 if options.quick else 20_000
    repeats = nodes * BINS // 4 // (4 * COUNTERS)
    bundle = sn.Bundle.from_params("bernoulli", {"p": np.full(nodes, 0.3)})
    drawn = {
        "philox, 1": lambda: _philox(repeats),
        "philox, 2": lambda: _together(_philox, [repeats // 2] * 2),
        "simulate, 1": lambda: sn.simulate(bundle, 1, BINS, seed=1, threads=1),
        "simulate, 2": lambda: sn.simulate(bundle, 1, BINS, seed=1, threads=2),
    }
    seconds = race(drawn, options.rounds, TURN)

    n_read = 20_000 if options.quick else 200_000
    p = np.random.default_rng(0).beta(1, 4, n_read)
    raster = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), 1, 12_800, seed=1)
    words = np.asarray(raster.data[0:n_read]).reshape(-1)
    half = len(words) // 2
    reads = {
        "read, 1": lambda: _read(words),
        "read, 2": lambda: _together(_read, [words[:half], words[half:]]),
        "firing rate": lambda: sn.firing_rate(raster),
        "Fano factor, 100 bins": lambda: sn.fano_factor(raster, 100),
        "Fano factor, 10 bins": lambda: sn.fano_factor(raster, 10),
        "CV of intervals": lambda: sn.cv_isi(raster),
    }
    seconds |= race(reads, options.rounds, TURN)

    path, raw = options.folder / "limits.h5", options.folder / "limits.raw"
    block = np.asarray(raster.data[0 : n_read // 10]).tobytes()
    blocks = nodes * raster.node_bytes // len(block) + 1
    file = sn.Bundle.from_params("bernoulli", {"p": np.full(blocks * len(block) * 8 // BINS, 0.3)})
    contenders = {
        "write": lambda: _write(raw, block, blocks),
        "simulate to HDF5": lambda: sn.simulate(file, 1, BINS, seed=1, path=path),
        "in memory": lambda: sn.simulate(file, 1, BINS, seed=1),
    }
    for run in contenders.values():
        run()
    size = path.stat().st_size
    seconds |= turns({name: timed(run) for name, run in contenders.items()}, options.rounds)
    raw.unlink()
    path.unlink()
    return {
        "bins": nodes * BINS,
        "words": repeats * 4 * COUNTERS,
        "read_bytes": words.nbytes,
        "write_bytes": blocks * len(block),
        "file_bytes": size,
        "seconds": seconds,
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """One table of limits and one of what reaches how much of them."""
    seconds = results["seconds"]

    def speed(amount: float, name: str) -> float:
        return amount / median(seconds[name]) / 1e9

    used = results["bins"] * WORDS_A_BIN
    rows = []
    for k in (1, 2):
        alone, drawing = f"philox, {k}", f"simulate, {k}"
        bins, words = speed(results["bins"], drawing), speed(used, drawing)
        limit = speed(results["words"], alone)
        rows.append(
            (
                f"dense simulation, {k} thread{'s' * (k > 1)}",
                f"{figures(bins)} Gbin/s, {figures(words)} Gword/s",
                f"Philox alone {figures(limit)} Gword/s",
                times(seconds[alone], seconds[drawing], used / results["words"]),
            )
        )
    size = results["read_bytes"]
    one, two = (figures(speed(size, f"read, {k}")) for k in (1, 2))
    rows += [
        (
            f"{name}, 2 threads",
            f"{figures(speed(size, name))} GB/s",
            f"reading alone {two} GB/s ({one} on 1 thread)",
            times(seconds["read, 2"], seconds[name]),
        )
        for name in STATISTICS
    ]
    stored, raw = results["file_bytes"], results["write_bytes"]
    rows.append(
        (
            "simulation to HDF5",
            f"{figures(speed(stored, 'simulate to HDF5'))} GB/s",
            f"writing alone, with fsync {figures(speed(raw, 'write'))} GB/s",
            times(seconds["write"], seconds["simulate to HDF5"], stored / raw),
        )
    )
    return [
        Table(
            "limits",
            "What limits what",
            ("work", "reached", "limit of the machine", "fraction of the limit"),
            rows,
            f"A dense bin (p = 0.3) uses {WORDS_A_BIN:.3f} random words: eight bits, and a further "
            "counter of four words where they tie.",
        )
    ]
