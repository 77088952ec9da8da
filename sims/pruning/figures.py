"""Two figures: accuracy against the share removed, and how far criteria are from magnitude."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from .areas import read

plt.switch_backend("Agg")

# Okabe and Ito (2008): told apart by colour-blind eyes, too. Marks and dashes tell the same.
SHOWN = {
    "random": ("#000000", "o", "--", "random"),
    "magnitude": ("#000000", "s", "-", "magnitude"),
    "taylor": ("#999999", "D", "-", "Taylor"),
    "rate_low": ("#0072B2", "v", "-", "low rate first"),
    "fano_low": ("#D55E00", "<", "-", "low Fano factor first"),
    "selectivity_low": ("#009E73", "^", "-", "low selectivity first"),
    "redundancy_high": ("#CC79A7", "P", "-", "high redundancy first"),
    "redundancy_low": ("#E69F00", "X", "-", "low redundancy first"),
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = "osD^vP*"
METHODS = {"zero": "removed", "mean": "replaced by means", "retrained": "retrained one epoch"}
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#EEEEEE", "legend.frameon": False, "savefig.dpi": 100,
}  # fmt: skip


def main_measure(regime: str) -> str:
    """Accuracy on test images; for random labels, which no test image has, on those learnt."""
    return "test" if regime == "true" else "training"


def draw(results: Path, rows: list[dict[str, Any]]) -> None:
    with plt.rc_context(STYLE):
        _curves(results)
        _differences(results, rows)


def _curves(results: Path) -> None:
    curves = read(results)
    pairs = list(dict.fromkeys((key[0], key[1]) for key in curves))
    columns = min(4, len(pairs) + 1)
    n_rows = -(-(len(pairs) + 1) // columns)
    figure, axes = plt.subplots(
        n_rows, columns, figsize=(2.6 * columns, 2.5 * n_rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    panels = list(axes.flat)
    for panel, (network, regime) in zip(panels, pairs, strict=False):
        for name, (colour, mark, dash, label) in SHOWN.items():
            by_seed = curves[network, regime, main_measure(regime), "zero", "trained", name]
            shares = next(iter(by_seed.values()))[0]
            mean = np.mean([accuracies for _, accuracies in by_seed.values()], axis=0)
            panel.plot(shares, mean, color=colour, marker=mark, ls=dash, ms=4, lw=1.2, label=label)
        panel.set_title(f"{network}, {regime} labels", fontsize=9, loc="left")
    for panel in panels[len(pairs) :]:
        panel.set_axis_off()
    panels[len(pairs)].legend(*panels[0].get_legend_handles_labels(), loc="center", fontsize=8)
    figure.supxlabel("share of each hidden layer removed", fontsize=9)
    figure.supylabel("accuracy", fontsize=9)
    figure.savefig(results / "curves.png")
    plt.close(figure)


def _differences(results: Path, rows: list[dict[str, Any]]) -> None:
    pairs = list(dict.fromkeys((row["network"], row["regime"]) for row in rows))
    kept = [
        row for row in rows
        if row["measure"] == main_measure(row["regime"]) and row["ranked_on"] == "trained"
        and row["minus_magnitude"] != ""
    ]  # fmt: skip
    names = list(dict.fromkeys(row["criterion"] for row in kept))[::-1]
    figure, axes = plt.subplots(
        1, 3, figsize=(10, 0.36 * len(names) + 1.2), sharey=True, layout="constrained"
    )
    for panel, (method, title) in zip(axes, METHODS.items(), strict=True):
        panel.axvline(0, color="#000000", lw=0.8)
        for k, pair in enumerate(pairs):
            mine = [
                r for r in kept if (r["network"], r["regime"]) == pair and r["method"] == method
            ]
            at = [names.index(r["criterion"]) + 0.1 * (len(pairs) / 2 - k - 0.5) for r in mine]
            gaps = np.array([r["minus_magnitude"] for r in mine])
            ends = [[r[f"minus_magnitude_{end}"] for r in mine] for end in ("low", "high")]
            panel.errorbar(
                gaps, at, xerr=np.abs(np.array(ends) - gaps), fmt=MARKS[k % 7], ms=3.5, lw=0.8,
                color=COLOURS[k % 7], label=f"{pair[0]}, {pair[1]}",
            )  # fmt: skip
        panel.set_title(title, fontsize=9, loc="left")
    axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    figure.supxlabel("area under the curve, less that of magnitude", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=7,
                  fontsize=8)  # fmt: skip
    figure.savefig(results / "differences.png")
    plt.close(figure)
