"""The page of a training: every indicator over the epochs, a line a layer."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.colors import to_hex

from stochnet.recording.tracking.indicators import Row
from stochnet.recording.tracking.log import Log
from stochnet.recording.tracking.plan import Plan, selectivity_column
from stochnet.report.lines import Line, line_chart
from stochnet.report.page import TEMPLATES, write_page
from stochnet.report.svg import Drawing

REFRESH_SECONDS = 10

_READING = {
    "shuffled": "Stimuli in random order. A Fano factor is then one minus the rate of the nodes "
    "that fire, whatever the window, and says nothing beyond it: a check, not a finding.",
    "blocked": "Every trial shows one class. A line above its shuffled one means that nodes fire "
    "for some classes and not for others; it grows with the window.",
    "blocked_by_training_label": "Every trial shows stimuli with one label of the training. A line "
    "that rises here and not when blocked by the true label shows labels that are memorised.",
    "stratified": "Every trial shows all classes equally often. Selectivity makes counts more "
    "regular: lines sink below the shuffled ones.",
    "stratified_by_training_label": "Every trial shows all labels of the training equally often.",
    "sequential": "Stimuli in the order of the data set.",
}


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows by layer: what is drawn."""

    epochs: tuple[int, ...]
    layers: tuple[str, ...]
    rows: tuple[tuple[Row, ...], ...]

    def line(self, k: int, column: str, share: bool = False) -> list[float]:
        """Return the values of layer k (-1 is the network), NaN for none."""
        found = []
        for part in self.rows:
            value = part[k].get(column)
            known = math.nan if value is None else float(value)
            found.append(known / part[k]["nodes"] if share else known)
        return found


def write(log: Log, plan: Plan, path: str | os.PathLike[str], *, running: bool) -> None:
    """Write the page; what reads it meanwhile finds the old one or the new one.

    Epochs without indicators are not drawn.
    """
    rows = tuple(log.of(epoch) for epoch in log.measured)
    table = _Table(log.measured, tuple(row["layer"] for row in rows[0][:-1]), rows)
    write_page(
        path,
        TEMPLATES / "tracking.html.j2",
        title="Indicators over the training",
        running=running,
        seconds=REFRESH_SECONDS,
        log=log,
        plan=plan,
        last=rows[-1],
        selectivity_column=selectivity_column,
        ramps=ramps(len(table.layers)),
        drawings=[one for one in _drawings(log, plan, table) if one.panels],
    )


def _drawings(log: Log, plan: Plan, table: _Table) -> Iterator[Drawing]:
    known = legend(table.layers)
    yield Drawing(
        "training",
        "Training",
        "What the training loop reported.",
        tuple(_scalar(table, name) for name in log.scalars if _any(table, name)),
        wide=True,
    )
    yield Drawing(
        "rates",
        "Firing rates",
        "MFR: mean over nodes of the fraction of stimuli for which a node fires. var(rate): the "
        "variance of these fractions over nodes; it grows as nodes come to differ from each other.",
        (
            _panel(table, "mfr", "MFR", "spikes per bin"),
            _panel(table, "var_rate", "var(rate)", "variance over nodes"),
        ),
        wide=True,
        legend=known,
    )
    if plan.labels:
        words = {"label": "by class", "training-label": "by training label"}
        yield Drawing(
            "selectivity",
            "Class selectivity",
            "Share of the variance of a node's spikes that lies between the classes (Kelley's "
            "epsilon squared), mean over nodes that neither never nor always fire: 1 where a node "
            "fires for all stimuli of some classes and no others, about 0 where it ignores them.",
            tuple(
                _panel(table, selectivity_column(by), f"Selectivity {words[by]}", "share")
                for by in plan.labels
            ),
            wide=True,
            legend=known,
        )
    for one in plan.presentations:
        n_trials, n_bins = one.size
        yield Drawing(
            f"fano-{one.key}",
            f"Fano factors, {one.title}",
            f"{_READING[one.key]} MFF is the mean, var(Fano) the variance over nodes that fire. "
            f"{n_trials:,} trials of {n_bins} bins.",
            tuple(
                _panel(table, f"{column}_{one.key}_{w}", f"{name}, windows of {w} bins", axis)
                for w in plan.windows
                for column, name, axis in (
                    ("mff", "MFF", "variance ÷ mean"),
                    ("var_fano", "var(Fano)", "variance over nodes"),
                )
            ),
            wide=True,
            legend=known,
        )
    yield Drawing(
        "silent",
        "Dead and saturated nodes",
        "Fraction of nodes that fire for none, and for every one, of the stimuli. Dead nodes have "
        "no Fano factor and are left out of MFF; saturated ones have a Fano factor of 0.",
        (
            _panel(table, "dead", "Dead", "fraction of nodes", share=True),
            _panel(table, "saturated", "Saturated", "fraction of nodes", share=True),
        ),
        wide=True,
        legend=known,
    )


def _any(table: _Table, name: str) -> bool:
    return not all(math.isnan(value) for value in table.line(-1, name))


def _scalar(table: _Table, name: str) -> Markup:
    line = Line("ink", table.line(-1, name))
    return line_chart(name.replace("_", " "), "", table.epochs, [line])


def _panel(table: _Table, column: str, title: str, axis: str, *, share: bool = False) -> Markup:
    """Draw an indicator: a line a layer, and a dashed one for the network."""
    lines = [
        Line(f"depth-{level}", table.line(k, column, share))
        for k, level in enumerate(levels(len(table.layers)))
    ]
    lines.append(Line("ink", table.line(-1, column, share), dashed=True))
    return line_chart(title, axis, table.epochs, lines)


N_LEVELS = 24
_MAP = "plasma"
# The part of the map that can be seen on paper, and that on a dark page.
_LIGHT, _DARK = (0.0, 0.76), (0.32, 0.97)
_NAMED = 12


def levels(n_layers: int) -> list[int]:
    """Return the level of color of every layer: layers of one depth in large networks share one."""
    n = N_LEVELS
    if n_layers <= n:
        return list(range(n_layers))
    return [round(k * (n - 1) / (n_layers - 1)) for k in range(n_layers)]


def ramps(n_layers: int) -> list[tuple[int, str, str]]:
    """Return (level, color on a light page, color on a dark page)."""
    used = levels(n_layers)[-1] + 1
    colors = mpl.colormaps[_MAP]

    def at(ends: tuple[float, float], level: int) -> str:
        share = level / max(1, used - 1)
        return to_hex(colors(ends[0] + share * (ends[1] - ends[0])))

    return [(level, at(_LIGHT, level), at(_DARK, level)) for level in range(used)]


def legend(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return role and words of the lines; of many layers some, evenly chosen."""
    n, level = len(names), levels(len(names))
    shown = list(range(n))
    if n > _NAMED:
        shown = [round(k * (n - 1) / (_NAMED - 1)) for k in range(_NAMED)]
    # Modules of a Sequential have bare numbers as names.
    words = [f"layer {name}" if name[:1].isdigit() else name for name in names]
    return (*((f"depth-{level[k]}", words[k]) for k in shown), ("ink", "network"))
