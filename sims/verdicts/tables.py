"""The tables of draws of one truth, as Markdown."""

from __future__ import annotations

import csv
from pathlib import Path

from scipy.stats import binomtest

Row = dict[str, str]


def interval(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson)."""
    found = binomtest(right, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def write(results: Path) -> None:
    """Write all tables into one file."""
    null, marks, found = (_read(results / f"{x}_summary.csv") for x in ("null", "marks", "found"))
    parts = [
        few_trials([x for x in null if (x["nodes"], x["bins"]) == ("200", "50")]),
        others([x for x in null if (x["nodes"], x["bins"]) != ("200", "50")]),
        of_nodes(marks),
        changes(found),
    ]
    (results / "tables.md").write_text("\n".join(parts), encoding="utf-8")


def few_trials(rows: list[Row]) -> str:
    """Lay out reports that were told apart, by process and windows, and by numbers of trials."""
    trials = list(dict.fromkeys(x["trials"] for x in rows))
    text = _head(["process", "windows", *trials])
    for key in dict.fromkeys((x["process"], x["windows"]) for x in rows):
        mine = {x["trials"]: x for x in rows if (x["process"], x["windows"]) == key}
        cells = [_cell(mine[x]) if x in mine else "" for x in trials]
        text += _line([key[0], key[1].replace("+", ", "), *cells])
    return _titled("Reports of two draws of one truth that are told apart", text, _worst(rows))


def others(rows: list[Row]) -> str:
    """List the same for long trials and many nodes."""
    text = _head(["process", "nodes", "trials", "bins", "windows", "told apart"])
    for x in rows:
        words = [x["process"], f"{int(x['nodes']):,}", x["trials"], f"{int(x['bins']):,}"]
        text += _line([*words, x["windows"].replace("+", ", "), _cell(x)])
    return _titled("Long trials, which are cut, and many nodes", text, _worst(rows))


def of_nodes(rows: list[Row]) -> str:
    """Lay out reports with any node marked, by statistic and by process."""
    processes = list(dict.fromkeys(x["process"] for x in rows))
    text = _head(["statistic", *processes, "all", "upper 95 %"])
    for name in dict.fromkeys(x["statistic"] for x in rows):
        mine = [x for x in rows if x["statistic"] == name]
        cells = []
        for process in processes:
            marked, n = _sum([x for x in mine if x["process"] == process])
            cells.append(f"{marked} of {n}" if n else "")
        marked, n = _sum(mine)
        cells += [f"{marked} of {n} ({marked / n:.1%})", f"{interval(marked, n)[1]:.1%}"]
        text += _line([name, *cells])
    return _titled("Reports of two draws of one truth with any node marked", text, "")


def changes(rows: list[Row]) -> str:
    """List what was changed, and how often it was told apart and named first."""
    text = _head(["process", "change", "told apart", "named first"])
    for x in rows:
        text += _line([x["process"], x["change"], f"{x['apart']} of {x['n']}", x["named"]])
    return _titled("Changes at 60 trials of 200 nodes", text, "")


def _sum(rows: list[Row]) -> tuple[int, int]:
    return sum(int(x["marked"]) for x in rows), sum(int(x["n"]) for x in rows)


def _cell(row: Row) -> str:
    if row["no_verdict"] == row["n"]:
        return "no verdict"
    return f"{row['apart']} of {row['n']}"


def _worst(rows: list[Row]) -> str:
    judged = [x for x in rows if x["no_verdict"] != x["n"]]
    if not judged:
        return ""
    apart, n = sum(int(x["apart"]) for x in judged), sum(int(x["n"]) for x in judged)
    low, high = interval(apart, n)
    worst = max(judged, key=lambda x: float(x["share"]))
    return (
        f"In all {apart} of {n:,} reports with a verdict ({apart / n:.1%}, 95 % interval {low:.1%} "
        f"to {high:.1%}); the most in a cell: {worst['apart']} of {worst['n']} "
        f"({worst['process']}, {worst['trials']}; up to {float(worst['high']):.1%}).\n"
    )


def _titled(title: str, table: str, below: str) -> str:
    return f"**{title}**\n\n{table}\n{below}"


def _head(names: list[str]) -> str:
    return _line(names) + "|" + "---|" * len(names) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
