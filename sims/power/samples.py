"""Small samples of a recording or of a surrogate, and the features of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = ("mfr", "mff", "var_rate", "var_fano")
Bits = NDArray[np.uint8]


def fano(bits: Bits, window: int) -> NDArray[np.float64]:
    """Return the Fano factor of the counts of consecutive windows: (node,); NaN where none fires.

    Parameters
    ----------
    bits : ndarray of uint8 (node, stimulus)
        In the order in which they are shown.
    window : int
        Stimuli per window; it divides their number.
    """
    counts = bits.reshape(len(bits), -1, window).sum(axis=2, dtype=np.int64)
    mean = counts.mean(axis=1)
    variance = counts.var(axis=1, ddof=1)
    return np.divide(variance, mean, out=np.full(len(bits), np.nan), where=mean > 0)


def described(bits: Bits, nodes: Sequence[int], window: int, rng: np.random.Generator
              ) -> list[tuple[float, ...]]:  # fmt: skip
    """Return the features of random nodes: one row for each number of them, the sets nested."""
    rate, own = bits.mean(axis=1), fano(bits, window)
    order = rng.permutation(len(bits))
    found = []
    for n in nodes:
        some = order[:n]
        known = own[some][~np.isnan(own[some])]
        spread = (float(known.mean()), float(known.var())) if len(known) else (np.nan, np.nan)
        found.append((float(rate[some].mean()), spread[0], float(rate[some].var()), spread[1]))
    return found


def nested(labels: NDArray[np.integer[Any]], n_classes: int, most: int, rng: np.random.Generator
           ) -> NDArray[np.int64]:  # fmt: skip
    """Draw as many stimuli of every class: (class, stimulus of the class), without repeats."""
    share = most // n_classes
    return np.stack(
        [rng.choice(np.flatnonzero(labels == c), share, replace=False) for c in range(n_classes)]
    )


def rows(shown: list[Bits], source: str, config: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return, for every size of sample, mean and standard deviation of the features over repeats.

    Parameters
    ----------
    shown : list of ndarray of uint8 (node, class, stimulus of the class)
        One for each repeat. A smaller sample holds the first stimuli of every class.
    source : str
        Where they come from.
    """
    own = config["samples"]
    found: dict[tuple[int, int], list[tuple[float, ...]]] = {}
    rng = np.random.default_rng([seed, 4])
    for bits in shown:
        for n in own["stimuli"]:
            part = bits[:, :, : n // bits.shape[1]].reshape(len(bits), -1)
            values = described(part, own["nodes"], own["window"], rng)
            for m, row in zip(own["nodes"], values, strict=True):
                found.setdefault((n, m), []).append(row)
    table = []
    for (n, m), repeats in found.items():
        values_ = np.array(repeats)
        row: dict[str, Any] = {"source": source, "stimuli": n, "nodes": m, "repeats": len(repeats)}
        for k, name in enumerate(FEATURES):
            row[name] = np.nanmean(values_[:, k])
            row[f"{name}_sd"] = np.nanstd(values_[:, k], ddof=1)
        table.append(row)
    return table
