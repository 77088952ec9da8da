"""Figures of the tests of Poisson assumptions: size, law of p-values, power."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from .rows import Row
from .style import BAND, BLACK, BLUE, COLOURS, ORANGE, panels

BELOW = "below_"


def label(row: Row) -> str:
    """Name of a test with its window."""
    return row["test"] if row["window"] is None else f"{row['test']}, W={row['window']:g}"


def size(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    """Rejections of true null hypotheses, test by test."""
    tests = list(dict.fromkeys(row["test"] for row in rows))
    figure, panel = plt.subplots(figsize=(6.5, 0.5 * len(tests) + 1.0), layout="constrained")
    panel.axvspan(*config["bands"]["test_size"], color=BAND, lw=0)
    panel.axvline(config["test_level"], color=BLACK, lw=0.6)
    for place, test in enumerate(tests):
        mine = [row for row in rows if row["test"] == test and row["rejected"] is not None]
        for row, shift in zip(mine, np.linspace(-0.32, 0.32, len(mine)), strict=True):
            few = row["testable"] < config["bands"]["testable"]
            panel.errorbar(
                row["rejected"], place + shift, xerr=row["rejected_se"], fmt="x" if few else "o",
                color=ORANGE if few else BLUE, ms=3, elinewidth=0.7,
            )  # fmt: skip
    panel.set_yticks(range(len(tests)), tests)
    panel.set(xlabel=f"rejected at {config['test_level']:g}", ylim=(len(tests) - 0.5, -0.5))
    return figure


def quantiles(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    """Share of p-values below p, less p: a flat line for a test that keeps every level."""
    tests = list(dict.fromkeys(row["test"] for row in rows))
    figure, axes = panels(tests, 4, (2.6, 2.0))
    columns = [name for name in rows[0] if name.startswith(BELOW)]
    points = np.array([float(name.removeprefix(BELOW)) for name in columns])
    for panel, test in zip(axes, tests, strict=True):
        panel.axhline(0.0, color=BLACK, lw=0.6)
        for row in rows:
            if row["test"] == test:
                below = np.array([row[name] for name in columns])
                colour = COLOURS[0] if row["process"] == "bernoulli" else COLOURS[1]
                panel.plot(points, below - points, color=colour, lw=0.7, alpha=0.7)
        panel.set(ylim=(-0.05, 0.05), xlim=(0, 1))
    for name, colour in (("bernoulli", COLOURS[0]), ("poisson", COLOURS[1])):
        axes[0].plot([], [], color=colour, label=name)
    axes[0].legend(fontsize=7, loc="upper right", ncols=2)
    figure.supxlabel("p")
    figure.supylabel("share of p-values below p, less p")
    return figure


def power(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    """Rejections of false null hypotheses: alternatives by tests."""
    tests = list(dict.fromkeys(label(row) for row in rows))
    truths = list(
        dict.fromkeys((r["process"], r["settings"], r["n_trials"], r["n_bins"]) for r in rows)
    )
    share = np.full((len(truths), len(tests)), np.nan)
    for row in rows:
        key = (row["process"], row["settings"], row["n_trials"], row["n_bins"])
        if row["rejected"] is not None:
            share[truths.index(key), tests.index(label(row))] = row["rejected"]
    height = 1.4 + 0.2 * len(truths)
    figure, panel = plt.subplots(figsize=(4.2 + 0.42 * len(tests), height), layout="constrained")
    panel.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(share):
        if value == value:
            shade = BLACK if value > 0.55 else "white"
            panel.text(j, i, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=6.5)
    names = [f"{a}  {b}, {t:g} trials of {n:g} bins" for a, b, t, n in truths]
    panel.set_xticks(range(len(tests)), tests, rotation=35, ha="left", rotation_mode="anchor")
    panel.xaxis.tick_top()
    panel.set_yticks(range(len(truths)), names, fontsize=7)
    panel.grid(visible=False)
    return figure
