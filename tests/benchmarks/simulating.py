"""Independent nodes, p ~ Beta(1, 4), 10,000 bins: stochnet and other packages in turn."""

from __future__ import annotations

from typing import Any

from options import Options
from race import median, turns
from remote import remotes
from table import Table, figures, times

BINS = 10_000
REFERENCE = "stochnet, 1 thread"
STOCHNET = {
    REFERENCE: ("stochnet", "1 thread", 1),
    "stochnet, 2 threads": ("stochnet", "2 threads", 1),
}
# Label: contender, form (None: the fastest of its forms here), part of the nodes.
PEERS = {
    "NumPy": ("numpy", None, 1),
    "PyTorch": ("torch", None, 1),
    "elephant, arrays": ("elephant", "arrays, objects made before", 10),
    "elephant, `SpikeTrain`": ("elephant", "SpikeTrain", 50),
    "tick": ("tick", None, 2),
    "Brian2, C++ standalone": ("brian2", "cpp_standalone", 2),
    "Brian2, NumPy": ("brian2", "numpy", 5),
    "NEST": ("nest", None, 20),
}
LARGE = {
    **STOCHNET,
    "stochnet, to HDF5": ("stochnet", "to HDF5", 1),
    "stochnet, reduced to rates": ("stochnet", "reduced to rates", 1),
    "NumPy": ("numpy", None, 1),
    "PyTorch": ("torch", None, 1),
}


def _race(roster: dict[str, tuple[str, str | None, int]], nodes: int, rounds: int) -> dict:
    wanted = {
        label: {"name": name, "form": form, "nodes": nodes // part, "bins": BINS}
        for label, (name, form, part) in roster.items()
    }
    with remotes(wanted) as (running, missing):
        seconds = turns(running, rounds)
        prepared = {label: remote.answer for label, remote in running.items()}
    return {
        "nodes": {label: wanted[label]["nodes"] for label in running},
        "prepared": prepared,
        "seconds": seconds,
        "missing": missing,
    }


def measure(options: Options) -> dict[str, Any]:
    """Race all at 10,000 nodes or a part of them, and the fastest at 100,000."""
    small = _race(STOCHNET | PEERS, 2_000 if options.quick else 10_000, options.rounds)
    # In the form that was the fastest.
    again = {
        label: (name, small["prepared"].get(label, {}).get("form", form), part)
        for label, (name, form, part) in LARGE.items()
    }
    large = _race(again, 10_000 if options.quick else 100_000, options.rounds)
    return {"small": small, "large": large}


def _rows(race: dict[str, Any]) -> list[tuple[str, ...]]:
    nodes, seconds = race["nodes"], race["seconds"]
    rows = []
    for label in sorted(seconds, key=lambda label: median(seconds[label]) / nodes[label]):
        prepared = race["prepared"][label]
        scale = nodes[REFERENCE] / nodes[label]
        rows.append(
            (
                label,
                prepared["form"],
                prepared["version"],
                f"{nodes[label]:,}",
                figures(nodes[label] * BINS / median(seconds[label]) / 1e9),
                times(seconds[label], seconds[REFERENCE], scale),
                figures(prepared["setup"] + prepared["before"], 2),
                figures(prepared["peak_mib"]),
            )
        )
    for label, reason in race["missing"].items():
        rows.append((label, reason, *["–"] * 6))
    return rows


COLUMNS = (
    "contender",
    "form",
    "version",
    "nodes",
    "Gbin/s",
    "time per bin over stochnet's on 1 thread",
    "not timed: set up (s)",
    "peak memory (MiB)",
)


def tables(results: dict[str, Any]) -> list[Table]:
    """Two tables: all contenders, and the large network."""
    large = results["large"]
    return [
        Table(
            "simulating",
            f"Independent nodes × {BINS:,} bins, p ~ Beta(1, 4)",
            COLUMNS,
            _rows(results["small"]),
        ),
        Table(
            "simulating-large",
            f"The same with {large['nodes'][REFERENCE]:,} nodes",
            COLUMNS,
            _rows(large),
            "NumPy and PyTorch overwrite one buffer and keep nothing; stochnet keeps the packed "
            "spikes in memory, or in a file that is flushed to the disk, or only their number.",
        ),
    ]
