"""NEST: a Poisson generator a node, into parrot neurons, into a spike recorder in memory.

The network is built once; only `Simulate` is timed. A bin is a step of one millisecond.
"""

from __future__ import annotations

import os

os.environ.setdefault("PYNEST_QUIET", "1")

import nest
from serve import Work, serve

EDGE = 2  # steps that spikes travel before they are recorded


def with_threads(threads: int):
    def prepare(p, n_bins):
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.resolution = 1.0
        nest.local_num_threads = threads
        nest.rng_seed = 1
        generators = nest.Create("poisson_generator", len(p), {"rate": (1000.0 * p).tolist()})
        parrots = nest.Create("parrot_neuron", len(p))
        recorder = nest.Create("spike_recorder")
        nest.Connect(generators, parrots, "one_to_one", {"delay": 1.0})
        nest.Connect(parrots, recorder, "all_to_all", {"delay": 1.0})
        # The first steps also build the connections.
        nest.Simulate(float(EDGE))

        def before():
            recorder.n_events = 0

        return Work(
            lambda: nest.Simulate(float(n_bins)), lambda _: recorder.n_events, before=before
        )

    return prepare


FORMS = {"1 thread": with_threads(1), "2 threads": with_threads(2)}

if __name__ == "__main__":
    serve(FORMS, nest.__version__)
