"""Whether two rasters can be compared, by what, and in which groups of trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stochnet.errors import InvalidInputError
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import check_window
from stochnet.statistics.table import USUAL_WINDOWS
from stochnet.validation.sums.groups import Groups, deal
from stochnet.validation.sums.units import Units, choose_length, cut_units

# Groups of each raster; fewer where every group costs one number for each of many nodes.
MOST_GROUPS, FEWER_GROUPS, MANY_NODES = 48, 24, 20_000


@dataclass(frozen=True, slots=True)
class Match:
    """How an observed and a simulated raster are compared.

    Attributes
    ----------
    windows : tuple of int
        Bins per window, ascending.
    conditions : bool
        Whether rates per condition can be compared.
    units : tuple of Units or None
        What is resampled, observed and simulated; None if there are too few.
    groups : Groups or None
        How they are grouped.
    compared_bins : int
        Bins in all groups of one raster.
    notes : tuple of str
        What a reader should know.
    """

    windows: tuple[int, ...]
    conditions: bool
    units: tuple[Units, Units] | None
    groups: Groups | None
    compared_bins: int
    notes: tuple[str, ...]

    @property
    def unit_bins(self) -> int:
        """Bins of a unit; 0 if there are none."""
        return 0 if self.units is None else self.units[0].length

    @property
    def labelled(self) -> bool:
        """Whether each unit has a condition, so that strata are conditions."""
        return self.units is not None and bool((self.units[0].stratum >= 0).all())


def match(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    windows: Sequence[int] | None,
    rng: np.random.Generator,
) -> Match:
    """Plan a comparison.

    Parameters
    ----------
    observed, simulated : SpikeRaster
    windows : sequence of int or None
        None takes the usual ones that fit.
    rng : numpy.random.Generator
        Deals the groups.

    Raises
    ------
    InvalidInputError
        Other nodes or layers, or a window of which a raster does not hold two.
    """
    check_layers_alike(observed, simulated)
    chosen = choose_windows(observed, simulated, windows)
    same_conditions = 0 < observed.n_conditions == simulated.n_conditions
    notes = _notes(observed, simulated, same_conditions)
    length = choose_length(observed, simulated, chosen)
    units = groups = None
    if length is not None:
        units = cut_units(observed, length), cut_units(simulated, length)
        most = MOST_GROUPS if observed.n_nodes <= MANY_NODES else FEWER_GROUPS
        groups = deal(*units, most, rng)
    if length is None or units is None or groups is None:
        notes.append(
            "Nothing could be judged: that takes at least two trials, or pieces of trials, of "
            "every condition in both rasters. Distances and floors are therefore missing."
        )
        return Match(chosen, same_conditions, None, None, 0, tuple(notes))
    made_of = "trials" if length == observed.n_bins else f"pieces of {length} bins"
    compared = groups.n_units * length
    notes.insert(
        0,
        f"Compared are {compared:,} bins of each raster, in {groups.n_groups} groups of {made_of} "
        "that hold every condition equally often in both.",
    )
    lost = [window for window in chosen if window > length]
    if lost:
        notes.append(
            f"Windows of {_list(lost)} bins are longer than the pieces that are resampled, so "
            "statistics of them have no floor."
        )
    return Match(chosen, same_conditions, units, groups, compared, tuple(notes))


def check_layers_alike(observed: SpikeRaster, simulated: SpikeRaster) -> None:
    """Refuse rasters of different nodes.

    Raises
    ------
    InvalidInputError
        The message says what differs.
    """
    if observed.n_nodes != simulated.n_nodes:
        raise InvalidInputError(
            f"the observed raster has {observed.n_nodes} nodes and the simulated one "
            f"{simulated.n_nodes}: nodes are compared one by one, so simulate the bundle that was "
            "fitted to the observed network"
        )
    for one, other in zip(observed.layers, simulated.layers, strict=False):
        if (one.name, one.first, one.n_nodes) != (other.name, other.first, other.n_nodes):
            raise InvalidInputError(
                f"the layers differ: {one.name!r} with {one.n_nodes} nodes is observed where "
                f"{other.name!r} with {other.n_nodes} nodes is simulated"
            )


def choose_windows(
    observed: SpikeRaster, simulated: SpikeRaster, windows: Sequence[int] | None
) -> tuple[int, ...]:
    """Return the windows to compare by, ascending and without repeats.

    Raises
    ------
    InvalidInputError
        A given window does not fit both rasters twice.
    """
    rasters = {"observed": observed, "simulated": simulated}

    def hold(raster: SpikeRaster, window: int) -> int:
        return raster.n_trials * (raster.n_bins // window)

    if windows is None:
        # Two windows for each half.
        usual = [w for w in USUAL_WINDOWS if all(hold(r, w) >= 4 for r in rasters.values())]
        shortest = min(r.n_bins for r in rasters.values())
        return tuple(usual) or ((max(1, shortest // 4),) if shortest > 3 else ())
    for window in windows:
        for name, raster in rasters.items():
            check_window(window, raster.n_bins)
            if hold(raster, window) < 2:
                raise InvalidInputError(
                    f"the {name} raster holds only one window of {window} bins and a Fano factor "
                    "needs two: take a shorter window or more trials"
                )
    return tuple(sorted({int(window) for window in windows}))


def _notes(observed: SpikeRaster, simulated: SpikeRaster, same_conditions: bool) -> list[str]:
    notes = [
        f"Schedules: observed {observed.schedule}, simulated {simulated.schedule}.",
        (
            "Fano factors have ddof=1; dead nodes have none and are left out of means over nodes. "
            "Variances over nodes have ddof=0."
        ),
    ]
    if observed.schedule == "shuffled":
        notes.append(
            "Under a shuffled schedule bins are exchangeable and the Fano factor is 1 − rate up to "
            "chance: it carries nothing beyond the firing rate."
        )
    if simulated.schedule not in (observed.schedule, "none"):
        notes.append(
            "The schedules differ. Fano factors, gaps and correlations describe the network and "
            "the order of the stimuli, so a difference in them may come from the order alone."
        )
    if observed.conditions is not None and not same_conditions:
        notes.append(
            "The two rasters do not have the same conditions, so rates per condition are not "
            "compared."
        )
    if not _same_width(observed, simulated):
        notes.append("The bin widths differ, so rates are compared per bin and not per second.")
    stimuli = observed.stimuli
    if stimuli is not None:
        known = stimuli[stimuli >= 0]
        repeated = len(known) - len(np.unique(known))
        if repeated:
            notes.append(
                f"{repeated:,} of {len(known):,} bins of the observed raster repeat a stimulus. A "
                "network answers it in the same way, so trials are more alike than new stimuli "
                "would make them, and the floor is too low."
            )
    return notes


def _same_width(observed: SpikeRaster, simulated: SpikeRaster) -> bool:
    return bool(
        np.isclose(observed.bin_width, simulated.bin_width, rtol=1e-9, atol=0, equal_nan=True)
    )


def per_bin(observed: SpikeRaster, simulated: SpikeRaster) -> bool:
    """Return whether rates are to be compared per bin: no common width of bins in seconds."""
    return not _same_width(observed, simulated) or bool(np.isnan(observed.bin_width))


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
