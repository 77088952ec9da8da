"""Diagnostics: what must hold before the closeness of two rasters means anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.nodes import active_bins, spike_count
from stochnet.validation.comparison import Diagnostic

# Largest difference in the share of a condition.
SHARE = 0.02


def same_width(observed: SpikeRaster, simulated: SpikeRaster) -> bool:
    """Return whether bins are equally wide, or have no width in either raster."""
    return bool(
        np.isclose(observed.bin_width, simulated.bin_width, rtol=1e-9, atol=0, equal_nan=True)
    )


def diagnose(
    observed: SpikeRaster, simulated: SpikeRaster, bundle: Bundle | None
) -> tuple[Diagnostic, ...]:
    """Check all that must hold; layers and nodes were compared before, or nothing could be."""
    return (
        Diagnostic(
            "layers",
            "same layers and nodes",
            True,
            f"{len(observed.layers)} layers and {observed.n_nodes:,} nodes in both.",
        ),
        _domain(observed, simulated),
        _bins(observed, simulated),
        _schedule(observed, simulated),
        _conditions(observed, simulated),
        _source(simulated, bundle),
    )


def _domain(observed: SpikeRaster, simulated: SpikeRaster) -> Diagnostic:
    """Compare what a bin can hold: of counts in one raster only, none may exceed one spike."""
    found = "Bins hold 0 or 1 spike in both."
    passed = True
    if {observed.kind, simulated.kind} == {"counts"}:
        found = "Bins hold counts in both."
    elif observed.kind != simulated.kind:
        counted, name = (
            (simulated, "simulated") if simulated.kind == "counts" else (observed, "observed")
        )
        more = int((spike_count(counted) - active_bins(counted)).sum())
        passed = more == 0
        found = "Counts stand against bits, but no bin holds more than one spike."
        if more:
            found = (
                f"Bins of the {name} raster hold {more:,} spikes beyond the first, which is "
                "impossible in the other raster, whose bins hold 0 or 1: fit a process of 0/1 bins."
            )
    return Diagnostic("domain", "possible counts", passed, found)


def _bins(observed: SpikeRaster, simulated: SpikeRaster) -> Diagnostic:
    passed = same_width(observed, simulated)
    found = "Bins are of the same width in both."
    if not passed:
        found = (
            f"Bins are {observed.bin_width:g} s wide in the observed raster and "
            f"{simulated.bin_width:g} s in the simulated one: fit and simulate with one width."
        )
    return Diagnostic("bin_width", "same bin width", passed, found)


def _schedule(observed: SpikeRaster, simulated: SpikeRaster) -> Diagnostic:
    same_bins = (
        observed.conditions is not None
        and simulated.conditions is not None
        and np.array_equal(observed.conditions, simulated.conditions)
    )
    passed = same_bins or simulated.schedule in (observed.schedule, "none")
    found = f"The schedule is {observed.schedule} in both."
    if simulated.schedule != observed.schedule:
        found = f"Observed {observed.schedule}, simulated {simulated.schedule}"
        found += ", with the same condition in every bin." if same_bins else "."
    if not passed:
        found = (
            f"The observed raster is {observed.schedule} and the simulated one "
            f"{simulated.schedule}: present the recording in the schedule of the simulation, or "
            "simulate with the conditions of the recording."
        )
    return Diagnostic("schedule", "same schedule", passed, found)


def _shares(conditions: NDArray[np.int16] | None) -> dict[int, float]:
    if conditions is None:
        return {}
    values, counts = np.unique(conditions, return_counts=True)
    return dict(zip(values.tolist(), (counts / counts.sum()).tolist(), strict=True))


def _conditions(observed: SpikeRaster, simulated: SpikeRaster) -> Diagnostic:
    one, other = _shares(observed.conditions), _shares(simulated.conditions)
    passed, found = True, "Every condition is shown equally often in both."
    if not one and not other:
        found = "Neither raster has conditions."
    elif one.keys() != other.keys():
        passed = False
        lacking = "simulated" if len(other) < len(one) else "observed"
        found = (
            f"The {lacking} raster lacks conditions of the other: simulate with the conditions of "
            "the recording."
        )
    elif max(abs(one[key] - other[key]) for key in one) > SHARE:
        passed = False
        worst = max(one, key=lambda key: abs(one[key] - other[key]))
        found = (
            f"Condition {worst} takes {one[worst]:.1%} of the observed and {other[worst]:.1%} of "
            "the simulated bins: simulate with the conditions of the recording."
        )
    return Diagnostic("conditions", "same conditions", passed, found)


def _trials(source: Any) -> str:
    facts = source.get("fit") if isinstance(source, Mapping) else None
    return str(facts.get("trials", "")) if isinstance(facts, Mapping) else ""


def _source(simulated: SpikeRaster, bundle: Bundle | None) -> Diagnostic:
    """Check that the surrogate comes from the bundle that is given, by what that was fitted to."""
    own = _trials(simulated.provenance.get("bundle"))
    passed, found = True, "No bundle was given to compare with what the surrogate says of itself."
    if bundle is not None:
        given = _trials(bundle.provenance)
        passed = not own or not given or own == given
        found = "The surrogate was drawn from a fit to the trials that the bundle was fitted to."
        if not own or not given:
            found = "The surrogate or the bundle does not say what was fitted."
        if not passed:
            found = (
                "The digests of the trials that were fitted differ between the bundle and the "
                "surrogate: give the bundle that the surrogate was drawn from."
            )
    return Diagnostic("provenance", "digests agree", passed, found)
