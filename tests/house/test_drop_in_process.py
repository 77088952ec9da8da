"""A new process is one new file in stochnet/processes, and nothing else: done in a copy."""

import textwrap

import pytest

from tests.support.package_copy import COMMAND_LINE, copy_with

GEOMETRIC = '''
    """Independent geometric counts: as dispersed as a count with one parameter can be."""

    from __future__ import annotations

    import math

    import numpy as np
    from scipy import special

    from stochnet.process import Array, Estimate, Independent, Param, Params, Process, first_flags
    from stochnet.statistics.summary.summary import Summary


    def estimate(summary: Summary) -> Estimate:
        """Maximum likelihood: spikes per bin."""
        rate = summary.spikes / summary.n_bins
        error = np.sqrt(rate * (1 + rate) / summary.n_bins)
        return Estimate({"rate": rate}, {"rate": error}, first_flags(summary))


    def log_likelihood(params: Params, summary: Summary) -> Array:
        """Log probability of the counts in the bins."""
        rate = params["rate"]
        value = special.xlogy(summary.spikes, rate / (1 + rate))
        return np.asarray(value - summary.n_bins * np.log1p(rate))


    def moments(params: Params, window: int) -> tuple[Array, Array]:
        """Mean and variance of a sum of independent counts."""
        rate = params["rate"]
        return window * rate, window * rate * (1 + rate)


    def most(params: Params) -> int:
        """Return a count that is exceeded with a probability below 2**-33."""
        rate = float(params["rate"].max(initial=0.0))
        return math.ceil(33 * math.log(2) / math.log1p(1 / rate)) if rate > 0 else 1


    def tabulate(params: Params) -> Array:
        """Return the distribution function of the count at 0, 1, 2, ... : (node, entry)."""
        ratio = params["rate"] / (1 + params["rate"])
        return 1 - ratio[:, None] ** np.arange(1.0, most(params) + 2)


    PROCESS = Process(
        "geometric",
        1,
        (Param("rate", "1/bin", (0.0, 65_535.0), (0.02, 2.0), "mean number of spikes per bin"),),
        estimate,
        log_likelihood,
        moments,
        tabulate,
        Independent(most),
        doc="Independent geometric counts.",
    )
'''

LOOP = """
    import numpy as np
    import stochnet as sn

    rate = np.linspace(0.2, 1.5, 40)
    truth = sn.Bundle.from_params("geometric", {"rate": rate}, n_trials=60, n_bins=100)
    sn.write_raster(sn.simulate(truth, seed=1), "observed.h5")
"""

CHECK = """
    import numpy as np
    import stochnet as sn

    bundle = sn.read_bundle("bundle.h5")
    (fit,) = bundle.fits
    assert fit.process is sn.PROCESSES["geometric"]
    rate = np.linspace(0.2, 1.5, 40)
    assert np.all(abs(fit.params["rate"] - rate) < 5 * fit.standard_errors["rate"])
    names = sn.fit_bundle(sn.read_raster("observed.h5"), criterion="bic").process_names()
    assert np.mean(names == "geometric") > 0.8, names
"""


@pytest.mark.slow
def test_one_file_is_fitted_stored_simulated_validated_and_tested(tmp_path):
    """Recovery fails by chance in 1 of 40,000 runs; the seed is fixed."""
    copy, line = copy_with(tmp_path, "processes/geometric.py", GEOMETRIC), COMMAND_LINE
    copy("-c", textwrap.dedent(LOOP))
    copy("-c", line, "fit", "observed.h5", "--process", "geometric", "-o", "bundle.h5", "-q")
    copy("-c", textwrap.dedent(CHECK))
    copy("-c", line, "simulate", "bundle.h5", "--seed", "2", "-o", "simulated.h5", "-q")
    verdict = copy("-c", line, "validate", "observed.h5", "simulated.h5", "--strict")
    assert "rate" in verdict
    tested = copy("-m", "pytest", "tests/processes/test_conformance.py", "-k", "geometric")
    assert "passed" in tested
    assert "failed" not in tested
