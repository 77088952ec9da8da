"""Tables and page of the power study."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .samples import FEATURES

Row = dict[str, Any]
LABELS = {
    "mfr": "mean rate", "mff": "mean Fano", "var_rate": "variance of rates",
    "var_fano": "variance of Fano",
}  # fmt: skip
PREDICTED = "correlated"
SOURCES = ("independent", "correlated")


def written(path: Path, rows: Sequence[Row]) -> None:
    columns = list(rows[0]) if rows else []
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            [f"{x:.4g}" if isinstance(x, float) else x for x in row.values()] for row in rows
        )


def spreads(rows: Sequence[Row]) -> list[Row]:
    """Return how samples of surrogates differ from those of recordings.

    ``spread``: standard deviation over samples, over that of recordings (geometric mean over
    networks). ``shift``: mean of the surrogate minus that of the recording, in standard deviations
    of the recording's samples (root mean square over networks).
    """
    key = ("architecture", "regime", "seed", "stimuli", "nodes")
    real = {tuple(x[k] for k in key): x for x in rows if x["source"] == "recorded"}
    groups: dict[tuple[Any, ...], list[tuple[Row, Row]]] = {}
    for row in rows:
        if row["source"] != "recorded":
            own = tuple(row[k] for k in ("architecture", "source", "stimuli", "nodes"))
            groups.setdefault(own, []).append((row, real[tuple(row[k] for k in key)]))
    found = []
    for (architecture, source, stimuli, nodes), pairs in groups.items():
        for f in FEATURES:
            ratios = [a[f"{f}_sd"] / b[f"{f}_sd"] for a, b in pairs if b[f"{f}_sd"] > 0]
            shifts = [(a[f] - b[f]) / b[f"{f}_sd"] for a, b in pairs if b[f"{f}_sd"] > 0]
            found.append(
                {
                    "architecture": architecture, "source": source, "stimuli": int(stimuli),
                    "nodes": int(nodes), "feature": f,
                    "spread": float(np.exp(np.mean(np.log(ratios)))),
                    "shift": float(np.sqrt(np.mean(np.square(shifts)))),
                }
            )  # fmt: skip
    return found


def page(results: Path, rows: Sequence[Row], checks: Sequence[Row], needed: Sequence[Row]) -> None:
    """Write power.md, which docs/power.md includes, and spreads.csv."""
    spread = spreads(rows)
    written(results / "spreads.csv", spread)
    networks = len({(x["architecture"], x["regime"], x["seed"]) for x in rows})
    lines = [f"{networks} networks stand behind these tables.", ""]
    lines += ["## Does simulation predict the power of recordings?", ""]
    lines += ["Predictions whose interval of 95 % holds the power of recorded samples:", ""]
    lines += markdown(
        ["feature", *(f"{x}, {y}" for x in names(checks, "architecture") for y in SOURCES)],
        [
            [
                LABELS[f],
                *(
                    share([x for x in checks if x["feature"] == f and at(x, a, s)])
                    for a in names(checks, "architecture")
                    for s in SOURCES
                ),
            ]
            for f in FEATURES
        ],
    )
    lines += ["", *farthest(checks)]
    lines += ["", "![Power of recordings and predictions](power.png)", ""]
    lines += [
        (
            "*Points: recorded samples. Lines with bands: what surrogates with latents predict. "
            "Dashed: surrogates of independent nodes. Columns: sizes of a sample.*"
        ),
        "",
        "## What surrogates get wrong",
        "",
        "Standard deviation over samples, over that of recorded samples (largest number of nodes):",
        "",
    ]
    most = max((x["nodes"] for x in spread), default=0)
    sizes = names(spread, "stimuli")
    lines += markdown(
        ["network", "surrogate", "feature", *(f"{n} stimuli" for n in sizes)],
        [
            [a, s, LABELS[f], *(pick(spread, a, s, f, n, most) for n in sizes)]
            for a in names(spread, "architecture")
            for s in SOURCES
            for f in FEATURES
        ],
    )
    lines += ["", "![Spread over samples](spreads.png)", ""]
    lines += ["## How many stimuli, nodes and networks", ""]
    lines += [
        (
            "Networks of each regime for a power of 90 %, as predicted by surrogates with latents "
            "and, in brackets, by recorded samples (noncentral t; > means that 50 are not enough):"
        ),
        "",
    ]
    lines += wanted(needed)
    (results / "power.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def at(row: Row, architecture: str, source: str) -> bool:
    return bool(row["architecture"] == architecture and row["source"] == source)


def names(rows: Sequence[Row], column: str) -> list[Any]:
    return list(dict.fromkeys(x[column] for x in rows))


def share(rows: Sequence[Row]) -> str:
    within = sum(x["within"] for x in rows)
    return f"{within} of {len(rows)} ({100 * within / max(len(rows), 1):.0f} %)"


def farthest(checks: Sequence[Row]) -> list[str]:
    """Say by how much predictions miss, and where most."""
    lines = []
    for source in SOURCES:
        mine = [x for x in checks if x["source"] == source]
        if not mine:
            continue
        off = np.array([x["predicted"] - x["recorded"] for x in mine])
        worst = mine[int(np.abs(off).argmax())]
        width = np.mean([x["high"] - x["low"] for x in mine])
        lines.append(
            f"- {source.capitalize()} nodes: predictions are off by {np.sqrt(np.mean(off**2)):.3f} "
            f"(root mean square; mean {off.mean():+.3f}), at most by {np.abs(off).max():.2f} "
            f"({worst['architecture']}, {LABELS[worst['feature']]}, {worst['stimuli']} stimuli, "
            f"{worst['nodes']} nodes, {worst['networks']} networks: {worst['predicted']:.2f} "
            f"against {worst['recorded']:.2f}). Intervals are {width:.2f} wide on average; "
            f"{share(mine)} hold the recorded power."
        )
    return lines


def pick(rows: Sequence[Row], architecture: str, source: str, feature: str, n: int, m: int) -> str:
    found = [
        x["spread"]
        for x in rows
        if at(x, architecture, source)
        and (x["feature"], x["stimuli"], x["nodes"]) == (feature, n, m)
    ]
    return f"{found[0]:.2f}" if found else "–"


def wanted(needed: Sequence[Row]) -> list[str]:
    sizes = list(dict.fromkeys((x["stimuli"], x["nodes"]) for x in needed))
    known = {
        (x["architecture"], x["feature"], x["stimuli"], x["nodes"], x["source"]): x["networks"]
        for x in needed
    }

    def told(*key: Any) -> str:
        return str(known[key]) if known[key] else ">"

    columns = [(a, f) for a in names(needed, "architecture") for f in FEATURES]
    return markdown(
        ["stimuli", "nodes", *(f"{a}, {LABELS[f]}" for a, f in columns)],
        [
            [
                str(n), str(m),
                *(
                    f"{told(a, f, n, m, PREDICTED)} ({told(a, f, n, m, 'recorded')})"
                    for a, f in columns
                ),
            ]
            for n, m in sizes
        ],
    )  # fmt: skip


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(row) for row in rows]
    return [f"| {line} |" for line in lines]
