"""Keep trials out of a fit, to judge by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster.raster import SpikeRaster, check_raster


def split_trials(
    raster: SpikeRaster,
    fraction: float = 0.75,
    *,
    rng: np.random.Generator | int | None = 0,
    min_trials: int | None = None,
) -> tuple[SpikeRaster, SpikeRaster]:
    """Split the trials of a raster at random into those to fit and those to judge by.

    Where every trial has one condition, trials of each condition are split in the same proportion,
    as far as whole trials allow, and at least one of them is on either side. Trials without a
    condition (-1) are a stratum like those of any condition.

    Parameters
    ----------
    raster : SpikeRaster
    fraction : float, default 0.75
        Part of the trials that is fitted.
    rng : numpy.random.Generator, int or None, default 0
        Says which; as in Scientific Python's SPEC 7.
    min_trials : int, optional
        Leave out conditions with fewer trials than this, at least 2. How many trials of which
        condition were left out is in ``provenance["left_out"]`` of both rasters. Without it a
        condition that has one trial only is refused.

    Returns
    -------
    tuple of SpikeRaster
        In memory, trials in their order: to fit, and to judge by.

    Raises
    ------
    InvalidInputError
        A fraction that is not between 0 and 1, or a condition of one trial only.
    """
    check_raster(raster)
    fraction = entrance.number("fraction", fraction, 0, 1, inside=True)
    fewest = 1 if min_trials is None else entrance.whole("min_trials", min_trials, 2)
    labels = _strata(raster)
    generator = entrance.generator(rng)
    chosen = np.zeros(raster.n_trials, np.bool_)
    kept = np.ones(raster.n_trials, np.bool_)
    left_out: dict[str, int] = {}
    for label in np.unique(labels).tolist():
        members = np.flatnonzero(labels == label)
        if len(members) < fewest:
            kept[members] = False
            left_out[_name(label)] = len(members)
            continue
        if len(members) < 2:
            what = "the raster" if len(labels) == 1 else f"the stratum of {_name(label)}"
            raise InvalidInputError(
                f"{what} has one trial only, so none can be kept out of the fit: present the "
                "recording in more trials, or leave such conditions out with min_trials=2"
            )
        members = generator.permutation(members)
        chosen[members[: min(len(members) - 1, max(1, round(fraction * len(members))))]] = True
    if not chosen.any():
        raise InvalidInputError(
            f"every condition has fewer than {fewest} trials: take a smaller min_trials"
        )
    sides = (raster.trials(np.flatnonzero(kept & side)) for side in (chosen, ~chosen))
    if not left_out:
        return next(sides), next(sides)
    fitted, judged = (
        replace(one, provenance={**one.provenance, "left_out": left_out}) for one in sides
    )
    return fitted, judged


def _strata(raster: SpikeRaster) -> NDArray[np.int64]:
    """Return the condition of every trial; all 0 where a trial holds several."""
    if raster.conditions is None or (raster.conditions != raster.conditions[:, :1]).any():
        # Which one is first says nothing.
        return np.zeros(raster.n_trials, np.int64)
    return raster.conditions[:, 0].astype(np.int64)


def _name(label: int) -> str:
    return "trials without a condition" if label < 0 else f"condition {label}"
