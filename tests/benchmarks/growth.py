"""How time and memory grow with nodes, bins and rate."""

from __future__ import annotations

import math
from typing import Any

from options import Options
from race import median, turns
from remote import Remote
from table import Table, figures

NODES, BINS = 10_000, 10_000

Work = dict[str, Any]


def plan(quick: bool) -> dict[str, tuple[str, dict[float, Work]]]:
    """Return axis to a contender and its work at every value."""
    nodes = [10**3, 10**4] if quick else [10**3, 10**4, 10**5, 10**6]
    bins = [10**2, 10**3, 10**4] if quick else [10**2, 10**3, 10**4, 10**5, 10**6]
    rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5]
    size = NODES // 10 if quick else NODES

    def grow(form: str, largest: int) -> tuple[str, dict[float, Work]]:
        return "stochnet", {
            n: {"form": form, "nodes": n, "bins": BINS} for n in nodes if n <= largest
        }

    def change(p: float, form: str | None = None) -> Work:
        return {"form": form, "nodes": size, "bins": BINS, "law": str(p)}

    return {
        "nodes, in memory": grow("2 threads", 10**5),
        "nodes, to HDF5": grow("to HDF5", 10**6),
        "nodes, reduced to rates": grow("reduced to rates", 10**6),
        "bins": ("stochnet", {t: {"form": "2 threads", "nodes": 1000, "bins": t} for t in bins}),
        "rate": ("stochnet", {p: change(p, "2 threads") for p in rates}),
        "rate, NumPy": ("numpy", {p: change(p) for p in (rates[0], rates[-1])}),
    }


def measure(options: Options) -> dict[str, Any]:
    """Time the sizes of an axis in turn."""
    axes: dict[str, Any] = {}
    with Remote("stochnet") as stochnet, Remote("numpy") as numpy:
        remotes = {"stochnet": stochnet, "numpy": numpy}
        for axis, (name, works) in plan(options.quick).items():
            running = {
                str(value): remotes[name].prepare(f"{axis} {value}", **work)
                for value, work in works.items()
            }
            seconds = turns(running, min(5, options.rounds))
            remotes[name].forget()
            axes[axis] = {
                "values": list(works),
                "node_bins": [work["nodes"] * work["bins"] for work in works.values()],
                "seconds": list(seconds.values()),
                "peak_mib": [prepared.answer["peak_mib"] for prepared in running.values()],
            }
    return axes


def slope(values: list[float], seconds: list[float]) -> float:
    """Return the exponent of growth between two sizes, on logarithmic scales."""
    return math.log(seconds[1] / seconds[0]) / math.log(values[1] / values[0])


def _grown(name: str, title: str, what: str, axes: dict[str, str], results: dict) -> Table:
    rows = []
    for axis, label in axes.items():
        found = results[axis]
        middles = [median(seconds) for seconds in found["seconds"]]
        for i, value in enumerate(found["values"]):
            exponent = "–"
            if i:
                exponent = figures(slope(found["values"][i - 1 : i + 1], middles[i - 1 : i + 1]), 2)
            rows.append(
                (
                    label,
                    f"{value:,}",
                    figures(middles[i]),
                    figures(found["node_bins"][i] / middles[i] / 1e9),
                    exponent,
                    figures(found["peak_mib"][i]),
                )
            )
    columns = ("work", what, "seconds", "Gbin/s", "exponent", "peak memory (MiB)")
    return Table(name, title, columns, rows)


def tables(results: dict[str, Any]) -> list[Table]:
    """A table for each of nodes, bins, rate."""
    size = results["rate"]["node_bins"][0] // BINS
    return [
        _grown(
            "growth-nodes",
            f"Growth with the number of nodes, {BINS:,} bins, p ~ Beta(1, 4), 2 threads",
            "nodes",
            {
                "nodes, in memory": "in memory",
                "nodes, to HDF5": "streamed to HDF5",
                "nodes, reduced to rates": "reduced to rates",
            },
            results,
        ),
        _grown(
            "growth-bins",
            "Growth with the number of bins, 1,000 nodes, in memory",
            "bins",
            {"bins": "in memory"},
            results,
        ),
        _grown(
            "growth-rate",
            f"Growth with the rate, {size:,} nodes × {BINS:,} bins of one p, in memory",
            "p",
            {"rate": "stochnet, 2 threads", "rate, NumPy": "NumPy"},
            results,
        ),
    ]
