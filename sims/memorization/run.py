"""What firing statistics say about memorisation: one cell trains one network.

stochnet study sims/memorization --scale smoke|cpu|full [-o DIR]
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import stochnet as sn
from stochnet.recording import Dataset, draw_labels, record
from stochnet.recording.networks.training.train import torch_threads

from . import features, networks, poisson, stimuli

Row = dict[str, Any]
AXES = ("seed", "architecture", "control", "dataset", "regime")
GROUPS = ("small", "deep", "controlled")
PLAIN = "none"


def cells(config: dict[str, Any]) -> list[Row]:
    """Return the cells: all of the first seed, then all of the second, …"""
    grid = config["grid"]
    found = []
    for seed in grid["seed"]:
        for group in GROUPS:
            for network in grid[group]:
                architecture, _, control = network.partition("+")
                for dataset in grid["dataset"]:
                    for regime in grid[f"{group}_regimes"]:
                        values = (seed, architecture, control or PLAIN, dataset, regime)
                        found.append(dict(zip(AXES, values, strict=True)))
    return found


def cell(cell: Row, config: dict[str, Any]) -> dict[str, list[Row]]:
    """Train a network, and describe it at every checkpoint."""
    with torch_threads(config["threads"]):
        return Course(cell, config).run()


class Course:
    """The training of one network, and what was seen of it."""

    def __init__(self, cell: Row, config: dict[str, Any]) -> None:
        self.cell, self.config, self.seed = cell, config, int(cell["seed"])
        self.tables: dict[str, list[Row]] = {"networks": [], "features": [], "assumptions": []}
        sizes = config["images"]
        self.data = stimuli.load(cell["dataset"], sizes.get("train"), sizes.get("test"), self.seed)
        labels = self.data.train.labels
        self.target = draw_labels(labels, cell["regime"], self.data.train.n_classes, self.seed)

    def run(self) -> dict[str, list[Row]]:
        own = self.config["architectures"][self.cell["architecture"]]
        control = {} if (name := self.cell["control"]) == PLAIN else self.config["controls"][name]
        model = networks.build(self.cell["architecture"], control, own, self.data.train, self.seed)
        networks.fit(
            model, self.data, self.cell["regime"], self.seed, own | self.config["training"],
            control.get("weight_decay", 0.0), self.look,
        )  # fmt: skip
        return self.tables

    def look(self, epoch: int, model: nn.Module, last: bool) -> None:
        """Describe the network as it is now."""
        self.tables["networks"].append(features.rounded(self.network(epoch, model, last), rest=5))
        for images, data, target in self.parts():
            raster = self.recorded(model, data, target)
            for row in features.rows(raster, self.config["windows"], self.seed):
                self.tables["features"].append(
                    features.rounded({"epoch": epoch, "images": images} | row, var_=3, _p=3, rest=4)
                )
            if images == "train" and (last or (epoch == 0 and self.cell["regime"] == "true")):
                tests = self.config["assumptions"]
                for row in poisson.rows(raster, tests, max(self.config["windows"]), self.seed):
                    self.tables["assumptions"].append(
                        features.rounded({"epoch": epoch} | row, rest=3)
                    )

    def parts(self) -> list[tuple[str, Dataset, np.ndarray | None]]:
        """Return the images that are recorded, with the labels trained on where these differ."""
        changed = self.target if self.cell["regime"] != "true" else None
        return [("train", self.data.train, changed), ("test", self.data.test, None)]

    def recorded(self, model: nn.Module, data: Dataset, target: np.ndarray | None
                 ) -> sn.SpikeRaster:  # fmt: skip
        chosen = stimuli.draw(data, self.config["images"].get("recorded"), self.seed)
        raster = record(
            model, data.images[chosen], data.labels[chosen],
            training_labels=None if target is None else target[chosen],
            normalize=self.data.normalize,
            device=self.config["training"]["device"],
        )  # fmt: skip
        return features.thinned(raster, self.config["nodes_per_layer"], self.seed)

    def network(self, epoch: int, model: nn.Module, last: bool) -> Row:
        train, test = self.data.train, self.data.test
        seen = networks.scores(model, train, self.data.normalize)
        accuracy, loss = networks.judged(seen, self.target)
        test_accuracy, test_loss = networks.judged(
            networks.scores(model, test, self.data.normalize), test.labels
        )
        return {
            "epoch": epoch,
            "last": int(last),
            "n_train": len(train),
            "train_accuracy": accuracy,
            "train_accuracy_true": networks.judged(seen, train.labels)[0],
            "test_accuracy": test_accuracy,
            "train_loss": loss,
            "test_loss": test_loss,
            "weight_norm": networks.weight_norm(model),
            "counted": int(last and self.counts(accuracy, test_accuracy)),
        }

    def counts(self, accuracy: float, test_accuracy: float) -> bool:
        """Whether the network is what its regime says.

        All of them know at least 99 % of their labels. With random labels test accuracy is at
        chance, with true ones above it: chance is 3 standard errors around 1 / classes.
        """
        chance = 1 / self.data.train.n_classes
        error = math.sqrt(chance * (1 - chance) / len(self.data.test))
        at_chance = test_accuracy <= chance + 3 * error
        right = {"random": at_chance, "true": not at_chance}.get(self.cell["regime"], True)
        return accuracy >= self.config["training"]["memorised"] and right


def finish(results: Path, config: dict[str, Any]) -> None:
    """Judge the claims, and draw what they rest on."""
    from . import claims

    claims.write(results, config)
