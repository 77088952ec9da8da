"""How time grows with nodes, bins and rate, as one small SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from race import median

SERIES = {
    "nodes, in memory": ("in memory", "#0072b2", "o"),
    "nodes, to HDF5": ("to HDF5", "#d55e00", "s"),
    "nodes, reduced to rates": ("reduced to rates", "#009e73", "^"),
    "bins": ("in memory", "#0072b2", "o"),
    "rate": ("stochnet", "#0072b2", "o"),
    "rate, NumPy": ("NumPy", "#555555", "D"),
}


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the figure: seconds over nodes, seconds over bins, bins per second over the rate."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": "stochnet", "font.size": 9}
    with mpl.rc_context(settings):
        figure = Figure((9.5, 3.1), layout="constrained")
        nodes, bins, rate = figure.subplots(1, 3)
        for axis, (label, color, marker) in SERIES.items():
            found = results[axis]
            seconds = [median(spent) for spent in found["seconds"]]
            panel = {"nodes": nodes, "bins": bins, "rate": rate}[axis.split(",")[0]]
            values = seconds
            if panel is rate:
                values = [n / s / 1e9 for n, s in zip(found["node_bins"], seconds, strict=True)]
            panel.loglog(
                found["values"], values, color=color, marker=marker, markersize=4, label=label
            )
        nodes.set(xlabel="nodes (10,000 bins each)", ylabel="seconds")
        bins.set(xlabel="bins (1,000 nodes)", ylabel="seconds")
        rate.set(xlabel="probability of a spike in a bin", ylabel="billion bins per second")
        for panel in (nodes, bins, rate):
            panel.grid(alpha=0.3)
            panel.yaxis.set_minor_formatter(NullFormatter())
            panel.spines[["top", "right"]].set_visible(False)
            panel.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})
