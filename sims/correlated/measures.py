"""How far a surrogate is from stimuli that were held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

import stochnet as sn
from stochnet.estimation.latents.pair_moments import gather

Array = np.ndarray


def some_nodes(raster: sn.SpikeRaster, nodes: Array) -> Array:
    """Spikes of some nodes, ascending: float32 (node, bin)."""
    words = gather(raster, nodes).reshape(len(nodes), raster.n_trials, -1)
    taken = replace(raster, data=words, layers=())
    return taken.to_dense().reshape(len(nodes), -1).astype(np.float32)


def without_conditions(spikes: Array, labels: Array) -> Array:
    """Spikes less the rate of their condition."""
    out = spikes.copy()
    for c in np.unique(labels):
        members = labels == c
        out[:, members] -= out[:, members].mean(axis=1, keepdims=True)
    return out


def correlations(spikes: Array, first: Array, second: Array) -> Array:
    """Correlations of pairs of rows; NaN where one does not vary."""
    centred = spikes - spikes.mean(axis=1, keepdims=True)
    size = np.sqrt((centred.astype(np.float64) ** 2).sum(axis=1))
    size[size == 0] = np.nan
    out = np.empty(len(first))
    for a in range(0, len(first), 2000):
        b = slice(a, a + 2000)
        out[b] = np.einsum("ij,ij->i", centred[first[b]], centred[second[b]])
    return out / (size[first] * size[second])


def participation(spikes: Array) -> float:
    """Participation ratio of the covariance of the bins."""
    centred = spikes - spikes.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())


def classifier(spikes: Array, labels: Array, penalty: float) -> tuple[Array, Array, Array]:
    """Ridge regression on the classes: means, weights and shares."""
    mean = spikes.mean(axis=1, keepdims=True)
    centred = spikes - mean
    wanted = np.eye(labels.max() + 1)[labels]
    share = wanted.mean(axis=0)
    gram = centred @ centred.T + penalty * centred.shape[1] * np.eye(len(spikes))
    return mean, np.linalg.solve(gram, centred @ (wanted - share)), share


def accuracy(fitted: tuple[Array, Array, Array], spikes: Array, labels: Array) -> float:
    mean, weights, share = fitted
    return float((((spikes - mean).T @ weights + share).argmax(axis=1) == labels).mean())


@dataclass(frozen=True)
class Judge:
    """Knows the held-out spikes, and the pairs and nodes that are compared."""

    fitted: sn.SpikeRaster
    held: sn.SpikeRaster
    settings: dict[str, Any]
    copies: int = 1

    def halves(self) -> list[Array]:
        """Bins of two halves of the held-out images; copies of an image stay together."""
        images = self.held.n_bins * self.held.n_trials // self.copies
        order = np.random.default_rng(self.settings["seed"]).permutation(images)
        bins = np.arange(images * self.copies).reshape(images, self.copies)
        return [bins[half].ravel() for half in np.array_split(order, 2)]

    def chosen(self) -> tuple[Array, Array, Array]:
        """Nodes of pairs (ascending), and the pairs as positions among them."""
        rng = np.random.default_rng(self.settings["seed"])
        rate, least = sn.firing_rate(self.held), self.settings["least"]
        live = np.flatnonzero((rate > least) & (rate < 1 - least))
        live = np.sort(rng.choice(live, min(len(live), 4 * self.settings["nodes"]), replace=False))
        first, second = sn.sample_pairs(len(live), self.settings["pairs"], rng=rng)
        return live, first, second

    def rates_of_data(self) -> float:
        """Rank correlation of rates by condition of two recordings (Spearman-Brown)."""
        labels = self.held.conditions.ravel()
        some = self._nodes()
        spikes = some_nodes(self.held, some)
        halves = self.halves()
        one, two = (
            np.stack([spikes[:, half[labels[half] == c]].mean(axis=1) for c in np.unique(labels)])
            for half in halves
        )
        agree = stats.spearmanr(one.ravel(), two.ravel()).statistic
        return float(2 * agree / (1 + agree))

    def pairs(self, drawn: sn.SpikeRaster) -> dict[str, float]:
        """Correlations of pairs, in total and within conditions, against two halves of the data."""
        live, first, second = self.chosen()
        labels = self.held.conditions.ravel()
        halves = self.halves()
        seen, made = some_nodes(self.held, live), some_nodes(drawn, live)
        found = {}
        for name in ("total", "noise"):
            parts = []
            for spikes, label in ((seen, labels), (made, labels),
                                  *((seen[:, half], labels[half]) for half in halves)):  # fmt: skip
                used = without_conditions(spikes, label) if name == "noise" else spikes
                parts.append(correlations(used, first, second))
            known = np.isfinite(sum(parts))
            whole, other, one, two = (part[known] for part in parts)
            floor = np.sqrt(np.mean((one - two) ** 2) / 2)
            agree = np.corrcoef(one, two)[0, 1]
            found[f"{name}_r"] = np.corrcoef(whole, other)[0, 1]
            found[f"{name}_r_of_data"] = 2 * agree / (1 + agree)
            found[f"{name}_rmse"] = np.sqrt(np.mean((whole - other) ** 2))
            found[f"{name}_floor"] = floor
        return found

    def population(self, drawn: sn.SpikeRaster) -> dict[str, float]:
        """Kolmogorov distance of the numbers of active nodes in a bin."""
        counts = [sn.population_count(one).ravel() for one in (self.held, drawn)]
        return {"population": float(stats.ks_2samp(*counts).statistic)}

    def spread(self, drawn: sn.SpikeRaster) -> dict[str, float]:
        """Ratio of participation ratios, of some nodes."""
        nodes = self._nodes()
        made, seen = (participation(some_nodes(one, nodes)) for one in (drawn, self.held))
        return {"participation": made / seen}

    def decoding(self, drawn: sn.SpikeRaster, name: str) -> dict[str, float]:
        """Accuracy on held-out spikes of a classifier that learnt from the surrogate."""
        nodes = self._nodes()
        unseen, labels = some_nodes(self.held, nodes), self.held.conditions.ravel()
        reached = [
            accuracy(
                classifier(
                    some_nodes(one, nodes), one.conditions.ravel(), self.settings["penalty"]
                ),
                unseen,
                labels,
            )
            for one in (drawn, self.fitted)
        ]
        return {f"decoding{name}": reached[0] / reached[1], "decoding_of_data": reached[1]}

    def _nodes(self) -> Array:
        rng = np.random.default_rng(self.settings["seed"])
        n = self.held.n_nodes
        return np.sort(rng.choice(n, min(n, self.settings["nodes"]), replace=False))
