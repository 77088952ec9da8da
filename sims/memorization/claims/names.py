"""The features that claims are about, and what a reader calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .course import LAST, At, Network

Array = NDArray[np.float64]
STEMS = ("mfr", "var_rate", "mff", "var_fano")
"""The primary features in the names of files."""
LINEAR = ("dead_share", "selectivity")
"""Compared as they are; all other features on a logarithmic scale."""


@dataclass(frozen=True)
class Names:
    """Columns of features.csv, by the windows of the configuration."""

    short: int
    long: int

    @classmethod
    def of(cls, config: dict[str, Any]) -> Names:
        return cls(min(config["windows"]), max(config["windows"]))

    @property
    def primary(self) -> tuple[str, ...]:
        """Mean and variance over nodes of rate and Fano factor (blocked, longest window)."""
        return "mfr", "var_rate", f"mff_blocked_{self.long}", f"var_fano_blocked_{self.long}"

    @property
    def rates(self) -> tuple[str, ...]:
        return self.primary[:2]

    @property
    def fanos(self) -> tuple[str, ...]:
        return self.primary[2:]

    @property
    def shuffled(self) -> tuple[str, ...]:
        return f"mff_shuffled_{self.short}", f"var_fano_shuffled_{self.short}"

    @property
    def by_training_label(self) -> tuple[str, ...]:
        return f"mff_blocked_training_{self.long}", f"var_fano_blocked_training_{self.long}"

    def label(self, name: str) -> str:
        """Return what stands in tables and figures."""
        known = {
            "mfr": "mean rate",
            "var_rate": "variance of rates",
            self.fanos[0]: "mean Fano",
            self.fanos[1]: "variance of Fano",
            self.shuffled[0]: "mean Fano, shuffled",
            self.shuffled[1]: "variance of Fano, shuffled",
            self.by_training_label[0]: "mean Fano, by training label",
            self.by_training_label[1]: "variance of Fano, by training label",
            "dead_share": "share of dead nodes",
            "selectivity": "class selectivity",
        }
        return known.get(name, name)


def scale(name: str, value: Array | float) -> Array:
    """Return values on the scale on which a feature is compared."""
    values = np.asarray(value, float)
    if name in LINEAR:
        return values
    return np.log(np.where(values > 0, values, np.nan))


def told(networks: list[Network], names: tuple[str, ...], at: At = LAST, *, own: bool = True,
         images: str = "train", depth: int = 0) -> Array:  # fmt: skip
    """Return the features of networks: (network, feature); NaN where a network is never there.

    Parameters
    ----------
    own : bool
        Whether they are differences from the network's own initialisation.
    """
    found = np.full((len(networks), len(names)), np.nan)
    for row, one in zip(found, networks, strict=True):
        for k, name in enumerate(names):
            row[k] = scale(name, one.at(name, at, images, depth))
            if own and name != "epoch":
                row[k] -= scale(name, one.at(name, "first", images, depth))
    return found
