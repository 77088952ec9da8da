"""The report of a validation."""

from __future__ import annotations

import math
import os
from typing import Any

from stochnet.report import figures
from stochnet.report.checks import pit_histograms, rootograms
from stochnet.report.floors import floors
from stochnet.report.matrix import correlations
from stochnet.report.page import write_page
from stochnet.report.quality import quality_bars
from stochnet.report.spikes import rasters
from stochnet.report.svg import Drawing
from stochnet.validation.comparison import RULE
from stochnet.validation.outcome import Report

MOST_FINDINGS = 12
SIDE_BY_SIDE = 8


def write(report: Report, path: str | os.PathLike[str], *, title: str) -> None:
    """Write the report of a validation as one HTML file.

    Parameters
    ----------
    report : Report
    path : path-like
    title : str
        Heading of the page.
    """
    found = report.excerpt
    bars = quality_bars(report)
    # Those of the layers, or that of the network where there is only one layer.
    checks = [one for one in report.checks if one.scope is not None] or report.checks
    write_page(
        path,
        "validation.html.j2",
        title=title,
        report=report,
        opening=bars or floors(report),
        of_network=_there(floors(report) if bars else None, figures.population(found)),
        of_layers=_there(
            figures.rates(report),
            figures.fano_against_rate(report),
            correlations(report),
            pit_histograms(checks),
            rootograms(checks),
        ),
        of_nodes=_there(rasters(found), figures.window_histograms(found)),
        rate_unit=next(
            (one.unit for one in report.statistics if one.statistic == "firing_rate"),
            "spikes per bin",
        ),
        by_layer=_by_layer(report),
        rule=RULE,
        has=_has(report),
        most_findings=MOST_FINDINGS,
    )


def _by_layer(report: Report) -> dict[str, Any] | None:
    """Lay out the statistics of layers; a few layers stand side by side, many below each other."""
    if len(report.layers) < 2:
        return None
    labels = [one.label for one in report.of()]
    names = [layer.name for layer in report.layers]
    found = {(one.label, one.scope): one for one in report.statistics}
    if len(names) <= SIDE_BY_SIDE:
        rows = [(x, [found.get((x, name)) for name in names]) for x in labels]
        return {"corner": "statistic", "columns": [f"layer {x}" for x in names], "rows": rows}
    rows = [(name, [found.get((x, name)) for x in labels]) for name in names]
    return {"corner": "layer", "columns": labels, "rows": rows}


def _has(report: Report) -> dict[str, bool]:
    """Say which columns have a number."""
    rows = report.of()
    known = {
        name: any(getattr(one, name) is not None for one in rows)
        for name in ("quality", "smallest", "p_value")
    }
    return {**known, "difference": any(math.isfinite(one.difference.low) for one in rows)}


def _there(*drawings: Drawing | None) -> list[Drawing]:
    return [one for one in drawings if one is not None]
