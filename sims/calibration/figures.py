"""The figures of the study, drawn from its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from . import assumption_figures
from .rows import Row, read
from .style import BAND, BLACK, BLUE, COLOURS, MARKERS, ORANGE, RED, STYLE, panels, powers


def draw(folder: Path, config: Mapping[str, Any]) -> None:
    """Draw every figure whose table exists."""
    with plt.rc_context(STYLE):
        for name, (table, make) in FIGURES.items():
            rows = read(folder / f"{table}.csv")
            if rows:
                figure = make(rows, config, folder)
                path = folder / f"{name}.png"
                # No date and no version: the same results give the same file.
                figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
                plt.close(figure)


# Cells about which something is claimed, and others.
KNOWN = {"marker": "o", "ls": "", "color": BLUE, "ms": 3.5, "mew": 0, "alpha": 0.8}
OTHER = {"marker": "x", "ls": "", "color": ORANGE, "ms": 4, "mew": 0.9, "alpha": 0.8}


def by_windows(
    rows: list[Row],
    value: Callable[[Row], float],
    sure: Callable[[Row], bool],
    limits: tuple[float, float],
    labels: tuple[str, str, str],
) -> tuple[Any, list[Any]]:
    """One panel for each parameter, with a point for each cell over the number of windows.

    Blue points are those that `sure` picks; orange crosses the others. Values beyond the limits
    stand at the edge.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(f"{row['process']}: {row['parameter']}", []).append(row)
    figure, axes = panels(list(groups), 4, (2.9, 2.1))
    margin = 0.02 * (limits[1] - limits[0])
    for panel, mine in zip(axes, groups.values(), strict=True):
        for n in sorted({row["n_windows"] for row in mine}):
            here = [row for row in mine if row["n_windows"] == n]
            # Cells of one number of windows stand side by side.
            places = n * np.geomspace(0.88, 1.14, len(here))
            for row, x in zip(here, places, strict=True):
                y = np.clip(value(row), limits[0] + margin, limits[1] - margin)
                panel.plot(x, y, **(KNOWN if sure(row) else OTHER))
        powers(panel)
        panel.set_ylim(limits)
    for label, look in zip(labels, (KNOWN, OTHER), strict=False):
        axes[0].plot([], [], label=label, **look)
    axes[0].legend(loc="lower right", fontsize=7)
    figure.supxlabel("windows")
    figure.supylabel(labels[2])
    return figure, axes


