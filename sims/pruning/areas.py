"""Areas under curves of accuracy against the share removed, and their differences."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

RESAMPLES, LEVEL = 10_000, 0.95
COLUMN = "removed "
Key = tuple[str, ...]
KEY = ("network", "regime", "measure", "method", "ranked_on", "criterion")
Curves = dict[Key, dict[str, tuple[np.ndarray, np.ndarray]]]


def read(results: Path) -> Curves:
    """Curves by key and seed: shares removed, and the accuracy at each."""
    found: Curves = defaultdict(dict)
    with (results / "curves.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            points = [
                (float(name.removeprefix(COLUMN)), float(value))
                for name, value in row.items()
                if name.startswith(COLUMN) and value
            ]
            shares, accuracies = np.array(sorted(points)).T
            # Before the first retrained share there is no retraining to compare.
            start = 1 if row["method"] == "retrained" else 0
            key = tuple(row[name] for name in KEY)
            found[key][row["seed"]] = shares[start:], accuracies[start:]
    return found


def area(shares: np.ndarray, accuracies: np.ndarray) -> float:
    """Mean accuracy over the shares removed, by the trapezium rule."""
    if len(shares) == 1:
        return float(accuracies[0])
    return float(np.trapezoid(accuracies, shares) / (shares[-1] - shares[0]))


def interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over seeds."""
    drawn = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def compare(results: Path) -> list[dict[str, Any]]:
    """Write areas.csv: areas, and paired differences to chance, magnitude and initialisation."""
    areas = {
        key: {seed: area(*curve) for seed, curve in by_seed.items()}
        for key, by_seed in read(results).items()
    }
    rng = np.random.default_rng(1)
    rows = []
    for key, mine in areas.items():
        values = np.array(list(mine.values()))
        low, high = interval(values, rng)
        row = dict(zip(KEY, key, strict=True))
        row |= {"networks": len(values), "area": values.mean(), "low": low, "high": high}
        *common, _, criterion = key
        for name, other in (
            ("random", (*common, "trained", "random")),
            ("magnitude", (*common, "trained", "magnitude")),
            ("initial", (*common, "initial", criterion)),
        ):
            row |= _difference(name, mine, areas.get(other) if other != key else None, rng)
        rows.append(row)
    with (results / "areas.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
    return rows


def _difference(
    name: str,
    mine: dict[str, float],
    other: dict[str, float] | None,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Mean difference to another criterion on the same networks, and on how many it is above 0."""
    names = (f"minus_{name}", f"minus_{name}_low", f"minus_{name}_high", f"above_{name}")
    if other is None:
        return dict.fromkeys(names, "")
    gaps = np.array([mine[seed] - other[seed] for seed in mine])
    return dict(
        zip(names, (float(gaps.mean()), *interval(gaps, rng), int((gaps > 0).sum())), strict=True)
    )
