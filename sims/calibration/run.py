"""Run the calibration study: python sims/calibration/run.py [--scale smoke|full] [-o DIR]."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import assumption_tests  # noqa: E402
import best_possible  # noqa: E402
import exact  # noqa: E402
import families  # noqa: E402
import readme  # noqa: E402
import recovery  # noqa: E402
import rows  # noqa: E402

PARTS = {
    "exact": exact.jobs,
    "coverage": recovery.jobs,
    "families": families.jobs,
    "best_possible": best_possible.jobs,
    "assumption_tests": assumption_tests.jobs,
}
RESULTS = {"full": HERE / "results", "smoke": HERE / "results-smoke"}


def main(arguments: Sequence[str] | None = None) -> Path:
    """Run every part, draw the figures, and bring the tables of the README up to date."""
    given = _parser().parse_args(arguments)
    folder = given.output or RESULTS[given.scale]
    folder.mkdir(parents=True, exist_ok=True)
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    code = rows.code_digest()
    for part in given.part or PARTS:
        if part == "assumption_tests" and not assumption_tests.available():
            print(f"{part}: left out, this stochnet has no stochnet.assess", flush=True)
            continue
        jobs = PARTS[part](config, config[given.scale])
        if given.only:
            jobs = [job for job in jobs if job.process == given.only]
        rows.run(part, jobs, folder, code, given.only)
    if not given.no_figures:
        # matplotlib is slow to import, and a run without figures does not need it.
        import figures

        for path in figures.draw(folder, config):
            print(f"wrote {path}", flush=True)
    if folder == RESULTS["full"]:
        readme.update(HERE / "README.md", folder, config)
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="An interrupted run goes on where it stopped."
    )
    parser.add_argument("--scale", choices=RESULTS, default="full")
    parser.add_argument("--only", metavar="PROCESS", help="run the cells of this process only")
    parser.add_argument(
        "--part", choices=PARTS, action="append", help="run this part only; may be repeated"
    )
    parser.add_argument("--no-figures", action="store_true", help="write the tables only")
    parser.add_argument("-o", dest="output", type=Path, metavar="DIR", help="folder of the results")
    return parser


if __name__ == "__main__":
    main()
