"""The report of a validation."""

from __future__ import annotations

import os

from stochnet.report import figures
from stochnet.report.floors import floors
from stochnet.report.matrix import correlations
from stochnet.report.page import write_page
from stochnet.report.spikes import rasters
from stochnet.report.svg import Drawing
from stochnet.validation.comparison import RULE
from stochnet.validation.outcome import Report


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
    found = report.excerpt
    write_page(
        path,
        "validation.html.j2",
        title=title,
        report=report,
        opening=floors(report),
        of_network=_there(figures.population(found)),
        of_layers=_there(
            figures.rates(report), figures.fano_against_rate(report), correlations(report)
        ),
        of_nodes=_there(rasters(found), figures.window_histograms(found)),
        rate_unit=next(
            (one.unit for one in report.statistics if one.statistic == "firing_rate"),
            "spikes per bin",
        ),
        labels=labels,
        scopes=[(x, [report.find(label, x.name) for label in labels]) for x in layers],
        rule=RULE,
    )


def _there(*drawings: Drawing | None) -> list[Drawing]:
    return [one for one in drawings if one is not None]
