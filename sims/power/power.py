"""The power of telling regimes apart, from what single samples are like.

A sample's feature is what its network has on average plus an error from the draw of stimuli and
nodes. Networks of one regime are drawn without repeats: the share of significant draws estimates
the power for that number of networks without bias.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from .samples import FEATURES

Array = NDArray[np.float64]
Row = dict[str, Any]
LEVEL = 0.95
CHECKED = "recorded"


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return [{k: number(v) for k, v in row.items()} for row in csv.DictReader(handle)]


def number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def significant(high: Array, low: Array, level: float) -> NDArray[np.bool_]:
    """Test by Student's t whether two groups differ: ``high``, ``low`` (…, network)."""
    n = high.shape[-1]
    difference = high.mean(axis=-1) - low.mean(axis=-1)
    error = np.sqrt((high.var(axis=-1, ddof=1) + low.var(axis=-1, ddof=1)) / n)
    critical = special.stdtrit(2 * n - 2, 1 - level / 2)
    return np.asarray(np.abs(difference) > critical * error)


@dataclass(frozen=True)
class Draws:
    """Which networks of each regime are drawn, and the errors of their samples.

    They are the same for all features, sizes and sources, so that these differ by less than
    the chance of a draw.

    Attributes
    ----------
    order : ndarray of int (regime, interval, draw, network)
        Without repeats.
    noise : ndarray (regime, interval, draw, network)
        Standard normal.
    moves : ndarray (regime, interval, 1, network)
        Standard normal; 0 for the first.
    """

    order: NDArray[np.int64]
    noise: Array
    moves: Array

    @classmethod
    def of(cls, seeds: int, n: int, config: dict[str, Any]) -> Draws:
        own = config["power"]
        rng = np.random.default_rng([own["seed"], 7, n])
        size = 2, own["intervals"] + 1, own["draws"]
        order = rng.random((*size, seeds)).argsort(axis=-1)[..., :n]
        moves = rng.standard_normal((2, own["intervals"] + 1, 1, seeds))
        moves[:, 0] = 0
        return cls(order, rng.standard_normal((*size, n)), moves)


def powers(regimes: list[tuple[Array, Array, Array]], draws: Draws, level: float) -> Array:
    """Return the power for as many networks of each regime as the draws have: (1 + intervals,).

    Parameters
    ----------
    regimes : list of (mean, sd, error)
        Of each of two regimes: mean over samples of a network, standard deviation over
        samples, and error of the mean, (network,). The first power takes means as they are; the
        others move them by their errors.
    """
    groups = []
    for k, (mean, sd, error) in enumerate(regimes):
        order = draws.order[k]
        moved = np.broadcast_to(mean + error * draws.moves[k], (*order.shape[:-1], len(mean)))
        chosen = np.take_along_axis(moved, order, axis=-1)
        groups.append(chosen + sd[order] * draws.noise[k])
    return significant(groups[0], groups[1], level).mean(axis=1)


def of_networks(rows: list[Row], feature: str, config: dict[str, Any]) -> list[Any]:
    """Return mean, standard deviation and error of each network's samples, by regime.

    The mean over samples misses that of the network by what its repeats, and its own pool of
    stimuli, leave to chance. A prediction is compared with a recording that misses it as much, so
    that its error is that of the difference.
    """
    found = []
    for regime in config["regimes"]:
        mine = [x for x in rows if x["regime"] == regime]
        mean = np.array([x[feature] for x in mine])
        sd = np.array([x[f"{feature}_sd"] for x in mine])
        repeats = np.array([x["repeats"] for x in mine])
        own = np.array([x[f"{feature}_stimulus"] for x in mine])
        pools = [config["images"][x] for x in ("checked", "fitted")]
        both = mine[0]["source"] != CHECKED
        missed = sum(sd**2 / repeats + own / pool for pool in pools[: 1 + both])
        found.append((mean, sd, np.sqrt(missed)))
    return found


def table(rows: list[Row], config: dict[str, Any]) -> list[Row]:
    """Return the power of each feature by architecture, source, stimuli, nodes and networks."""
    cache: dict[tuple[int, int], Draws] = {}
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in with_stimuli(rows):
        key = tuple(row[x] for x in ("architecture", "stimuli", "nodes", "source"))
        groups.setdefault(key, []).append(row)
    found = []
    for (architecture, stimuli, nodes, source), mine in groups.items():
        seeds = min(sum(x["regime"] == r for x in mine) for r in config["regimes"])
        for feature in FEATURES:
            regimes = of_networks(mine, feature, config)
            for n in range(2, seeds + 1):
                if (seeds, n) not in cache:
                    cache[seeds, n] = Draws.of(seeds, n, config)
                drawn = powers(regimes, cache[seeds, n], config["power"]["level"])
                low, high = np.percentile(drawn[1:], [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)])
                found.append(
                    {
                        "architecture": architecture, "feature": feature, "stimuli": int(stimuli),
                        "nodes": int(nodes), "networks": n, "source": source,
                        "power": drawn[0], "low": min(low, drawn[0]), "high": max(high, drawn[0]),
                    }
                )  # fmt: skip
    return found


