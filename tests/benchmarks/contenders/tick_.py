"""tick: its Poisson process, one object a node or one object for all."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from serve import Work, serve
from tick.hawkes import SimuPoissonProcess


def one_each(p, n_bins):
    simulations = []

    def before():
        # A simulation runs once; making it is not timed.
        simulations[:] = [
            SimuPoissonProcess(float(rate), end_time=n_bins, verbose=False, seed=i + 1)
            for i, rate in enumerate(p)
        ]

    def run():
        for simulation in simulations:
            simulation.simulate()
        return simulations

    return Work(run, lambda done: sum(s.n_total_jumps for s in done), before)


def together(p, n_bins):
    made = []

    def before():
        made[:] = [SimuPoissonProcess(np.asarray(p), end_time=n_bins, verbose=False, seed=1)]

    def run():
        made[0].simulate()
        return made[0]

    return Work(run, lambda done: done.n_total_jumps, before)


FORMS = {"one object a node": one_each, "one object": together}

if __name__ == "__main__":
    serve(FORMS, version("tick"))
