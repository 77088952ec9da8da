"""(a) Do the three regimes differ by the same sign, whatever the architecture and the data set?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .course import GENERALISING, LAST, MEMORISING, PLAIN, At, Network, Networks
from .finding import Finding, Row, same_sign, sentence, spoken, together
from .intervals import (
    LEAST,
    Clusters,
    Effect,
    hedges,
    interval,
    mean_of_cells,
    student,
)
from .names import STEMS, Names, scale

CONTRASTS = {
    "memorising − generalising": (MEMORISING, GENERALISING),
    "generalising − initialised": (GENERALISING, "first"),
    "memorising − initialised": (MEMORISING, "first"),
}
MATCHED: dict[str, At] = {
    "last": LAST,
    "accuracy 0.5": ("accuracy", 0.5),
    "accuracy 0.9": ("accuracy", 0.9),
    "epoch 16": ("epoch", 16),
}
"""Where memorising and generalising networks are compared. The verdict is by the last checkpoint,
where both know their labels."""


@dataclass(frozen=True)
class Contrast:
    """Paired differences of one feature between two regimes, over all cells."""

    cells: tuple[tuple[str, str], ...]
    of: tuple[tuple[str, str], ...]
    clusters: tuple[tuple[str, str], ...]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    networks: int

    @property
    def pairs(self) -> NDArray[np.float64]:
        return self.first - self.second

    def pooled(self, weights: Clusters) -> tuple[Effect, Effect]:
        """Return the mean difference over cells, and Hedges' g: it over the spread in a regime."""
        if not len(self.pairs):
            return Effect(np.nan, np.nan, np.nan), Effect(np.nan, np.nan, np.nan)
        w = weights.of(self.clusters)
        drawn = mean_of_cells(self.pairs, self.of, w)
        variances = []
        for cell in self.cells:
            mine = np.array([x == cell for x in self.of])
            if mine.sum() > 1:
                variances += [self.first[mine].var(ddof=1), self.second[mine].var(ddof=1)]
        spread = np.sqrt(np.mean(variances)) if variances else np.nan
        found = interval(drawn)
        if not spread > 0:
            return found, Effect(np.nan, np.nan, np.nan)
        return found, Effect(*(x / spread for x in (found.estimate, found.low, found.high)))

    def by_cell(self) -> list[tuple[tuple[str, str], int, Effect, float, float]]:
        """Return cell, pairs, mean difference with Student's interval, p-value, and Hedges' g.

        The p-value is NaN where there are fewer than three pairs.
        """
        found = []
        for cell in self.cells:
            mine = np.array([x == cell for x in self.of])
            effect, p = student(self.pairs[mine])
            n = int(mine.sum())
            g = hedges(self.pairs[mine], self.first[mine], self.second[mine])
            found.append((cell, n, effect, p if n >= LEAST else np.nan, g))
        return found


def contrast(networks: Networks, name: str, which: Sequence[str], at: At = LAST, *,
             images: str = "train", depth: int = 0, control: str = PLAIN) -> Contrast:  # fmt: skip
    """Pair networks by seed; ``which`` are two regimes, the second of them "first" for epoch 0."""
    high, low = which
    rows: list[tuple[Network, float, float]] = []
    for one in networks.where(regime=high, control=control):
        other = one if low == "first" else networks.get(one, regime=low)
        if other is None or not other.counted:
            continue
        a = float(scale(name, one.at(name, at, images, depth)))
        b = float(scale(name, other.at(name, "first" if low == "first" else at, images, depth)))
        if np.isfinite(a) and np.isfinite(b):
            rows.append((one, a, b))
    return Contrast(
        tuple(dict.fromkeys(x.cell for x, _, _ in rows)),
        tuple(x.cell for x, _, _ in rows),
        tuple(x.cluster for x, _, _ in rows),
        np.array([a for _, a, _ in rows]),
        np.array([b for _, _, b in rows]),
        len(rows) * (1 if low == "first" else 2),
    )


def judged(one: Contrast) -> str:
    cells = one.by_cell()
    return same_sign(np.array([c[2].estimate for c in cells]), np.array([c[3] for c in cells]))


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (a)."""
    found = Finding.of("a")
    cells: list[Row] = []
    summary: list[Row] = []
    verdicts = []
    for name in (
        *names.primary,
        *names.shuffled,
        *names.by_training_label,
        "dead_share",
        "selectivity",
    ):
        mine = []
        for label, which in CONTRASTS.items():
            for where, at in MATCHED.items() if which[1] == GENERALISING else [("last", LAST)]:
                one = contrast(networks, name, which, at)
                verdict = judged(one)
                difference, g = one.pooled(weights)
                for cell, n, effect, p, own in one.by_cell():
                    cells.append(
                        {
                            "feature": name, "contrast": label, "at": where,
                            "architecture": cell[0], "dataset": cell[1], "pairs": n,
                            "difference": effect.estimate, "low": effect.low,
                            "high": effect.high, "p": p, "hedges_g": own,
                        }
                    )  # fmt: skip
                summary.append(
                    {
                        "feature": name, "contrast": label, "at": where, "verdict": verdict,
                        "cells": len(one.cells), "networks": one.networks,
                        "positive": int(sum(c[2].estimate > 0 for c in one.by_cell())),
                        "difference": difference.estimate, "low": difference.low,
                        "high": difference.high,
                        "g": g.estimate, "g_low": g.low, "g_high": g.high,
                    }
                )  # fmt: skip
                if where == "last":
                    mine.append(verdict)
                if where == "last" and name in names.primary and which[1] == GENERALISING:
                    found.effects.append((f"{names.label(name)}, g", g))
                    found.networks = max(found.networks, one.networks)
        if name in names.primary:
            verdicts.append(together(mine, most=0))
            parts = "; ".join(f"{x} {y}" for x, y in zip(CONTRASTS, mine, strict=True))
            found.notes.append(f"{sentence(names.label(name))}: {verdicts[-1]} ({parts}).")
    found.verdict = together(verdicts)
    found.tables = {"claim_a": summary, "claim_a_cells": cells}
    told = [row for row in summary if row["feature"] in names.primary]
    found.shown.append(
        (
            ("Mean over cells of the differences of logarithms (0.1 is about 10 %), with the "
             "interval over seeds; Hedges' g; number of cells in which it is positive."),
            ["feature", "contrast", "at", "difference", "Hedges' g", "positive", "verdict"],
            [
                [
                    names.label(row["feature"]), row["contrast"], row["at"],
                    spoken(Effect(row["difference"], row["low"], row["high"])),
                    spoken(Effect(row["g"], row["g_low"], row["g_high"]), 1),
                    f"{row['positive']} of {row['cells']}", row["verdict"],
                ]
                for row in told
            ],
        )
    )  # fmt: skip
    found.figures = [
        ("cells", "Memorising minus generalising, in each cell"),
        *(
            (f"courses_{stem}", f"{sentence(names.label(name))} over the epochs (all layers)")
            for name, stem in zip(names.primary, STEMS, strict=True)
        ),
    ]
    return found
