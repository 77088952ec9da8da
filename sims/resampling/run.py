"""Does a resampled network keep the laws of the one it was made from?

stochnet study sims/resampling --scale smoke|full

A cell trains and records one network; the larger ones are recorded as in sims/correlated.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import stochnet as sn
from stochnet.bundle.populations.margin import kolmogorov_floor
from stochnet.bundle.populations.population import kolmogorov_distance
from stochnet.recording import build_model, load_dataset, record, train
from stochnet.recording.networks.training.train import torch_threads

from ..correlated.recordings import recordings

KEYS = ("law", "latents", "architecture", "layer", "n_observed", "factor")


def cells(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the networks: those that are trained on all seeds, and the larger ones."""
    grid = config["grid"]
    small = itertools.product(grid["architecture"], grid["seed"])
    larger = ((network["name"], 1) for network in config["larger"]["network"])
    return [{"architecture": name, "seed": seed} for name, seed in (*small, *larger)]


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Record a network, resample it, and compare the laws of its nodes."""
    name, seed = cell["architecture"], cell["seed"]
    larger = {one["name"]: one for one in config["larger"]["network"]}
    with torch_threads(1):
        made = recordings(larger[name])[0] if name in larger else recording(name, seed, config)
    wanted = config["larger" if name in larger else "small"]
    return {"distances": list(rows_of(made, seed, config["shown"], wanted))}


def recording(architecture: str, seed: int, config: dict[str, Any]) -> sn.SpikeRaster:
    """Train a network and record it."""
    networks = config["networks"]
    images = load_dataset(networks["data"], "train")
    model = build_model(architecture, images.image_shape, images.n_classes, seed=seed)
    train(
        model, images.images, images.labels, labels_mode=networks["labels"],
        epochs=networks["epochs"], seed=seed, lr=networks["learning_rate"],
        stop_at=networks["stop_at"],
    )  # fmt: skip
    return record(model, images.images, images.labels)


def participation(raster: sn.SpikeRaster, layer: sn.Layer, n: int, most: int) -> float:
    """Participation ratio, per node, of the bins of n nodes of a layer.

    (tr C)² / tr(C²) grows with the number of nodes, and not in proportion as soon as nodes are
    correlated. So it is that of n nodes, whatever the size of the layer: from the means, over nodes
    and over pairs of them, of variances and of squared covariances.
    """
    step = max(1, -(-layer.n_nodes // most))
    rows = np.arange(layer.first, layer.first + layer.n_nodes, step)
    chosen = replace(raster, data=raster.data[rows], layers=())
    dense = chosen.to_dense().reshape(len(rows), -1).astype(np.float32)
    dense -= dense.mean(axis=1, keepdims=True)
    covariance = (dense @ dense.T).astype(np.float64) / dense.shape[1]
    variance = np.diag(covariance)
    own = float(np.mean(variance**2))
    pairs = (float((covariance**2).sum()) - len(rows) * own) / (len(rows) * (len(rows) - 1))
    return float(variance.mean() ** 2 / (own + (n - 1) * pairs))


def rows_of(
    recording: sn.SpikeRaster, seed: int, shown: dict[str, Any], wanted: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield one row a layer of every resampled network."""
    observed = sn.present(
        recording, shown["schedule"],
        n_trials=shown["n_trials"], n_bins=shown["n_bins"], seed=shown["seed"],
    )  # fmt: skip
    for latents in wanted["latents"]:
        bundle = sn.fit_bundle(
            observed, "bernoulli", per_condition=True, correlated=latents or None
        )
        fitted, most, window = sn.simulate(bundle, seed=seed), wanted["most_nodes"], shown["window"]
        rates, fanos = sn.firing_rate(observed), sn.fano_factor(observed, window)
        known = {
            layer.name: Before(
                layer.n_nodes,
                rates[layer.nodes],
                fanos[layer.nodes],
                participation(observed, layer, layer.n_nodes, most),
                participation(fitted, layer, layer.n_nodes, most),
            )
            for layer in observed.layers
        }
        for law in wanted["laws"]:
            for factor in wanted["factors"]:
                sizes = [max(1, round(layer.n_nodes * factor)) for layer in observed.layers]
                for repeat in range(wanted["repeats"]):
                    network = bundle.resample(sizes, rng=1000 * seed + repeat, law=law)
                    simulated = sn.simulate(network, seed=repeat)
                    made = {"law": law, "latents": latents, "factor": factor, "repeat": repeat}
                    for row in layer_rows(simulated, known, window, most):
                        yield {"layer": row["layer"]} | made | row


