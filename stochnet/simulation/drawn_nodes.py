"""The data of a simulated raster: nodes that are drawn whenever they are read, anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.process import Process
from stochnet.raster import packing
from stochnet.simulation.draw import Run, draw_fit, kernels_of
from stochnet.simulation.draw_correlated import RoundedLatents, by_latents, draw_correlated


@dataclass(frozen=True, eq=False, slots=True)
class DrawnNodes:
    """Consecutive nodes of a simulation, which stand for their spikes: nothing is kept of these.

    The data of a raster (node, trial, word or bin), and what a worker is sent.

    Attributes
    ----------
    fits : tuple of ProcessFit
        They hold every node from `first` to `last` once, by its number in the network.
    run : Run
        Size, conditions, key, and where it is drawn.
    first, last : int
        First node, and the one after the last.
    latents : RoundedLatents or None
        What the nodes have in common; None where they are independent.
    """

    fits: tuple[ProcessFit, ...]
    run: Run
    first: int
    last: int
    latents: RoundedLatents | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sizes (node, trial, word or bin)."""
        run = self.run
        width = packing.n_words(run.n_bins) if run.dtype == np.uint64 else run.n_bins
        return self.last - self.first, run.n_trials, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint64 for packed spikes, uint8 or uint16 for counts."""
        return self.run.dtype

    @property
    def node_bytes(self) -> int:
        """Bytes of one node."""
        return int(np.prod(self.shape[1:])) * self.dtype.itemsize

    def __getitem__(self, key: slice) -> NDArray[Any]:
        start, stop, _ = key.indices(len(self))
        return self.draw(start, max(start, stop))

    def __len__(self) -> int:
        return self.last - self.first

    def draw(self, start: int, stop: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Draw some nodes, counted from the first one here.

        Into `out` if it is given: contiguous, and of their shape and type.
        """
        first, run = self.first + start, self.run
        kernels, packed = kernels_of(run.target), run.dtype == np.uint64
        if out is None:
            out = np.empty((stop - start, *self.shape[1:]), run.dtype)
        for fit in self.fits:
            a, b = np.searchsorted(fit.node_ids, [first, self.first + stop])
            if a == b:
                continue
            for part, i, j, latents in by_latents(fit, a, b, self.latents):
                rows = part.node_ids[i:j] - first
                counts = part.process.has_counts
                in_place = counts != packed and len(rows) == len(out)
                width = run.n_bins if counts else packing.n_words(run.n_bins)
                dtype = run.dtype if counts else np.uint64
                drawn = out if in_place else np.empty((len(rows), run.n_trials, width), dtype)
                if latents is None:
                    draw_fit(part, i, j, run, drawn, kernels)
                else:
                    draw_correlated(part, latents, run, drawn, kernels)
                if not in_place:
                    out[rows] = drawn if counts or packed else packing.unpack(drawn, run.n_bins)
        return out

    def part(self, start: int, stop: int, threads: int = 1) -> DrawnNodes:
        """Return some nodes, for a worker with so many threads; they keep their numbers."""
        first, last = self.first + start, self.first + stop
        rows = [(fit, slice(*np.searchsorted(fit.node_ids, [first, last]))) for fit in self.fits]
        fits = tuple(fit.take(mine) for fit, mine in rows if mine.start < mine.stop)
        conditions = self.run.conditions if any(fit.n_conditions for fit in fits) else None
        latents = self.latents
        if latents is not None and last > first:
            latents = latents.part(range(first, last))
        run = replace(self.run, conditions=conditions, threads=threads)
        return DrawnNodes(fits, run, first, last, latents)

    def __reduce__(self) -> tuple[Any, ...]:
        # Of a fit a simulation needs the parameters alone.
        known = [(fit.process, fit.node_ids, dict(fit.params), fit.window) for fit in self.fits]
        return _unpickled, (known, self.run, self.first, self.last, self.latents)


Known = tuple[Process, NDArray[np.int64], Mapping[str, Any], int | None]


def _unpickled(known: Sequence[Known], *rest: Any) -> DrawnNodes:
    return DrawnNodes(tuple(known_fit(*one) for one in known), *rest)
