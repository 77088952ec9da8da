"""(e) Does it matter which layers are seen, and whether images were trained on?"""

from __future__ import annotations

import numpy as np

from .course import Networks
from .discrimination import areas
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, spoken
from .intervals import LEAST, Clusters, Effect, interval
from .names import Names
from .separation import CONTRASTS, contrast

VIEWS = {
    "all layers, training images": ("train", 0),
    "last hidden layer, training images": ("train", -1),
    "first layer, training images": ("train", 1),
    "all layers, test images": ("test", 0),
    "last hidden layer, test images": ("test", -1),
}
WHOLE, *PARTS = VIEWS
CLOSE = 0.1
JUDGED = tuple(x for x in PARTS if not x.startswith("first"))


def judged(differences: list[Effect], views: list[Effect]) -> str:
    above = all(x.low > 0.5 for x in views)
    if above and all(x.low >= -CLOSE and x.high <= CLOSE for x in differences):
        return REPRODUCED
    if any(x.high < -CLOSE for x in differences) or not above:
        return REFUTED
    return MIXED


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (e)."""
    found = Finding.of("e")
    rows: list[Row] = []
    differences, views, shown = [], [], []
    whole = areas(networks, weights, names.primary, own=True)
    found.networks = whole.networks
    for view, (images, depth) in VIEWS.items():
        one = areas(networks, weights, names.primary, own=True, images=images, depth=depth)
        kept = areas(networks, weights, names.primary, own=False, images=images, depth=depth)
        area = interval(one.mean)
        off = interval(one.mean - whole.mean)
        signs, effects = [], []
        for name in names.primary:
            pairs = contrast(
                networks, name, CONTRASTS["memorising − generalising"], images=images, depth=depth
            )
            g = pairs.pooled(weights)[1]
            signs.append(spoken(g, 1))
            effects.append(g)
            rows.append(
                {
                    "view": view, "feature": name, "g": g.estimate, "g_low": g.low,
                    "g_high": g.high, "area": area.estimate, "area_low": area.low,
                    "area_high": area.high, "area_kept": interval(kept.mean).estimate,
                    "difference": off.estimate, "low": off.low, "high": off.high,
                    "networks": one.networks,
                }
            )  # fmt: skip
        shown.append([view, spoken(area), spoken(interval(kept.mean)), *signs])
        if view in JUDGED:
            differences.append(off)
            views.append(area)
            found.effects.append((f"{view}: difference of areas", off))
    enough = len(whole.folds) >= 4 and weights.least >= LEAST and np.isfinite(views[0].low)
    found.verdict = judged(differences, views) if enough else UNKNOWN
    found.tables = {"claim_e": rows}
    found.shown.append(
        (
            (
                "Mean area over the folds, own initialisation taken away or kept, and Hedges' g of "
                "memorising minus generalising, with the interval over seeds."
            ),
            ["seen", "area", "area, kept", *(f"g, {names.label(x)}" for x in names.primary)],
            shown,
        )
    )
    found.figures = [("layers", "Memorising minus generalising, layer by layer")]
    return found
