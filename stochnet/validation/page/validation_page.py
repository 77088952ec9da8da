"""The report of a validation."""

from __future__ import annotations

import math
import os
from typing import Any, Protocol

from stochnet.raster.layers import Layer
from stochnet.report.page import TEMPLATES, write_page
from stochnet.report.svg import Drawing
from stochnet.validation.comparison import RULE, Comparison, FitCheck
from stochnet.validation.excerpt.excerpt import Excerpt
from stochnet.validation.page import figures
from stochnet.validation.page.checks import pit_histograms, rootograms
from stochnet.validation.page.floors import floors
from stochnet.validation.page.matrix import correlations
from stochnet.validation.page.page_words import interval, size, times
from stochnet.validation.page.quality import quality_bars
from stochnet.validation.page.spikes import rasters

MOST_FINDINGS = 12
SIDE_BY_SIDE = 8


class Shown(Protocol):
    """What the page reads of a report beside what its template does."""

    @property
    def excerpt(self) -> Excerpt:
        """Material of the figures."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers of both rasters."""

    @property
    def statistics(self) -> tuple[Comparison, ...]:
        """Those of the network, then those of each layer."""

    @property
    def baseline(self) -> str:
        """What quality 0 stands for."""

    @property
    def checks(self) -> tuple[FitCheck, ...]:
        """Observed counts against the fitted laws."""


def write(report: Shown, path: str | os.PathLike[str], *, title: str) -> None:
    """Write the report of a validation as one HTML file.

    Parameters
    ----------
    report : Shown
    path : path-like
    title : str
        Heading of the page.
    """
    found = report.excerpt
    bars = quality_bars(report.statistics, report.baseline)
    ratios = floors(report.statistics)
    # Those of the layers, or that of the network where there is only one layer.
    checks = [one for one in report.checks if one.scope is not None] or report.checks
    write_page(
        path,
        TEMPLATES / "validation.html.j2",
        title=title,
        report=report,
        opening=bars or ratios,
        of_network=_there(ratios if bars else None, figures.population(found)),
        of_layers=_there(
            figures.rates(found, report.layers),
            figures.fano_against_rate(found, report.layers),
            correlations(found.matrices, report.layers),
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
        interval=interval,
        size=size,
        times=times,
        has=_has(report),
        needs=next((one.needs for one in report.statistics if one.needs), ""),
        most_findings=MOST_FINDINGS,
    )


def _by_layer(report: Shown) -> dict[str, Any] | None:
    """Lay out the statistics of layers; a few layers stand side by side, many below each other."""
    if len(report.layers) < 2:
        return None
    labels = [one.label for one in report.statistics if one.scope is None]
    names = [layer.name for layer in report.layers]
    found = {(one.label, one.scope): one for one in report.statistics}
    if len(names) <= SIDE_BY_SIDE:
        rows = [(x, [found.get((x, name)) for name in names]) for x in labels]
        return {"corner": "statistic", "columns": [f"layer {x}" for x in names], "rows": rows}
    rows = [(name, [found.get((x, name)) for x in labels]) for name in names]
    return {"corner": "layer", "columns": labels, "rows": rows}


def _has(report: Shown) -> dict[str, bool]:
    """Say which columns have a number."""
    rows = [one for one in report.statistics if one.scope is None]
    known = {
        name: any(getattr(one, name) is not None for one in rows)
        for name in ("quality", "smallest", "p_value")
    }
    return {**known, "difference": any(math.isfinite(one.difference.low) for one in rows)}


def _there(*drawings: Drawing | None) -> list[Drawing]:
    return [one for one in drawings if one is not None]
