"""The compared statistics, a few to a file; a file that ends with ``STATISTICS = (…)`` is found."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from stochnet.errors import InvalidInputError, entrance
from stochnet.errors.entrance.variants import by_name, declared
from stochnet.validation.kinds.network_statistic import NetworkStatistic
from stochnet.validation.kinds.node_statistic import NodeStatistic
from stochnet.validation.kinds.pair_statistic import PairStatistic
from stochnet.validation.kinds.statistic import Statistic
from stochnet.validation.matching import Matched

# The figures show firing rates in any case.
SHOWN = "firing_rate"


def discover(path: Iterable[str], package: str) -> Mapping[str, Statistic]:
    """Import every module of a package and collect its ``STATISTICS``, in the order of a report.

    Raises
    ------
    InvalidInputError
        A module has no ``STATISTICS``, or a name in it is taken.
    """
    form = "(NodeStatistic(...), ...)"
    found = by_name(declared(path, package, "STATISTICS", Statistic, form), "statistic")
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[1].order)))


STATISTICS = discover(__path__, __name__)


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """The statistics that two rasters are compared by, by their kinds.

    Attributes
    ----------
    surveyed, nodes : tuple of NodeStatistic
        Those that are computed of nodes, and those of them that are compared.
    pairs : tuple of PairStatistic
    network : tuple of NetworkStatistic
    """

    surveyed: tuple[NodeStatistic, ...]
    nodes: tuple[NodeStatistic, ...]
    pairs: tuple[PairStatistic, ...]
    network: tuple[NetworkStatistic, ...]


def choose(asked: Sequence[str] | str | None, matched: Matched) -> Chosen:
    """Return the statistics that are named, or all that two rasters have.

    Raises
    ------
    InvalidInputError
        No name, a name that does not exist, or one of a statistic that these rasters do not have.
    """
    have = [name for name, one in STATISTICS.items() if one.available(matched)]
    listed = (asked,) if isinstance(asked, str) else have if asked is None else asked
    names = entrance.options("statistics", listed)
    unknown = [name for name in names if name not in STATISTICS]
    if unknown or not names:
        found = f"no statistic {unknown[0]!r}" if unknown else "no statistic is named"
        raise InvalidInputError(f"{found}; there are {', '.join(STATISTICS)}")
    for name in names:
        if name not in have:
            raise InvalidInputError(
                f"these two rasters cannot be compared by {name}, which needs "
                f"{STATISTICS[name].needs}; they have {', '.join(have)}"
            )
    chosen = [one for name, one in STATISTICS.items() if name in names]
    surveyed = [
        variant
        for one in STATISTICS.values()
        if isinstance(one, NodeStatistic) and (one.name in names or one.name == SHOWN)
        for variant in one.variants(matched)
    ]
    return Chosen(
        tuple(surveyed),
        tuple(one for one in surveyed if one.name in names),
        tuple(one for one in chosen if isinstance(one, PairStatistic)),
        tuple(one for one in chosen if isinstance(one, NetworkStatistic)),
    )


def _reduced(one: NodeStatistic) -> tuple[Any, ...]:
    """Pickle one of stochnet's own by its name, for it may hold functions without one."""
    if one.name in STATISTICS:
        of_rasters = {key: getattr(one, key) for key in ("label", "unit", "window", "shape")}
        return _unreduced, (one.name, of_rasters)
    reduced: tuple[Any, ...] = one.__reduce_ex__(4)  # type: ignore[assignment]
    return reduced


def _unreduced(name: str, of_rasters: Mapping[str, Any]) -> Statistic:
    return replace(STATISTICS[name], **of_rasters)


copyreg.pickle(NodeStatistic, _reduced)
