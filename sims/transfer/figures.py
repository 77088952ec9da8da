"""Two figures: how well each cut of each source transfers, and which predictors tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from .ranks import BASELINES, QUESTIONS, STATISTICS, Rows, groups

plt.switch_backend("Agg")

# Okabe and Ito (2008): told apart by colour-blind eyes, too. Marks tell the same.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKS = "osD^vP"
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "grid.color": "#EEEEEE", "legend.frameon": False, "savefig.dpi": 100,
}  # fmt: skip


def draw(results: Path, pairs: Rows, ranks: Rows) -> None:
    with plt.rc_context(STYLE):
        _accuracies(results, pairs)
        _ranks(results, ranks)


def _accuracies(results: Path, pairs: Rows) -> None:
    shown = groups(pairs, "target", "architecture")
    sources = list(dict.fromkeys(row["source"] for row in pairs))
    widths = [len({row["cut"] for row in group}) for group in shown.values()]
    figure, axes = plt.subplots(
        1, len(shown), figsize=(1.2 + 0.62 * sum(widths), 0.3 * len(sources) + 1.3), sharey=True,
        width_ratios=widths, squeeze=False, layout="constrained",
    )  # fmt: skip
    for panel, ((target, architecture), group) in zip(axes.flat, shown.items(), strict=True):
        cells = groups(group, "source", "cut")
        cuts = sorted({row["cut"] for row in group})
        mean = np.array([
            [np.mean([r["tail"] for r in cells[source, cut]]) for cut in cuts] for source in sources
        ])  # fmt: skip
        image = panel.imshow(mean, cmap="cividis", vmin=0.2, vmax=1, aspect="auto")
        for (row, col), value in np.ndenumerate(mean):
            panel.text(col, row, f"{value:.2f}", ha="center", va="center", fontsize=7,
                       color="black" if value > 0.65 else "white")  # fmt: skip
        panel.set_title(f"to {target}\n{architecture}", fontsize=9)
        panel.set_xticks(range(len(cuts)), cuts)
        panel.set_yticks(range(len(sources)), sources)
        panel.tick_params(length=0)
    figure.supxlabel("layers that are kept", fontsize=9)
    figure.colorbar(image, ax=axes, label="accuracy on the target", pad=0.01)
    figure.savefig(results / "accuracies.png")
    plt.close(figure)


def _ranks(results: Path, ranks: Rows) -> None:
    kept = [row for row in ranks if row["outcome"] == "tail"]
    names = [*STATISTICS, *BASELINES][::-1]
    pairs = list(groups(kept, "target", "architecture"))
    figure, axes = plt.subplots(
        1, len(QUESTIONS), figsize=(10, 0.3 * len(names) + 1.3), sharey=True, sharex=True,
        layout="constrained",
    )  # fmt: skip
    for panel, question in zip(axes, QUESTIONS, strict=True):
        panel.axvline(0, color="#000000", lw=0.8)
        panel.axhline(len(BASELINES) - 0.5, color="#999999", lw=0.8, ls=":")
        panel.grid(axis="x")
        for k, pair in enumerate(pairs):
            mine = [
                row for row in kept
                if (row["target"], row["architecture"]) == pair and row["question"] == question
            ]  # fmt: skip
            at = [names.index(row["predictor"]) + 0.16 * (len(pairs) / 2 - k - 0.5) for row in mine]
            rho = np.array([row["rho"] for row in mine])
            ends = np.array([[row[end] for row in mine] for end in ("low", "high")])
            panel.errorbar(
                rho, at, xerr=np.abs(ends - rho), fmt=MARKS[k % 6], ms=4, lw=0.9,
                color=COLOURS[k % 6], label=f"to {pair[0]}, {pair[1]}",
            )  # fmt: skip
        panel.set_title(question, fontsize=9, loc="left")
        panel.set_xlim(-1.05, 1.05)
    axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    figure.supxlabel("rank correlation with the accuracy on the target", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6,
                  fontsize=8)  # fmt: skip
    figure.savefig(results / "ranks.png")
    plt.close(figure)
