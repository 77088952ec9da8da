"""Score estimates against the sealed truth, among stochnet's own estimators and trivial ones."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from stochnet.benchmark.entrants import REFERENCE, all_estimates, trivial
from stochnet.benchmark.estimates import Estimates, check_complete, read_estimates
from stochnet.benchmark.folder import Benchmark, read_benchmark
from stochnet.benchmark.measures import Measure, measure
from stochnet.benchmark.quantity import Truth
from stochnet.benchmark.scores import Entrant, Scores
from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress

Given = str | os.PathLike[str] | Estimates


def score(
    folder: str | os.PathLike[str] | Benchmark,
    estimates: Given | Sequence[Given],
    *,
    progress: Progress | None = None,
) -> Scores:
    """Compare estimates with the truth of a benchmark, and rank them.

    Parameters
    ----------
    folder : path-like or Benchmark
        A folder that `generate` wrote.
    estimates : path-like or Estimates, or a sequence of them
        Files of estimates, ``.csv`` or ``.parquet`` (the extra ``table``); what they must hold
        stands in ``suite.json``. Each is an entrant by the name of its file.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    Scores
        Error, bias, coverage and rank of every entrant: the estimates, stochnet's own estimators,
        and two that answer without looking at single nodes.

    Raises
    ------
    InvalidInputError
        No benchmark in the folder; estimates that are incomplete or cannot be read, in one line
        that names the file, the line and what is wrong.
    FileFormatError
        The truth or a raster is not the one that was generated.
    MissingExtraError
        Estimates are in a parquet file, and pyarrow is not installed.
    """
    benchmark = folder if isinstance(folder, Benchmark) else read_benchmark(folder)
    entrance.progress(progress)
    several: Sequence[Given]
    if isinstance(estimates, (str, os.PathLike, Estimates)):
        several = [estimates]
    else:
        several = entrance.items("estimates", estimates, "files")
    given = [
        one if isinstance(one, Estimates) else read_estimates(one, benchmark) for one in several
    ]
    for one in given:
        check_complete(one, benchmark)
    if not given:
        raise InvalidInputError("give at least one file of estimates")
    truth = benchmark.truth()
    own = all_estimates(benchmark, benchmark.suite.estimators, progress)
    reference = next(one for one in own if one.name == REFERENCE)
    others = [*own, *trivial(benchmark, reference)]
    names = _names(given, {one.name for one in others})
    entrants = [
        Entrant(name, True, _measures(benchmark, one, truth))
        for name, one in zip(names, given, strict=True)
    ]
    entrants += [Entrant(one.name, False, _measures(benchmark, one, truth)) for one in others]
    common = [
        quantity.name
        for quantity in benchmark.suite.quantities
        if all(quantity.name in one.answers for one in given)
    ]
    suite = benchmark.suite
    return Scores(suite.name, suite.version, tuple(common), tuple(entrants))


def _names(given: Sequence[Estimates], taken: set[str]) -> list[str]:
    """Return a name for each of the given estimates that no other entrant has."""
    names: list[str] = []
    for one in given:
        name, k = one.name, 2
        if name in taken:
            name = f"{one.name} (given)"
        while name in taken or name in names:
            name, k = f"{one.name} ({k})", k + 1
        names.append(name)
    return names


def _measures(
    benchmark: Benchmark, estimates: Estimates, truth: Mapping[str, tuple[str, dict[str, Truth]]]
) -> dict[tuple[str, str], Measure]:
    """Measure every quantity in every cell that asks for it."""
    found = {}
    for quantity in benchmark.suite.quantities:
        answers = estimates.answers.get(quantity.name)
        if answers is None:
            continue
        cells: dict[str, list[str]] = {}
        for raster in benchmark.asked(quantity.name):
            cells.setdefault(truth[raster][0], []).append(raster)
        for cell, rasters in cells.items():
            facts = [benchmark.rasters[raster] for raster in rasters]
            found[quantity.name, cell] = measure(
                quantity,
                cell,
                [answers[raster] for raster in rasters],
                [truth[raster][1][quantity.name] for raster in rasters],
                [quantity.keys(int(f["n_nodes"]), int(f["n_conditions"])) for f in facts],
            )
    return found
