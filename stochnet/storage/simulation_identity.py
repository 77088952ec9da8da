"""What a simulation will draw, down to the last bit, in one hash."""

from __future__ import annotations

import hashlib

from stochnet._version import __version__
from stochnet.bundle.bundle import Bundle
from stochnet.kernels import rng
from stochnet.raster.raster import SpikeRaster
from stochnet.storage.bundles import bundle_digest
from stochnet.storage.rasters import combine


def simulation_identity(bundle: Bundle, template: SpikeRaster, seed: int) -> str:
    """Return 64 hexadecimal digits that two simulations share only if they make the same file.

    Parameters
    ----------
    bundle : Bundle
    template : SpikeRaster
        The raster to be, without its data: sizes, conditions, layers.
    seed : int
    """
    # The version stands in the file, so another one does not finish it.
    lines = (
        __version__,
        str(rng.STREAM_VERSION),
        str(int(seed)),
        bundle_digest(bundle),
        combine(template, b""),
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
