"""The report of a validation."""

from __future__ import annotations

import os

from stochnet.report import figures
from stochnet.report.page import write_page
from stochnet.report.spikes import rasters
from stochnet.report.svg import Drawing
from stochnet.validation.comparison import RULE
from stochnet.validation.outcome import Report


def drawings(report: Report) -> list[Drawing]:
    """Draw the figures of a validation, in the order in which they are read."""
    found = [
        figures.floors(report),
        rasters(report.excerpt),
        figures.rates(report),
        figures.fano_against_rate(report),
        figures.window_histograms(report.excerpt),
        figures.population(report.excerpt),
    ]
    return [one for one in found if one is not None]


def write(report: Report, path: str | os.PathLike[str], *, title: str) -> None:
    """Write the report of a validation as one HTML file.

    Parameters
    ----------
    report : Report
    path : path-like
    title : str
        Heading of the page.
    """
    labels = [one.label for one in report.of()]
    layers = report.layers if len(report.layers) > 1 else ()
    write_page(
        path,
        "validation.html.j2",
        title=title,
        report=report,
        drawings=drawings(report),
        rate_unit=next(
            (one.unit for one in report.statistics if one.statistic == "firing_rate"),
            "spikes per bin",
        ),
        labels=labels,
        scopes=[(x, [report.find(label, x.name) for label in labels]) for x in layers],
        rule=RULE,
    )
