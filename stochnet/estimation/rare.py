"""Conditions with too few bins to fit: refused, or left out by how many bins they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.process import Array, Estimate, Process
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.summary import Summary


def bins_of_conditions(raster: SpikeRaster | RasterSummary) -> NDArray[np.int64]:
    """Return the bins of every condition from 0 to the highest."""
    if raster.conditions is None:
        return np.zeros(0, np.int64)
    labels = raster.conditions[raster.conditions >= 0]
    return np.bincount(labels, minlength=raster.n_conditions).astype(np.int64)


def fewest_bins(min_bins: int | None, per_condition: bool) -> int:
    """Return how many bins a condition must have to be fitted; 0 if all must be.

    Raises
    ------
    InvalidInputError
        A number that is none, or one that goes with a pooled fit.
    """
    if min_bins is None:
        return 0
    if not per_condition:
        raise InvalidInputError(
            "min_bins is about conditions, and goes with per_condition=True; a pooled fit takes "
            "all bins, whatever their condition"
        )
    return entrance.whole("min_bins", min_bins)


def without_rare(
    raster: SpikeRaster | RasterSummary, per_condition: bool, min_bins: int | None
) -> tuple[SpikeRaster | RasterSummary, dict[int, int]]:
    """Return a raster in which the bins of rare conditions have none, and how many bins those had.

    Raises
    ------
    InvalidInputError
        A condition without any bin though none may be left out, or nothing is left; a summary,
        whose conditions are fixed.
    """
    fewest = fewest_bins(min_bins, per_condition)
    if not per_condition or raster.conditions is None:
        return raster, {}
    bins = bins_of_conditions(raster)
    if not fewest:
        for condition in np.flatnonzero(bins == 0).tolist():
            raise InvalidInputError(
                f"condition {condition} occurs in no bin; number the conditions 0, 1, 2, … without "
                "gaps, present the recording with a schedule that shows every class, or leave out "
                "conditions with few bins (min_bins=1, --min-bins 1)"
            )
        return raster, {}
    rare = bins < fewest
    if rare.all():
        raise InvalidInputError(
            f"no condition has {fewest} bins, the most is {bins.max(initial=0)}: lower min_bins"
        )
    left_out = {int(c): int(bins[c]) for c in np.flatnonzero(rare)}
    if not any(left_out.values()):
        return raster, left_out
    if isinstance(raster, RasterSummary):
        raise InvalidInputError(
            f"a summary has its conditions fixed, and condition {min(left_out)} has fewer than "
            f"{fewest} bins: fit the raster itself"
        )
    labels = raster.conditions
    hidden = np.where((labels >= 0) & rare[labels], -1, labels).astype(np.int16)
    return replace(raster, conditions=hidden), left_out


def named(left_out: dict[int, int]) -> dict[str, int]:
    """Return the bins of conditions that were left out, as facts of a provenance."""
    return {f"condition {condition}": bins for condition, bins in left_out.items()}


def with_missing(
    record: Process, estimates: Sequence[Estimate | None], summaries: Sequence[Summary]
) -> list[Estimate]:
    """Return the estimates of all conditions: one that was left out has the mean of the others.

    The mean is over bins; nothing was observed, so its standard errors are infinite.
    """
    known = [(one, s.n_bins) for one, s in zip(estimates, summaries, strict=True) if one]
    if len(known) == len(estimates):
        return [one for one, _ in known]
    weights = np.array([bins for _, bins in known], np.float64)
    params: dict[str, Array] = {}
    for param in record.params:
        mean = np.average([one.params[param.name] for one, _ in known], axis=0, weights=weights)
        params[param.name] = np.rint(mean) if param.whole else mean
    nothing = {name: np.full(len(value), np.inf) for name, value in params.items()}
    flags = np.bitwise_or.reduce([one.flags for one, _ in known])
    stand_in = Estimate(params, nothing, flags)
    return [stand_in if one is None else one for one in estimates]
