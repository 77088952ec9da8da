"""Choose among fitted processes, node by node or layer by layer, and say by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster.layers import Layer

Array = NDArray[np.float64]
CRITERIA = ("aic", "bic", "held_out")
BY = ("node", "layer")
# Below this difference of a criterion two processes explain the spikes about equally well
# (Burnham & Anderson 2002 for AIC; Kass & Raftery 1995 for BIC).
MARGIN = 2.0


# Between the name of a process and its window, where the window was chosen too.
AT = "@"


def candidate_name(process: str, window: int | None) -> str:
    """Return the name of a candidate: that of a process, with its window if several were tried."""
    return process if window is None else f"{process}{AT}{window}"


@dataclass(frozen=True, eq=False, slots=True)
class Selection:
    """What was chosen among, and by how much.

    Attributes
    ----------
    criterion : str
        ``"aic"``, ``"bic"``, or ``"held_out"``: -2 times the log-likelihood of trials that were not
        used for the fit. Lower is better for all three.
    by : str
        ``"node"`` or ``"layer"``.
    processes : tuple of str
        The candidates, from few to many parameters; ``"negative_binomial@100"`` is that process
        with a window of 100 bins, where several windows were tried.
    scores : ndarray of float64 (node, process)
        The criterion; inf where a process cannot produce the spikes.
    chosen : ndarray of int64 (node,)
        Position of the chosen process.
    """

    criterion: str
    by: str
    processes: tuple[str, ...]
    scores: Array
    chosen: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.chosen), len(self.processes)):
            raise InvalidInputError(
                f"scores must be (node, process), here ({len(self.chosen)}, "
                f"{len(self.processes)}), got {self.scores.shape}"
            )
        if not ((self.chosen >= 0) & (self.chosen < len(self.processes))).all():
            raise InvalidInputError("chosen must be positions of processes")

    @property
    def margin(self) -> Array:
        """By how much the chosen process beats the next best other one: (node,).

        Other windows of the same process do not count.

        Negative where a node's layer chose a process that is not its own best; inf where no other
        process can produce the spikes.
        """
        rows, others = np.arange(len(self.chosen)), self._others()
        own, next_best = self.scores[rows, self.chosen], others.min(axis=1, initial=np.inf)
        both = np.isinf(own) & np.isinf(next_best)
        return np.asarray(np.where(both, 0.0, next_best - np.where(both, 0.0, own)))

    @property
    def runner_up(self) -> NDArray[np.int64]:
        """Position of the best process that was not chosen: (node,)."""
        family = self._families()
        if len(np.unique(family)) == 1:
            return self.chosen
        # Behind all others, also those that are impossible.
        same = family[None, :] == family[self.chosen][:, None]
        return np.asarray(np.lexsort((self._others(), same), axis=1)[:, 0])

    def _families(self) -> NDArray[np.int64]:
        """Return a number for each candidate that those of one process share."""
        names = [one.split(AT)[0] for one in self.processes]
        return np.array([names.index(one) for one in names], np.int64)

    def _others(self) -> Array:
        """Return the scores, inf for those of the process that was chosen: (node, process)."""
        family = self._families()
        return np.where(family[None, :] == family[self.chosen][:, None], np.inf, self.scores)

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Whether another process explains the spikes about as well: margin below 2: (node,)."""
        # Nested processes of equal likelihood differ by 2 exactly, up to rounding.
        return np.asarray(self.margin < MARGIN - 1e-6)

    def counts(self, layer: Layer) -> dict[str, int]:
        """Return how many nodes of a layer have each process, the most frequent first."""
        found = np.bincount(self.chosen[layer.nodes], minlength=len(self.processes))
        order = np.argsort(-found, kind="stable")
        return {self.processes[k]: int(found[k]) for k in order if found[k]}


def choose(
    names: Sequence[str], scores: Array, criterion: str, by: str, layers: Sequence[Layer]
) -> Selection:
    """Choose the lowest criterion of every node, or the lowest sum over a layer.

    Ties go to the process that stands first.

    Raises
    ------
    InvalidInputError
        Unknown criterion, or neither by node nor by layer.
    """
    check_criterion(criterion, by)
    scores = np.where(np.isnan(scores), np.inf, scores)
    if by == "node":
        chosen = scores.argmin(axis=1)
    else:
        chosen = np.zeros(len(scores), np.int64)
        for layer in layers:
            chosen[layer.nodes] = scores[layer.nodes].sum(axis=0).argmin()
    return Selection(criterion, by, tuple(names), scores, chosen.astype(np.int64))


def check_criterion(criterion: str, by: str) -> None:
    """Raise unless a criterion and a way to choose are known.

    Raises
    ------
    InvalidInputError
        They are not.
    """
    entrance.option("criterion", criterion, CRITERIA)
    entrance.option("by", by, BY)
