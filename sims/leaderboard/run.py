"""Score outside estimators on every suite, and write the leaderboard of the documentation.

    python sims/leaderboard/run.py [--scale smoke|full] [-o DIR]

Every estimator goes the way of anyone's: it reads the rasters, writes a file of estimates, and that
file is scored.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import page  # noqa: E402
import with_elephant  # noqa: E402
import with_statsmodels  # noqa: E402

import stochnet as sn  # noqa: E402
from stochnet.benchmark import Answer, Benchmark, Estimates, Scores  # noqa: E402

OUTSIDE = (with_elephant, with_statsmodels)
DOCS = HERE.parents[1] / "docs" / "leaderboard.md"


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


def main(arguments: Sequence[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=("smoke", "full"), default="full")
    parser.add_argument("-o", dest="output", type=Path, metavar="DIR", help="folder of the results")
    given = parser.parse_args(arguments)
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))[given.scale]
    folder = given.output or HERE / ("results" if given.scale == "full" else "results-smoke")
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # Of models that do not converge for a node, whose numbers stand all the same.
        warnings.simplefilter("ignore")
        for suite in config["suites"]:
            found += rows(play(suite, Path(scratch)))
            print(f"{suite}: scored", flush=True)
    table = folder / "measures.csv"
    with table.open("w", encoding="utf-8", newline="") as handle:
        out = csv.DictWriter(handle, list(found[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(page.short(row) for row in found)
    if given.scale == "full" and given.output is None:
        page.write(table, DOCS)
        print(f"wrote {DOCS}", flush=True)
    return table


if __name__ == "__main__":
    main()
