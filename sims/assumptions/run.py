"""Which assumptions of the Poisson model do nodes of real networks keep?

    python sims/assumptions/run.py [--smoke] [-o DIR]

Networks are trained and recorded anew; rows that are in the table already are not run again.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.recording import build_model, load_dataset, record, train
from stochnet.recording.networks.training.train import torch_threads

HERE = Path(__file__).resolve().parent
FIELDS = (
    "architecture", "regime", "seed", "epochs", "train_accuracy", "test_accuracy", "schedule", "by",
    "layer", "test", "window", "n_nodes", "testable", "passed", "fraction", "effect", "median",
    "low", "high",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A recorded network: thinned layers, every training image once."""

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


def subject(architecture: str, regime: str, seed: int, config: dict[str, Any]) -> Subject:
    """Train a network as its regime says, and record it on the training images."""
    networks = config["networks"]
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
        "architecture": architecture,
        "regime": regime,
        "seed": seed,
        "epochs": last.epoch if last else 0,
        "train_accuracy": last.train_accuracy if last else None,
        "test_accuracy": last.test_accuracy if last else None,
    }
    small = thinned(raster, config["tests"]["nodes_per_layer"])
    return Subject(facts, replace(small, provenance={**small.provenance, "study": facts}))


def recorded(
    architecture: str, regime: str, seed: int, config: dict[str, Any], folder: Path
) -> Subject:
    """Read the recording of a network, or train and record it now."""
    path = folder / f"{architecture}-{regime}-{seed}.h5"
    if path.exists():
        raster = sn.read_raster(path).load()
        return Subject(dict(raster.provenance["study"]), raster)
    with torch_threads(1):
        one = subject(architecture, regime, seed, config)
    folder.mkdir(parents=True, exist_ok=True)
    sn.write_raster(one.recording, path)
    return one


def shown(one: Subject, config: dict[str, Any]) -> list[tuple[str, str, sn.SpikeRaster]]:
    """Present a recording by every schedule; random labels also block by what was learnt."""
    size = {key: config["shown"][key] for key in ("n_trials", "n_bins", "seed")}
    found = []
    for schedule in config["shown"]["schedules"]:
        ways = ["label"]
        if schedule != "shuffled" and one.facts["regime"] == "random":
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one small network")
    parser.add_argument("--record-only", action="store_true", help="train and record, no tests")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results")
    given = parser.parse_args()
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    if given.smoke:
        for part, changes in config["smoke"].items():
            config[part] |= changes
    given.output.mkdir(parents=True, exist_ok=True)
    path = given.output / "nodes.csv"
    done = set()
    if path.exists():
        with path.open(newline="", encoding="utf-8") as handle:
            done = {(r["architecture"], r["regime"], r["seed"]) for r in csv.DictReader(handle)}
    networks = config["networks"]
    grid = [
        (architecture, regime, seed)
        for architecture in networks["architectures"]
        for seed in networks["seeds"]
        for regime in networks["regimes"]
    ]
    for architecture, regime, seed in grid:
        if (architecture, regime, str(seed)) in done:
            continue
        begin = time.monotonic()
        one = recorded(architecture, regime, seed, config, given.output / "recordings")
        if given.record_only:
            continue
        rows = rows_of(one, config)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, FIELDS, extrasaction="ignore", lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerows(rows)
        print(f"{architecture} {regime} seed {seed}: {time.monotonic() - begin:.0f} s",
              file=sys.stderr, flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
