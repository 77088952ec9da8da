"""The networks of the tables, each with its course over the epochs."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AXES = ("seed", "architecture", "control", "dataset", "regime")
PLAIN = "none"
GENERALISING, MEMORISING = "true", "random"
LAST = "last"
CURVES = (
    "train_accuracy", "test_accuracy", "train_loss", "test_loss", "weight_norm",
)  # fmt: skip
Key = tuple[str, ...]
At = str | tuple[str, float]
"""Where on a course: "first" (epoch 0), "last", ("epoch", e), or ("accuracy", a), where the
training accuracy first reaches a."""


@dataclass(frozen=True)
class Network:
    """One network: what was seen of it at its checkpoints.

    Attributes
    ----------
    stimuli : int
        Images trained on, and recorded.
    counted : bool
        Whether it became what its regime says (see `Course.counts` of run.py).
    epochs : ndarray (checkpoint,)
    curves : dict of ndarray (checkpoint,)
        Accuracies, losses, weight norm.
    features : dict of dict of ndarray (checkpoint,)
        By (images, depth), then by name; depth 0 is the whole network, -1 the last hidden layer.
    """

    seed: str
    architecture: str
    control: str
    dataset: str
    regime: str
    counted: bool
    epochs: Array
    curves: dict[str, Array]
    features: dict[tuple[str, int], dict[str, Array]]
    depths: tuple[int, ...]
    stimuli: int

    @property
    def cell(self) -> tuple[str, str]:
        return self.architecture, self.dataset

    @property
    def cluster(self) -> tuple[str, str]:
        """Networks that share their images."""
        return self.dataset, self.seed

    @property
    def dose(self) -> float:
        """Share of the labels that were drawn anew."""
        kind, _, amount = self.regime.partition(":")
        return float(amount) if amount else float(kind == MEMORISING)

    def place(self, at: At) -> float:
        """Return where on the course that is, in checkpoints; NaN where it never is."""
        if at == "first":
            return 0.0
        if at == LAST:
            return float(len(self.epochs) - 1)
        kind, value = at
        if kind == "epoch":
            found = np.flatnonzero(self.epochs == value)
            return float(found[0]) if len(found) else np.nan
        curve = self.curves["train_accuracy"]
        reached = np.flatnonzero(curve >= value)
        if not len(reached):
            return np.nan
        after = int(reached[0])
        if after == 0:
            return 0.0
        before = curve[after - 1]
        return after - 1 + float((value - before) / (curve[after] - before))

    def at(self, name: str, at: At = LAST, images: str = "train", depth: int = 0) -> float:
        """Return a feature or a curve at a place, between checkpoints on the straight line."""
        place = self.place(at)
        values = self._values(name, images, depth)
        if np.isnan(place) or values is None:
            return np.nan
        low = int(place)
        high, share = min(low + 1, len(values) - 1), place - low
        return float(
            values[low] if share == 0 else values[low] * (1 - share) + values[high] * share
        )

    def _values(self, name: str, images: str, depth: int) -> Array | None:
        if name in CURVES:
            return self.curves[name]
        if name == "epoch":
            return self.epochs
        return self.features.get((images, depth), {}).get(name)


@dataclass(frozen=True)
class Networks:
    """All networks of the tables."""

    all: tuple[Network, ...]

    @cached_property
    def _by_key(self) -> dict[Key, Network]:
        return {tuple(getattr(x, name) for name in AXES): x for x in self.all}

    def get(self, like: Network, **changes: str) -> Network | None:
        """Return the network that differs from another in these axes."""
        return self._by_key.get(
            tuple(changes.get(name, getattr(like, name)) for name in AXES)
        )  # fmt: skip

    def where(self, **wanted: str) -> list[Network]:
        """Return the networks that count, with these values of axes."""
        return [
            x for x in self.all if x.counted and all(getattr(x, k) == v for k, v in wanted.items())
        ]


def read(results: Path) -> Networks:
    """Read networks.csv and features.csv."""
    rows: dict[Key, list[dict[str, str]]] = {}
    for row in table(results / "networks.csv"):
        rows.setdefault(tuple(row[x] for x in AXES), []).append(row)
    seen: dict[Key, dict[tuple[str, int], list[dict[str, str]]]] = {}
    for row in table(results / "features.csv"):
        mine = seen.setdefault(tuple(row[x] for x in AXES), {})
        mine.setdefault((row["images"], int(row["depth"])), []).append(row)
    return Networks(tuple(network(key, mine, seen.get(key, {})) for key, mine in rows.items()))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def network(key: Key, rows: list[dict[str, str]],
            seen: dict[tuple[str, int], list[dict[str, str]]]) -> Network:  # fmt: skip
    features = {}
    for part, mine in seen.items():
        skipped = (*AXES, "epoch", "images", "layer", "depth")
        own = {name: numbers(row[name] for row in mine) for name in mine[0] if name not in skipped}
        own["dead_share"] = own["dead"] / own["n_nodes"]
        if part[0] == "train" and key[AXES.index("regime")] == GENERALISING:
            # The labels trained on are the true ones.
            for name in own:
                if "_training" in name:
                    own[name] = own[name.replace("_training", "")]
        features[part] = own
    depths = tuple(sorted({depth for _, depth in features} - {0}))
    for images in {images for images, _ in features} if depths else ():
        features[images, -1] = features[images, depths[-1]]
    return Network(
        *key,
        counted=rows[-1]["counted"] == "1",
        epochs=numbers(row["epoch"] for row in rows),
        curves={name: numbers(row[name] for row in rows) for name in CURVES},
        features=features,
        depths=depths,
        stimuli=int(rows[0]["n_train"]),
    )


def numbers(texts: Iterable[str]) -> Array:
    return np.array([float(text) if text else np.nan for text in texts])
