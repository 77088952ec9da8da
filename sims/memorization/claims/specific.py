"""(h) Is a low firing rate specific to memorisation?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .course import GENERALISING, LAST, MEMORISING, PLAIN, Network, Networks
from .discrimination import pairs
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, spoken
from .intervals import LEAST, Clusters, Effect, interval, mean_of_cells
from .logistic import area, fit, scored
from .names import Names, scale, told

SHOWN = ("mfr", "dead_share")


def effect_of(networks: Networks, name: str, high: Sequence[tuple[str, str]],
              low: tuple[str, str]) -> tuple[list[Network], np.ndarray]:  # fmt: skip
    """Pair networks of ``high`` (regime, control) with those of ``low``, by data set and seed.

    Returns the first of every pair, and differences (effect, pair) where all of ``high`` are.
    """
    found, differences = [], []
    for base in networks.where(regime=low[0], control=low[1]):
        others = [networks.get(base, regime=regime, control=control) for regime, control in high]
        known = [x for x in others if x is not None and x.counted]
        if len(known) == len(high):
            values = [float(scale(name, x.at(name)) - scale(name, base.at(name))) for x in known]
            if np.isfinite(values).all():
                found.append(base)
                differences.append(values)
    return found, np.array(differences).T


def judged(memorising: Effect, by_data: Sequence[float], controls: Sequence[tuple[Effect, Effect]]
           ) -> str:  # fmt: skip
    """Judge by effects on the rate.

    Parameters
    ----------
    memorising : Effect
    by_data : sequence of float
        It, by data set.
    controls : sequence of (Effect, Effect)
        Of each control: control minus memorising, and control minus half of memorising.
    """
    if np.isnan(memorising.low):
        return UNKNOWN
    if memorising.high >= 0 or any(off.high < 0 for off, _ in controls):
        return REFUTED
    if all(x < 0 for x in by_data) and all(half.low > 0 for _, half in controls):
        return REPRODUCED
    return MIXED


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (h)."""
    found = Finding.of("h")
    rows: list[Row] = []
    names_of = list(dict.fromkeys(x.control for x in networks.all if x.control != PLAIN))
    controls: list[tuple[Effect, Effect]] = []
    shown = []
    memory = Effect(np.nan, np.nan, np.nan)
    by_data: list[float] = []
    plain = [x for x in networks.where(control=PLAIN) if x.architecture == "mlp"]
    for name in SHOWN:
        for control in [None, *names_of]:
            high = [(MEMORISING, PLAIN)] + ([(GENERALISING, control)] if control else [])
            base, values = effect_of(networks, name, high, (GENERALISING, PLAIN))
            keep = [k for k, x in enumerate(base) if x.architecture == "mlp"]
            if not keep:
                continue
            base, values = [base[k] for k in keep], values[:, keep]
            w = weights.of([x.cluster for x in base])
            data = [x.dataset for x in base]
            drawn = [mean_of_cells(row, data, w) for row in values]
            effect = interval(drawn[-1])
            rows.append(
                {
                    "feature": name, "effect": control or "memorising", "pairs": len(base),
                    "difference": effect.estimate, "low": effect.low, "high": effect.high,
                }
            )  # fmt: skip
            shown.append(
                [names.label(name), control or "memorising", spoken(effect, 3), str(len(base))]
            )
            if name != "mfr":
                continue
            if control is None:
                memory = effect
                by_data = [
                    float(values[0][[x == d for x in data]].mean()) for d in dict.fromkeys(data)
                ]
                found.effects.append(("memorising, logarithm of the rate", effect))
            else:
                off = interval(drawn[1] - drawn[0])
                controls.append((off, interval(drawn[1] - drawn[0] / 2)))
                found.effects.append((f"{control}, logarithm of the rate", effect))
    within(networks, names, weights, names_of, rows, shown)
    found.networks = len([x for x in networks.where(architecture="mlp")
                          if x.regime in (GENERALISING, MEMORISING)])  # fmt: skip
    enough = weights.least >= LEAST and len(controls) > 0 and len(plain) > 0
    found.verdict = judged(memory, by_data, controls) if enough else UNKNOWN
    transfer = transferred(networks, names, weights)
    rows += transfer
    found.tables = {"claim_h": rows, "claim_h_depth": depths(networks)}
    found.shown.append(
        (
            (
                "Differences of the logarithm of the mean rate, and of the share of dead nodes; "
                "against true labels without control, or (random labels with a control) against "
                "true labels with it."
            ),
            ["feature", "effect", "difference", "pairs"],
            shown,
        )
    )
    found.notes += [
        f"The classifier of (b), fitted to networks without controls, has an area of "
        f"{spoken(Effect(x['difference'], x['low'], x['high']))} on {x['pairs']} networks with "
        f"{x['effect'].removeprefix('area, ')}."
        for x in transfer
    ]
    found.figures = [
        (
            "controls",
            (
                "Effects on the mean rate and on dead nodes of the mlp (squares: random labels "
                "against true ones; circles: a control against none, both on true labels)"
            ),
        ),
        ("depth", "Rates by depth"),
    ]
    return found


