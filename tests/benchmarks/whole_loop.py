"""Fit, simulate and validate together, against NumPy that only draws the surrogate.

    python tests/benchmarks/whole_loop.py [--rounds 5] [--nodes 100000] [--trials 100] [--bins 100]

Contenders run in turn in one process, so the ratios travel and the times do not. NumPy draws the
same number of bins with the fitted rates, a block of nodes at a time into buffers that it keeps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from race import median, race, ratio

import stochnet as sn

NAMED = ("firing_rate", "fano_factor", "cv_isi")
BLOCK = 1 << 23


def numpy_draw(rates: np.ndarray, n_bins: int) -> None:
    """Draw bins of float32 uniforms below the rate of their node, a block of nodes at a time."""
    rng = np.random.default_rng(0)
    step = max(1, BLOCK // n_bins)
    uniform = np.empty((step, n_bins), np.float32)
    spikes = np.empty((step, n_bins), bool)
    p = rates.astype(np.float32)[:, None]
    for first in range(0, len(p), step):
        n = min(step, len(p) - first)
        rng.random(dtype=np.float32, out=uniform[:n])
        np.less(uniform[:n], p[first : first + n], out=spikes[:n])


def whole_loop(nodes: int, trials: int, bins: int, rounds: int) -> None:
    """Print what the loop and its parts take, beside NumPy's draw."""
    p = np.random.default_rng(0).beta(1, 4, nodes)
    truth = sn.Bundle.from_params("bernoulli", {"p": p})
    observed = sn.simulate(truth, trials, bins, seed=1)
    bundle = sn.fit_bundle(observed, "bernoulli")
    surrogate = sn.simulate(bundle, seed=2)
    windows = tuple(window for window in (10, 100) if window <= bins)

    def loop() -> sn.Report:
        drawn = sn.simulate(sn.fit_bundle(observed, "bernoulli"), seed=2)
        return sn.validate(observed, drawn, windows=windows, statistics=NAMED)

    contenders: dict[str, Callable[[], object]] = {
        "NumPy draws": lambda: numpy_draw(p, trials * bins),
        "fit": lambda: sn.fit_bundle(observed, "bernoulli"),
        "simulate": lambda: sn.simulate(bundle, seed=2),
        "validate (rates, Fano, gaps)": lambda: sn.validate(
            observed, surrogate, windows=windows, statistics=NAMED
        ),
        "all three": loop,
        "validate (everything)": lambda: sn.validate(observed, surrogate, windows=windows),
    }
    seconds = race(contenders, rounds)
    print(f"{nodes:,} nodes × {trials} trials × {bins} bins")
    for name, taken in seconds.items():
        print(
            f"  {name:<29} {median(taken):7.3f} s, {ratio(taken, seconds['NumPy draws'])} "
            "of NumPy's draw"
        )


def main() -> None:
    """Run the race."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--bins", type=int, default=100)
    options = parser.parse_args()
    whole_loop(options.nodes, options.trials, options.bins, options.rounds)


if __name__ == "__main__":
    main()
