"""Are estimates, intervals, choices and tests as good as they say?

stochnet study sims/calibration --scale smoke|full
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from . import assumption_tests, best_possible, exact, families, readme, recovery
from .rows import Job, Row, plain

HERE = Path(__file__).resolve().parent
PARTS = {
    "exact": exact.jobs,
    "coverage": recovery.jobs,
    "families": families.jobs,
    "best_possible": best_possible.jobs,
    "assumption_tests": assumption_tests.jobs,
}


def cells(config: dict[str, Any]) -> list[dict[str, str]]:
    """Return the jobs of all parts by their names."""
    shared = {key: value for key, value in config.items() if key not in ("grid", "tables")}
    return [
        {"part": part, "process": job.process, "job": name}
        for part in PARTS
        for name, job in jobs(part, json.dumps(shared)).items()
    ]


def cell(cell: dict[str, str], config: dict[str, Any]) -> dict[str, list[Row]]:
    """Do one job."""
    job = jobs(cell["part"], json.dumps(config))[cell["job"]]
    return {table: [plain(row) for row in rows] for table, rows in job.call().items()}


@cache
def jobs(part: str, config: str) -> dict[str, Job]:
    """Return the jobs of a part by their names, found once in a process."""
    return {job.name: job for job in PARTS[part](json.loads(config))}


def finish(results: Path, config: dict[str, Any]) -> None:
    """Draw the figures, and bring the tables of the README up to date."""
    # matplotlib is slow to import, and cells do not need it.
    from . import figures

    figures.draw(results, config)
    if results == HERE / "results" / "full":
        readme.update(HERE / "README.md", results, config)
