"""Tables as the study of memorisation writes them, with effects that are known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

CONFIG = {"windows": [10, 50]}
ARCHITECTURES = ("mlp", "lenet")
DATA = ("mnist-5k", "fashion-mnist", "cifar10")
REGIMES = ("true", "noise:0.2", "noise:0.4", "noise:0.6", "noise:0.8", "random")
EPOCHS = (0, 1, 2, 4, 8, 16, 32)
CONTROLS = ("dropout", "batch-norm")
N = 500
BASE = {
    "mfr": 0.4, "var_rate": 0.05, "mff_blocked_50": 2.0, "var_fano_blocked_50": 1.5,
    "var_fano_shuffled_10": 0.02, "mff_blocked_10": 1.0, "mff_stratified_10": 0.5,
    "selectivity": 0.1,
}  # fmt: skip
PRIMARY = tuple(BASE)[:4]
TESTS = (
    "dispersion", "goodness_of_fit", "autocorrelation", "runs", "gaps", "linearity", "stationarity",
    "all_tests",
)  # fmt: skip

Effect = Callable[[str, str, str, str, float], float]
"""From architecture, data set, control, feature and dose: change of the logarithm at the end."""


def write(
    folder: Path,
    effect: Effect,
    *,
    trained: float = 0.3,
    noise: float = 0.01,
    seeds: int = 3,
    passing: float = 0.95,
    shuffled: float | None = None,
) -> None:
    """Write networks.csv, features.csv and assumptions.csv.

    Parameters
    ----------
    folder : Path
    effect : callable
        What a dose of noise does to a feature.
    trained : float
        What training does to the logarithm of all features, whatever the labels.
    noise : float
        Standard deviation of the logarithm between networks.
    passing : float
        Share of nodes that pass all tests.
    shuffled : float, optional
        Mean Fano factor under a shuffled schedule; by default what the rate makes it.
    """
    rng = np.random.default_rng(1)
    networks, features, assumptions = [], [], []
    for seed in range(1, seeds + 1):
        for architecture in ARCHITECTURES:
            plain = [("none", regime) for regime in REGIMES]
            controlled = [(c, r) for c in CONTROLS for r in ("true", "random")]
            for control, regime in plain + (controlled if architecture == "mlp" else []):
                for data in DATA:
                    key = (seed, architecture, control, data, regime)
                    dose = {"true": 0.0, "random": 1.0}.get(regime)
                    dose = float(regime[6:]) if dose is None else dose
                    own = {f: rng.normal(0, noise) for f in BASE}
                    for k, epoch in enumerate(EPOCHS):
                        # Networks are initialised alike, and arrive within the first epoch.
                        share = float(k > 0)
                        networks.append((*key, *course(k, dose, rng)))
                        for images in ("train", "test"):
                            for layer, depth in (("1", 1), ("2", 2), ("all", 0)):
                                log = {
                                    f: share
                                    * (trained + effect(architecture, data, control, f, dose))
                                    + own[f]
                                    for f in BASE
                                }
                                row = {f: BASE[f] * np.exp(log[f]) for f in BASE}
                                features.append(
                                    (*key, epoch, images, layer, depth, *full(row, shuffled))
                                )
                    assumptions += [
                        (*key, epoch, schedule, "all", rates, 100, 90, *[passing] * len(TESTS))
                        for epoch in ((0, 32) if regime == "true" else (32,))
                        for schedule in ("shuffled", "blocked")
                        for rates in ("all", "0-0.05", "0.05-1")
                    ]
    axes = ("seed", "architecture", "control", "dataset", "regime")
    save(folder / "networks.csv", [(*axes, *NETWORKS), *networks])
    save(
        folder / "features.csv", [(*axes, "epoch", "images", "layer", "depth", *COLUMNS), *features]
    )
    head = ("epoch", "schedule", "layer", "rates", "n_nodes", "testable", *TESTS)
    save(folder / "assumptions.csv", [(*axes, *head), *assumptions])


NETWORKS = (
    "epoch", "last", "n_train", "train_accuracy", "train_accuracy_true", "test_accuracy",
    "train_loss", "test_loss", "weight_norm", "counted",
)  # fmt: skip
COLUMNS = (
    "n_nodes", "dead", *BASE, "mff_shuffled_10", "mff_blocked_training_50",
    "var_fano_blocked_training_50", "mff_blocked_training_10", "selectivity_training",
)  # fmt: skip


def course(k: int, dose: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Return the row of a checkpoint: training tells the regimes apart by the test loss alone."""
    accuracy = (0.1, 0.25, 0.45, 0.65, 0.85, 0.95, 1.0)[k]
    last = int(k == len(EPOCHS) - 1)
    test_loss = 2.3 * np.exp((dose - 0.5) * (k > 0) + rng.normal(0, 0.01))
    loss, norm = np.exp(rng.normal(-k, 0.3)), np.exp(rng.normal(3, 0.1))
    return (EPOCHS[k], last, N, accuracy, accuracy, 0.5, loss, test_loss, norm, last)


def full(row: dict[str, float], shuffled: float | None) -> list[object]:
    n_nodes, dead = 100, 20
    rate = row["mfr"] / (1 - dead / n_nodes)
    fano = (1 - rate) * N / (N - 1) if shuffled is None else shuffled
    mean, variance = row["mff_blocked_50"], row["var_fano_blocked_50"]
    row = row | ({"mff_blocked_10": shuffled} if shuffled else {})
    return [n_nodes, dead, *row.values(), fano, mean, variance, 1.0, row["selectivity"]]


def save(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)
