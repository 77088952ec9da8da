"""Those whom an estimator is ranked among: stochnet's own estimators, and trivial answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from stochnet.benchmark.estimates import Estimates
from stochnet.benchmark.folder import Benchmark
from stochnet.benchmark.quantity import Answer, Array, Kind, Per, Quantity
from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import Progress

REFERENCE = "stochnet"
GRAND_MEAN, ZERO = "grand mean", "zero"


def own_estimates(
    benchmark: Benchmark, estimator: str = REFERENCE, *, progress: Progress | None = None
) -> Estimates:
    """Return the estimates of one of stochnet's own estimators.

    Parameters
    ----------
    benchmark : Benchmark
    estimator : str, default "stochnet"
        One of ``benchmark.suite.estimators``.
    progress : callable, optional
        Called with (what, done, total).

    Raises
    ------
    InvalidInputError
        No estimator of that name.
    FileFormatError
        A raster is not the one that was generated.
    """
    estimators = benchmark.suite.estimators
    if estimator not in estimators:
        raise InvalidInputError(
            f"the suite {benchmark.suite.name} has no estimator {estimator!r}; there are "
            f"{', '.join(estimators)}"
        )
    (found,) = all_estimates(benchmark, [estimator], progress)
    return found


def all_estimates(
    benchmark: Benchmark, names: Iterable[str], progress: Progress | None
) -> list[Estimates]:
    """Return the estimates of several of stochnet's own estimators, from one look at the data."""
    answers: dict[str, dict[str, dict[str, Answer]]] = {name: {} for name in names}
    for k, (raster, facts) in enumerate(benchmark.rasters.items()):
        data = benchmark.read(raster)
        for name, own in answers.items():
            found = benchmark.suite.estimators[name](data, facts)
            for quantity in facts["quantities"]:
                if quantity in found:
                    own.setdefault(quantity, {})[raster] = found[quantity]
        if progress is not None:
            progress("estimate", k + 1, len(benchmark.rasters))
    return [Estimates(name, _with_ends_everywhere(own)) for name, own in answers.items()]


def _with_ends_everywhere(
    answers: Mapping[str, Mapping[str, Answer]],
) -> dict[str, dict[str, Answer]]:
    """Keep the intervals of the quantities that have them in every raster."""
    kept = {}
    for quantity, found in answers.items():
        complete = all(answer.low is not None for answer in found.values())
        kept[quantity] = {
            raster: answer if complete else Answer(answer.values)
            for raster, answer in found.items()
        }
    return kept


def trivial(benchmark: Benchmark, reference: Estimates) -> tuple[Estimates, ...]:
    """Return answers that take no node apart from another: `grand mean` and `zero`.

    The mean of the reference's estimates in a network stands for each of its values; for labels it
    is the most frequent one, and probabilities are all the same. Of quantities with one value a
    network it is the mean over networks. Zero is 0, the first label, and certainty of the first
    option.
    """
    means: dict[str, dict[str, Answer]] = {}
    zeros: dict[str, dict[str, Answer]] = {}
    for name, found in reference.answers.items():
        quantity = benchmark.quantity(name)
        every = np.concatenate([answer.values for answer in found.values()])
        means[name], zeros[name] = {}, {}
        for raster, answer in found.items():
            alike = every if quantity.per is Per.network else answer.values
            none = np.zeros(len(answer.values))
            if quantity.kind is Kind.probability:
                none[0] = 1.0
            means[name][raster] = Answer(np.full(len(none), _mean(quantity, alike)))
            zeros[name][raster] = Answer(none)
    return Estimates(GRAND_MEAN, means), Estimates(ZERO, zeros)


def _mean(quantity: Quantity, values: Array) -> float:
    if quantity.kind is Kind.label:
        return float(np.bincount(values.astype(int)).argmax())
    if quantity.kind is Kind.probability:
        return 1 / len(values)
    return float(values.mean())
