"""(d) Do the features follow the share of the labels that is noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .course import PLAIN, Network, Networks
from .finding import (
    LEVEL,
    REFUTED,
    REPRODUCED,
    SHARE,
    UNKNOWN,
    Finding,
    Row,
    sentence,
    spoken,
    together,
)
from .intervals import LEAST, Clusters, Effect, holm, interval, mean_of_cells, student
from .names import Names, scale

Array = NDArray[np.float64]
DOSES = 5
"""Shares of noise that a series needs."""
STEEP = 0.8


@dataclass(frozen=True)
class Series:
    """One feature over the share of noise, in one cell and seed."""

    cell: tuple[str, str]
    cluster: tuple[str, str]
    doses: Array
    values: Array

    @property
    def slope(self) -> float:
        """Change for all labels anew against none, by least squares."""
        return float(np.polyfit(self.doses, self.values, 1)[0])

    @property
    def rank(self) -> float:
        """Spearman's correlation; 0 for a constant."""
        if np.ptp(self.values) == 0:
            return 0.0
        return float(stats.spearmanr(self.doses, self.values).statistic)


def series(networks: Networks, name: str, least: int = DOSES) -> list[Series]:
    groups: dict[tuple[str, str, str], list[Network]] = {}
    for one in networks.where(control=PLAIN):
        groups.setdefault((*one.cell, one.seed), []).append(one)
    found = []
    for mine in groups.values():
        mine = sorted(mine, key=lambda x: x.dose)
        values = np.array([float(scale(name, x.at(name))) for x in mine])
        known = np.isfinite(values)
        if known.sum() >= least:
            doses = np.array([x.dose for x in mine])
            found.append(Series(mine[0].cell, mine[0].cluster, doses[known], values[known]))
    return found


def judged(by_cell: list[tuple[Effect, float]], rank: float) -> str:
    """Judge by slope and p-value of every cell, and the mean rank correlation."""
    p_values = np.array([p for _, p in by_cell])
    known = ~np.isnan(p_values)
    if known.sum() < 4:
        return UNKNOWN
    slopes = np.array([effect.estimate for effect, _ in by_cell])[known]
    clear = holm(p_values[known]) < LEVEL
    one_sign = abs(np.sign(slopes).sum()) == len(slopes)
    if one_sign and clear.mean() >= SHARE and abs(rank) >= STEEP:
        return REPRODUCED
    up, down = int((clear & (slopes > 0)).sum()), int((clear & (slopes < 0)).sum())
    return REFUTED if (up >= 2 and down >= 2) or not clear.any() else "mixed"


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (d)."""
    found = Finding.of("d")
    rows: list[Row] = []
    verdicts, shown = [], []
    for name in (
        *names.primary,
        *names.shuffled,
        *names.by_training_label,
        "dead_share",
        "selectivity",
    ):
        mine = series(networks, name)
        if not mine:
            continue
        w = weights.of([x.cluster for x in mine])
        of = [x.cell for x in mine]
        slopes, ranks = np.array([x.slope for x in mine]), np.array([x.rank for x in mine])
        slope, rank = (interval(mean_of_cells(x, of, w)) for x in (slopes, ranks))
        by_cell = []
        for cell in dict.fromkeys(of):
            own = np.array([x == cell for x in of])
            effect, p = student(slopes[own])
            p = p if own.sum() >= LEAST else np.nan
            by_cell.append((effect, p))
            rows.append(
                {
                    "feature": name, "architecture": cell[0], "dataset": cell[1],
                    "seeds": int(own.sum()), "slope": effect.estimate, "low": effect.low,
                    "high": effect.high, "p": p, "rank_correlation": ranks[own].mean(),
                }
            )  # fmt: skip
        verdict = judged(by_cell, rank.estimate)
        positive = sum(x.estimate > 0 for x, _ in by_cell)
        shown.append(
            [
                names.label(name), spoken(slope), spoken(rank), f"{positive} of {len(by_cell)}",
                verdict,
            ]
        )  # fmt: skip
        if name in names.primary:
            verdicts.append(verdict)
            found.notes.append(f"{sentence(names.label(name))}: {verdict}.")
            found.effects.append((f"{names.label(name)}, rank correlation", rank))
            found.networks = max(found.networks, sum(len(x.doses) for x in mine))
    found.verdict = together(verdicts)
    found.tables = {"claim_d": rows}
    found.shown.append(
        (
            (
                "Slope (difference of logarithms for all labels against none; shares and "
                "selectivity as they are) and Spearman's correlation with the share of noise, "
                "means over cells, with the interval over seeds; cells in which the slope is "
                "positive."
            ),
            ["feature", "slope", "rank correlation", "positive", "verdict"],
            shown,
        )
    )
    found.figures = [("dose", "Features over the share of noise")]
    return found
