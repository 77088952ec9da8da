"""Summary: what was observed of a block of nodes, which is all that an estimator may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import Segments
from stochnet.statistics.moments import fano_from_moments, histogram_moments
from stochnet.statistics.summary.parts import FIELDS, PARTS, check_parts
from stochnet.statistics.summary.summary_part import Fields, Part
from stochnet.statistics.summary.trials import Array, NodeBlock, Totals, Trials


@dataclass(frozen=True, eq=False, slots=True)
class Summary:
    """What was observed of each node, in all bins or in those of one condition.

    Beyond these totals it has the fields of its parts as attributes, under the names that the files
    of `stochnet.statistics.summary.parts` give them; those of a part that was not asked for are
    empty, or zero.

    Attributes
    ----------
    n_bins : int
        Bins observed per node.
    n_segments : int
        Segments (windows) per node.
    spikes, active : ndarray of int64 (node,)
        Spikes, and bins with at least one.
    log_factorials : ndarray of float64 (node,)
        Sum over bins of log(count!); 0 for packed spikes.
    fields : mapping of str to ndarray
        Of the parts that were asked for, (node, …) unless all nodes share them.
    """

    n_bins: int
    n_segments: int
    spikes: NDArray[np.int64]
    active: NDArray[np.int64]
    log_factorials: Array
    fields: Fields

    def __getattr__(self, name: str) -> NDArray[Any]:
        """Return a field of a part."""
        if name not in FIELDS:
            raise AttributeError(
                f"a summary has no {name!r}; beyond totals it has {', '.join(FIELDS)}"
            )
        return self.fields[name] if name in self.fields else FIELDS[name].of_none(self.n_nodes)

    @property
    def n_nodes(self) -> int:
        """Nodes in the block."""
        return len(self.spikes)

    def take(self, nodes: NDArray[np.int64]) -> Summary:
        """Return the summary of some nodes, by position."""
        return replace(
            self,
            spikes=self.spikes[nodes],
            active=self.active[nodes],
            log_factorials=self.log_factorials[nodes],
            fields={
                name: array if FIELDS[name].shape is None else array[nodes]
                for name, array in self.fields.items()
            },
        )

    def window_fano(self) -> tuple[float, Array]:
        """Return (length, Fano factor with ddof=1) of the most frequent segment length.

        1 where it is undefined.
        """
        if not len(self.lengths):
            return 1.0, np.ones(self.n_nodes)
        ends = list(zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True))
        best = int(np.argmax([int(self.histogram[:1, a:b].sum()) for a, b in ends]))
        fano = fano_from_moments(*histogram_moments(self.histogram[:, slice(*ends[best])]))
        return float(self.lengths[best]), np.where(np.isnan(fano), 1.0, fano)


def summarize(
    raster: SpikeRaster,
    *,
    window: int | None = None,
    per_condition: bool = False,
    parts: Iterable[str] = PARTS,
    segments: Segments | None = None,
) -> tuple[Summary, ...]:
    """Summarise a block of nodes: one `Summary`, or one per condition.

    Parameters
    ----------
    raster : SpikeRaster
        Read whole into memory; pass blocks of large rasters (`SpikeRaster.blocks`).
    window : int, optional
        Bins per window; the whole trial by default.
    per_condition : bool, default False
        One summary for each condition from 0 to the highest.
    parts : iterable of str
        What to compute beyond totals, of `stochnet.statistics.summary.parts.PARTS`.
    segments : Segments, optional
        As cut before, to save cutting them for every block.

    Raises
    ------
    InvalidInputError
        No conditions although they were asked for; a window longer than the trial; an unknown part.
    """
    block = NodeBlock(raster.load(), Trials.of(raster, window, per_condition, segments))
    return by_condition(block.trials, block.totals, *computed(block, check_parts(parts)))


def computed(
    block: NodeBlock, parts: Iterable[Part]
) -> tuple[dict[str, Sequence[Fields]], list[Part]]:
    """Return the fields of parts by condition, and the parts that follow from the totals."""
    found = {one.name: one.compute(block) for one in parts if one.has_table(block.raster.kind)}
    return found, [one for one in parts if one.name not in found]


def by_condition(
    trials: Trials,
    totals: Totals,
    found: Mapping[str, Sequence[Fields]],
    known: Sequence[Part],
) -> tuple[Summary, ...]:
    """Return the summary of each condition from what `computed` returns."""
    segments, n = trials.segments, trials.n_conditions
    bins = np.bincount(segments.condition, segments.length, minlength=n).astype(np.int64)
    result = []
    for c in range(n):
        active = np.ascontiguousarray(totals.active[:, c])
        fields = [part.of_totals(int(bins[c]), active) for part in known if part.of_totals]
        fields += [part[c] for part in found.values()]
        result.append(
            Summary(
                n_bins=int(bins[c]),
                n_segments=int(np.count_nonzero(segments.condition == c)),
                spikes=np.ascontiguousarray(totals.spikes[:, c]),
                active=active,
                log_factorials=np.ascontiguousarray(totals.log_factorials[:, c]),
                fields={name: array for one in fields for name, array in one.items()},
            )
        )
    return tuple(result)
