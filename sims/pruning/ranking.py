"""Orders in which units are removed: by the statistics of their spikes, by weights, by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

import stochnet as sn
from stochnet.recording import record

from .units import Hidden, magnitude, responses

Order = list[np.ndarray]
"""Units of each layer, the first to be removed first."""

Scores = dict[str, list[np.ndarray]]
"""Per criterion and layer one number a unit; units of the lowest are removed first."""


def thinned(raster: sn.SpikeRaster, positions: int) -> tuple[sn.SpikeRaster, list[np.ndarray]]:
    """Keep some positions of each channel; return them with the unit of each node, per layer."""
    rows, units, layers, first = [], [], [], 0
    for layer in raster.layers:
        n_units = layer.shape[0]
        places = layer.n_nodes // n_units
        edges = np.linspace(0, places, min(positions, places) + 1)
        chosen = ((edges[1:] + edges[:-1]) / 2).astype(np.int64)
        nodes = layer.first + np.arange(n_units)[:, None] * places + chosen
        units.append(np.repeat(np.arange(n_units), len(chosen)))
        layers.append(sn.Layer(layer.name, layer.kind, (nodes.size,), first, nodes.size))
        rows.append(nodes.ravel())
        first += nodes.size
    held = raster.load()
    return replace(held, data=held.data[np.concatenate(rows)], layers=tuple(layers)), units


def selectivity(raster: sn.SpikeRaster) -> np.ndarray:
    """Selectivity index of Morcos et al. (2018): (best − mean of others) / (best + mean of others).

    Of the rates by class; NaN for dead nodes.
    """
    rates = sn.rate_by_condition(raster)
    best = rates.max(1)
    others = (rates.sum(1) - best) / (rates.shape[1] - 1)
    with np.errstate(invalid="ignore"):
        return (best - others) / (best + others)


def survivors(loadings: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Order units so that each is the one that those still there predict best.

    Under the latent model a node is λ·z + noise of variance d = 1 − |λ|². The share of a node's
    variance that the other nodes explain is 1 − 1/q, with q its diagonal element of the inverse
    covariance, by Woodbury from M = 1 + Σ λλᵀ/d. A unit of several nodes has their mean.
    """
    noise = 1 - (loadings**2).sum(1)
    core = np.eye(loadings.shape[1]) + (loadings / noise[:, None]).T @ loadings
    n_units = unit.max() + 1
    left, order = np.ones(n_units, bool), []
    for _ in range(n_units):
        explained = np.einsum("ij,jk,ik->i", loadings, np.linalg.inv(core), loadings)
        shared = 1 - 1 / (1 / noise - explained / noise**2)
        score = np.bincount(unit, shared, n_units) / np.bincount(unit, minlength=n_units)
        order.append(int(np.where(left, score, -np.inf).argmax()))
        left[order[-1]] = False
        gone = unit == order[-1]
        core -= (loadings[gone] / noise[gone, None]).T @ loadings[gone]
    place = np.empty(n_units)
    place[order] = np.arange(n_units)
    return place


def pooled(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Mean over the nodes of a unit that have a value; NaN where none has."""
    known = np.isfinite(values)
    total = np.bincount(unit[known], values[known], unit.max() + 1)
    number = np.bincount(unit[known], minlength=unit.max() + 1)
    return np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)


def from_spikes(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, settings: dict[str, Any], seed: int
) -> Scores:
    """Score units by their spikes: ascending rate, Fano factor, selectivity, redundancy."""
    raster, units = thinned(record(model, images, labels), settings["positions"])
    shown = sn.present(
        raster, "blocked", n_trials=settings["n_trials"], n_bins=settings["n_bins"], seed=seed
    )
    loadings = np.zeros((raster.n_nodes, 1))
    latents = sn.fit_bundle(raster, "bernoulli", correlated=settings["rank"]).latents
    if latents is not None:
        loadings = latents.loadings
    node = {
        "rate": sn.firing_rate(raster),
        "fano": sn.fano_factor(shown, settings["n_bins"]),
        "selectivity": selectivity(raster),
        "redundancy": (loadings**2).sum(1),
    }
    scores: Scores = {name: [] for name in (*node, "greedy")}
    for layer, unit in zip(raster.layers, units, strict=True):
        for name, values in node.items():
            scores[name].append(pooled(values[layer.nodes], unit))
        scores["greedy"].append(survivors(loadings[layer.nodes], unit))
    return scores


def ordered(scores: np.ndarray, dead: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Order units by score, lowest first; dead ones before all, those without a score next.

    Equal ones are put in random order.
    """
    filled = np.where(np.isfinite(scores), scores, -np.inf)
    return np.lexsort((rng.random(len(filled)), filled, ~dead))


def orders(
    model: nn.Module,
    layers: Sequence[Hidden],
    images: np.ndarray,
    inputs: torch.Tensor,
    labels: np.ndarray,
    settings: dict[str, Any],
    seed: int,
) -> tuple[dict[str, list[Order]], Scores]:
    """Orders of removal by criterion, one or several draws of each, and the scores behind them."""
    rng = np.random.default_rng([seed, 2])
    spikes = from_spikes(model, images, labels, settings, seed)
    dead = [rate == 0 for rate in spikes["rate"]]
    mean, taylor = responses(model, layers, inputs, torch.from_numpy(labels))
    weights: Scores = {
        "magnitude": [magnitude(layer, 1) for layer in layers],
        "magnitude_l2": [magnitude(layer, 2) for layer in layers],
        "activation": mean,
        "taylor": taylor,
    }

    def sort(scores: list[np.ndarray], sign: int, silent: list[np.ndarray]) -> Order:
        return [ordered(sign * s, d, rng) for s, d in zip(scores, silent, strict=True)]

    found: dict[str, list[Order]] = {}
    for name in ("rate", "fano", "selectivity", "redundancy"):
        found[f"{name}_low"] = [sort(spikes[name], 1, dead)]
        found[f"{name}_high"] = [sort(spikes[name], -1, dead)]
    found["redundancy_greedy"] = [sort(spikes["greedy"], 1, dead)]
    # What weights cannot tell they are not told: dead units come first for spikes only.
    nobody = [np.zeros_like(d) for d in dead]
    for name, scores in weights.items():
        found[name] = [sort(scores, 1, nobody)]
    for name, silent in (("random", nobody), ("random_dead_first", dead)):
        equal = [np.zeros(len(d)) for d in dead]
        found[name] = [sort(equal, 1, silent) for _ in range(settings["draws"])]
    return found, spikes | weights
