"""Import and first simulation in a fresh process, where everything is still to be compiled."""

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


def measure(options: Options) -> dict[str, Any]:
    """Start a process for every kind of sampler, in turn."""
    rounds, chosen = 1 if options.quick else 5, kinds(options.quick)
    spent: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for kind, arguments in chosen.items():
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", MEASURE, *arguments],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=True,
            )
            told = {**json.loads(done.stdout), "process": time.perf_counter() - begin}
            for name, seconds in told.items():
                spent.setdefault(kind, {}).setdefault(name, []).append(seconds)
    return {"processes": {k: name for k, (name, _) in chosen.items()}, "seconds": spent}


def tables(results: dict[str, Any]) -> list[Table]:
    """A row for each kind of sampler."""
    parts = ("NumPy", "import", "first", "second", "process")
    rows = [
        (
            kind,
            f"`{results['processes'][kind]}`",
            *(figures(median(seconds[part]), 2) for part in parts),
        )
        for kind, seconds in results["seconds"].items()
    ]
    return [
        Table(
            "first-call",
            "A fresh process that simulates 10 nodes × 1,000 bins, in seconds",
            (
                "sampler",
                "process",
                "import NumPy",
                "import stochnet, make a bundle",
                "first simulation",
                "second simulation",
                "whole process",
            ),
            rows,
            "The first simulation compiles its kernel; nothing compiled is kept between processes.",
        )
    ]