def with_stimuli(rows: list[Row]) -> list[Row]:
    """Add what one stimulus contributes to the variance of each feature over samples.

    The variance is a part due to nodes plus one in proportion to 1 / stimuli. That is the slope of
    the mean variance over networks of a regime, for the largest number of nodes.
    """
    most = max(x["nodes"] for x in rows)
    key = ("architecture", "regime", "source")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["nodes"] == most:
            groups.setdefault(tuple(row[k] for k in key), []).append(row)
    slopes: dict[tuple[Any, ...], Row] = {}
    for own, mine in groups.items():
        inverse = np.array([1 / x["stimuli"] for x in mine])
        slopes[own] = {
            f"{f}_stimulus": max(
                float(np.polyfit(inverse, [x[f"{f}_sd"] ** 2 for x in mine], 1)[0]), 0.0
            )
            for f in FEATURES
        }
    return [row | slopes[tuple(row[k] for k in key)] for row in rows]


def checks(rows: list[Row]) -> list[Row]:
    """Compare each prediction with the recordings: is the recorded power within its interval?"""
    axes = ("architecture", "feature", "stimuli", "nodes", "networks")
    seen = {tuple(x[a] for a in axes): x for x in rows if x["source"] == CHECKED}
    found = []
    for row in rows:
        if row["source"] == CHECKED:
            continue
        real = seen[tuple(row[a] for a in axes)]
        found.append(
            {a: row[a] for a in axes}
            | {
                "source": row["source"], "predicted": row["power"], "low": row["low"],
                "high": row["high"], "recorded": real["power"],
                "within": int(row["low"] <= real["power"] <= row["high"]),
            }
        )  # fmt: skip
    return found


def needed(rows: list[Row], config: dict[str, Any]) -> list[Row]:
    """Return how many networks of each regime have the wanted power: by the noncentral t.

    The distribution of a feature over networks is taken to be normal, with the variance over
    networks and over samples together; 0 where even the most networks are not enough.
    """
    own = config["power"]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = tuple(row[x] for x in ("architecture", "stimuli", "nodes", "source"))
        groups.setdefault(key, []).append(row)
    found = []
    for (architecture, stimuli, nodes, source), mine in groups.items():
        for feature in FEATURES:
            means, variances, within = [], [], []
            for regime in config["regimes"]:
                some = [x for x in mine if x["regime"] == regime]
                values = np.array([x[feature] for x in some])
                error = np.mean([x[f"{feature}_sd"] ** 2 for x in some])
                repeats = some[0]["repeats"]
                between = max(values.var(ddof=1) - error / repeats, 0) if len(some) > 1 else 0.0
                means.append(values.mean())
                variances.append(between + error)
                within.append(error)
            effect = abs(means[1] - means[0]) / np.sqrt(np.mean(variances))
            n = np.arange(2, own["most_networks"] + 1)
            reached = reach(effect, n, own["level"]) >= own["wanted"]
            found.append(
                {
                    "architecture": architecture, "feature": feature, "stimuli": int(stimuli),
                    "nodes": int(nodes), "source": source, "effect": effect,
                    "share_within": np.mean(within) / np.mean(variances),
                    "networks": int(n[reached][0]) if reached.any() else 0,
                }
            )  # fmt: skip
    return found


def reach(effect: float, n: NDArray[np.int64], level: float) -> Array:
    """Return the power of the two-sided t test of two groups of ``n`` (noncentral t)."""
    df = 2 * n - 2
    critical = special.stdtrit(df, 1 - level / 2)
    shift = effect * np.sqrt(n / 2)
    return np.asarray(
        stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift), float
    )


def write(results: Path, config: dict[str, Any]) -> None:
    """Write power.csv, checks.csv, needed.csv and the page's tables."""
    from . import power_page

    rows = read(results / "samples.csv")
    found = table(rows, config)
    compared = checks(found)
    wanted = needed(rows, config)
    for name, mine in (("power", found), ("checks", compared), ("needed", wanted)):
        power_page.written(results / f"{name}.csv", mine)
    power_page.page(results, rows, compared, wanted)
