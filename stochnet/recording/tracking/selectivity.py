"""How far the spikes of a node follow the classes of the stimuli."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.raster.raster import SpikeRaster
from stochnet.recording.schedule import LABELS
from stochnet.statistics.nodes import rate_by_condition


def class_selectivity(recording: SpikeRaster, by: str = "label") -> NDArray[np.float64]:
    """Return the share of the variance of every node's spikes that lies between classes.

    It is Kelley's epsilon squared, 1 - (N - 1)/(N - C)·(1 - η²), where η² is the variance of the
    class rates over that of the spikes, for N stimuli of C classes: 1 for a node that fires for all
    stimuli of some classes and for no others, and 0 in the mean over all ways to deal the labels.
    A single node without selectivity is thus as often somewhat below 0 as above.

    Parameters
    ----------
    recording : SpikeRaster
        Spikes, one bin per stimulus.
    by : {"label", "training-label"}
        Which labels; bins without one are left out.

    Returns
    -------
    ndarray (node,)
        NaN for nodes that never or always fire.

    Raises
    ------
    InvalidInputError
        The recording has no such labels, or not two classes and more stimuli than classes.

    References
    ----------
    Kelley (1935), An unbiased correlation ratio measure. Proc. Natl. Acad. Sci. 21.
    """
    labels: NDArray[np.int16] | None = getattr(recording, LABELS[by])
    if labels is None:
        raise InvalidInputError(f"the recording has no {by.replace('-', ' ')}s")
    sizes = np.bincount(labels[labels >= 0])
    n, n_classes = int(sizes.sum()), int(np.count_nonzero(sizes))
    if n_classes < 2 or n <= n_classes:
        raise InvalidInputError(
            f"class selectivity needs two classes and more stimuli than classes, there are {n} "
            f"stimuli of {n_classes}"
        )
    of_class = rate_by_condition(replace(recording, conditions=labels))[:, sizes > 0]
    size = sizes[sizes > 0]
    counts = np.rint(of_class * size)
    rate = counts.sum(axis=1) / n
    between = (size * (of_class - rate[:, None]) ** 2).sum(axis=1)
    total = n * rate * (1 - rate)
    share = np.full(recording.n_nodes, np.nan)
    varies = total > 0
    share[varies] = 1 - (n - 1) / (n - n_classes) * (1 - between[varies] / total[varies])
    return share
