"""Help for tests: Hypothesis strategies.

The only importer of Hypothesis; ``import stochnet`` does not import it.
"""

from stochnet.errors import MissingExtraError

try:
    import hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("hypothesis", "testing") from error

from stochnet.testing.arrays import conditions, dense
from stochnet.testing.networks import bundles, params, seeds
from stochnet.testing.rasters import rasters, recordings, schedules

__all__ = [
    "bundles",
    "conditions",
    "dense",
    "params",
    "rasters",
    "recordings",
    "schedules",
    "seeds",
]
