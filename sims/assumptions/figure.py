"""The figure passing.png and the table passing.md, from nodes.csv."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

TESTS = (
    ("dispersion", "10", "dispersion\nW=10"),
    ("dispersion", "50", "dispersion\nW=50"),
    ("goodness_of_fit", "10", "goodness of\nfit W=10"),
    ("autocorrelation", "10", "autocorr.\nW=10"),
    ("runs", "", "runs"),
    ("gaps", "", "gap law"),
    ("linearity", "", "linearity"),
    ("stationarity", "", "stationarity"),
    ("all tests", "", "all tests"),
)
REGIMES = (("initial", "not trained"), ("true", "true labels"), ("random", "random labels"))
SHOWN = (
    ("shuffled", "label", "shuffled"),
    ("blocked", "label", "blocked by true label"),
    ("blocked", "training-label", "blocked by learnt label"),
)


def pooled(results: Path) -> dict[tuple[str, ...], tuple[int, int, float]]:
    """Add up passing and testable nodes over seeds: {key: (passed, testable, mean median)}."""
    found: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    with (results / "nodes.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["layer"] == "network":
                key = ("architecture", "regime", "schedule", "by", "test", "window")
                found[tuple(row[name] for name in key)].append(row)
    return {
        key: (
            sum(int(row["passed"]) for row in rows),
            sum(int(row["testable"]) for row in rows),
            float(np.mean([float(row["median"] or "nan") for row in rows])),
        )
        for key, rows in found.items()
    }


def write(results: Path) -> None:
    """Draw the shares of nodes that pass, and write them as lines of the table in the README."""
    table = pooled(results)
    architectures = sorted({key[0] for key in table}, reverse=True)
    lines, grid, texts = [], [], []
    for architecture in architectures:
        for schedule, by, shown in SHOWN:
            for regime, name in REGIMES:
                key = (architecture, regime, schedule, by)
                if (*key, "runs", "") not in table:
                    continue
                cells = [table[(*key, test, window)] for test, window, _ in TESTS]
                lines.append(f"{architecture}, {name}, {shown}")
                grid.append([passed / testable for passed, testable, _ in cells])
                texts.append(
                    f"| {architecture} | {name} | {shown} | {cells[0][1]:,} | "
                    + " | ".join(f"{100 * p / n:.1f}" for p, n, _ in cells)
                    + f" | {cells[0][2]:.2f} | {cells[4][2]:.3f} |"
                )
    figure, axes = plt.subplots(figsize=(9.6, 0.34 * len(lines) + 1.6), layout="constrained")
    shade = np.array(grid)
    image = axes.imshow(shade, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(shade):
        text = f"{100 * value:.0f}" if value <= 0.995 or value == 1 else ">99"
        axes.text(column, row, text, ha="center", va="center", fontsize=8,
                  color="black" if value > 0.55 else "white")  # fmt: skip
    axes.set_xticks(range(len(TESTS)), [label for *_, label in TESTS], fontsize=8)
    axes.set_yticks(range(len(lines)), lines, fontsize=8)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    figure.colorbar(image, ax=axes, label="share of testable nodes that pass", pad=0.01)
    figure.savefig(results / "passing.png", dpi=110)
    (results / "passing.md").write_text("\n".join(texts) + "\n", encoding="utf-8")
