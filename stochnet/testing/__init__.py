"""Help for tests: Hypothesis strategies, and `check_estimator` for an estimator of your own.

The only importer of Hypothesis; ``import stochnet`` does not import it.
"""

from stochnet.errors import EstimatorFailure, MissingExtraError

try:
    import hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("hypothesis", "testing") from error

from stochnet.testing.arrays import conditions, dense
from stochnet.testing.estimators import CHECKS, check_estimator
from stochnet.testing.latents import latents
from stochnet.testing.networks import bundles, params, seeds
from stochnet.testing.outcome import EstimatorReport, Outcome, Point
from stochnet.testing.rasters import rasters, recordings, schedules

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
