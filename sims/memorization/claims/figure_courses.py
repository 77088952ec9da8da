"""Figures of courses over epochs, of doses, and of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .course import GENERALISING, LAST, MEMORISING, PLAIN, Network, Networks
from .names import STEMS, Names, scale
from .style import BLACK, COLOURS, GREY, MARKERS, REGIMES, chequer, grid

WORDS = {GENERALISING: "generalising", MEMORISING: "memorising"}


def drawn(networks: Networks, names: Names) -> Iterator[tuple[str, Any]]:
    """Draw them; yields names and figures."""
    if not networks.where(control=PLAIN):
        return
    for name, stem in zip(names.primary, STEMS, strict=True):
        yield f"courses_{stem}", courses(networks, name, names)
    yield "dose", doses(networks, names)
    yield "layers", layers(networks, names)
    yield "depth", depth(networks)


def axis(networks: Networks, name: str) -> list[str]:
    return list(dict.fromkeys(getattr(x, name) for x in networks.all if x.control == PLAIN))


def courses(networks: Networks, name: str, names: Names) -> Any:
    """One feature over epochs: rows are architectures, columns data sets, thin lines seeds."""
    rows, columns = axis(networks, "architecture"), axis(networks, "dataset")
    figure, axes = grid(len(rows), len(columns), (2.4, 1.55), sharex=True, sharey="row")
    for i, architecture in enumerate(rows):
        for j, data in enumerate(columns):
            panel = axes[i, j]
            for regime, word in WORDS.items():
                mine = networks.where(
                    architecture=architecture, dataset=data, regime=regime, control=PLAIN
                )
                colour, marker = REGIMES[word]
                for one in mine:
                    values = one.features["train", 0][name]
                    panel.plot(one.epochs, values, color=colour, lw=0.5, alpha=0.4)
                if mine:
                    shared = sorted(set.intersection(*(set(x.epochs) for x in mine)))
                    mean = [np.mean([x.at(name, ("epoch", e)) for x in mine]) for e in shared]
                    panel.plot(shared, mean, color=colour, lw=1.6, marker=marker, ms=3)
                    ends = [(x.epochs[-1], x.at(name)) for x in mine]
                    panel.plot(*zip(*ends, strict=True), marker, color=colour, ms=3.5, mfc="white")
            panel.set_xscale("symlog", linthresh=1)
            panel.set_xlim(left=0)
            panel.set_xticks([0, 1, 4, 16, 64], ["0", "1", "4", "16", "64"])
            panel.minorticks_off()
            if i == 0:
                panel.set_title(data, loc="left")
            if j == 0:
                panel.set_ylabel(architecture)
    for word, (colour, marker) in list(REGIMES.items())[:2]:
        axes[0, 0].plot([], [], color=colour, marker=marker, ms=3, label=word)
    axes[0, 0].plot([], [], "o", color=GREY, mfc="white", ms=3.5, label="end of training")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.supxlabel("epoch")
    figure.supylabel(names.label(name))
    return figure


def doses(networks: Networks, names: Names) -> Any:
    """Features over the share of noise, as changes from none."""
    rows = axis(networks, "architecture")
    data = axis(networks, "dataset")
    figure, axes = grid(len(names.primary), len(rows), (2.1, 1.5), sharex=True, sharey="row")
    for j, architecture in enumerate(rows):
        axes[0, j].set_title(architecture, loc="left")
        for i, name in enumerate(names.primary):
            panel = axes[i, j]
            panel.axhline(0, color=BLACK, lw=0.6)
            for k, one in enumerate(data):
                by_dose: dict[float, list[float]] = {}
                for x in networks.where(architecture=architecture, dataset=one, control=PLAIN):
                    base = networks.get(x, regime=GENERALISING)
                    if base is not None and base.counted:
                        off = float(scale(name, x.at(name)) - scale(name, base.at(name)))
                        by_dose.setdefault(x.dose, []).append(off)
                at = sorted(by_dose)
                mean = np.array([np.mean(by_dose[d]) for d in at])
                spread = np.array([np.std(by_dose[d]) for d in at])
                panel.errorbar(
                    at, mean, spread, color=COLOURS[k], marker=MARKERS[k], ms=3.5, lw=1.2,
                    elinewidth=0.8, label=one,
                )  # fmt: skip
            if j == 0:
                panel.set_ylabel(names.label(name))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.supxlabel("share of labels drawn anew")
    figure.supylabel("change of the logarithm (mean and standard deviation over seeds)")
    return figure


def layers(networks: Networks, names: Names) -> Any:
    """Memorising minus generalising, by layer and feature: means over data sets and seeds."""
    rows = axis(networks, "architecture")
    tables = {name: layer_table(networks, name, names) for name in rows}
    heights = [max(len(tables[x][0]), 1) for x in rows]
    figure, axes = grid(1, len(rows), (2.7, 0.3 * max(heights) + 1.2))
    most = max(
        (np.nanmax(np.abs(x)) for _, x in tables.values() if np.isfinite(x).any()), default=1
    )
    for panel, name in zip(axes[0], rows, strict=True):
        depths, values = tables[name]
        if not depths:
            panel.set_visible(False)
            continue
        columns = [names.label(x) for x in names.primary]
        image = chequer(panel, values, [str(d) for d in depths], columns, (-most, most), "RdBu_r")
        panel.set_title(name, loc="left")
    axes[0, 0].set_ylabel("hidden layer")
    figure.colorbar(image, ax=axes, label="difference of logarithms")
    return figure


def layer_table(
    networks: Networks, architecture: str, names: Names
) -> tuple[list[int], np.ndarray]:
    pairs: list[tuple[Network, Network]] = []
    for one in networks.where(architecture=architecture, control=PLAIN, regime=MEMORISING):
        other = networks.get(one, regime=GENERALISING)
        if other is not None and other.counted:
            pairs.append((one, other))
    depths = list(pairs[0][0].depths) if pairs else []
    values = np.full((len(depths), len(names.primary)), np.nan)
    for i, d in enumerate(depths):
        for j, name in enumerate(names.primary):
            off = [
                float(scale(name, a.at(name, depth=d)) - scale(name, b.at(name, depth=d)))
                for a, b in pairs
            ]
            known = [x for x in off if np.isfinite(x)]
            values[i, j] = np.mean(known) if known else np.nan
    return depths, values


def depth(networks: Networks) -> Any:
    """Mean rate and dead nodes by layer, before and after training."""
    rows = axis(networks, "architecture")
    figure, axes = grid(2, len(rows), (2.1, 1.6), sharex="col", sharey="row")
    for j, architecture in enumerate(rows):
        mine = networks.where(architecture=architecture, control=PLAIN)
        for word, (colour, marker) in REGIMES.items():
            regime = MEMORISING if word == "memorising" else GENERALISING
            some = [x for x in mine if x.regime == regime]
            if not some:
                continue
            at = "first" if word == "initialised" else LAST
            depths = list(some[0].depths)
            for i, name in enumerate(("mfr", "dead_share")):
                values = [[x.at(name, at, depth=d) for x in some] for d in depths]
                axes[i, j].errorbar(
                    depths, np.mean(values, axis=1), np.std(values, axis=1), color=colour,
                    marker=marker, ms=3.5, lw=1.3, elinewidth=0.8, label=word,
                )  # fmt: skip
            axes[1, j].set_xticks(depths)
        axes[0, j].set_title(architecture, loc="left")
    axes[0, 0].set_ylabel("mean rate")
    axes[1, 0].set_ylabel("share of dead nodes")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.supxlabel("hidden layer")
    return figure
