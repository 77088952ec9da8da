"""Simulation of every process, on one thread and on two."""

from __future__ import annotations

from typing import Any

import numpy as np
from options import Options
from race import TURN, median, timed, turns
from table import Table, figures, times

import stochnet as sn

BINS, WINDOW = 10_000, 100
THREADS = (1, 2)


def bundle(name: str, nodes: int) -> sn.Bundle:
    """Nodes with parameters spread over the typical range of the process."""
    process = sn.PROCESSES[name]
    rng = np.random.default_rng(0)
    params = {param.name: param.draw(rng, (nodes,)) for param in process.params}
    return sn.Bundle.from_params(process, params, window=WINDOW)


def sampler(name: str) -> str:
    """Return what draws a process, in words."""
    process = sn.PROCESSES[name]
    kind = type(process.sampler).__name__.lower()
    parts = {
        "gain": process.has_gain,
        "profile": process.has_profile,
        "counts": process.has_counts,
    }
    return ", ".join([kind, *(part for part, has in parts.items() if has)])


def measure(options: Options) -> dict[str, Any]:
    """Race all processes in turn."""
    nodes = 200 if options.quick else 1_000
    contenders = {}
    for name in sn.PROCESSES:
        network = bundle(name, nodes)
        for k in THREADS:
            contenders[f"{name}, {k}"] = lambda network=network, k=k: sn.simulate(
                network, 1, BINS, seed=1, threads=k
            )
    for run in contenders.values():
        run()
    seconds = turns({name: timed(run, TURN) for name, run in contenders.items()}, options.rounds)
    kinds = {name: sampler(name) for name in sn.PROCESSES}
    return {"nodes": nodes, "samplers": kinds, "seconds": seconds}


def tables(results: dict[str, Any]) -> list[Table]:
    """Processes with memory first: they are the slow ones."""
    seconds, samplers = results["seconds"], results["samplers"]
    bins = results["nodes"] * BINS
    order = sorted(samplers, key=lambda n: (samplers[n].startswith("independent"), n))
    rows = [
        (
            f"`{name}`",
            samplers[name],
            *(figures(bins / median(seconds[f"{name}, {k}"]) / 1e6) for k in THREADS),
            times(seconds[f"{name}, 1"], seconds[f"{name}, 2"]),
        )
        for name in order
    ]
    return [
        Table(
            "processes",
            f"Simulation of every process, {results['nodes']:,} nodes × {BINS:,} bins, typical "
            "parameters, in million bins per second",
            ("process", "sampler", "1 thread", "2 threads", "gain of the second thread"),
            rows,
        )
    ]
