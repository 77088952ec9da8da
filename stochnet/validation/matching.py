"""Whether two rasters can be compared, by what, and in which groups of trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import check_window
from stochnet.statistics.table import USUAL_WINDOWS
from stochnet.validation.comparison import Diagnostic
from stochnet.validation.diagnostics import diagnose, same_width
from stochnet.validation.inference.randomization import Randomization, decides, fewest_groups
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import MOST_STRATA, ResamplingGroups, deal
from stochnet.validation.surrogate_fit import SurrogateFit, find_fit

# Where trials are few: pieces of one, at most; of a raster, at least; and their least length.
MOST_OF_A_TRIAL, FEW_PIECES = 64, 8
WINDOWS_OF_A_PIECE, SHORTEST_PIECE = 2, 16
# Groups of each raster; fewer where every group costs one number for each of many nodes.
MOST_GROUPS, FEWER_GROUPS, MANY_NODES = 48, 24, 20_000

Scopes = tuple[tuple[str | None, slice], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Resampling:
    """What is resampled of two rasters: groups of pieces, and exchanges of them.

    Attributes
    ----------
    groups : tuple of ResamplingGroups
        Of the observed and of the simulated raster, as many and of the same make.
    randomization : Randomization
    """

    groups: tuple[ResamplingGroups, ResamplingGroups]
    randomization: Randomization

    @property
    def n_strata(self) -> int:
        """Strata of groups."""
        return self.groups[0].n_strata

    @property
    def per_stratum(self) -> int:
        """Groups of a raster in each stratum."""
        return self.groups[0].per_stratum

    @property
    def piece_bins(self) -> int:
        """Bins of a piece."""
        return self.groups[0].pieces.length

    @property
    def compared_bins(self) -> int:
        """Bins in all groups of a raster."""
        return self.groups[0].n_bins


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Matched:
    """Two rasters, and how they are compared.

    Attributes
    ----------
    observed, simulated : SpikeRaster
        Without a bin width where they do not have the same.
    windows : tuple of int
        Bins per window, ascending.
    n_conditions : int
        Conditions of both; 0 if they do not have the same.
    resampling : Resampling or None
        None if there are too few trials, so that nothing can be judged.
    fewest_trials : str
        What a verdict asks of both rasters, in words.
    fit : SurrogateFit
        What the surrogate was fitted to.
    diagnostics : tuple of Diagnostic
    notes : tuple of str
        What a reader should know.
    n_pairs : int
        Pairs of nodes that are sampled in each scope.
    rng : numpy.random.Generator
    progress : callable or None
    """

    observed: SpikeRaster
    simulated: SpikeRaster
    windows: tuple[int, ...]
    n_conditions: int
    resampling: Resampling | None
    fewest_trials: str
    fit: SurrogateFit
    diagnostics: tuple[Diagnostic, ...]
    notes: tuple[str, ...]
    n_pairs: int
    rng: np.random.Generator
    progress: Progress | None

    @property
    def rasters(self) -> tuple[SpikeRaster, SpikeRaster]:
        """Observed and simulated."""
        return self.observed, self.simulated

    @property
    def groups(self) -> tuple[ResamplingGroups | None, ResamplingGroups | None]:
        """Groups of the observed and of the simulated raster."""
        return (None, None) if self.resampling is None else self.resampling.groups

    @property
    def n_bins(self) -> int:
        """Bins of a trial, the fewer of both."""
        return min(self.observed.n_bins, self.simulated.n_bins)

    @property
    def piece_bins(self) -> int:
        """Bins of a piece, or of a trial where nothing is resampled."""
        return self.n_bins if self.resampling is None else self.resampling.piece_bins

    @property
    def compared_bins(self) -> int:
        """Bins of either raster that are compared at equal size; 0 where nothing is judged."""
        return 0 if self.resampling is None else self.resampling.compared_bins

    @property
    def judged_windows(self) -> tuple[int, ...]:
        """Windows that statistics can be judged by.

        Windows at the edges of successive pieces of a trial would know of each other, so that
        pieces of trials hold several.
        """
        if self.resampling is None:
            return ()
        length = self.piece_bins
        longest = length if length == self.n_bins else length // WINDOWS_OF_A_PIECE
        return tuple(one for one in self.windows if one <= longest)

    @property
    def bin_seconds(self) -> float:
        """Seconds of a bin; 1 where rates are per bin."""
        return 1.0 if math.isnan(self.observed.bin_width) else self.observed.bin_width

    @property
    def scopes(self) -> Scopes:
        """The network, and the layers unless there is only one: name and nodes."""
        layers = self.observed.layers
        whole: Scopes = ((None, slice(0, self.observed.n_nodes)),)
        return whole + tuple((x.name, x.nodes) for x in layers if len(layers) > 1)

    def say(self, what: str, done: int, total: int) -> None:
        """Report progress, if anyone listens."""
        if self.progress is not None:
            self.progress(what, done, total)


def match(
    observed: SpikeRaster,
    simulated: SpikeRaster,
    windows: Sequence[int] | None = None,
    *,
    bundle: Bundle | None = None,
    n_pairs: int = 1,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Matched:
    """Plan a comparison.

    Parameters
    ----------
    observed, simulated : SpikeRaster
    windows : sequence of int, optional
        By default the usual ones that fit.
    bundle : Bundle, optional
        What the surrogate was drawn from.
    n_pairs : int
    rng : numpy.random.Generator
        Deals the groups and exchanges them.
    progress : callable, optional

    Raises
    ------
    InvalidInputError
        Other nodes or layers, or a window of which a raster does not hold two.
    """
    n_pairs = entrance.whole("n_pairs", n_pairs)
    check_layers_alike(observed, simulated)
    chosen = choose_windows(observed, simulated, windows)
    same_conditions = 0 < observed.n_conditions == simulated.n_conditions
    resampling = _resample(observed, simulated, chosen, rng)
    diagnostics = diagnose(observed, simulated, bundle)
    given = observed, simulated
    if not same_width(observed, simulated):
        observed, simulated = (replace(x, bin_width=math.nan) for x in (observed, simulated))
    fit = find_fit(observed, simulated, bundle)
    matched = Matched(
        observed=observed,
        simulated=simulated,
        windows=chosen,
        n_conditions=observed.n_conditions if same_conditions else 0,
        resampling=resampling,
        fewest_trials=fewest_trials(observed, simulated),
        fit=fit,
        diagnostics=diagnostics,
        notes=(),
        n_pairs=n_pairs,
        rng=rng,
        progress=progress,
    )
    notes = (*_how(matched), *_notes(*given, same_conditions))
    return replace(matched, notes=(fit.note, *notes))


def _resample(
    observed: SpikeRaster, simulated: SpikeRaster, windows: Sequence[int], rng: np.random.Generator
) -> Resampling | None:
    """Deal whole trials into groups, or long pieces of them where trials are few."""
    n_bins = min(observed.n_bins, simulated.n_bins)
    most = MOST_GROUPS if observed.n_nodes <= MANY_NODES else FEWER_GROUPS
    shortest = WINDOWS_OF_A_PIECE * max(min(windows, default=1), SHORTEST_PIECE)
    for per_trial in range(1, MOST_OF_A_TRIAL + 1):
        length = n_bins // per_trial
        if per_trial > 1 and length < shortest:
            return None
        both = [cut_pieces(raster, length) for raster in (observed, simulated)]
        if per_trial > 1 and min(one.n_pieces for one in both) < FEW_PIECES:
            continue
        groups = deal(both[0], both[1], most, rng)
        if groups is not None and decides(groups[0].n_strata, groups[0].per_stratum):
            drawn = Randomization.of(groups[0].n_strata, groups[0].per_stratum, rng)
            return Resampling(groups, drawn)
    return None


def fewest_trials(observed: SpikeRaster, simulated: SpikeRaster) -> str:
    """Say what a verdict asks of both rasters."""
    both = [set(cut_pieces(x, x.n_bins).stratum.tolist()) for x in (observed, simulated)]
    n_conditions = len(both[0]) if both[0] == both[1] else 1
    needed = fewest_groups(min(MOST_STRATA, n_conditions))
    of_each = " of every condition" if n_conditions > 1 else ""
    return f"at least {needed} trials{of_each} in both rasters"


def _how(matched: Matched) -> list[str]:
    """Say what is compared with what, and what cannot be judged."""
    bins = [raster.n_bins for raster in matched.rasters]
    found = []
    if matched.resampling is None:
        return [f"No verdict: it needs {matched.fewest_trials}. Show or simulate more."]
    length, number = matched.piece_bins, matched.resampling.groups[0].n_groups
    whole = length == matched.n_bins
    made_of = "trials" if bins == [length, length] else f"pieces of {length} bins"
    found.append(
        f"Compared are {matched.compared_bins:,} bins of each raster, in {number} groups of "
        f"{made_of} that hold every condition equally often in both."
    )
    if bins[0] != bins[1]:
        found.append(
            f"Trials of {bins[0]:,} bins are observed and of {bins[1]:,} simulated: the longer "
            f"ones were cut into pieces of {length:,} bins, so what depends on the place in a "
            "trial, or is the same all through one, cannot be compared."
        )
    if not whole:
        found.append(
            f"There are too few trials to exchange ({matched.fewest_trials} are needed), so pieces "
            "of trials are, as though each were a trial of its own: what differs from trial to "
            "trial is not seen, or taken for a difference of the rasters."
        )
    lost = [one for one in matched.windows if one not in matched.judged_windows]
    if lost:
        found.append(
            f"No verdict on windows of {_listed(lost)} bins: they need {matched.fewest_trials} of "
            "at least that length."
        )
    return found


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


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
    found = []
    for given in windows:
        for name, raster in rasters.items():
            window = check_window(given, raster.n_bins)
            if hold(raster, window) < 2:
                raise InvalidInputError(
                    f"the {name} raster holds only one window of {window} bins and a Fano factor "
                    "needs two: take a shorter window or more trials"
                )
        found.append(window)
    return tuple(sorted(set(found)))


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
    if not same_width(observed, simulated):
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
