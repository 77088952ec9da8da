"""Scores: the measures of all entrants of a benchmark, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stochnet.benchmark.measures import Measure

# Losses that differ by less than rounding are a tie.
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Entrant:
    """One estimator: its measures, by quantity and cell.

    Attributes
    ----------
    name : str
    given : bool
        Whether it was given to be scored, and is not one of stochnet's.
    measures : dict of (quantity, cell) to Measure
    """

    name: str
    given: bool
    measures: Mapping[tuple[str, str], Measure]

    def loss(self, quantities: Iterable[str]) -> float | None:
        """Return the geometric mean over the cells of some quantities; None if one is lacking."""
        wanted = set(quantities)
        if not wanted <= {quantity for quantity, _ in self.measures}:
            return None
        own = [m.loss for (quantity, _), m in self.measures.items() if quantity in wanted]
        return math.exp(sum(math.log(loss) for loss in own) / len(own)) if own else None


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """The result of `score`.

    Every entrant has a loss for each quantity and cell: its root mean square error, error rate or
    log score. Its overall loss is the geometric mean over the cells of the quantities that all
    given estimates answer, and the overall rank goes by it. Ratios of geometric means do not depend
    on units; an estimator that is off by a constant factor or amount loses more in the cells with
    much data, where its bias is many standard errors, than it can win by chance or by shrinkage in
    those with little.

    Attributes
    ----------
    suite : str
    version : int
    quantities : tuple of str
        Those that the overall rank is about.
    entrants : tuple of Entrant
        The given ones first.
    """

    suite: str
    version: int
    quantities: tuple[str, ...]
    entrants: tuple[Entrant, ...]

    def entrant(self, name: str) -> Entrant:
        """Return the entrant of a name."""
        return next(one for one in self.entrants if one.name == name)

    def ranking(self) -> list[tuple[int, Entrant, float]]:
        """Return (rank, entrant, overall loss), the best first; those who lack a quantity left out.

        Equal losses have equal ranks.
        """
        found = [(one, one.loss(self.quantities)) for one in self.entrants]
        known = [(one, loss) for one, loss in found if loss is not None]
        losses = [loss for _, loss in known]
        ranked = [(_rank(loss, losses), one, loss) for one, loss in known]
        return sorted(ranked, key=lambda row: row[0])

    def rank(self, name: str, quantity: str | None = None, cell: str | None = None) -> int:
        """Return the rank of an entrant: overall, for a quantity, or for a quantity and cell."""
        losses = {one.name: self._loss(one, quantity, cell) for one in self.entrants}
        return _rank(losses[name], list(losses.values()))

    def _loss(self, one: Entrant, quantity: str | None, cell: str | None) -> float | None:
        if quantity is None:
            return one.loss(self.quantities)
        if cell is None:
            return one.loss([quantity])
        found = one.measures.get((quantity, cell))
        return None if found is None else found.loss

    def table(self) -> list[dict[str, Any]]:
        """Return one row for each entrant, quantity and cell, with its rank."""
        rows = []
        for key in _keys(self.entrants):
            there = [one for one in self.entrants if key in one.measures]
            losses = [one.measures[key].loss for one in there]
            rows += [
                {"entrant": one.name, **one.measures[key].to_dict(),
                 "rank": _rank(one.measures[key].loss, losses), "of": len(there)}
                for one in there
            ]  # fmt: skip
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "suite": self.suite,
            "version": self.version,
            "quantities": list(self.quantities),
            "ranking": [
                {"rank": rank, "entrant": one.name, "given": one.given, "loss": loss}
                for rank, one, loss in self.ranking()
            ],
            "measures": self.table(),
        }


def _keys(entrants: Sequence[Entrant]) -> list[tuple[str, str]]:
    """Return quantities and cells in the order of the suite, as far as any entrant has them."""
    seen: dict[tuple[str, str], None] = {}
    for one in sorted(entrants, key=lambda entrant: -len(entrant.measures)):
        seen |= dict.fromkeys(one.measures)
    return list(seen)


def _rank(loss: float | None, losses: Sequence[float | None]) -> int:
    """Return one more than the entrants that are better."""
    if loss is None:
        return len(losses)
    return 1 + sum(other is not None and other < loss * (1 - SAME) for other in losses)
