"""Score outside estimators on every suite, and write the leaderboard of the documentation.

stochnet study sims/leaderboard --scale smoke|full

Every estimator goes the way of anyone's: it reads the rasters, writes a file of estimates, and that
file is scored.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stochnet as sn
from stochnet.benchmark import Answer, Benchmark, Estimates, Scores

from . import page, with_elephant, with_statsmodels

OUTSIDE = (with_elephant, with_statsmodels)
HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "leaderboard.md"


def cell(cell: dict[str, Any], config: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the scores of everyone on one suite."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # Of models that do not converge for a node, whose numbers stand all the same.
        warnings.simplefilter("ignore")
        return {"measures": list(rows(play(cell["suite"], Path(scratch))))}


def estimate(benchmark: Benchmark, estimator: Any, name: str) -> Estimates:
    """Ask an outside estimator about every raster, in this process."""
    answers: dict[str, dict[str, Answer]] = {}
    for raster, facts in benchmark.rasters.items():
        for quantity, answer in estimator(benchmark.read(raster), facts).items():
            if quantity in facts["quantities"]:
                answers.setdefault(quantity, {})[raster] = answer
    return Estimates(name, answers)


def play(suite: str, folder: Path) -> Scores:
    """Generate a suite, let everyone estimate, and score the files."""
    benchmark = sn.benchmark.generate(suite, folder / suite)
    files = []
    for module in OUTSIDE:
        if suite in module.ESTIMATORS:
            path = folder / f"{module.NAME}.csv"
            found = estimate(benchmark, module.ESTIMATORS[suite], module.NAME)
            found.to_csv(path, benchmark)
            files.append(path)
    if not files:
        # A suite that no outside package answers: stochnet's own estimators are compared.
        return sn.benchmark.score(benchmark, sn.benchmark.own_estimates(benchmark))
    return sn.benchmark.score(benchmark, files)


def rows(scores: Scores) -> Iterator[dict[str, Any]]:
    """Rows of the table of results, without the repeated estimates of stochnet."""
    for row in scores.table():
        if row["entrant"] != "stochnet (given)":
            yield {"suite": scores.suite, "version": scores.version, **row}


def finish(results: Path, config: dict[str, Any]) -> None:
    """Write the page of the documentation from the published results."""
    if results == HERE / "results" / "full":
        page.write(results / "measures.csv", DOCS)
