"""What a bundle remembers of the raster that it is fitted to: its size, and its trials."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np

from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.even_sample import evenly_spread
from stochnet.statistics.summary.stored import RasterSummary

# Nodes whose spikes tell one trial from another, and trials that are remembered.
TELLING, REMEMBERED = 256, 256
DIGITS = 8
# Multiplier of Fibonacci hashing (Knuth 1998, section 6.4): 2**64 over the golden ratio, odd.
SPREAD = np.uint64(0x9E3779B97F4A7C15)


def trial_digests(raster: SpikeRaster) -> list[str]:
    """Return short digests of all trials that are not silent.

    Parameters
    ----------
    raster : SpikeRaster
        At most 256 of its nodes count, spread evenly.
    """
    nodes = evenly_spread(raster.n_nodes, TELLING).tolist()
    rows = np.concatenate([np.asarray(raster.data[n : n + 1]) for n in nodes])
    # Silent trials are all alike and tell nothing.
    spiking = np.flatnonzero(rows.any(axis=(0, 2)))
    return [
        hashlib.sha256(np.ascontiguousarray(rows[:, trial]).tobytes()).hexdigest()[:DIGITS]
        for trial in spiking.tolist()
    ]


def stimulus_digests(raster: SpikeRaster) -> list[str]:
    """Return short digests of all stimuli, ascending.

    The smallest digests of two rasters are of the same stimuli where these are in both, so that a
    few are enough to tell how many are shared (Broder 1997, bottom-k sketches).
    """
    if raster.stimuli is None:
        return []
    known = np.unique(raster.stimuli)
    mixed = known[known >= 0].astype(np.uint64) * SPREAD
    mixed ^= mixed >> np.uint64(32)
    digests = np.sort((mixed * SPREAD) >> np.uint64(32))
    return [f"{int(one):0{DIGITS}x}" for one in np.unique(digests).tolist()]


def fit_facts(
    raster: SpikeRaster | RasterSummary,
    processes: Collection[tuple[str, int | None]],
    per_condition: bool,
    window: int | None,
    *,
    correlated: bool = False,
) -> dict[str, Any]:
    """Return what a bundle remembers of the raster that it is fitted to, for its provenance.

    `processes` are names and windows; ``process`` is that of all nodes, None if there are several.
    ``trials`` holds the digests of up to 256 trials, spread evenly, and ``stimuli`` the 256
    smallest of those of its stimuli; of a summary there are none.
    """
    names = set(processes)
    digests = trial_digests(raster) if isinstance(raster, SpikeRaster) else []
    stimuli = stimulus_digests(raster) if isinstance(raster, SpikeRaster) else []
    return {
        "n_trials": raster.n_trials,
        "n_bins": raster.n_bins,
        "process": names.pop()[0] if len(names) == 1 else None,
        "per_condition": per_condition,
        "window": window,
        "correlated": correlated,
        "trials": " ".join(digests[k] for k in evenly_spread(len(digests), REMEMBERED)),
        "stimuli": " ".join(stimuli[:REMEMBERED]),
    }
