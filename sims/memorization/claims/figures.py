"""The figures of the claims, drawn from their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import figure_courses
from .course import Networks
from .finding import Finding, Row
from .names import Names
from .style import BLACK, COLOURS, GREY, MARKERS, chequer, grid, saved, style

Tables = dict[str, list[Row]]


def draw(results: Path, networks: Networks, findings: Sequence[Finding], names: Names) -> list[str]:
    """Draw all figures that have something to show; return their names."""
    tables = {name: rows for one in findings for name, rows in one.tables.items()}
    drawn = []
    with style():
        for name, make in FIGURES.items():
            figure = make(tables, networks, names)
            if figure is not None:
                saved(figure, results / f"{name}.png")
                drawn.append(name)
        for name, figure in figure_courses.drawn(networks, names):
            saved(figure, results / f"{name}.png")
            drawn.append(name)
    return drawn


def cells(tables: Tables, _: Networks, names: Names) -> Any:
    """Memorising minus generalising in every cell, at the end."""
    rows = [
        x
        for x in tables["claim_a_cells"]
        if x["at"] == "last" and x["contrast"].endswith("generalising")
    ]
    if not rows:
        return None
    order = list(dict.fromkeys((x["architecture"], x["dataset"]) for x in rows))
    data = list(dict.fromkeys(x["dataset"] for x in rows))
    figure, axes = grid(1, len(names.primary), (2.2, 0.24 * len(order) + 0.9), sharey=True)
    for panel, name in zip(axes[0], names.primary, strict=True):
        panel.axvline(0, color=BLACK, lw=0.7)
        for row in rows:
            if row["feature"] == name:
                k = data.index(row["dataset"])
                y = order.index((row["architecture"], row["dataset"]))
                if np.isfinite(row["low"]):
                    panel.plot([row["low"], row["high"]], [y, y], color=COLOURS[k], lw=1.4)
                panel.plot(row["difference"], y, MARKERS[k], color=COLOURS[k], ms=4.5)
        panel.set_title(names.label(name), loc="left")
    axes[0, 0].set_yticks(range(len(order)), [f"{a}, {d}" for a, d in order])
    axes[0, 0].invert_yaxis()
    figure.supxlabel("memorising − generalising, difference of logarithms")
    return figure


def areas(tables: Tables, _: Networks, names: Names) -> Any:
    """Areas under the ROC curve: a table of feature sets and folds."""
    rows = tables["claim_b"]
    if not rows:
        return None
    sets = list(dict.fromkeys(x["features"] for x in rows))
    folds = list(dict.fromkeys((x["left_out"], x["group"]) for x in rows))
    states = list(dict.fromkeys(x["own_initialisation"] for x in rows))
    figure, axes = grid(
        1, len(states), (0.55 * len(folds) + 1.6, 0.28 * len(sets) + 1.0), sharey=True
    )
    for panel, state in zip(axes[0], states, strict=True):
        values = np.full((len(sets), len(folds)), np.nan)
        for x in rows:
            if x["own_initialisation"] == state:
                values[sets.index(x["features"]), folds.index((x["left_out"], x["group"]))] = x[
                    "area"
                ]
        image = chequer(panel, values, sets, [g for _, g in folds], (0, 1), "RdBu")
        panel.set_title(f"own initialisation {state}", loc="left")
        borders = [k for k in range(1, len(folds)) if folds[k][0] != folds[k - 1][0]]
        for k in borders:
            panel.axvline(k - 0.5, color=BLACK, lw=1.5)
    figure.colorbar(image, ax=axes, label="area (0.5: chance)", shrink=0.8)
    figure.supxlabel("architecture or data set left out")
    return figure


def during(tables: Tables, _: Networks, names: Names) -> Any:
    """Areas over epochs and over training accuracy."""
    rows = tables["claim_c"]
    if not any(x["folds"] for x in rows):
        return None
    sets = list(dict.fromkeys(x["features"] for x in rows))
    figure, axes = grid(1, 2, (3.7, 2.9), sharey=True)
    for panel, scale in zip(axes[0], ("epoch", "accuracy"), strict=True):
        panel.axhline(0.5, color=BLACK, lw=0.7)
        for k, name in enumerate(sets):
            mine = [x for x in rows if x["features"] == name and x["scale"] == scale]
            at = [x["at"] for x in mine]
            panel.plot(
                at, [x["area"] for x in mine], "-" + MARKERS[k], color=COLOURS[k], ms=4, lw=1.3,
                label=name,
            )  # fmt: skip
            if k in (0, 3):
                panel.fill_between(
                    at, [x["low"] for x in mine], [x["high"] for x in mine], color=COLOURS[k],
                    alpha=0.15, lw=0,
                )  # fmt: skip
        panel.set_ylim(-0.03, 1.03)
    axes[0, 0].set_xscale("log", base=2)
    epochs = sorted({x["at"] for x in rows if x["scale"] == "epoch"})
    axes[0, 0].set_xticks(epochs, [f"{x:g}" for x in epochs])
    axes[0, 0].set_xlabel("epoch")
    axes[0, 1].set_xlabel("training accuracy")
    axes[0, 0].set_ylabel("mean area over folds")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure


def assumptions(tables: Tables, _: Networks, names: Names) -> Any:
    """Share of nodes that pass all tests, by range of rates, schedule and regime."""
    rows = [x for x in tables["claim_g"] if x["layer"] in ("all", "last")]
    if not rows:
        return None
    columns = [*dict.fromkeys(x["rates"] for x in rows if x["layer"] == "all"), "last layer"]
    order = list(dict.fromkeys((x["schedule"], x["regime"]) for x in rows))
    values = np.full((len(order), len(columns)), np.nan)
    for x in rows:
        column = x["rates"] if x["layer"] == "all" else "last layer"
        values[order.index((x["schedule"], x["regime"])), columns.index(column)] = x["all_tests"]
    labels = [f"{s.replace('_training', ' by training label')}, {r}" for s, r in order]
    shown = ["all nodes" if x == "all" else x if "layer" in x else f"rate {x}" for x in columns]
    figure, axes = grid(1, 1, (0.75 * len(columns) + 2.2, 0.28 * len(order) + 0.9))
    image = chequer(axes[0, 0], values, labels, shown, (0, 1), "cividis")
    figure.colorbar(image, ax=axes, label="share of nodes that pass all tests")
    return figure


def controls(tables: Tables, _: Networks, names: Names) -> Any:
    """Effects of memorising, and of the controls, on the rate and on dead nodes."""
    rows = [x for x in tables["claim_h"] if x["feature"] in ("mfr", "dead_share")]
    if not rows:
        return None
    effects = list(dict.fromkeys(x["effect"] for x in rows))
    features = list(dict.fromkeys(x["feature"] for x in rows))
    figure, axes = grid(1, len(features), (3.4, 0.28 * len(effects) + 0.8), sharey=True)
    titles = {"mfr": "mean rate (logarithm)", "dead_share": "share of dead nodes"}
    for panel, feature in zip(axes[0], features, strict=True):
        panel.axvline(0, color=BLACK, lw=0.7)
        for x in rows:
            if x["feature"] == feature:
                y = effects.index(x["effect"])
                k = 1 if x["effect"].startswith("memorising") else 0
                if np.isfinite(x["low"]):
                    panel.plot([x["low"], x["high"]], [y, y], color=COLOURS[k], lw=1.5)
                panel.plot(x["difference"], y, MARKERS[k], color=COLOURS[k], ms=5)
        panel.set_title(titles[feature], loc="left")
    axes[0, 0].set_yticks(range(len(effects)), effects)
    axes[0, 0].invert_yaxis()
    figure.supxlabel("difference from the network without it, mlp")
    return figure


def gains(tables: Tables, _: Networks, names: Names) -> Any:
    """What sets of features gain over others."""
    rows = tables["claim_f"]
    if not any(np.isfinite(x["area"]) for x in rows):
        return None
    labels = list(dict.fromkeys(x["gain"] for x in rows))
    figure, axes = grid(1, 2, (4.6, 0.36 * len(labels) + 0.9), sharey=True)
    for panel, (value, low, high), title in zip(
        axes[0], (("area", "low", "high"), ("bits", "bits_low", "bits_high")),
        ("area under the curve", "bits per network"), strict=True,
    ):  # fmt: skip
        panel.axvline(0, color=BLACK, lw=0.7)
        for x in rows:
            k = int(x["own_initialisation"] == "taken away")
            y = labels.index(x["gain"]) + (0.15 if k else -0.15)
            colour = GREY if k else COLOURS[0]
            panel.plot([x[low], x[high]], [y, y], color=colour, lw=1.5)
            panel.plot(x[value], y, MARKERS[k], color=colour, ms=4.5)
        panel.set_title(title, loc="left")
    for k, text in enumerate(("kept", "taken away")):
        axes[0, 1].plot([], [], MARKERS[k], color=(COLOURS[0], GREY)[k], label=text, ms=4.5)
    axes[0, 0].set_yticks(range(len(labels)), labels)
    axes[0, 0].invert_yaxis()
    figure.legend(
        *axes[0, 1].get_legend_handles_labels(), loc="outside right center",
        title="own initialisation",
    )  # fmt: skip
    figure.supxlabel("gain")
    return figure


FIGURES: dict[str, Callable[[Tables, Networks, Names], Any]] = {
    "cells": cells,
    "areas": areas,
    "during": during,
    "gains": gains,
    "assumptions": assumptions,
    "controls": controls,
}
