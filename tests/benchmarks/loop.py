"""The whole loop, fit + simulate + validate, against NumPy that only draws the surrogate."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from options import Options
from race import median, timed, turns
from remote import Remote
from table import Table, figures, times

import stochnet as sn

TRIALS, BINS = 100, 100
PROCESS = "bernoulli"
STATISTICS = ("firing_rate", "fano_factor", "cv_isi")


def _chosen() -> dict[str, Any]:
    """Rates, Fano factors and gaps, where `validate` gives the choice."""
    if "statistics" in inspect.signature(sn.validate).parameters:
        return {"statistics": STATISTICS}
    return {}


def measure(options: Options) -> dict[str, Any]:
    """Time the steps in turn with NumPy's drawing."""
    nodes = 5_000 if options.quick else 100_000
    p = np.random.default_rng(0).beta(1, 4, nodes)
    observed = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), TRIALS, BINS, seed=1)
    chosen = _chosen()
    kept: dict[str, Any] = {}

    def fit() -> None:
        kept["bundle"] = sn.fit_bundle(observed, PROCESS)

    def simulate() -> None:
        kept["simulated"] = sn.simulate(kept["bundle"], TRIALS, BINS, seed=2)

    def validate() -> None:
        sn.validate(observed, kept["simulated"], windows=(10, 100), **chosen)

    # Once beforehand, for the compilers: on a tenth of the nodes.
    steps = {"fit": fit, "simulate": simulate, "validate": validate}
    whole, observed = observed, observed.block(slice(0, max(10, nodes // 10)))
    for step in steps.values():
        step()
    observed = whole
    with Remote("numpy") as remote:
        numpy = remote.prepare("whole", nodes=nodes, bins=TRIALS * BINS)
        contenders = {name: timed(step) for name, step in steps.items()}
        seconds = turns({**contenders, "NumPy": numpy}, options.rounds)
    return {
        "nodes": nodes,
        "statistics": list(chosen.get("statistics", ())),
        "form": numpy.answer["form"],
        "seconds": seconds,
    }


def tables(results: dict[str, Any]) -> list[Table]:
    """Each step, the whole, and NumPy."""
    seconds = results["seconds"]
    steps = ("fit", "simulate", "validate")
    whole = [sum(spent) for spent in zip(*(seconds[step] for step in steps), strict=True)]
    rows = [
        (step, figures(median(seconds[step])), times(seconds[step], seconds["NumPy"]))
        for step in steps
    ]
    rows.append(("the whole loop", figures(median(whole)), times(whole, seconds["NumPy"])))
    rows.append((f"NumPy, {results['form']}", figures(median(seconds["NumPy"])), "1"))
    compared = ", ".join(f"`{name}`" for name in results["statistics"]) or "all statistics"
    return [
        Table(
            "loop",
            f"The whole loop, {results['nodes']:,} nodes × {TRIALS} trials × {BINS} bins, "
            f"`{PROCESS}`; `validate` compares {compared}",
            ("step", "seconds", "time over that of NumPy drawing the surrogate alone"),
            rows,
        )
    ]
