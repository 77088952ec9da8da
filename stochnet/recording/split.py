"""Keep trials out of a fit, to judge by."""

from __future__ import annotations

import numpy as np

from stochnet.errors import InvalidInputError
from stochnet.raster.raster import SpikeRaster


def split_trials(
    raster: SpikeRaster,
    fraction: float = 0.75,
    *,
    rng: np.random.Generator | int | None = 0,
) -> tuple[SpikeRaster, SpikeRaster]:
    """Split the trials of a raster at random into those to fit and those to judge by.

    Trials that begin with the same condition are split in the same proportion, as far as whole
    trials allow, and at least one of them is on either side.

    Parameters
    ----------
    raster : SpikeRaster
    fraction : float, default 0.75
        Part of the trials that is fitted.
    rng : numpy.random.Generator, int or None, default 0
        Says which; as in Scientific Python's SPEC 7.

    Returns
    -------
    tuple of SpikeRaster
        In memory, trials in their order: to fit, and to judge by.

    Raises
    ------
    InvalidInputError
        A fraction that is not between 0 and 1, or a condition of one trial only.
    """
    if not 0 < fraction < 1:
        raise InvalidInputError(f"fraction must lie between 0 and 1, got {fraction}")
    labels = np.zeros(raster.n_trials, np.int64)
    if raster.conditions is not None:
        labels = raster.conditions[:, 0].astype(np.int64)
        # Where trials hold several conditions, which one is first says nothing.
        if (raster.conditions != raster.conditions[:, :1]).any():
            labels[:] = 0
    generator = np.random.default_rng(rng)
    chosen = np.zeros(raster.n_trials, np.bool_)
    for label in np.unique(labels).tolist():
        members = generator.permutation(np.flatnonzero(labels == label))
        if len(members) < 2:
            what = "the raster" if len(labels) == 1 else f"condition {label}"
            raise InvalidInputError(
                f"{what} has one trial only, so none can be kept out of the fit: present the "
                "recording in more trials"
            )
        chosen[members[: min(len(members) - 1, max(1, round(fraction * len(members))))]] = True
    return raster.trials(np.flatnonzero(chosen)), raster.trials(np.flatnonzero(~chosen))
