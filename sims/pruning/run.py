"""Which units can a network lose? Ranked by statistics of their spikes, by weights and by chance.

stochnet study sims/pruning --scale smoke|cpu|full
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from stochnet.recording import build_model, draw_labels, train
from stochnet.recording.networks.inputs.images import prepare

from ..memorization.stimuli import whole
from .areas import compare
from .figures import draw
from .ranking import Order, orders
from .tables import write_tables
from .units import accuracy, hidden_layers, without

# Criteria that are also ranked on the network before its training.
CONTROLS = ("rate_low", "fano_low", "selectivity_low", "redundancy_high", "magnitude")


# Criteria of which units are also replaced by their means, and networks trained again.
FEW = (
    "rate_low", "rate_high", "fano_low", "fano_high", "selectivity_low", "selectivity_high",
    "redundancy_low", "redundancy_high", "magnitude", "taylor", "random",
)  # fmt: skip


def cells(config: dict[str, Any]) -> list[dict[str, Any]]:
    grid = config["grid"]
    chosen = (
        *itertools.product(grid["seed"], grid["network"], grid["regime"]),
        *itertools.product(grid["large_seed"], grid["large"], grid["regime"]),
    )
    return [
        {"network": network, "regime": regime, "seed": seed}
        for seed, network, regime in dict.fromkeys(chosen)
        if regime in settings_of(network, config)["regimes"]
    ]


def settings_of(network: str, config: dict[str, Any]) -> dict[str, Any]:
    """Everything that a cell needs; what a network says for itself comes first."""
    merged: dict[str, Any] = {}
    for part in ("training", "ranking", "removal"):
        merged |= config[part]
    return merged | config["networks"][network]


def shrunk(images: np.ndarray) -> np.ndarray:
    """Average 2 × 2 pixels of 28 × 28, and frame the result to 16 × 16."""
    n, rows, columns = images.shape
    small = images.reshape(n, rows // 2, 2, columns // 2, 2).mean((2, 4)).round().astype(np.uint8)
    return np.pad(small, ((0, 0), (1, 1), (1, 1)))


class Subject:
    """A network trained on true or random labels, its images, and the labels that it has learnt."""

    def __init__(self, cell: dict[str, Any], settings: dict[str, Any]) -> None:
        self.seed, self.settings = cell["seed"], settings
        data = whole(settings["data"], "train").first(settings["limit"])
        unseen = whole(settings["data"], "test").first(settings["n_test"])
        self.images, test_images = data.images, unseen.images
        if settings.get("shrink"):
            self.images, test_images = shrunk(self.images), shrunk(test_images)
        self.labels = draw_labels(data.labels, cell["regime"], data.n_classes, self.seed)
        self.n_classes = data.n_classes
        shape = (1, *self.images.shape[1:3])
        self.model = build_model(settings["architecture"], shape, data.n_classes, seed=self.seed)
        self.inputs, targets = _tensors(self.images, self.labels)
        n = settings["n_test"]
        self.measures = {"training": (self.inputs[:n], targets[:n])}
        # A network of random labels knows nothing of the test images.
        if cell["regime"] == "true":
            self.measures["test"] = _tensors(test_images, unseen.labels)

    def train(self, model: nn.Module, epochs: int, stop_at: float | None) -> int:
        """Train on the labels to be learnt; return the epochs it took."""
        done = train(
            model, self.images, self.labels, epochs=epochs, stop_at=stop_at, seed=self.seed,
            lr=self.settings["learning_rate"], n_classes=self.n_classes,
        )  # fmt: skip
        return done.history[-1].epoch

    def measured(self, model: nn.Module) -> dict[str, float]:
        return {name: accuracy(model, *given) for name, given in self.measures.items()}

    def ordered(self) -> tuple[dict[str, list[Order]], dict[str, list[np.ndarray]]]:
        return orders(
            self.model, hidden_layers(self.model), self.images, self.inputs, self.labels,
            self.settings, self.seed,
        )  # fmt: skip

    def left(
        self, draws: list[Order], fraction: float, means: list[np.ndarray] | None
    ) -> dict[str, float]:
        """Accuracies with that share of each layer removed, averaged over draws of the order."""
        found = [self.measured(without(self.model, order, fraction, means)) for order in draws]
        return {name: float(np.mean([each[name] for each in found])) for name in found[0]}

    def retrained(self, order: Order, fraction: float) -> dict[str, float]:
        """Accuracies after one more epoch with that share of each layer removed."""
        small = without(self.model, order, fraction)
        self.train(small, 1, None)
        return self.measured(small)


def _tensors(images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    shown = prepare(images).batch(0, len(images), torch.device("cpu"), torch.float32)
    return shown, torch.from_numpy(labels)


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    settings = settings_of(cell["network"], config)
    one = Subject(cell, settings)
    initial = {}
    if settings["control"]:
        found, _ = one.ordered()
        initial = {name: found[name] for name in CONTROLS}
    epochs = one.train(one.model, settings["epochs"], settings["stop_at"])
    by, scores = one.ordered()
    intact = one.measured(one.model)
    few = {name: by[name] for name in FEW}
    curves = []
    for stage, method, ranked, means in (
        ("trained", "zero", by, None),
        ("initial", "zero", initial, None),
        ("trained", "mean", few, scores["activation"]),
    ):
        for criterion, draws in ranked.items():
            known = {"criterion": criterion, "ranked_on": stage, "method": method}
            curve = {f: one.left(draws, f, means) for f in settings["fractions"]}
            curves += _rows(known, intact, curve)
    for criterion, draws in few.items():
        known = {"criterion": criterion, "ranked_on": "trained", "method": "retrained"}
        curves += _rows(
            known, intact, {f: one.retrained(draws[0], f) for f in settings["retrained"]}
        )
    rates = scores["rate"]
    facts = {
        "epochs": epochs,
        "training_accuracy": intact["training"],
        "test_accuracy": intact.get("test"),
        "units": sum(len(rate) for rate in rates),
        "dead": sum(int((rate == 0).sum()) for rate in rates),
        "always_active": sum(int((rate == 1).sum()) for rate in rates),
        "without_loadings": sum(int((shared == 0).sum()) for shared in scores["redundancy"]),
    }
    return {"networks": [facts], "curves": curves, "agreement": _agreement(scores)}


def _rows(
    known: dict[str, Any], intact: dict[str, float], curve: dict[float, dict[str, float]]
) -> list[dict[str, Any]]:
    """One row for each measure: accuracy by the share removed."""
    return [
        {**known, "measure": measure, "removed 0": intact[measure]}
        | {f"removed {fraction:g}": each[measure] for fraction, each in curve.items()}
        for measure in intact
    ]


def _agreement(scores: dict[str, list[np.ndarray]]) -> list[dict[str, Any]]:
    """Rank correlation of each score with the Taylor score, mean over layers, live units only."""
    rows = []
    for name, values in scores.items():
        found = []
        for value, taylor, rate in zip(values, scores["taylor"], scores["rate"], strict=True):
            known = (rate > 0) & np.isfinite(value)
            if known.sum() > 2 and np.ptp(value[known]) > 0 and np.ptp(taylor[known]) > 0:
                found.append(spearmanr(value[known], taylor[known]).statistic)
        rows.append({"score": name, "with_taylor": float(np.mean(found)) if found else None})
    return rows


def finish(results: Path, config: dict[str, Any]) -> None:
    rows = compare(results)
    write_tables(results, rows)
    draw(results, rows)
