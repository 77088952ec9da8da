"""How many stimuli, nodes and networks tell memorising from generalising networks?

stochnet study sims/power --scale smoke|cpu|full [-o DIR]

A cell trains one network, fits surrogates to half of a recording, and samples surrogates and the
other half alike. The networks are those of sims/memorization.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import stochnet as sn
from stochnet.errors import InvalidInputError
from stochnet.recording import record
from stochnet.recording.networks.training.train import torch_threads

from ..memorization import features, networks, stimuli
from . import samples

Row = dict[str, Any]


def cell(cell: Row, config: dict[str, Any]) -> dict[str, list[Row]]:
    """Train a network, and describe samples of its recording and of its surrogates."""
    with torch_threads(config["threads"]):
        return compared(cell, config)


def compared(cell: Row, config: dict[str, Any]) -> dict[str, list[Row]]:
    seed, training = int(cell["seed"]), config["training"]
    shown = stimuli.load(config["dataset"], config["images"]["train"], None, seed)
    model = networks.build(cell["architecture"], {}, {}, shown.train, seed)
    epochs: list[int] = []

    def look(epoch: int, network: nn.Module, last: bool) -> None:
        epochs.append(epoch)

    target = networks.fit(model, shown, cell["regime"], seed, training, 0.0, look)
    accuracy, _ = networks.judged(networks.scores(model, shown.train, shown.normalize), target)
    halves = unseen(model, shown.normalize, config, seed)
    fitted, checked = halves
    n_classes, most = fitted.n_conditions, max(config["samples"]["stimuli"])
    repeats = config["samples"]["repeats"]
    rows = samples.rows(recorded(checked, n_classes, most, repeats, seed), "recorded", config, seed)
    for source, rank in (("independent", None), ("correlated", config["samples"]["latents"])):
        bundle = sn.fit_bundle(fitted, "bernoulli", per_condition=True, correlated=rank)
        drawn = simulated(bundle, n_classes, most, repeats, seed)
        rows += samples.rows(drawn, source, config, seed)
    network = {
        "epochs": epochs[-1],
        "train_accuracy": accuracy,
        "test_accuracy": networks.judged(
            networks.scores(model, shown.test, shown.normalize), shown.test.labels
        )[0],
        "nodes_kept": fitted.n_nodes,
        "mfr_fitted": sn.firing_rate(fitted).mean(),
        "mfr_checked": sn.firing_rate(checked).mean(),
    }
    return {"networks": [network], "samples": rows}


def unseen(model: nn.Module, normalize: Any, config: dict[str, Any], seed: int
           ) -> tuple[sn.SpikeRaster, sn.SpikeRaster]:  # fmt: skip
    """Record images that no network was trained on, in two halves: to fit to, and to check by."""
    data = stimuli.whole(config["dataset"], "train")
    sizes = config["images"]
    trained_on = stimuli.draw(data, sizes["train"], seed)
    left = np.setdiff1d(np.arange(len(data)), trained_on)
    rng = np.random.default_rng([seed, 5])
    parts: list[list[np.ndarray]] = [[], []]
    for label in range(data.n_classes):
        members = rng.permutation(left[data.labels[left] == label])
        ends = np.cumsum([sizes[x] // data.n_classes for x in ("fitted", "checked")])
        if ends[-1] > len(members):
            raise InvalidInputError(
                f"{ends[-1]} unseen images of class {label} are asked for, there are "
                f"{len(members)}: lower the numbers of images in the configuration"
            )
        for part, chosen in zip(parts, np.split(members[: ends[-1]], ends[:1]), strict=True):
            part.append(chosen)
    made = []
    for part in parts:
        chosen = np.sort(np.concatenate(part))
        raster = record(model, data.images[chosen], data.labels[chosen], normalize=normalize)
        made.append(features.thinned(raster, config["nodes_per_layer"], seed))
    return made[0], made[1]


def recorded(raster: sn.SpikeRaster, n_classes: int, most: int, repeats: int, seed: int
             ) -> list[samples.Bits]:  # fmt: skip
    """Draw stimuli of a recording, as many of every class, again and again."""
    bits = raster.to_dense()[:, 0].astype(np.uint8)
    labels = raster.conditions[0]
    rng = np.random.default_rng([seed, 6])
    return [bits[:, samples.nested(labels, n_classes, most, rng)] for _ in range(repeats)]


def simulated(bundle: sn.Bundle, n_classes: int, most: int, repeats: int, seed: int
              ) -> list[samples.Bits]:  # fmt: skip
    """Simulate as many bins of every class, again and again: a trial each time."""
    order = np.repeat(np.arange(n_classes), most // n_classes)
    raster = sn.simulate(
        bundle, repeats, len(order), conditions=np.tile(order, (repeats, 1)), seed=seed, threads=1
    )
    bits = raster.to_dense().astype(np.uint8)
    return [bits[:, trial].reshape(len(bits), n_classes, -1) for trial in range(repeats)]


def finish(results: Path, config: dict[str, Any]) -> None:
    """Derive the power, and draw it."""
    from . import power, power_figures

    power.write(results, config)
    power_figures.draw(results, config)
