"""What `validate` is given: checked, and bins without a condition made one of their own."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.errors import entrance
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster, check_raster


def check_given(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    bundle: Bundle | None,
    progress: Progress | None,
    executor: Executor | None,
) -> tuple[SpikeRaster, SpikeRaster]:
    """Return the two rasters as they are compared.

    Bins without a condition beside others that have one are one more condition: they stand in a
    stratum of their own, and are compared with each other where both rasters have such bins.

    Raises
    ------
    InvalidInputError
        Something is not what it should be.
    """
    check_raster(observed, "observed")
    check_raster(simulated, "simulated")
    if bundle is not None:
        entrance.instance("bundle", bundle, Bundle, "give the one that was simulated, or none")
    entrance.progress(progress)
    entrance.executor(executor)
    label = max(observed.n_conditions, simulated.n_conditions)
    return _labelled(observed, label), _labelled(simulated, label)


def covers(bundle: Bundle, raster: SpikeRaster) -> bool:
    """Whether a bundle says what its nodes do in all bins of a raster."""
    return not bundle.n_conditions or raster.n_conditions <= bundle.n_conditions


def _labelled(raster: SpikeRaster, label: int) -> SpikeRaster:
    labels = raster.conditions
    if labels is None or not raster.n_conditions or (labels >= 0).all():
        return raster
    return replace(raster, conditions=np.where(labels < 0, label, labels).astype(np.int16))
