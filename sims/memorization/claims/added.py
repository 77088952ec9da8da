"""(f) What do Fano factors and variances add over the rate, weight norm and training loss?"""

from __future__ import annotations

import numpy as np

from .course import GENERALISING, LAST, MEMORISING, Networks
from .discrimination import Areas, areas, feature_sets, gain
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, number, spoken
from .intervals import LEAST, Clusters, Effect, interval
from .names import Names

COMPARED = {
    "Fano factors and variances over the mean rate": ("four features", "mean rate"),
    "four features over norm and loss": ("norm, loss, four features", "norm and loss"),
    "mean rate over norm and loss": ("norm, loss, mean rate", "norm and loss"),
    "Fano factors over rates": ("four features", "rates"),
    "Fano factors, shuffled, over rates": ("four, shuffled", "rates"),
    "blocked by training label over by class": ("four, by training label", "four features"),
}
JUDGED = tuple(COMPARED)[:2]
FULL = 0.995


def gains(effects: tuple[Effect, Effect], baseline: Areas) -> bool:
    area, bits = effects
    return (bits if interval(baseline.mean).estimate >= FULL else area).low > 0


def judged(gained: list[bool]) -> str:
    if all(gained):
        return REPRODUCED
    return MIXED if any(gained) else REFUTED


def identity(networks: Networks, names: Names) -> tuple[np.ndarray, np.ndarray]:
    """Return shuffled mean Fano factors, and what the rates say they must be, of firing nodes.

    Every network without noise, first and last checkpoint.
    """
    seen, expected = [], []
    for one in networks.all:
        if one.regime not in (GENERALISING, MEMORISING):
            continue
        for at in ("first", LAST):
            alive = 1 - one.at("dead_share", at)
            n = one.stimuli
            if alive > 0:
                rate = one.at("mfr", at) / alive
                seen.append(one.at(names.shuffled[0], at))
                expected.append((1 - rate) * n / (n - 1))
    return np.array(seen), np.array(expected)


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (f)."""
    found = Finding.of("f")
    sets = feature_sets(names)
    rows: list[Row] = []
    verdicts, shown = [], []
    for own in (False, True):
        known = {
            name: areas(networks, weights, sets[name], own=own)
            for name in dict.fromkeys(x for pair in COMPARED.values() for x in pair)
        }
        for label, (more, less) in COMPARED.items():
            area, bits = gain(known[more], known[less])
            rows.append(
                {
                    "gain": label, "own_initialisation": "taken away" if own else "kept",
                    "baseline_area": interval(known[less].mean).estimate,
                    "area": area.estimate, "low": area.low, "high": area.high,
                    "bits": bits.estimate, "bits_low": bits.low, "bits_high": bits.high,
                    "networks": known[more].networks,
                }
            )  # fmt: skip
            base = number(interval(known[less].mean).estimate)
            state = "taken away" if own else "kept"
            shown.append([label, state, base, spoken(area, 3), spoken(bits, 3)])
            if not own and label in JUDGED:
                verdicts.append(gains((area, bits), known[less]))
                found.effects.append((f"{label}, area", area))
                found.networks = known[more].networks
                enough = len(known[more].folds) >= 4 and weights.least >= LEAST
    found.verdict = judged(verdicts) if enough else UNKNOWN
    seen, expected = identity(networks, names)
    if len(seen) > 1 and np.ptp(seen) > 0:
        off = seen - expected
        found.notes.append(
            f"Shuffled, the mean Fano factor of {len(seen)} recordings differs from (1 − "
            f"rate)·N/(N − 1) by {number(float(off.mean()), 4)} on average (standard deviation "
            f"{number(float(off.std()), 4)}); the rate explains "
            f"{100 * (1 - off.var() / seen.var()):.1f} % of its variance over networks."
        )
    found.tables = {"claim_f": rows}
    found.shown.append(
        (
            (
                "Gain in the mean area over all folds, and in bits of cross-entropy per network "
                "held out (above 0: better), with the interval over seeds."
            ),
            ["gain", "own initialisation", "area of the baseline", "area", "bits"],
            shown,
        )
    )
    found.figures = [("gains", "What sets of features gain over others")]
    return found
