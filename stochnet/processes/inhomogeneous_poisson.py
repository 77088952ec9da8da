"""Independent Poisson counts whose rate follows a smooth profile over the window."""

from __future__ import annotations

from stochnet.process import Array, Independent, Param, Params, Process
from stochnet.processes.laws.gains import highest_count, poisson_table
from stochnet.processes.laws.rate_profile import CONTROLS, Profile
from stochnet.raster.windows import SLOTS
from stochnet.statistics.summary.summary import Summary

PROFILE = Profile("rate", highest=1e9, binary=False)


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the counts in the bins."""
    return PROFILE.log_likelihood(params, summary) - summary.log_factorials


def most(params: Params) -> int:
    """Return a count that is exceeded with a probability below 2**-33 in the busiest slot."""
    values = [params[name] for name in PROFILE.names]
    # A part of the nodes at a time: their curves take much more memory than their controls.
    highest = 0.0
    for first in range(0, len(values[0]), 1 << 16):
        part = {
            name: value[first : first + (1 << 16)]
            for name, value in zip(PROFILE.names, values, strict=True)
        }
        highest = max(highest, float(PROFILE.curve(part).max()))
    return highest_count(highest)


def tabulate(params: Params) -> Array:
    """Return the distribution function of the count in every slot: (node, slot, entry)."""
    return poisson_table(PROFILE.curve(params), most(params) + 1)


PROCESS = Process(
    name="inhomogeneous_poisson",
    version=1,
    params=tuple(
        Param(
            name,
            "1/bin",
            (0.0, PROFILE.highest),
            (0.1, 1.5),
            f"control {k + 1} of {CONTROLS} of the rate over the window, a log-linear cubic spline "
            f"over {SLOTS} slots",
        )
        for k, name in enumerate(PROFILE.names)
    ),
    estimate=PROFILE.fit,
    log_likelihood=log_likelihood,
    moments=PROFILE.moments,
    tabulate=tabulate,
    sampler=Independent(most, profile=True),
    interval=PROFILE.interval,
    identified=PROFILE.identified,
    needs=frozenset({"slots"}),
    doc="Independent Poisson counts whose rate depends on the position in the window, as in a "
    "peristimulus time histogram, but smooth (Kass, Ventura & Cai 2003).",
)
