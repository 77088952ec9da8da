"""How often a gain can be told from independent bins at best: by the likelihood ratio.

Both hypotheses are simple, with known parameters, so that by Neyman and Pearson's lemma no
criterion that must estimate them can be right more often. Given the counts of windows, the order of
the spikes in them says nothing more: under both hypotheses all orders are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .cells import Cell
from .rows import Job, Tables

Array = NDArray[np.float64]
TAIL = 1e-13


def jobs(config: Mapping[str, Any]) -> list[Job]:
    settings = config["best_possible"]
    return [
        Job(
            process,
            f"{process} {mean=} {window=} {ratio=} {n=}",
            partial(run, process, mean, window, ratio, n, settings["draws"], config["seed"]),
        )
        for process in ("beta_bernoulli", "negative_binomial")
        for window, mean in settings["window_and_mean"]
        for ratio in settings["fano_over_independent"]
        for n in settings["n_windows"]
    ]


def run(
    process: str, mean: float, window: int, ratio: float, n: int, draws: int, study: int
) -> Tables:
    """Draw window counts under both hypotheses, and compare their log likelihood ratios."""
    law = binary if process == "beta_bernoulli" else counts
    gain, independent = law(mean, window, ratio)
    ratio_of_count = gain - independent
    settings = (("mean", mean), ("ratio", ratio))
    seed = Cell(process, settings, window, n).seed(study)
    rng = np.random.default_rng(seed)
    with_gain, without = (
        rng.multinomial(n, np.exp(one) / np.exp(one).sum(), draws) @ ratio_of_count
        for one in (gain, independent)
    )
    # Half of the nodes have a gain; the better hypothesis is chosen.
    right = ((with_gain > 0).mean() + (without <= 0).mean()) / 2
    # Both families must be chosen as often as possible where they are true.
    both = balanced(with_gain, without)
    # A gain is found, where independent bins are called so in all but one case of twenty.
    power = (with_gain > np.quantile(without, 0.95)).mean()
    row = {
        "process": process, "window": window, "mean_count": mean, "fano_over_independent": ratio,
        "n_windows": n, "draws": draws, "right": right, "right_for_both": both, "power": power,
        "right_se": 0.5 / np.sqrt(draws),
    }  # fmt: skip
    return {"best_possible": [row]}


def balanced(with_gain: Array, without: Array) -> float:
    """Chance to be right at the threshold where it is the same under both hypotheses."""
    thresholds = np.sort(np.concatenate([with_gain, without]))
    missed = np.searchsorted(np.sort(with_gain), thresholds) / len(with_gain)
    called = 1 - np.searchsorted(np.sort(without), thresholds) / len(without)
    at = np.argmax(missed >= called)
    return 1 - float(max(missed[at], called[at]))


def binary(mean: float, window: int, ratio: float) -> tuple[Array, Array]:
    """Log laws of the count in a window of 0/1 bins, with a Beta gain and without."""
    k, p = np.arange(window + 1.0), mean / window
    total = (window - 1) / (ratio - 1) - 1
    return (
        stats.betabinom.logpmf(k, window, p * total, (1 - p) * total),
        stats.binom.logpmf(k, window, p),
    )


def counts(mean: float, window: int, ratio: float) -> tuple[Array, Array]:
    """Log laws of a window count with a gamma gain and without."""
    size, prob = mean / (ratio - 1), 1 / ratio
    k = np.arange(stats.nbinom.isf(TAIL, size, prob) + 1.0)
    return stats.nbinom.logpmf(k, size, prob), stats.poisson.logpmf(k, mean)
