"""Does a resampled network keep the laws of the one it was made from?

    python sims/resampling/run.py [--smoke] [-o DIR]

Networks are trained and recorded anew; rows that are in the table already are not run again. Larger
networks are those that sims/correlated/run.py has recorded; without these they are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import tomllib
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

HERE = Path(__file__).resolve().parent
FIELDS = (
    "architecture", "seed", "layer", "law", "latents", "factor", "repeat", "n_observed", "n_nodes",
    "rate_distance", "rate_floor", "fano_distance", "fano_floor", "rate_observed", "rate",
    "fano_observed", "fano", "dead_observed", "dead", "participation_observed",
    "participation_fitted", "participation",
)  # fmt: skip


KEYS = ("law", "latents", "architecture", "layer", "n_observed", "factor")


def recording(architecture: str, seed: int, config: dict[str, Any], folder: Path) -> sn.SpikeRaster:
    """Read the recording of a network, or train and record it now."""
    made = config["recorded"]["files"].get(architecture)
    path = HERE / made if made else folder / f"{architecture}-{seed}.h5"
    if path.exists():
        return sn.read_raster(path).load()
    if made:
        raise FileNotFoundError(2, "run sims/correlated/run.py first", str(path))
    networks = config["networks"]
    images = load_dataset(networks["data"], "train")
    with torch_threads(1):
        model = build_model(architecture, images.image_shape, images.n_classes, seed=seed)
        train(
            model, images.images, images.labels, labels_mode=networks["labels"],
            epochs=networks["epochs"], seed=seed, lr=networks["learning_rate"],
            stop_at=networks["stop_at"],
        )  # fmt: skip
        raster = record(model, images.images, images.labels)
    folder.mkdir(parents=True, exist_ok=True)
    sn.write_raster(raster, path)
    return raster


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
    architecture: str, seed: int, config: dict[str, Any], folder: Path
) -> Iterator[dict[str, Any]]:
    shown, wanted = config["shown"], config["resampled"]
    observed = sn.present(
        recording(architecture, seed, config, folder), shown["schedule"],
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
                    cell = {
                        "architecture": architecture, "seed": seed, "law": law,
                        "latents": latents, "factor": factor, "repeat": repeat,
                    }  # fmt: skip
                    for row in layer_rows(simulated, known, window, most):
                        yield cell | row


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one small network")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results")
    given = parser.parse_args()
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    if given.smoke:
        for part, changes in config["smoke"].items():
            config[part] |= changes
    given.output.mkdir(parents=True, exist_ok=True)
    path = given.output / "distances.csv"
    done = set()
    if path.exists():
        with path.open(newline="", encoding="utf-8") as handle:
            done = {(row["architecture"], row["seed"]) for row in csv.DictReader(handle)}
    networks = config["networks"]
    cells = [(x, seed) for x in networks["architectures"] for seed in networks["seeds"]]
    for architecture, seed in [*cells, *((x, 1) for x in config["recorded"]["files"])]:
        if (architecture, str(seed)) in done:
            continue
        begin = time.monotonic()
        known = config | ({"resampled": config["recorded"]["resampled"]} if (architecture, seed)
                          not in cells else {})  # fmt: skip
        try:
            # A network's rows are written together, so that what stands there is whole.
            rows = list(rows_of(architecture, seed, known, given.output / "recordings"))
        except FileNotFoundError as missing:
            print(f"{architecture} left out: no {missing.filename}", file=sys.stderr)
            continue
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
            if new:
                writer.writeheader()
            for row in rows:
                numbers = {key: f"{value:.5g}" for key, value in row.items()
                           if isinstance(value, float)}  # fmt: skip
                writer.writerow(row | numbers)
        print(f"{architecture} seed {seed}: {time.monotonic() - begin:.0f} s",
              file=sys.stderr, flush=True)  # fmt: skip
    (given.output / "table.md").write_text("\n".join(summary(path)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
