"""Small simulations of every process, drawn on any target.

``python -m tests.support.cuda_cases OUT.npz`` draws them for CUDA in Numba's simulator, which has
to be chosen before Numba is imported, so that it needs a process of its own.
"""

import os
import sys
import warnings
from dataclasses import replace

import numpy as np

SEED = 0xFEDCBA9876543210
WINDOW = 20
N_BINS = (1, 63, 64, 65, 130)


def typical(process, shape):
    rng = np.random.default_rng(3)
    return {p.name: p.draw(rng, shape) for p in process.params}


def bundles():
    """Every process, pooled and per condition; with nodes that never, always and rarely fire."""
    import stochnet as sn

    labels = (np.arange(2 * 130).reshape(2, 130) // 11) % 3
    for name, process in sn.PROCESSES.items():
        own, each = typical(process, (2,)), typical(process, (2, 3))
        yield f"{name}, pooled", sn.Bundle.from_params(process, own, window=WINDOW)
        yield (
            f"{name}, per condition",
            sn.Bundle.from_params(process, each, window=WINDOW, conditions=labels),
        )
    ends = np.array([0.0, 1.0, 2.0**-41, 1 - 2.0**-40, 0.5, 0.02, 2.0**-20, 2.0**-5])
    yield "ends", sn.Bundle.from_params("bernoulli", {"p": ends})
    pairs = {"p": np.stack([ends, ends[::-1]], axis=1)}
    fits = [
        replace(
            sn.Bundle.from_params(process, typical(process, (2,)), window=WINDOW).fits[0],
            node_ids=k + np.arange(2) * len(sn.PROCESSES),
        )
        for k, process in enumerate(sn.PROCESSES.values())
    ]
    yield "all mixed", sn.Bundle(tuple(fits), n_trials=2, n_bins=130)
    yield "ends, per condition", sn.Bundle.from_params("bernoulli", pairs, conditions=labels % 2)


def drawn(target):
    """Draw all cases: (name of the case, data of the raster)."""
    import stochnet as sn
    from stochnet.simulation.simulate import drawn_raster

    for name, bundle in bundles():
        for n_bins in N_BINS:
            table = None if bundle.conditions is None else bundle.conditions[:, :n_bins]
            raster = sn.simulate(bundle, 2, n_bins, seed=SEED, conditions=table, target=target)
            yield f"{name}, {n_bins} bins", raster.data
        one, _ = drawn_raster(bundle, 1, 70, seed=SEED, threads=1, target=target)
        yield f"{name}, one node", one.data[1:2]


def drawn_otherwise(cuda, device):
    """Draw the ends again, (name of the case, data): in small blocks, and into device memory."""
    from stochnet.simulation.simulate import drawn_raster

    bundle = dict(bundles())["ends"]
    _, nodes = drawn_raster(bundle, 2, 130, seed=SEED, threads=1, target="cuda")
    out = cuda.device_array(nodes.shape, np.uint64)
    nodes.draw(0, len(nodes), out)
    yield "into device memory", out.copy_to_host()
    whole, device.cut = device.cut, lambda n, size: ((i, i + 1) for i in range(n))
    yield "node by node", nodes.draw(0, len(nodes))
    device.cut = whole


if __name__ == "__main__":
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    warnings.filterwarnings("error", module="stochnet")
    from numba import cuda

    from stochnet.kernels.cuda import device

    # Threads of a block are threads of the interpreter here.
    device.THREADS, device.LEAST_BLOCKS = 8, 1
    np.savez(sys.argv[1], **dict(drawn("cuda")), **dict(drawn_otherwise(cuda, device)))
