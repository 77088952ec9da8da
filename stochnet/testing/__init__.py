"""Help for tests: Hypothesis strategies, and `check_estimator` for an estimator of your own.

The only importer of Hypothesis; ``import stochnet`` does not import it.
"""

from stochnet.errors import EstimatorFailure, MissingExtraError

try:
    import hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("hypothesis", "testing") from error

from stochnet.testing.estimators.check_estimator import CHECKS, check_estimator
from stochnet.testing.estimators.outcome import EstimatorReport, Outcome, Point
from stochnet.testing.strategies.arrays import conditions, dense
from stochnet.testing.strategies.factors import latents
from stochnet.testing.strategies.parameters import bundles, params, seeds
from stochnet.testing.strategies.recordings import rasters, recordings, schedules

__all__ = [
    "CHECKS",
    "EstimatorFailure",
    "EstimatorReport",
    "Outcome",
    "Point",
    "bundles",
    "check_estimator",
    "conditions",
    "dense",
    "latents",
    "params",
    "rasters",
    "recordings",
    "schedules",
    "seeds",
]
