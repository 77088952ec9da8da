"""Which statistics two rasters are compared by: all, or those that were named."""

from __future__ import annotations

from collections.abc import Sequence

from stochnet.errors import InvalidInputError
from stochnet.validation.compared.classifier import FEWEST
from stochnet.validation.compared.nodewise import NodeStatistic, statistics_to_compare

POPULATION, PAIRS = "population_count", "pairwise_correlation"
SIGNAL, NOISE, ACROSS = "signal_correlation", "noise_correlation", "cross_layer_correlation"
DIMENSION, CLASSIFICATION = "participation_ratio", "classification"
TOGETHER = (POPULATION, PAIRS, SIGNAL, NOISE, ACROSS, DIMENSION, CLASSIFICATION)


def known_names() -> tuple[str, ...]:
    """Return the names of all statistics there are, in the order of a report."""
    table = statistics_to_compare((1,), conditions=1, bins=2, unit="1")
    return (*(one.name for one in table), *TOGETHER)


def choose(
    asked: Sequence[str] | None,
    table: Sequence[NodeStatistic],
    n_nodes: int,
    *,
    conditions: int,
    n_layers: int,
    each: int,
) -> frozenset[str]:
    """Return the names of the statistics to compare.

    Parameters
    ----------
    asked : sequence of str or None
        None takes all that two rasters have.
    table : sequence of NodeStatistic
        The statistics of nodes that they have.
    n_nodes, conditions, n_layers : int
        Of both; no conditions if they do not have the same.
    each : int
        Groups in a stratum; 0 if there are none.

    Raises
    ------
    InvalidInputError
        No name, a name that does not exist, or one of a statistic that these rasters do not have.
    """
    have = {
        POPULATION: True,
        PAIRS: n_nodes > 1,
        # Two rates always lie on a line.
        SIGNAL: n_nodes > 1 and conditions > 2,
        NOISE: n_nodes > 1 and conditions > 0,
        ACROSS: n_layers > 1,
        DIMENSION: n_nodes > 1,
        CLASSIFICATION: conditions > 1 and each >= FEWEST,
    }
    here = [one.name for one in table] + [name for name in TOGETHER if have[name]]
    if asked is None:
        return frozenset(here)
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    unknown = [name for name in names if name not in known_names()]
    if unknown or not names:
        found = f"no statistic {unknown[0]!r}" if unknown else "no statistic is named"
        raise InvalidInputError(f"{found}; there are {', '.join(known_names())}")
    missing = [name for name in names if name not in here]
    if missing:
        raise InvalidInputError(
            f"these two rasters cannot be compared by {missing[0]}: it needs the same conditions "
            "in both for rate_by_condition, selectivity and noise_correlation (three of them for "
            "signal_correlation, two with four trials of each for classification), two windows for "
            "fano_factor, trials of two bins for autocorrelation, two nodes for "
            "pairwise_correlation and participation_ratio, and two layers for "
            "cross_layer_correlation; they have "
            f"{', '.join(dict.fromkeys(here))}"
        )
    return frozenset(names)
