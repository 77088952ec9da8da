"""This checkout beside another one, in turn, as ratios: is anything slower than before?

    python tests/benchmarks/against.py OTHER [--rounds 7] [--only simulate fit]

OTHER is the folder of another checkout, such as a `git worktree` of an older commit. Both run in
processes of their own with the same Python; only public names are used, so that old code can run.
A ratio above 1 says that this checkout is faster; the rows give the median over the rounds of the
ratio of a pair, with the quartiles.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]


def works() -> dict[str, Callable[[], object]]:
    """Return what is measured: name to a function of no arguments."""
    import stochnet as sn

    rng = np.random.default_rng(1)
    p = rng.beta(1, 4, 20_000)
    dense = sn.Bundle.from_params("bernoulli", {"p": p})
    sparse = sn.Bundle.from_params("bernoulli", {"p": np.full(20_000, 0.003)})
    labels = np.repeat(np.arange(10), 20)[:, None] * np.ones((1, 50), int)
    tuned = sn.Bundle.from_params(
        "bernoulli", {"p": rng.beta(1, 4, (10_000, 10))}, conditions=labels
    )
    chain = sn.Bundle.from_params(
        "markov", {"p_after_silence": np.full(2_000, 0.2), "p_after_spike": np.full(2_000, 0.4)}
    )
    gain = sn.Bundle.from_params(
        "beta_bernoulli", {"p": p[:5_000], "rho": np.full(5_000, 0.1)}, window=50
    )
    shared = sn.Latents(rng.uniform(-0.3, 0.3, (5_000, 8)), np.eye(8), np.zeros(5_000))
    latent = sn.Bundle.from_params("bernoulli", {"p": p[:5_000]}, latents=shared)
    raster = sn.simulate(tuned, 200, 50, seed=1)
    long = sn.simulate(dense, 1, 10_000, seed=1)
    small = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p[:500]}), 60, 50, seed=2)
    other = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p[:500]}), 60, 50, seed=3)
    recording = _recording(long)
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("STOCHNET_BENCH_FOLDER")))
    return {
        "simulate: dense, 1 thread": lambda: sn.simulate(dense, 1, 10_000, seed=1, threads=1),
        "simulate: dense, 2 threads": lambda: sn.simulate(dense, 1, 10_000, seed=1, threads=2),
        "simulate: sparse": lambda: sn.simulate(sparse, 1, 10_000, seed=1),
        "simulate: per condition": lambda: sn.simulate(tuned, 200, 50, seed=1),
        "simulate: markov": lambda: sn.simulate(chain, 1, 10_000, seed=1),
        "simulate: gain": lambda: sn.simulate(gain, 10, 1_000, seed=1),
        "simulate: 8 latents": lambda: sn.simulate(latent, 1, 5_000, seed=1),
        "simulate: to HDF5": lambda: sn.simulate(dense, 1, 10_000, seed=1, path=folder / "s.h5"),
        "simulate: summary only": lambda: sn.simulate(
            tuned, 200, 50, seed=1, sink=sn.SummarySink(window=50, per_condition=True)
        ),
        "statistics: rate": lambda: sn.firing_rate(long),
        "statistics: Fano, 10 bins": lambda: sn.fano_factor(long, 10),
        "statistics: Fano, 100 bins": lambda: sn.fano_factor(long, 100),
        "statistics: CV2": lambda: sn.cv2(raster),
        "fit: bernoulli": lambda: sn.fit(raster, "bernoulli"),
        "fit: bernoulli per condition": lambda: sn.fit(raster, "bernoulli", per_condition=True),
        "fit: beta_bernoulli": lambda: sn.fit(raster, "beta_bernoulli", window=50),
        "fit: markov": lambda: sn.fit(raster, "markov"),
        "fit: 8 latents": lambda: sn.fit_bundle(
            raster.block(slice(0, 1_000)), "bernoulli", per_condition=True, correlated=8
        ),
        "select": lambda: sn.select(raster.block(slice(0, 500))),
        "present": lambda: sn.present(recording, "shuffled", n_trials=40, n_bins=50, seed=1),
        "validate": lambda: sn.validate(small, other, windows=(10, 50)),
        "assess": lambda: sn.assess(small, (10, 50)),
        "write and read": lambda: (sn.write_raster(raster, folder / "r.h5"),
                                   sn.firing_rate(sn.read_raster(folder / "r.h5"))),
    }  # fmt: skip


def _recording(raster):
    """Return a raster in which every bin is a stimulus of its own."""
    from dataclasses import replace

    stimuli = np.arange(raster.n_bins)[None]
    return replace(raster, stimuli=stimuli, conditions=stimuli % 10)


def serve() -> None:
    """Answer names of works on standard input by their seconds."""
    todo = works()
    print("\t".join(todo), flush=True)
    for line in sys.stdin:
        work = todo[line.strip()]
        begin = time.perf_counter()
        work()
        print(time.perf_counter() - begin, flush=True)


def start(folder: Path) -> subprocess.Popen:
    """Start a process that runs the works of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "--serve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder,
    )  # fmt: skip


def ask(process: subprocess.Popen, name: str) -> float:
    """Run one work and return its seconds."""
    process.stdin.write(name + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    """Run both checkouts in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", default=[""], metavar="BEGINNING")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    if given.other is None or not (given.other / "stochnet").is_dir():
        parser.error("name the folder of another checkout")
    both = [start(HERE), start(given.other.resolve())]
    names = [process.stdout.readline().strip().split("\t") for process in both]
    print(f"{'':32} {'here':>9} {'other':>9}   other / here (quartiles)")
    for name in names[0]:
        if name not in names[1] or not name.startswith(tuple(given.only)):
            continue
        for process in both:
            ask(process, name)
        rows = np.array([[ask(process, name) for process in both] for _ in range(given.rounds)])
        low, middle, high = np.quantile(rows[:, 1] / rows[:, 0], [0.25, 0.5, 0.75])
        here, other = np.median(rows, axis=0)
        print(
            f"{name:32} {here:9.4f} {other:9.4f}   {middle:.2f} ({low:.2f} to {high:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
