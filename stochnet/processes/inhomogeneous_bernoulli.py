"""Independent 0/1 bins whose spike probability follows a smooth profile over the window."""

from __future__ import annotations

from stochnet.process import Independent, Param, Process
from stochnet.processes.laws.rate_profile import CONTROLS, Profile
from stochnet.raster.windows import SLOTS

PROFILE = Profile("p", highest=1.0, binary=True)

PROCESS = Process(
    name="inhomogeneous_bernoulli",
    version=1,
    params=tuple(
        Param(
            name,
            "1",
            (0.0, PROFILE.highest),
            (0.1, 0.7),
            f"control {k + 1} of {CONTROLS} of the spike probability over the window, whose logit "
            f"is a cubic spline over {SLOTS} slots",
        )
        for k, name in enumerate(PROFILE.names)
    ),
    estimate=PROFILE.fit,
    log_likelihood=PROFILE.log_likelihood,
    moments=PROFILE.moments,
    tabulate=PROFILE.curve,
    sampler=Independent(profile=True),
    interval=PROFILE.interval,
    identified=PROFILE.identified,
    needs=frozenset({"slots"}),
    doc="Independent 0/1 bins whose probability depends on the position in the window: logistic "
    "regression on splines (Truccolo et al. 2005).",
)
