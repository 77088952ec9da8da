"""(b) Can memorising networks be told from others, of an architecture or data set not seen?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .course import GENERALISING, LAST, MEMORISING, PLAIN, At, Network, Networks
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, spoken
from .intervals import LEAST, Clusters, Effect, interval
from .logistic import held_out
from .names import Names, told

Array = NDArray[np.float64]
GOOD = 0.8
LEFT_OUT = ("architecture", "dataset")


@dataclass(frozen=True)
class Areas:
    """Areas under the curve and cross-entropies by fold, under every weighting: (repeat,)."""

    folds: dict[tuple[str, str], Array]
    losses: dict[tuple[str, str], Array]
    networks: int

    @property
    def mean(self) -> Array:
        return np.nanmean(list(self.folds.values()), axis=0) if self.folds else np.full(2, np.nan)

    @property
    def loss(self) -> Array:
        return np.nanmean(list(self.losses.values()), axis=0) if self.losses else np.full(2, np.nan)

    def over(self, kind: str) -> Array:
        mine = [values for (left, _), values in self.folds.items() if left == kind]
        return np.nanmean(mine, axis=0) if mine else np.full(2, np.nan)


def pairs(networks: Networks) -> list[Network]:
    """Return the memorising and generalising networks without controls."""
    return [x for x in networks.where(control=PLAIN) if x.regime in (GENERALISING, MEMORISING)]


def areas(networks: Networks, weights: Clusters, features: tuple[str, ...], at: At = LAST, *,
          own: bool, images: str = "train", depth: int = 0) -> Areas:  # fmt: skip
    """Leave one architecture out, then one data set."""
    some = pairs(networks)
    x = told(some, features, at, own=own, images=images, depth=depth)
    there = np.isfinite(x).all(axis=1)
    some, x = [one for one, known in zip(some, there, strict=True) if known], x[there]
    if not some:
        return Areas({}, {}, 0)
    y = np.array([float(one.regime == MEMORISING) for one in some])
    w = weights.of([one.cluster for one in some])
    folds, losses = {}, {}
    for kind in LEFT_OUT:
        groups = np.array([getattr(one, kind) for one in some])
        for group, (area, loss) in held_out(x, y, groups, w).items():
            folds[kind, group], losses[kind, group] = area, loss
    return Areas(folds, losses, len(some))


def feature_sets(names: Names) -> dict[str, tuple[str, ...]]:
    """Return what a regression may know, by the name of the set."""
    return {
        "four features": names.primary,
        "mean rate": names.primary[:1],
        "rates": names.rates,
        "Fano factors": names.fanos,
        "four, shuffled": names.rates + names.shuffled,
        "four, by training label": names.rates + names.by_training_label,
        "weight norm": ("weight_norm",),
        "training loss": ("train_loss",),
        "norm and loss": ("weight_norm", "train_loss"),
        "norm, loss, mean rate": ("weight_norm", "train_loss", "mfr"),
        "norm, loss, four features": ("weight_norm", "train_loss", *names.primary),
        "validation loss": ("test_loss",),
    }


def fold_rows(name: str, own: bool, found: Areas) -> list[Row]:
    rows = []
    for (kind, group), values in found.folds.items():
        effect, loss = interval(values), interval(found.losses[kind, group])
        rows.append(
            {
                "features": name, "own_initialisation": "taken away" if own else "kept",
                "left_out": kind, "group": group, "networks": found.networks,
                "area": effect.estimate, "low": effect.low, "high": effect.high,
                "bits": loss.estimate, "bits_low": loss.low, "bits_high": loss.high,
            }
        )  # fmt: skip
    return rows


def judged(kept: Areas, changed: Areas, weights: Clusters) -> str:
    """Judge by the folds, without and with the own initialisation taken away."""
    if len(kept.folds) < 4 or weights.least < LEAST:
        return UNKNOWN

    def good(found: Areas) -> bool:
        folds = [interval(values) for values in found.folds.values()]
        return all(x.estimate >= GOOD and x.low > 0.5 for x in folds)

    if good(kept):
        return REPRODUCED
    if interval(kept.mean).low <= 0.5 and interval(changed.mean).low <= 0.5:
        return REFUTED
    return MIXED


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (b)."""
    found = Finding.of("b")
    rows: list[Row] = []
    shown = []
    for name, features in feature_sets(names).items():
        both = {own: areas(networks, weights, features, own=own) for own in (False, True)}
        for own, one in both.items():
            rows += fold_rows(name, own, one)
            shown.append(
                [
                    name, "taken away" if own else "kept",
                    spoken(interval(one.over("architecture"))),
                    spoken(interval(one.over("dataset"))),
                    min((f"{v[0]:.2f} ({k[1]})" for k, v in one.folds.items()), default="–"),
                ]
            )  # fmt: skip
        if name == "four features":
            found.verdict = judged(both[False], both[True], weights)
            found.networks = both[False].networks
            found.effects = [
                ("area, architecture left out", interval(both[False].over("architecture"))),
                ("area, data set left out", interval(both[False].over("dataset"))),
                ("the same, changes since initialisation", interval(both[True].mean)),
            ]
    found.tables = {"claim_b": rows}
    found.shown.append(
        (
            "Mean area under the ROC curve over the folds, with the interval; the worst fold.",
            [
                "features",
                "own initialisation",
                "architecture left out",
                "data set left out",
                "worst",
            ],
            shown,
        )
    )
    found.figures = [("areas", "Areas under the ROC curve, fold by fold")]
    return found


def gain(more: Areas, less: Areas) -> tuple[Effect, Effect]:
    """Return what one set gains over another: in area, and in bits per network."""
    if not more.folds or not less.folds:
        nothing = Effect(np.nan, np.nan, np.nan)
        return nothing, nothing
    return interval(more.mean - less.mean), interval(less.loss - more.loss)
