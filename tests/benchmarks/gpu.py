"""Speed of the target "cuda": bins per second into device memory, and with the copy to the host.

`python tests/benchmarks/gpu.py` prints a table, and one line where there is no GPU. Every process
is compared with the CPU, bit by bit, before it is timed. Kernels are timed by events on the device,
over launches whose tables lie there already; whole simulations and torch by the clock.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

import stochnet as sn
from stochnet.errors import InvalidInputError
from stochnet.simulation.draw import kernels_of
from stochnet.simulation.simulate import drawn_raster

Launch = tuple[Any, int, tuple[Any, ...]]


def launches(bundle: sn.Bundle, n_trials: int, n_bins: int) -> list[Launch]:
    """Draw into device memory once; return the kernels that were started, with their arguments."""
    from stochnet.kernels.cuda import device

    _, nodes = drawn_raster(bundle, n_trials, n_bins, seed=1, target="cuda")
    kept: list[Launch] = []
    start = device.launch

    def record(kernel: Any, n_items: int, *arguments: Any) -> None:
        kept.append((kernel, n_items, arguments))
        start(kernel, n_items, *arguments)

    out = cuda.device_array(nodes.shape, nodes.dtype)
    device.launch = record
    try:
        nodes.draw(0, len(nodes), out)
    finally:
        device.launch = start
    cuda.synchronize()
    return kept


def on_device(kept: list[Launch], rounds: int) -> list[float]:
    """Return the seconds that the launches took together, in each round."""
    from stochnet.kernels.cuda import device

    seconds = []
    for _ in range(rounds):
        begin, end = cuda.event(), cuda.event()
        begin.record()
        for kernel, n_items, arguments in kept:
            device.launch(kernel, n_items, *arguments)
        end.record()
        end.synchronize()
        seconds.append(begin.elapsed_time(end) / 1000)
    return seconds


def by_clock(run: Callable[[], object], rounds: int, wait: Callable[[], object]) -> list[float]:
    """Return the seconds of each round, after one that is not counted."""
    run()
    wait()
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        wait()
        seconds.append(time.perf_counter() - begin)
    return seconds


def report(what: str, n: float, seconds: list[float]) -> None:
    """Print bins per second: median, lowest and highest of the rounds."""
    rates = sorted(n / s / 1e9 for s in seconds)
    print(f"| {what} | {statistics.median(rates):,.1f} | {rates[0]:,.1f} to {rates[-1]:,.1f} |")


def equals_cpu(bundle: sn.Bundle, n_trials: int, n_bins: int) -> str:
    """Compare the whole simulation with that of the CPU."""
    drawn = [sn.simulate(bundle, n_trials, n_bins, seed=1, target=t).data for t in ("cpu", "cuda")]
    return "" if np.array_equal(*drawn) else " DIFFERS FROM THE CPU"


def processes(n_nodes: int, n_trials: int, n_bins: int, rounds: int) -> None:
    """Every process, pooled, over its typical parameters, into device memory."""
    rng = np.random.default_rng(0)
    for name, process in sn.PROCESSES.items():
        params = {p.name: p.draw(rng, (n_nodes,)) for p in process.params}
        few = {key: values[:50] for key, values in params.items()}
        check = equals_cpu(sn.Bundle.from_params(name, few, window=100), 3, n_bins)
        kept = launches(sn.Bundle.from_params(name, params, window=100), n_trials, n_bins)
        seconds = on_device(kept, rounds)
        report(f"{name} into device memory{check}", n_nodes * n_trials * n_bins, seconds)


def bernoulli(n_nodes: int, n_bins: int, rounds: int) -> None:
    """Pooled Bernoulli, the goal of 500 Gbin/s; dense (p from Beta(1, 4)) and sparse."""
    p = np.random.default_rng(0).beta(1, 4, n_nodes)
    for what, values in [
        ("p above 1/32", np.maximum(p, 1 / 32)), ("Beta(1, 4)", p), ("p = 0.01", p * 0 + 0.01),
    ]:  # fmt: skip
        bundle = sn.Bundle.from_params("bernoulli", {"p": values})
        few = sn.Bundle.from_params("bernoulli", {"p": values[:500]})
        check = equals_cpu(few, 1, n_bins)
        for n_trials in (1, 100):
            seconds = on_device(launches(bundle, n_trials, n_bins // n_trials), rounds)
            label = f"bernoulli, {what}, {n_trials} trials, into device memory{check}"
            report(label, n_nodes * (n_bins // n_trials) * n_trials, seconds)


def with_copy(n_nodes: int, n_bins: int, rounds: int) -> None:
    """Whole simulations, into the memory of the host."""
    p = np.random.default_rng(0).beta(1, 4, n_nodes)
    bundle = sn.Bundle.from_params("bernoulli", {"p": p})
    for target in ("cuda", "cpu"):
        seconds = by_clock(
            lambda target=target: sn.simulate(bundle, 1, n_bins, seed=1, target=target),
            rounds,
            lambda: None,
        )
        report(
            f"bernoulli, sn.simulate, target {target}, in host memory", n_nodes * n_bins, seconds
        )


def by_torch(n_nodes: int, n_bins: int, rounds: int) -> None:
    """The usual draws of torch on the same device, into its memory."""
    try:
        import torch
    except ImportError:
        print("torch is not installed")
        return
    if not torch.cuda.is_available():
        print("torch finds no GPU")
        return
    p = torch.rand(n_nodes, 1, device="cuda")
    out = torch.empty(n_nodes, n_bins, device="cuda")
    flags = torch.empty(n_nodes, n_bins, device="cuda", dtype=torch.bool)
    for what, run in {
        "torch.bernoulli(p, out=float32)": lambda: torch.bernoulli(p.expand_as(out), out=out),
        "torch bool.bernoulli_(p)": lambda: flags.bernoulli_(p.expand_as(flags)),
        "torch.rand < p": lambda: torch.lt(torch.rand(out.shape, out=out), p, out=flags),
    }.items():
        report(what, n_nodes * n_bins, by_clock(run, rounds, torch.cuda.synchronize))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--bins", type=int, default=100_000)
    given = parser.parse_args()
    try:
        kernels_of("cuda").check()
    except InvalidInputError as error:
        print(f"skipped: {error}")
        return
    name = cuda.get_current_device().name
    print(f"{name.decode() if isinstance(name, bytes) else name}\n")
    print("| draw | Gbin/s | of the rounds |\n|---|---|---|")
    bernoulli(given.nodes, given.bins, given.rounds)
    with_copy(given.nodes, given.bins // 10, min(given.rounds, 5))
    by_torch(given.nodes, given.bins // 10, given.rounds)
    processes(max(1, given.nodes // 50), 500, max(1, given.bins // 100), given.rounds)


if __name__ == "__main__":
    main()
