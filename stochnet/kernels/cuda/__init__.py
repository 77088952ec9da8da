"""The kernels for an NVIDIA GPU: those of `stochnet.kernels.cpu`, by the same names.

Imported only where something is drawn on a GPU. Device functions are compiled from the plain Python
functions of `stochnet.kernels.drawing.words`, `stochnet.kernels.drawing.gaps` and
`stochnet.kernels.drawing.bins`.
"""

from __future__ import annotations

from stochnet.kernels.cuda.counts import independent_counts, pooled_counts
from stochnet.kernels.cuda.device import check
from stochnet.kernels.cuda.gaps import renewal_spikes
from stochnet.kernels.cuda.spikes import pooled_spikes, profile_spikes, segmented_spikes
from stochnet.kernels.cuda.trials import stepwise

__all__ = [
    "check",
    "independent_counts",
    "pooled_counts",
    "pooled_spikes",
    "profile_spikes",
    "renewal_spikes",
    "segmented_spikes",
    "stepwise",
]
THREADED = False
