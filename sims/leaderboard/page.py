"""The leaderboard page of the documentation, from the table of results."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stochnet.benchmark import SUITES

HEAD = """\
# Leaderboard

<!-- Written by `make leaderboard` from sims/leaderboard/results/full/measures.csv; do not edit. -->

How estimators do on the published edition of the [benchmarks](benchmarks.md). For each quantity:
the geometric mean over cells of the error, the lower the better, and in brackets the fraction of
95 % intervals that hold the truth, where an estimator gives any. Errors are in units of the
standard deviation to be expected of a good estimate, so that 1 is good; in the unit of the
quantity (†, in some cells where in brackets); fractions of wrong labels; or log scores. The best of
each column is bold. `grand mean` answers for all nodes what stochnet finds on average, `zero`
answers 0. The study is in `sims/leaderboard`; how it was done, and what the numbers do not say,
stands in its README.
"""


def write(table: Path, page: Path) -> None:
    """Write the page of a table of results."""
    with table.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    parts = [HEAD]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        own = [row for row in rows if row["suite"] == suite]
        parts.append(f"## {suite}, version {own[0]['version']}\n\n{SUITES[suite].doc}\n")
        parts.append(_table(own))
    page.write_text("\n".join(parts), encoding="utf-8")


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    entrants = list(dict.fromkeys(row["entrant"] for row in rows))
    loss = {
        (entrant, quantity): _mean(_of(rows, entrant, quantity, "loss"))
        for entrant in entrants
        for quantity in quantities
    }
    entrants.sort(key=lambda name: (_missing(loss, name), _overall(loss, name)))
    heads = [f"{name}{_mark(rows, name)}" for name in quantities]
    lines = [f"| estimator | {' | '.join(heads)} |", "|---|" + "---:|" * len(quantities)]
    for entrant in entrants:
        cells = []
        for quantity in quantities:
            value = loss[entrant, quantity]
            if value is None:
                cells.append("–")
                continue
            least = min(v for (_, q), v in loss.items() if q == quantity and v is not None)
            text = f"**{value:.3g}**" if value <= least * 1.0005 else f"{value:.3g}"
            covered = _of(rows, entrant, quantity, "coverage")
            weights = _of(rows, entrant, quantity, "n")
            if covered:
                pairs = zip(covered, weights, strict=True)
                text += f" ({sum(c * w for c, w in pairs) / sum(weights):.2f})"
            cells.append(text)
        lines.append(f"| {entrant} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _of(rows: Iterable[Mapping[str, str]], entrant: str, quantity: str, name: str) -> list[float]:
    own = (row for row in rows if (row["entrant"], row["quantity"]) == (entrant, quantity))
    return [float(row[name]) for row in own if row[name]]


def _mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def _missing(loss: Mapping[tuple[str, str], float | None], entrant: str) -> int:
    return sum(value is None for (name, _), value in loss.items() if name == entrant)


def _overall(loss: Mapping[tuple[str, str], float | None], entrant: str) -> float:
    found = [value for (name, _), value in loss.items() if name == entrant and value is not None]
    return _mean(found) or 0.0


def _mark(rows: Iterable[Mapping[str, str]], quantity: str) -> str:
    kinds = {row["kind"] for row in rows if row["quantity"] == quantity}
    if "absolute" in kinds:
        return " †" if kinds == {"absolute"} else " (†)"
    return {"error rate": ", error rate", "log score": ", log score"}.get(kinds.pop(), "")
