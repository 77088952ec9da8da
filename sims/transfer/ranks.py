"""Rank correlations of predictors with transfer accuracy, and what a choice by them costs."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

RESAMPLES, LEVEL = 10_000, 0.95
STATISTICS = (
    "mfr", "var_rate", "dead", "saturated", "mff", "selectivity", "class_share", "participation",
    "rate_shift",
)  # fmt: skip
BASELINES = ("source_accuracy", "source_loss", "depth", "log_evidence", "nearest_mean")
OUTCOMES = ("tail", "head")
QUESTIONS = ("all pairs", "which source", "which cut")
Rows = list[dict[str, Any]]


def read(results: Path) -> Rows:
    """Pairs of a source and a cut; the depth of the cut is a predictor too."""
    with (results / "pairs.csv").open(newline="", encoding="utf-8") as handle:
        rows: Rows = []
        for row in csv.DictReader(handle):
            numbers = (*OUTCOMES, *STATISTICS, *BASELINES)
            read_as = {**row, "depth": row["cut"]}
            rows.append(read_as | {k: float(read_as[k] or "nan") for k in numbers})
    return rows


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation over pairs that have both; NaN if one of the two does not vary."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3:
        return float("nan")
    ranks = [rankdata(part[known]) for part in (x, y)]
    if any(np.ptp(part) == 0 for part in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def groups(rows: Rows, *names: str) -> dict[tuple[str, ...], Rows]:
    found: dict[tuple[str, ...], Rows] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return found


def asked(rows: Rows, question: str) -> list[Rows]:
    """Sets within which is ranked: all pairs, the sources of a cut, or the cuts of a source."""
    if question == "all pairs":
        return [rows]
    return list(groups(rows, "cut" if question == "which source" else "source").values())


def column(rows: Rows, name: str) -> np.ndarray:
    return np.array([row[name] for row in rows])


def interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over seeds."""
    drawn = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def mean_known(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def correlate(results: Path, rows: Rows) -> Rows:
    """Write ranks.csv: the rank correlation of every predictor, within a seed, averaged over seeds.

    Where sources of one cut, or cuts of one source, are ranked, the correlation is the mean over
    cuts or sources. Source accuracy does not tell cuts apart, and depth no sources.
    """
    rng = np.random.default_rng(1)
    found: Rows = []
    for (target, architecture), group in groups(rows, "target", "architecture").items():
        seeds = groups(group, "seed")
        for outcome in OUTCOMES:
            for question in QUESTIONS:
                for name in (*STATISTICS, *BASELINES):
                    by_seed = np.array([
                        mean_known(
                            spearman(column(one, name), column(one, outcome))
                            for one in asked(mine, question)
                        )
                        for mine in seeds.values()
                    ])  # fmt: skip
                    by_seed = by_seed[np.isfinite(by_seed)]
                    if not len(by_seed):
                        continue
                    low, high = interval(by_seed, rng)
                    found.append({
                        "target": target, "architecture": architecture, "outcome": outcome,
                        "question": question, "predictor": name, "pairs": len(group) // len(seeds),
                        "seeds": len(by_seed), "rho": float(by_seed.mean()),
                        "low": low, "high": high,
                    })  # fmt: skip
    write(results / "ranks.csv", found)
    return found


def regret(results: Path, rows: Rows, ranks: Rows) -> Rows:
    """Write regrets.csv: accuracy lost by taking the pair that a predictor ranks first.

    Whether high or low is good is learnt from the other targets of the architecture, so that no
    target is used twice; equal ones share the choice. "chance" takes any pair.
    """
    signs = {
        (r["target"], r["architecture"], r["outcome"], r["predictor"]): r["rho"]
        for r in ranks if r["question"] == "all pairs"
    }  # fmt: skip
    targets = list(dict.fromkeys(row["target"] for row in rows))
    rng = np.random.default_rng(2)
    found: Rows = []
    for (target, architecture), group in groups(rows, "target", "architecture").items():
        for outcome in OUTCOMES:
            for name in ("chance", *STATISTICS, *BASELINES):
                known = mean_known(
                    signs.get((other, architecture, outcome, name), float("nan"))
                    for other in targets if other != target
                )  # fmt: skip
                if name != "chance" and not np.isfinite(known):
                    continue
                lost = np.array([
                    _lost(mine, outcome, name, known) for mine in groups(group, "seed").values()
                ])  # fmt: skip
                low, high = interval(lost, rng)
                found.append({
                    "target": target, "architecture": architecture, "outcome": outcome,
                    "predictor": name, "seeds": len(lost), "lost": float(lost.mean()),
                    "low": low, "high": high,
                })  # fmt: skip
    write(results / "regrets.csv", found)
    return found


def _lost(rows: Rows, outcome: str, name: str, sign: float) -> float:
    gained = column(rows, outcome)
    if name == "chance":
        return float(gained.max() - gained.mean())
    value = column(rows, name) * np.sign(sign)
    return float(gained.max() - gained[value == np.nanmax(value)].mean())


def write(path: Path, rows: Rows) -> None:
    if not rows:
        return
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
