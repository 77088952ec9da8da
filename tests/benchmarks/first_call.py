"""Import and first simulation in a fresh process, compiled there and from kept machine code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from options import Options
from processes import sampler
from race import median
from remote import ROOT
from table import Table, figures

import stochnet as sn

MEASURE = """
import json, sys, time
begin = time.perf_counter()
import numpy as np
numpy_done = time.perf_counter()
import stochnet as sn
process = sn.PROCESSES[sys.argv[1]]
conditions = {"conditions": np.zeros((1, 1000), np.int16)} if sys.argv[2] == "conditions" else {}
shape = (10, 1) if conditions else (10,)
params = {p.name: p.draw(np.random.default_rng(0), shape) for p in process.params}
bundle = sn.Bundle.from_params(process, params, window=100)
imported = time.perf_counter()
sn.simulate(bundle, 1, 1000, seed=1, **conditions)
first = time.perf_counter()
sn.simulate(bundle, 1, 1000, seed=1, **conditions)
second = time.perf_counter()
print(json.dumps({
    "NumPy": numpy_done - begin,
    "import": imported - numpy_done,
    "first": first - imported,
    "second": second - first,
}))
"""


def kinds(quick: bool) -> dict[str, tuple[str, str]]:
    """Return one process for every kind of sampler, and one with conditions."""
    found: dict[str, tuple[str, str]] = {}
    for name in sn.PROCESSES:
        found.setdefault(sampler(name), (name, ""))
    found["independent, conditions"] = ("bernoulli", "conditions")
    return dict(list(found.items())[:3]) if quick else found


def fresh(arguments: tuple[str, str], cache: str) -> dict[str, float]:
    """Run a process with a folder of machine code, or none; return the seconds of its parts."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "STOCHNET_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout), "process": time.perf_counter() - begin}


def measure(options: Options) -> dict[str, Any]:
    """Start processes for every kind of sampler in turn, without machine code and with it."""
    rounds, chosen = 1 if options.quick else 5, kinds(options.quick)
    folder = options.folder / "machine-code"
    spent: dict[str, dict[str, dict[str, list[float]]]] = {}
    for kind, arguments in chosen.items():
        # Fills the folder.
        fresh(arguments, str(folder))
        spent[kind] = {"compiled": {}, "kept": {}}
    for _ in range(rounds):
        for kind, arguments in chosen.items():
            for state, cache in (("compiled", ""), ("kept", str(folder))):
                for part, seconds in fresh(arguments, cache).items():
                    spent[kind][state].setdefault(part, []).append(seconds)
    return {"processes": {k: name for k, (name, _) in chosen.items()}, "seconds": spent}


def tables(results: dict[str, Any]) -> list[Table]:
    """A row for each kind of sampler."""
    rows = []
    for kind, states in results["seconds"].items():
        compiled, kept = states["compiled"], states["kept"]
        cells = (
            kept["NumPy"],
            kept["import"],
            compiled["first"],
            kept["first"],
            kept["second"],
            compiled["process"],
            kept["process"],
        )
        shown = (figures(median(seconds), 2) for seconds in cells)
        rows.append((kind, f"`{results['processes'][kind]}`", *shown))
    return [
        Table(
            "first-call",
            "A fresh process that simulates 10 nodes × 1,000 bins, in seconds",
            (
                "sampler",
                "process",
                "import NumPy",
                "import stochnet, make a bundle",
                "first simulation, compiled",
                "first simulation, from disk",
                "second simulation",
                "whole process, compiled",
                "whole process, from disk",
            ),
            rows,
        )
    ]