@dataclass(frozen=True)
class Before:
    """A layer as it was recorded, and its participation ratios: recorded, and fitted."""

    n_nodes: int
    rates: np.ndarray
    fanos: np.ndarray
    observed: float
    fitted: float


def layer_rows(
    simulated: sn.SpikeRaster, known: dict[str, Before], window: int, most: int
) -> Iterator[dict[str, Any]]:
    rates, fanos = sn.firing_rate(simulated), sn.fano_factor(simulated, window)
    for layer in simulated.layers:
        before = known[layer.name]
        new, new_spread = rates[layer.nodes], fanos[layer.nodes]
        alive, new_alive = ~np.isnan(before.fanos), ~np.isnan(new_spread)
        old_fanos, new_fanos = before.fanos[alive], new_spread[new_alive]
        yield {
            "layer": layer.name,
            "n_observed": before.n_nodes,
            "n_nodes": layer.n_nodes,
            "rate_distance": kolmogorov_distance(before.rates, new),
            "rate_floor": kolmogorov_floor(len(before.rates), len(new)),
            "fano_distance": kolmogorov_distance(old_fanos, new_fanos),
            "fano_floor": kolmogorov_floor(len(old_fanos), len(new_fanos)),
            "rate_observed": before.rates.mean(),
            "rate": new.mean(),
            "fano_observed": old_fanos.mean(),
            "fano": new_fanos.mean(),
            "dead_observed": np.mean(before.rates == 0),
            "dead": np.mean(new == 0),
            "participation_observed": before.observed,
            "participation_fitted": before.fitted,
            "participation": participation(simulated, layer, before.n_nodes, most),
        }


def summary(path: Path) -> Iterator[str]:
    """Yield the table of the README: distances in units of the floor, over networks and repeats."""
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        key = tuple(row[x] for x in KEYS)
        groups.setdefault(key, []).append(row)
    yield (
        "| law | latents | network | layer | nodes | size | rate | within | Fano | within | dead | "
        "MFF | participation | of the fitted |"
    )
    yield "|" + "---|" * 14
    for key, part in groups.items():

        def values(name: str, part: list[dict[str, str]] = part) -> np.ndarray:
            return np.array([float(row[name]) for row in part])

        cells = [*key[:5], f"× {float(key[5]):g}"]
        for name in ("rate", "fano"):
            ratio = values(f"{name}_distance") / values(f"{name}_floor")
            cells += [f"{ratio.mean():.2f}", f"{np.sum(ratio <= 1)} of {len(ratio)}"]
        cells.append(f"{values('dead').mean() - values('dead_observed').mean():+.3f}")
        cells.append(f"{(values('fano') / values('fano_observed')).mean():.2f}")
        for base in ("observed", "fitted"):
            ratio = values("participation") / values(f"participation_{base}")
            cells.append(f"{ratio.mean():.2f} ± {ratio.std(ddof=min(1, len(ratio) - 1)):.2f}")
        yield "| " + " | ".join(cells) + " |"


def finish(results: Path, config: dict[str, Any]) -> None:
    """Write the table of the README."""
    text = "\n".join(summary(results / "distances.csv")) + "\n"
    (results / "table.md").write_text(text, encoding="utf-8")
