"""The figures of the power study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from .power import read
from .power_page import LABELS, SOURCES, names, spreads
from .samples import FEATURES

plt.switch_backend("Agg")

# Okabe and Ito (2008): told apart by colour-blind eyes, too. Shapes tell the same as colours.
BLUE, RED, GREEN, PINK, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"
LOOKS = dict(zip(FEATURES, ((BLUE, "o"), (RED, "s"), (GREEN, "D"), (PINK, "^")), strict=True))
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#EEEEEE", "legend.frameon": False, "savefig.dpi": 100,
    "axes.titlesize": 9, "axes.labelsize": 9, "figure.labelsize": 9,
}  # fmt: skip


def draw(results: Path, config: dict[str, Any]) -> None:
    """Draw power.png and spreads.png."""
    rows = read(results / "power.csv")
    samples = read(results / "samples.csv")
    with mpl.rc_context(STYLE):
        for name, figure in (("power", power(rows, config)), ("spreads", spread(samples))):
            # No date and no version: the same results give the same file.
            figure.savefig(
                results / f"{name}.png", bbox_inches="tight", metadata={"Software": None}
            )
            plt.close(figure)


def grid(n_rows: int, n_columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    return plt.subplots(
        n_rows, n_columns, figsize=(size[0] * n_columns, size[1] * n_rows), squeeze=False,
        layout="constrained", sharex=True, sharey=True,
    )  # fmt: skip


def power(rows: list[dict[str, Any]], config: dict[str, Any]) -> Any:
    """Power over the number of networks: rows architectures and features, columns sizes."""
    own = config["samples"]
    sizes = list(zip(own["stimuli"], [*own["nodes"], own["nodes"][-1]], strict=False))
    architectures = names(rows, "architecture")
    lines = [(a, f) for a in architectures for f in FEATURES]
    figure, axes = grid(len(lines), len(sizes), (1.9, 1.15))
    for i, (architecture, feature) in enumerate(lines):
        for j, (n, m) in enumerate(sizes):
            panel = axes[i, j]
            panel.axhline(config["power"]["wanted"], color=BLACK, lw=0.5, ls=":")
            for source in ("independent", "correlated", "recorded"):
                mine = [
                    x for x in rows
                    if (x["architecture"], x["feature"], x["stimuli"], x["nodes"], x["source"])
                    == (architecture, feature, n, m, source)
                ]  # fmt: skip
                at = [x["networks"] for x in mine]
                value = [x["power"] for x in mine]
                if source == "recorded":
                    panel.plot(at, value, "o", color=BLACK, ms=3.5, label="recorded")
                elif source == "correlated":
                    low, high = [x["low"] for x in mine], [x["high"] for x in mine]
                    panel.fill_between(at, low, high, color=BLUE, alpha=0.25, lw=0)
                    panel.plot(at, value, color=BLUE, lw=1.2, label="predicted, with latents")
                else:
                    panel.plot(at, value, "--", color=RED, lw=1, label="predicted, independent")
            panel.set_ylim(-0.04, 1.04)
            if i == 0:
                panel.set_title(f"{n} stimuli, {m} nodes", loc="left")
            if j == 0:
                panel.set_ylabel(f"{architecture}\n{LABELS[feature]}", fontsize=8)
    axes[0, 0].set_xticks(sorted({x["networks"] for x in rows}))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.supxlabel("networks of each regime")
    figure.supylabel("power")
    return figure


def spread(samples: list[dict[str, Any]]) -> Any:
    """Standard deviation over samples of surrogates, over that of recordings."""
    rows = spreads(samples)
    architectures, most = names(rows, "architecture"), max(x["nodes"] for x in rows)
    figure, axes = grid(len(architectures), len(SOURCES), (3.0, 1.9))
    for i, architecture in enumerate(architectures):
        for j, source in enumerate(SOURCES):
            panel = axes[i, j]
            panel.axhline(1, color=BLACK, lw=0.7)
            for feature in FEATURES:
                mine = [
                    x for x in rows
                    if (x["architecture"], x["source"], x["nodes"], x["feature"])
                    == (architecture, source, most, feature)
                ]  # fmt: skip
                colour, marker = LOOKS[feature]
                panel.plot(
                    [x["stimuli"] for x in mine], [x["spread"] for x in mine], "-" + marker,
                    color=colour, ms=4, lw=1.2, label=LABELS[feature],
                )  # fmt: skip
            panel.set_xscale("log")
            panel.set_ylim(0, 1.6)
            if i == 0:
                panel.set_title(f"{source} nodes", loc="left")
            if j == 0:
                panel.set_ylabel(architecture)
            ticks = names(rows, "stimuli")
            panel.set_xticks(ticks, [str(x) for x in ticks])
            panel.minorticks_off()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    figure.supxlabel(f"stimuli of a sample ({most} nodes)")
    figure.supylabel("standard deviation, over that of recordings")
    return figure