def within(networks: Networks, names: Names, weights: Clusters, controls: Sequence[str],
           rows: list[Row], shown: list[list[str]]) -> None:  # fmt: skip
    """Add the effect of memorising where both networks have a control."""
    for control in controls:
        base, values = effect_of(networks, "mfr", [(MEMORISING, control)], (GENERALISING, control))
        if base:
            w = weights.of([x.cluster for x in base])
            effect = interval(mean_of_cells(values[0], [x.dataset for x in base], w))
            label = f"memorising, both with {control}"
            rows.append(
                {
                    "feature": "mfr", "effect": label, "pairs": len(base),
                    "difference": effect.estimate, "low": effect.low, "high": effect.high,
                }
            )  # fmt: skip
            shown.append([names.label("mfr"), label, spoken(effect, 3), str(len(base))])


def transferred(networks: Networks, names: Names, weights: Clusters) -> list[Row]:
    """Ask the classifier that knows networks without controls about networks with each control."""
    some = pairs(networks)
    x = told(some, names.primary, own=True)
    there = np.isfinite(x).all(axis=1)
    some, x = [one for one, known in zip(some, there, strict=True) if known], x[there]
    y = np.array([float(one.regime == MEMORISING) for one in some])
    rows: list[Row] = []
    if len(set(y)) < 2:
        return rows
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    fitted = fit((x - mean) / spread, y, weights.of([one.cluster for one in some]))
    for control in dict.fromkeys(one.control for one in networks.all if one.control != PLAIN):
        others = [
            one
            for one in networks.where(control=control)
            if one.regime in (GENERALISING, MEMORISING)
        ]
        asked = told(others, names.primary, own=True)
        known = np.isfinite(asked).all(axis=1)
        others, asked = [one for one, a in zip(others, known, strict=True) if a], asked[known]
        truth = np.array([float(one.regime == MEMORISING) for one in others])
        if len(set(truth)) < 2:
            continue
        scores = scored((asked - mean) / spread, fitted)
        found = interval(area(scores, truth, weights.of([one.cluster for one in others])))
        rows.append(
            {
                "feature": "four features", "effect": f"area, {control}", "pairs": len(others),
                "difference": found.estimate, "low": found.low, "high": found.high,
            }
        )  # fmt: skip
    return rows


def depths(networks: Networks) -> list[Row]:
    """Return mean rate and share of dead nodes by architecture, regime and layer."""
    rows: list[Row] = []
    groups: dict[tuple[str, str, str], list[Network]] = {}
    for one in networks.all:
        if one.regime in (GENERALISING, MEMORISING) and one.counted:
            groups.setdefault((one.architecture, one.control, one.regime), []).append(one)
    for (architecture, control, regime), mine in groups.items():
        # Before training both regimes are one network.
        moments = [(regime, LAST)] + ([("initialised", "first")] if regime == GENERALISING else [])
        rows += [
            {
                "architecture": architecture, "control": control, "regime": label, "depth": depth,
                "networks": len(mine),
                "mfr": np.mean([x.at("mfr", at, depth=depth) for x in mine]),
                "dead_share": np.mean([x.at("dead_share", at, depth=depth) for x in mine]),
            }
            for label, at in moments
            for depth in mine[0].depths
        ]  # fmt: skip
    return rows
