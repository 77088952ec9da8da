"""Which assumptions of the Poisson model do nodes of real networks keep?

stochnet study sims/assumptions --scale smoke|full

A cell trains and records one network, and tests its nodes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.recording import build_model, load_dataset, record, train
from stochnet.recording.networks.training.train import torch_threads


def cells(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the networks: all of an architecture, seed by seed."""
    grid = config["grid"]
    return [
        {"architecture": architecture, "regime": regime, "seed": seed}
        for architecture, seed, regime in itertools.product(
            grid["architecture"], grid["seed"], grid["regime"]
        )
    ]


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Train and record a network, show its stimuli in every order, and test its nodes."""
    with torch_threads(1):
        one = subject(cell, config)
    return {"nodes": rows_of(one, config)}


@dataclass(frozen=True)
class Subject:
    """A recorded network: thinned layers, every training image once."""

    regime: str
    facts: dict[str, Any]
    recording: sn.SpikeRaster


def thinned(raster: sn.SpikeRaster, most: int) -> sn.SpikeRaster:
    """Keep at most so many nodes of every layer, evenly spaced."""
    rows, layers = [], []
    for layer in raster.layers:
        step = max(1, -(-layer.n_nodes // most))
        chosen = np.arange(layer.first, layer.first + layer.n_nodes, step)
        layers.append(sn.Layer(layer.name, layer.kind, (len(chosen),), len_of(rows), len(chosen)))
        rows.append(chosen)
    held = raster.load()
    return replace(held, data=held.data[np.concatenate(rows)], layers=tuple(layers))


def len_of(rows: list[np.ndarray]) -> int:
    return sum(map(len, rows))


def subject(cell: dict[str, Any], config: dict[str, Any]) -> Subject:
    """Train a network as its regime says, and record it on the training images."""
    networks = config["networks"]
    architecture, regime, seed = cell["architecture"], cell["regime"], cell["seed"]
    images = load_dataset(networks["data"], "train").first(networks.get("limit"))
    unseen = load_dataset(networks["data"], "test")
    model = build_model(architecture, images.image_shape, images.n_classes, seed=seed)
    done = None
    if regime != "initial":
        done = train(
            model, images.images, images.labels, labels_mode=regime, epochs=networks["epochs"],
            seed=seed, lr=networks["learning_rate"], stop_at=networks["stop_at"],
            test=(unseen.images, unseen.labels),
        )  # fmt: skip
    raster = record(
        model, images.images, images.labels,
        training_labels=done.training_labels if done and regime == "random" else None,
    )  # fmt: skip
    last = done.history[-1] if done else None
    facts = {
        "epochs": last.epoch if last else 0,
        "train_accuracy": last.train_accuracy if last else None,
        "test_accuracy": last.test_accuracy if last else None,
    }
    return Subject(regime, facts, thinned(raster, config["tests"]["nodes_per_layer"]))


def shown(one: Subject, config: dict[str, Any]) -> list[tuple[str, str, sn.SpikeRaster]]:
    """Present a recording by every schedule; random labels also block by what was learnt."""
    size = {key: config["shown"][key] for key in ("n_trials", "n_bins", "seed")}
    found = []
    for schedule in config["shown"]["schedules"]:
        ways = ["label"]
        if schedule != "shuffled" and one.regime == "random":
            ways.append("training-label")
        found += [(schedule, by, sn.present(one.recording, schedule, by=by, **size)) for by in ways]
    return found


def rows_of(one: Subject, config: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for schedule, by, raster in shown(one, config):
        result = sn.assess(
            raster,
            config["shown"]["windows"],
            level=config["tests"]["level"],
            n_surrogates=config["tests"]["surrogates"],
            seed=config["shown"]["seed"],
        )
        facts = {**one.facts, "schedule": schedule, "by": by}
        rows += [facts | row for row in result.table()]
    return rows


def finish(results: Path, config: dict[str, Any]) -> None:
    """Draw the share of nodes that pass, and write it as a table."""
    from . import figure

    figure.write(results)
