"""Report: what a validation found."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors.publishing.publish import publish_text
from stochnet.raster.layers import Layer
from stochnet.report import check_page
from stochnet.validation.comparison import (
    RULE,
    Comparison,
    Diagnostic,
    Finding,
    FitCheck,
    Source,
)
from stochnet.validation.excerpt.excerpt import Excerpt
from stochnet.validation.findings import sentences

SCHEMA = "stochnet-validation/3"


@dataclass(frozen=True, eq=False, slots=True)
class Report:
    """A comparison of an observed and a simulated raster.

    Attributes
    ----------
    observed, simulated : Source
        What was compared.
    windows : tuple of int
        Bins per window of the Fano factors.
    layers : tuple of Layer
        Those of both rasters.
    compared_bins : int
        Bins of either raster that were compared at equal size; 0 if nothing could be judged.
    statistics : tuple of Comparison
        First those of the network, then those of each layer.
    notes : tuple of str
        What a reader should know.
    excerpt : Excerpt
        Material of the figures and of the table of nodes.
    diagnostics : tuple of Diagnostic
        What must hold for a comparison to mean anything.
    baseline : str
        What quality 0 stands for, in words.
    findings : tuple of Finding
        What differs, the largest first.
    held_out : bool or None
        Whether the observed trials were kept out of the fit; None if that cannot be told.
    checks : tuple of FitCheck
        Observed counts against the fitted laws, where a bundle was given.
    node_flags : mapping of label to ndarray (node,)
        For each statistic of nodes, the smallest false discovery rate at which a node is said to
        differ (Benjamini-Hochberg over the nodes); NaN for nodes that were not tested.
    """

    observed: Source
    simulated: Source
    windows: tuple[int, ...]
    layers: tuple[Layer, ...]
    compared_bins: int
    statistics: tuple[Comparison, ...]
    notes: tuple[str, ...]
    excerpt: Excerpt
    diagnostics: tuple[Diagnostic, ...] = ()
    baseline: str = ""
    findings: tuple[Finding, ...] = ()
    held_out: bool | None = None
    checks: tuple[FitCheck, ...] = ()
    node_flags: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        verdicts = [one.verdict for one in self.of()]
        parts = [f"{verdicts.count(x)} {x}" for x in dict.fromkeys(verdicts)]
        quality = "" if self.quality is None else f", quality {self.quality:.2f}"
        return f"Report({self.observed.n_nodes:,} nodes, statistics: {', '.join(parts)}{quality})"

    @property
    def quality(self) -> float | None:
        """Mean quality of the statistics of the network; None if none has one."""
        known = [one.quality for one in self.of() if one.quality is not None]
        return sum(known) / len(known) if known else None

    @property
    def lowest(self) -> Comparison | None:
        """The statistic of the network or of a layer with the lowest quality."""
        known = [one for one in self.statistics if one.quality is not None]
        return min(known, key=lambda one: one.quality or 0.0, default=None)

    @property
    def verdict(self) -> str:
        """Two sentences: what differs most, where and by how much, and what the surrogate keeps."""
        return sentences(self.statistics, self.findings, self.diagnostics)

    @property
    def passed(self) -> bool:
        """Whether something was judged, and nothing differs in the network or in a layer.

        What differs by less than matters may.
        """
        verdicts = {one.verdict for one in self.statistics}
        return "differs" not in verdicts and verdicts != {"undecided"} and bool(verdicts)

    def meets(self, quality: float | None = None) -> bool:
        """Return whether all diagnostics hold and the quality is not below a bar.

        Parameters
        ----------
        quality : float, optional
            From 0 to 1. Without it nothing may differ.
        """
        if not all(one.passed for one in self.diagnostics):
            return False
        if quality is None:
            return self.passed
        return self.quality is not None and self.quality >= quality

    def of(self, scope: str | None = None) -> tuple[Comparison, ...]:
        """Return the statistics of one layer, or of the network."""
        return tuple(one for one in self.statistics if one.scope == scope)

    def find(self, label: str, scope: str | None = None) -> Comparison | None:
        """Return one statistic by its label, for example ``"firing rate"``; None if not there."""
        return next((one for one in self.of(scope) if one.label == label), None)

    def summary_rows(self, scope: str | None = None) -> list[dict[str, Any]]:
        """Return one row a statistic of the network or of a layer, for tables.

        ``name``, the means ``observed`` and ``simulated``, the worst ``distance`` with its
        ``measure``, ``floor``, ``ratio`` to the floor, the ``limit`` of chance and ``excess`` over
        it, the ``quality`` and the ``verdict``; None for what does not exist.
        """
        rows = []
        for one in self.of(scope):
            worst = one.worst
            row = {
                "name": one.label,
                "observed": one.observed.mean,
                "simulated": one.simulated.mean,
                "measure": None if worst is None else worst.name,
                "distance": None if worst is None else worst.value,
                "floor": None if worst is None else worst.floor,
                "limit": None if worst is None else worst.limit,
                "ratio": one.ratio,
                "excess": one.excess,
                "quality": one.quality,
                "verdict": one.verdict,
            }
            rows.append(dict(_strict(row)))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON has them; what does not exist is None."""
        found = {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "passed": self.passed,
            "rule": RULE,
            "observed": self.observed,
            "simulated": self.simulated,
            "windows": self.windows,
            "layers": [{"name": x.name, "kind": x.kind, "n_nodes": x.n_nodes} for x in self.layers],
            "compared_bins": self.compared_bins,
            "diagnostics": self.diagnostics,
            "quality": self.quality,
            "baseline": self.baseline,
            "held_out": self.held_out,
            "findings": self.findings,
            "notes": self.notes,
            "statistics": [
                {
                    **_fields(one),
                    "distances": [
                        {**_fields(d), "ratio": d.ratio, "within": d.within} for d in one.distances
                    ],
                    "verdict": one.verdict,
                    "ratio": one.ratio,
                    "excess": one.excess,
                }
                for one in self.statistics
            ],
            "checks": self.checks,
            "figures": self.excerpt.figures(),
            "nodes": self.excerpt.table.to_dict(),
        }
        return dict(_strict(found))

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers to a file of strict JSON."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
        publish_text(path, text + "\n")

    def to_html(self, path: str | os.PathLike[str], *, title: str = "Validation") -> None:
        """Write one HTML file with everything in it.

        Raises
        ------
        MissingExtraError
            matplotlib or jinja2 is not installed.
        """
        check_page()
        from stochnet.validation.page.validation_page import write

        write(self, path, title=title)


def _fields(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def _strict(value: Any) -> Any:
    """Return records, arrays and tuples as JSON has them; None for a number that it lacks."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if is_dataclass(value):
        value = _fields(value)
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
