"""The eight claims, judged by rules that were written before the networks were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import (
    added,
    course,
    discrimination,
    dose,
    during,
    page,
    places,
    poisson_law,
    separation,
    specific,
)
from .finding import Finding
from .intervals import REPEATS, Clusters
from .names import Names


def judge(
    results: Path, config: dict[str, Any], repeats: int = REPEATS
) -> tuple[course.Networks, list[Finding]]:
    """Judge all claims by the tables in a folder, with as many repeats of the bootstrap."""
    networks, names = course.read(results), Names.of(config)
    weights = Clusters((x.cluster for x in networks.all), repeats)
    return networks, [
        separation.finding(networks, names, weights),
        discrimination.finding(networks, names, weights),
        during.finding(networks, names, weights),
        dose.finding(networks, names, weights),
        places.finding(networks, names, weights),
        added.finding(networks, names, weights),
        poisson_law.finding(networks, names, weights, results),
        specific.finding(networks, names, weights),
    ]


def write(results: Path, config: dict[str, Any]) -> None:
    """Write the tables, figures and page of the claims into the folder of the results."""
    # matplotlib is slow to import.
    from . import figures

    networks, findings = judge(results, config)
    page.tables(results, findings)
    drawn = figures.draw(results, networks, findings, Names.of(config))
    page.page(results, findings, networks, drawn)
