"""Bring the tables of the README up to date with the results."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .rows import Row, read

# Cells that are listed one by one; all of them are in the tables.
LISTED = 25


def update(path: Path, folder: Path, config: Mapping[str, Any]) -> None:
    """Write every table between its marks ``<!-- NAME -->`` and ``<!-- end -->``."""
    text = path.read_text(encoding="utf-8")
    for name, (table, make) in TABLES.items():
        rows = read(folder / f"{table}.csv")
        if rows:
            marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            made = make(rows, config)
            text = marks.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text)
    path.write_text(text, encoding="utf-8")


def markdown(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """A table: columns after the first few words are numbers, and stand to the right."""
    numbers = [all(_is_number(line[k]) for line in lines) for k in range(len(header))]
    rows = [header, [("--:" if right else ":--") for right in numbers], *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def _is_number(cell: Any) -> bool:
    return bool(re.match(r"^[-–\d. %]*$", str(cell)))


def _groups(rows: list[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return found


def _count(rows: list[Row], column: str, value: str) -> int:
    return sum(row[column] == value for row in rows)


def _mean(rows: list[Row], column: str) -> float:
    return sum(row[column] for row in rows) / len(rows)


def _range(values: Sequence[float], digits: int = 3) -> str:
    if not values:
        return "–"
    return f"{min(values):.{digits}f} – {max(values):.{digits}f}"


def coverage(rows: list[Row], config: Mapping[str, Any]) -> str:
    lines = []
    for (process, parameter), mine in _groups(rows, "process", "parameter").items():
        known = [row for row in mine if row["identified"]]
        judged = [row for row in mine if row["rmse_holds"] is not None]
        lines.append([
            process, parameter, len(mine), len(known),
            _range([row["coverage"] for row in known]),
            *(_count(known, "coverage_holds", value) for value in ("yes", "unclear", "no")),
            _range([row["coverage"] for row in mine if not row["identified"]]),
            _range([row["rmse_over_bound"] for row in judged], 2),
            _count(judged, "rmse_holds", "no"),
        ])  # fmt: skip
    header = (
        "process", "parameter", "cells", "identified", "coverage there", "inside the band",
        "outside by chance", "outside", "coverage elsewhere", "RMSE over bound", "above 1.1",
    )  # fmt: skip
    return markdown(header, lines)


def outside(rows: list[Row], config: Mapping[str, Any]) -> str:
    bad = [row for row in rows if "no" in (row["coverage_holds"], row["rmse_holds"])]
    if not bad:
        return "No cell is outside of its bands."
    limit = config["bands"]["rmse"]

    def distance(row: Row) -> float:
        off = abs(row["coverage"] - config["level"]) * (row["coverage_holds"] == "no")
        return max(off, (row["rmse_over_bound"] or 0) - limit if row["rmse_holds"] == "no" else 0)

    lines = [
        [
            row["process"], row["settings"], row["parameter"], f"{row['window']:g}",
            f"{row['n_windows']:g}", f"{row['mean_count']:.3g}",
            f"{row['coverage']:.4f}", f"{row['coverage_se']:.4f}",
            "–" if row["rmse_over_bound"] is None else f"{row['rmse_over_bound']:.3f}",
        ]
        for row in sorted(bad, key=distance, reverse=True)[:LISTED]
    ]  # fmt: skip
    header = (
        "process", "true parameters", "parameter", "window", "windows", "mean count", "coverage",
        "standard error", "RMSE over bound",
    )  # fmt: skip
    more = (
        f"\n\n{len(bad) - LISTED} more are in `results/full/coverage.csv`." if bad[LISTED:] else ""
    )
    return markdown(header, lines) + more


def exact(rows: list[Row], config: Mapping[str, Any]) -> str:
    lines = []
    for (process, n), mine in _groups(rows, "process", "n_bins").items():
        known = [row for row in mine if row["identified"]]
        others = [row for row in mine if not row["identified"]]
        lines.append([
            process, f"{n:g}",
            *(
                f"{pick(row[column] for row in part):.4f}" if part else "–"
                for part in (known, others)
                for pick, column in ((min, "lowest"), (max, "highest"))
            ),
        ])  # fmt: skip
    header = ("process", "bins", "lowest, identified", "highest", "lowest elsewhere", "highest")
    return markdown(header, lines)


def families(rows: list[Row], config: Mapping[str, Any]) -> str:
    """One line for each true family and its distance from independent bins: all windows."""
    lines = []
    near = [row | {"ratio": f"{row['fano_over_independent']:.2f}"} for row in rows]
    for (process, ratio), mine in _groups(near, "process", "ratio").items():
        apart = [100 * row["fano_from_nearest"] for row in mine]
        line = [process, ratio, f"{min(apart):.0f} – {max(apart):.0f} %"]
        for part in _groups(mine, "criterion").values():
            columns = ("right", "undecided", "decided_and_wrong")
            line += [f"{_mean(part, column):.2f}" for column in columns]
        lines.append(line)
    header = ["true family", "Fano over independent", "apart"]
    for criterion in dict.fromkeys(row["criterion"] for row in rows):
        header += [f"{criterion}: right", "undecided", "decided and wrong"]
    return markdown(header, lines)


def claims(rows: list[Row], config: Mapping[str, Any]) -> str:
    """How often the claim about families holds, by distance from the nearest other family."""
    edges = (0.0, *(config["bands"]["families_fano"] + step for step in (0.0, 0.05, 0.1)), math.inf)
    lines = []
    for low, high in itertools.pairwise(edges):
        mine = [row for row in rows if low < row["fano_from_nearest"] <= high]
        if mine:
            upper = "more" if high == math.inf else f"{100 * high:.0f} %"
            line = [f"{100 * low:.0f} % – {upper}"]
            for part in _groups(mine, "criterion").values():
                enough = sum(row["right"] >= config["bands"]["families"] for row in part)
                lowest = min(row["right"] for row in part)
                worst = max(row["decided_and_wrong"] for row in part)
                line += [f"{enough} of {len(part)}", f"{lowest:.2f}", f"{worst:.2f}"]
            lines.append(line)
    header = ["Fano factor apart"]
    for criterion in dict.fromkeys(row["criterion"] for row in rows):
        header += [f"{criterion}: 90 % right", "lowest", "decided and wrong, highest"]
    return markdown(header, lines)


def best_possible(rows: list[Row], config: Mapping[str, Any]) -> str:
    """One line for each gain and number of windows: the mean over lengths of windows."""
    lines = []
    for (process, n), mine in _groups(rows, "process", "n_windows").items():
        ratios = _groups(mine, "fano_over_independent")
        shares = [f"{_mean(part, 'right_for_both'):.3f}" for part in ratios.values()]
        lines.append([process, f"{n:g}", *shares])
    ratios = _groups(rows, "fano_over_independent")
    header = ["gain", "windows", *(f"Fano +{100 * (ratio - 1):.0f} %" for (ratio,) in ratios)]
    return markdown(header, lines)


def test_size(rows: list[Row], config: Mapping[str, Any]) -> str:
    lines = []
    for (test,), mine in _groups(rows, "test").items():
        judged = [row for row in mine if row["holds"] is not None]
        lines.append([
            test, len(mine), len(judged), _range([row["rejected"] for row in judged], 4),
            *(_count(judged, "holds", value) for value in ("yes", "unclear", "no")),
        ])  # fmt: skip
    header = (
        "test", "cells", "with a claim", "rejected", "inside the band", "outside by chance",
        "outside",
    )  # fmt: skip
    return markdown(header, lines)


Make = Callable[[list[Row], Mapping[str, Any]], str]
TABLES: dict[str, tuple[str, Make]] = {
    "coverage": ("coverage", coverage),
    "outside": ("coverage", outside),
    "exact": ("exact_coverage", exact),
    "families": ("families", families),
    "claims": ("families", claims),
    "best": ("best_possible", best_possible),
    "size": ("test_size", test_size),
}