def coverage(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    labels = "identified", "not identified", "coverage of 95 % intervals"
    figure, axes = by_windows(
        rows, lambda row: row["coverage"], lambda row: row["identified"] == 1, (0.85, 1.005), labels
    )
    for panel in axes:
        panel.axhspan(*config["bands"]["coverage"], color=BAND, lw=0, zorder=0)
        panel.axhline(config["level"], color=BLACK, lw=0.6, zorder=1)
    return figure


def error(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    known = [row for row in rows if row["rmse_over_bound"] is not None]
    counts = config["bands"]["rmse_counts"]
    figure, axes = by_windows(
        known,
        lambda row: row["rmse_over_bound"],
        lambda row: row["mean_count"] >= counts and row["identified"] == 1,
        (0.0, 1.65),
        (f"identified, mean count ≥ {counts:g}", "others", "RMSE over Cramér-Rao bound"),
    )
    for panel in axes:
        panel.axhline(1.0, color=BLACK, lw=0.6, zorder=0)
        panel.axhline(config["bands"]["rmse"], color=RED, lw=0.9, ls="--", zorder=0)
    return figure


def bias(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    figure, axes = by_windows(
        [row for row in rows if row["bound"] is not None],
        lambda row: row["bias"] / row["bound"],
        lambda row: row["identified"] == 1,
        (-0.6, 0.6),
        ("identified", "not identified", "bias over Cramér-Rao bound"),
    )
    for panel in axes:
        panel.axhline(0.0, color=BLACK, lw=0.6, zorder=0)
    return figure


def exact_coverage(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    """Lowest and highest coverage over the expected number of spikes."""
    sizes = list(dict.fromkeys((row["process"], row["n_bins"]) for row in rows))
    titles = [process if process == "poisson" else f"{process}, {n:g} bins" for process, n in sizes]
    figure, axes = panels(titles, 4, (2.9, 2.1))
    for panel, size in zip(axes, sizes, strict=True):
        panel.axhspan(*config["bands"]["coverage"], color=BAND, lw=0)
        panel.axhline(config["level"], color=BLACK, lw=0.6)
        for known, colour in ((0, ORANGE), (1, BLUE)):
            mine = [
                row
                for row in rows
                if (row["process"], row["n_bins"]) == size and row["identified"] == known
            ]
            edges = np.array([[row["expected_from"], row["expected_to"]] for row in mine])
            ends = np.array([[row["lowest"], row["highest"]] for row in mine])
            if mine:
                panel.fill_between(
                    edges.ravel(), np.repeat(ends[:, 0], 2), np.repeat(ends[:, 1], 2),
                    color=colour, alpha=0.75, lw=0, label=("not identified", "identified")[known],
                )  # fmt: skip
        powers(panel)
        panel.set_ylim(0.92, 1.005)
    axes[-1].legend(loc="lower left", fontsize=7)
    figure.supxlabel("expected number of spikes")
    figure.supylabel("exact coverage, lowest to highest")
    return figure


def families(rows: list[Row], config: Mapping[str, Any], folder: Path) -> Any:
    """How often the true family is chosen over the distance of its Fano factor from 1 - p or 1."""
    criteria = list(dict.fromkeys(row["criterion"] for row in rows))
    processes = list(dict.fromkeys(row["process"] for row in rows))
    best = [row for row in read(folder / "best_possible.csv") if row["n_windows"] == 500]
    figure, axes = panels(criteria, 3, (3.1, 3.0))
    for panel, criterion in zip(axes, criteria, strict=True):
        for k, process in enumerate(processes):
            mine = sorted(
                (row["fano_over_independent"], row["right"], row["window"])
                for row in rows
                if row["process"] == process and row["criterion"] == criterion
            )
            x, y, _ = np.array(mine).T
            panel.plot(
                x, y, MARKERS[k % len(MARKERS)], color=COLOURS[k % len(COLOURS)], ms=4.5,
                alpha=0.85, label=process if panel is axes[0] else None, mew=0,
            )  # fmt: skip
        points = sorted((row["fano_over_independent"], row["right_for_both"]) for row in best)
        if points:
            x = sorted({point[0] for point in points})
            y = [np.mean([p[1] for p in points if p[0] == one]) for one in x]
            label = "gain against none: the best there can be" if panel is axes[0] else None
            panel.plot(x, y, "--", color=BLACK, lw=1.2, label=label)
        panel.axhline(config["bands"]["families"], color=RED, lw=0.9, ls="--")
        panel.set(ylim=(-0.02, 1.03))
    figure.supxlabel("Fano factor over that of independent bins of the same rate")
    figure.supylabel("true family chosen")
    figure.legend(loc="outside upper center", ncols=4, fontsize=7.5)
    return figure


def confusion(rows: list[Row], config: Mapping[str, Any], _: Path) -> Any:
    """Which family is chosen for which truth by AIC, in windows of middle length."""
    windows = sorted({row["window"] for row in rows})
    window = windows[len(windows) // 2]
    mine = [row for row in rows if row["criterion"] == "aic" and row["window"] == window]
    truths = {
        (row["process"], row["settings"]): f"Fano × {row['fano_over_independent']:.2f}"
        for row in mine
    }
    names = [f"{process}, {text}" for (process, _), text in truths.items()]
    places = {truth: place for place, truth in enumerate(truths)}
    chosen = list(dict.fromkeys(row["chosen"] for row in mine))
    share = np.full((len(truths), len(chosen)), np.nan)
    for row in mine:
        at = places[row["process"], row["settings"]], chosen.index(row["chosen"])
        share[at] = row["share"]
    size = 3.4 + 0.55 * len(chosen), 1.2 + 0.22 * len(truths)
    figure, panel = plt.subplots(figsize=size, layout="constrained")
    panel.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(share):
        if value == value:
            shade = BLACK if value > 0.55 else "white"
            panel.text(j, i, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=7)
    panel.set_xticks(range(len(chosen)), chosen, rotation=35, ha="left", rotation_mode="anchor")
    panel.xaxis.tick_top()
    panel.set_yticks(range(len(names)), names, fontsize=7)
    panel.grid(visible=False)
    return figure


FIGURES = {
    "coverage": ("coverage", coverage),
    "rmse": ("coverage", error),
    "bias": ("coverage", bias),
    "exact_coverage": ("exact_coverage", exact_coverage),
    "families": ("families", families),
    "confusion": ("confusion", confusion),
    "test_size": ("test_size", assumption_figures.size),
    "test_quantiles": ("test_quantiles", assumption_figures.quantiles),
    "test_power": ("test_power", assumption_figures.power),
}
