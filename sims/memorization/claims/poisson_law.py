"""(g) How far do nodes meet the assumptions of a Poisson process?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .course import (
    AXES,
    GENERALISING,
    MEMORISING,
    PLAIN,
    Key,
    Network,
    Networks,
    numbers,
    table,
)
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, spoken
from .intervals import LEAST, Clusters, Effect, interval, mean_of_cells
from .names import Names

PASSING = 0.9
OFF = 0.1
REGIMES = {
    "initialised": (GENERALISING, 0),
    "generalising": (GENERALISING, 1),
    "memorising": (MEMORISING, 1),
}
"""By name: regime of the training, and whether at the last checkpoint."""
SCHEDULES = ("shuffled", "stratified", "blocked", "blocked_training")
TESTS = (
    "dispersion", "goodness_of_fit", "autocorrelation", "runs", "gaps", "linearity", "stationarity",
    "all_tests",
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """Pass shares of one network under one schedule, for one layer and range of rates."""

    network: Network
    name: str
    schedule: str
    layer: str
    rates: str
    testable: float
    passed: dict[str, float]


def read(results: Path, networks: Networks) -> list[Share]:
    """Read assumptions.csv: networks that count, and initialised ones, without controls."""
    by_key: dict[Key, Network] = {tuple(getattr(x, a) for a in AXES): x for x in networks.all}
    found = []
    for row in table(results / "assumptions.csv"):
        one = by_key.get(tuple(row[x] for x in AXES))
        if one is None or one.control != PLAIN:
            continue
        late = int(float(row["epoch"]) > 0)
        name = next((k for k, v in REGIMES.items() if v == (one.regime, late)), None)
        if name is None or (late and not one.counted):
            continue
        passed = dict(zip(TESTS, numbers(row[x] for x in TESTS), strict=True))
        found.append(
            Share(
                one,
                name,
                row["schedule"],
                row["layer"],
                row["rates"],
                float(row["testable"]),
                passed,
            )
        )
    return found


def average(shares: Sequence[Share], test: str, weights: Clusters) -> Effect:
    """Mean over cells, with the interval over seeds."""
    values = np.array([x.passed[test] for x in shares])
    known = np.isfinite(values)
    some = [x for x, there in zip(shares, known, strict=True) if there]
    if not some:
        return Effect(np.nan, np.nan, np.nan)
    w = weights.of([x.network.cluster for x in some])
    return interval(mean_of_cells(values[known], [x.network.cell for x in some], w))


def fanos(networks: Networks, name: str, column: str, weights: Clusters) -> Effect:
    """Mean Fano factor of a regime, over cells."""
    regime, late = REGIMES[name]
    some = networks.where(regime=regime, control=PLAIN)
    values = np.array([x.at(column, "last" if late else "first") for x in some])
    if not len(values):
        return Effect(np.nan, np.nan, np.nan)
    w = weights.of([x.cluster for x in some])
    return interval(mean_of_cells(values, [x.cell for x in some], w))


def independent(passing: Effect) -> bool:
    """Whether part (1) of the rule holds."""
    return passing.low >= PASSING


def equal(fano: Effect) -> bool:
    """Whether part (2) of the rule holds."""
    return fano.low >= 1 - OFF and fano.high <= 1 + OFF


def judged(passing: dict[tuple[str, str], Effect], counts: dict[tuple[str, str], Effect]) -> str:
    """Judge by (schedule, regime): share that passes, and mean Fano factor."""
    hold = {key: independent(passing[key]) and equal(counts[key]) for key in passing}
    if any(np.isnan(x.low) for x in passing.values()):
        return UNKNOWN
    if all(hold.values()):
        return REPRODUCED
    return MIXED if any(hold.values()) else REFUTED


def finding(networks: Networks, names: Names, weights: Clusters, results: Path) -> Finding:
    """Judge claim (g)."""
    found = Finding.of("g")
    shares = read(results, networks)
    rows: list[Row] = []
    passing: dict[tuple[str, str], Effect] = {}
    counts: dict[tuple[str, str], Effect] = {}
    shown = []
    for schedule in SCHEDULES:
        for regime in REGIMES:
            mine = [x for x in shares if x.schedule == schedule and x.name == regime]
            if not mine:
                continue
            for rates in dict.fromkeys(x.rates for x in mine if x.layer == "all"):
                some = [x for x in mine if x.layer == "all" and x.rates == rates]
                rows.append(row_of(some, schedule, regime, "all", rates, weights))
            deepest = [last_layer(x, mine) for x in mine if x.layer == "all" and x.rates == "all"]
            rows.append(row_of([x for x in deepest if x], schedule, regime, "last", "all", weights))
            whole = [x for x in mine if x.layer == "all" and x.rates == "all"]
            share = average(whole, "all_tests", weights)
            fano = fanos(networks, regime, f"mff_{schedule}_{names.short}", weights)
            shown.append([schedule.replace("_training", " by training label"), regime,
                          spoken(share), spoken(fano)])  # fmt: skip
            if schedule in ("shuffled", "blocked"):
                passing[schedule, regime], counts[schedule, regime] = share, fano
                found.effects.append((f"share that passes all tests, {schedule}, {regime}", share))
    found.networks = len({id(x.network) for x in shares})
    found.effects.sort(key=lambda x: "shuffled" in x[0])
    enough = len(passing) == 2 * len(REGIMES) and weights.least >= LEAST
    found.verdict = judged(passing, counts) if enough else UNKNOWN
    if enough:
        for schedule in ("shuffled", "blocked"):
            mine = [key for key in passing if key[0] == schedule]
            first = sum(independent(passing[key]) for key in mine)
            second = sum(equal(counts[key]) for key in mine)
            found.notes.append(
                f"{schedule.capitalize()}: part (1), independent bins, holds in {first} of "
                f"{len(mine)} regimes, part (2), Poisson counts, in {second}."
            )
    found.tables = {"claim_g": rows}
    found.shown.append(
        (
            (
                "Share of the testable nodes that pass all tests, and mean Fano factor in windows "
                f"of {names.short} (Poisson: 1), means over cells with the interval over seeds."
            ),
            ["schedule", "regime", "pass all tests", "mean Fano factor"],
            shown,
        )
    )
    found.figures = [("assumptions", "Nodes that pass, by firing rate and schedule")]
    return found


def last_layer(whole: Share, shares: Sequence[Share]) -> Share | None:
    """Return the last hidden layer of the same network: layers stand in its order."""
    mine = [x for x in shares if x.network is whole.network and x.layer != "all"]
    return mine[-1] if mine else None


def row_of(some: Sequence[Share], schedule: str, regime: str, layer: str, rates: str,
           weights: Clusters) -> Row:  # fmt: skip
    row: Row = {
        "schedule": schedule, "regime": regime, "layer": layer, "rates": rates,
        "networks": len(some), "testable": sum(x.testable for x in some),
    }  # fmt: skip
    for test in TESTS:
        effect = average(some, test, weights)
        row |= {test: effect.estimate, f"{test}_low": effect.low, f"{test}_high": effect.high}
    return row
