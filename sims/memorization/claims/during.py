"""(c) How early do the features tell, at the same epoch and at the same training accuracy?"""

from __future__ import annotations

import numpy as np

from .course import At, Networks
from .discrimination import Areas, areas, pairs
from .finding import MIXED, REFUTED, REPRODUCED, UNKNOWN, Finding, Row, number, spoken
from .intervals import LEAST, Clusters, Effect, interval
from .names import Names

EPOCHS = (1, 2, 4, 8, 16)
ACCURACIES = (0.3, 0.5, 0.7, 0.9, 0.99)
EARLY = 8
GOOD = 0.9


def sets(names: Names) -> dict[str, tuple[str, ...]]:
    return {
        "four features": names.primary,
        "mean rate": names.primary[:1],
        "four, shuffled": names.rates + names.shuffled,
        "validation loss": ("test_loss",),
        "training loss": ("train_loss",),
        "weight norm": ("weight_norm",),
    }


def places() -> dict[str, tuple[At, ...]]:
    return {
        "epoch": tuple(("epoch", float(e)) for e in EPOCHS),
        "accuracy": tuple(("accuracy", a) for a in ACCURACIES),
    }


def tells_from(found: list[tuple[float, Effect]]) -> float:
    """Return the first point from which on a set tells; infinity if never."""
    first = np.inf
    for where, effect in reversed(found):
        if not (effect.estimate >= GOOD and effect.low > 0.5):
            break
        first = where
    return first


def judged(epoch: float, accuracy: float) -> str:
    if epoch <= EARLY and accuracy <= 0.5:
        return REPRODUCED
    return REFUTED if np.isinf(epoch) and np.isinf(accuracy) else MIXED


def finding(networks: Networks, names: Names, weights: Clusters) -> Finding:
    """Judge claim (c)."""
    found = Finding.of("c")
    rows: list[Row] = []
    begins: dict[tuple[str, str], float] = {}
    enough = False
    for name, features in sets(names).items():
        for scale, points in places().items():
            own: list[tuple[float, Effect]] = []
            for at in points:
                one: Areas = areas(networks, weights, features, at, own=True)
                effect = interval(one.mean)
                own.append((float(at[1]), effect))
                rows.append(
                    {
                        "features": name, "scale": scale, "at": at[1], "networks": one.networks,
                        "folds": len(one.folds), "area": effect.estimate,
                        "low": effect.low, "high": effect.high,
                    }
                )  # fmt: skip
                enough |= len(one.folds) >= 4
                found.networks = max(found.networks, one.networks)
                if name == "four features" and at in (("epoch", 4.0), ("accuracy", 0.5)):
                    found.effects.append((f"area at {scale} {at[1]:g}", effect))
            begins[name, scale] = tells_from(own)
    if enough and weights.least >= LEAST:
        mine = begins["four features", "epoch"], begins["four features", "accuracy"]
        found.verdict = judged(*mine)
    else:
        found.verdict = UNKNOWN
    found.shown.append(
        (
            "Mean area over the folds, with the interval over seeds.",
            ["features", *(f"epoch {e}" for e in EPOCHS), *(f"accuracy {a:g}" for a in ACCURACIES)],
            [
                [
                    name,
                    *(
                        spoken(Effect(x["area"], x["low"], x["high"]))
                        for x in rows
                        if x["features"] == name
                    ),
                ]
                for name in sets(names)
            ],
        )
    )
    for name in ("four features", "validation loss"):
        found.notes.append(
            f"{name.capitalize()}: tells from epoch {first(begins[name, 'epoch'])} on, and from a "
            f"training accuracy of {first(begins[name, 'accuracy'])} on."
        )
    found.notes += validation(networks)
    found.tables = {"claim_c": rows}
    found.figures = [("during", "Areas during training")]
    return found


def first(begin: float) -> str:
    return "never" if np.isinf(begin) else f"{begin:g}"


def validation(networks: Networks) -> list[str]:
    """Say at which checkpoint the validation loss is least, and by how much."""
    notes = []
    for regime, word in (("true", "generalising"), ("random", "memorising")):
        mine = [x for x in pairs(networks) if x.regime == regime]
        if mine:
            least = [int(np.argmin(x.curves["test_loss"])) for x in mine]
            epochs = [x.epochs[k] for x, k in zip(mine, least, strict=True)]
            gain = [x.curves["test_loss"].min() - x.curves["test_loss"][0] for x in mine]
            notes.append(
                f"In {len(mine)} {word} networks the validation loss is least at epoch "
                f"{np.median(epochs):g} (median), {number(abs(float(np.median(gain))))} nats "
                "below that of the initialised network."
            )
    return notes
