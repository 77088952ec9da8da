"""The tests: what each one asks, how, and what its effect is. One row a test."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from stochnet.kernels.assumptions import tests as kernels


@dataclass(frozen=True, slots=True)
class AssumptionTest:
    """A test of one assumption.

    Attributes
    ----------
    name : str
    windowed : bool
        Whether it is made anew for each length of windows.
    index : int
        Place of its statistic among those of the kernels.
    two_sided : bool
        Whether small values of the statistic are evidence too.
    question : str
        What is assumed.
    statistic, effect : str
        What is computed; what says how far the node is from the assumption.
    neutral : float
        The effect where the assumption holds.
    """

    name: str
    windowed: bool
    index: int
    two_sided: bool
    question: str
    statistic: str
    effect: str
    neutral: float

    def place(self, position: int) -> int:
        """Place of its statistic for the window at a position among the windows."""
        if not self.windowed:
            return self.index
        return kernels.WINDOWED + kernels.PER_WINDOW * position + self.index


_ROWS = (
    AssumptionTest(
        "dispersion",
        True,
        kernels.DISPERSION,
        True,
        "counts of windows vary as much as independent bins make them",
        "Fano factor (ddof=1)",
        "Fano factor over its expectation",
        1.0,
    ),
    AssumptionTest(
        "goodness_of_fit",
        True,
        kernels.GOODNESS,
        False,
        "counts of windows follow the law of independent bins",
        "n times the squared distance of the mean probability integral transform of the counts "
        "from the uniform law, integrated",
        "largest distance of the mean probability integral transform from the uniform law",
        0.0,
    ),
    AssumptionTest(
        "autocorrelation",
        True,
        kernels.AUTOCORRELATION,
        False,
        "counts of windows do not depend on those before",
        "Ljung and Box's sum of squared autocorrelations of the counts",
        "lag-1 autocorrelation of the counts",
        0.0,
    ),
    AssumptionTest(
        "runs",
        False,
        kernels.RUNS,
        True,
        "a bin does not depend on the bin before",
        "lag-1 autocorrelation of the bins of a trial",
        "lag-1 autocorrelation of the bins of a trial",
        0.0,
    ),
    AssumptionTest(
        "gaps",
        False,
        kernels.INTERVALS,
        False,
        "gaps between spikes are geometric",
        "n times the squared distance of the mean probability integral transform of the gaps "
        "from the uniform law, integrated",
        "squared CV of the gaps over its expectation",
        1.0,
    ),
    AssumptionTest(
        "linearity",
        False,
        kernels.LINEARITY,
        False,
        "the mean count grows in proportion to the length of the window",
        "sum of squared scores of the place in the trial, polynomials of degree 1 to 3",
        "largest departure of the mean count from the line, over the mean count of a trial",
        0.0,
    ),
    AssumptionTest(
        "stationarity",
        False,
        kernels.STATIONARITY,
        False,
        "the rate is the same in all trials",
        "sum of squared scores of the trial, polynomials of degree 1 and 2",
        "fitted change of the rate from the first trial to the last, over the mean rate",
        0.0,
    ),
)

TESTS = MappingProxyType({test.name: test for test in _ROWS})
"""All tests by name, in the order in which they are shown."""
