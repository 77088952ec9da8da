"""Do statistics on target images tell which source network, cut where, transfers best?

stochnet study sims/transfer --scale smoke|cpu|full
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import stochnet as sn
from stochnet.recording import Dataset, build_model, draw_labels, record, train
from stochnet.recording.networks.inputs.images import prepare

from ..memorization.stimuli import whole
from .cutting import Cut, cuts, log_evidence, nearest_mean, shown, with_head, with_tail
from .figures import draw
from .ranks import correlate, read, regret
from .tables import write_tables

Tensors = tuple[torch.Tensor, torch.Tensor]


def task(name: str, split: str, classes: list[int], n: int, rng: np.random.Generator) -> Dataset:
    """Draw images of some classes, alike many of each; the classes are numbered from 0."""
    data = whole(name, split)
    chosen = [
        rng.permutation(np.flatnonzero(data.labels == label))[: n // len(classes)]
        for label in classes
    ]
    index = rng.permutation(np.concatenate(chosen))
    names = tuple(data.classes[label] for label in classes)
    labels = np.searchsorted(classes, data.labels[index])
    return replace(data, images=data.images[index], labels=labels, classes=names)


def tensors(data: Dataset) -> Tensors:
    images = prepare(data.images).batch(0, len(data), torch.device("cpu"), torch.float32)
    return images, torch.from_numpy(data.labels)


def trained(
    cell: dict[str, Any], config: dict[str, Any]
) -> tuple[nn.Sequential, Dataset, dict[str, Any]]:
    """Train a network on its source task; return it, its images, and what it came to."""
    settings = config["training"] | config["sources"][cell["source"]]
    rng = np.random.default_rng([cell["seed"], 1])
    classes = config["classes"]["source"]
    data = task(settings["data"], "train", classes, settings["limit"], rng)
    unseen = task(settings["data"], "test", classes, settings["n_test"], rng)
    n_classes = data.n_classes
    model = build_model(cell["architecture"], data.image_shape, n_classes, seed=cell["seed"])
    labels = draw_labels(data.labels, settings["labels"], n_classes, cell["seed"])
    epochs = 0
    if settings["epochs"]:
        done = train(
            model, data.images, labels, epochs=settings["epochs"], seed=cell["seed"],
            lr=settings["learning_rate"], stop_at=settings["stop_at"], n_classes=n_classes,
        )  # fmt: skip
        epochs = done.history[-1].epoch
    model.eval()
    images, true = tensors(unseen)
    learnt = tensors(replace(data, labels=labels))
    with torch.no_grad():
        scores, known = model(images), model(learnt[0])
    facts = {
        "epochs": epochs,
        "source_accuracy": float((scores.argmax(1) == true).double().mean()),
        "source_loss": float(nn.functional.cross_entropy(scores, true)),
        "source_training_accuracy": float((known.argmax(1) == learnt[1]).double().mean()),
    }
    return model, data, facts


def statistics(
    model: nn.Module, data: Dataset, source: Dataset, settings: dict[str, int], seed: int
) -> dict[str, dict[str, float | None]]:
    """Statistics of the spikes on target images, by layer; dead nodes are in the rates only."""
    raster = record(model, data.images, data.labels)
    before = sn.firing_rate(record(model, source.images[: len(data)]))
    blocked = sn.present(
        raster, "blocked", n_trials=settings["n_trials"], n_bins=settings["n_bins"], seed=seed
    )
    rate, fano = sn.firing_rate(raster), sn.fano_factor(blocked, settings["window"])
    by_class = sn.rate_by_condition(raster)
    best = by_class.max(1)
    others = (by_class.sum(1) - best) / (by_class.shape[1] - 1)
    with np.errstate(invalid="ignore"):
        selective = (best - others) / (best + others)
        tuned = by_class.var(1) / (rate * (1 - rate))
    found = {}
    for layer in raster.layers:
        of = layer.nodes
        spikes = raster.to_dense()[of, 0].astype(np.float64)
        # The covariances of images have the same eigenvalues as those of nodes, and are fewer.
        centred = spikes - spikes.mean(1, keepdims=True)
        gram = centred.T @ centred
        spread = float((gram**2).sum())
        found[layer.name] = {
            "mfr": float(rate[of].mean()),
            "var_rate": float(rate[of].var()),
            "dead": float((rate[of] == 0).mean()),
            "saturated": float((rate[of] == 1).mean()),
            "mff": _mean(fano[of]),
            "selectivity": _mean(selective[of]),
            "class_share": _mean(tuned[of]),
            "participation": float(np.trace(gram) ** 2 / spread) if spread else 0.0,
            "rate_shift": float(np.abs(rate[of] - before[of]).mean()),
        }
    return found


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def controls(
    cell: dict[str, Any], few: Dataset, unseen: Dataset, settings: dict[str, Any]
) -> dict[str, float]:
    """What the target images give without any source: by their pixels, and trained from scratch."""
    known, rest = tensors(few), tensors(unseen)
    fresh = build_model(cell["architecture"], few.image_shape, few.n_classes, seed=cell["seed"])
    alone = Cut("", 0, nn.Sequential(), fresh)
    return {
        "pixels": with_head(known, rest, few.n_classes, settings["ridge"]),
        "scratch": with_tail(alone, known, rest, few.n_classes, settings, cell["seed"]),
    }


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    model, source, facts = trained(cell, config)
    seed, settings = cell["seed"], config["transfer"]
    classes = config["classes"]["target"]
    pairs, alone = [], []
    for number, (target, about) in enumerate(config["targets"].items()):
        # Every source of a seed is transferred to the same images.
        rng = np.random.default_rng([seed, 2, number])
        few = task(about["data"], "train", classes, settings["limit"], rng)
        unseen = task(about["data"], "test", classes, settings["n_test"], rng)
        if not facts["epochs"]:
            alone.append({"target": target, **controls(cell, few, unseen, settings)})
        spikes = statistics(model, few, source, config["statistics"], seed)
        for cut in cuts(model):
            known, rest = (
                (shown(cut.front, images), labels)
                for images, labels in (tensors(few), tensors(unseen))
            )
            flat = known[0].flatten(1).double().numpy()
            pairs.append(
                {
                    "target": target,
                    "cut": cut.depth,
                    "head": with_head(known, rest, len(classes), settings["ridge"]),
                    "tail": with_tail(cut, known, rest, len(classes), settings, seed),
                    **spikes[cut.layer],
                    "source_accuracy": facts["source_accuracy"],
                    "source_loss": facts["source_loss"],
                    "log_evidence": log_evidence(flat, few.labels),
                    "nearest_mean": nearest_mean(flat, few.labels),
                }
            )
    return {"sources": [facts], "pairs": pairs} | ({"controls": alone} if alone else {})


def finish(results: Path, config: dict[str, Any]) -> None:
    pairs = read(results)
    ranks = correlate(results, pairs)
    draw(results, pairs, ranks)
    write_tables(results, ranks, regret(results, pairs, ranks))
