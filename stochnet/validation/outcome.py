"""Report: what a validation found."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stochnet.layers import Layer
from stochnet.raster import SpikeRaster
from stochnet.validation.comparison import RULE, Comparison
from stochnet.validation.excerpt import Excerpt
from stochnet.validation.figures_json import figures
from stochnet.validation.verdict import sentences

SCHEMA = "stochnet-validation/1"


@dataclass(frozen=True, slots=True)
class Source:
    """What a raster is, in short.

    Attributes
    ----------
    n_nodes, n_trials, n_bins : int
        Its sizes.
    schedule, kind : str
        How stimuli were presented; ``"spikes"`` or ``"counts"``.
    bin_width : float
        Seconds per bin, NaN if none.
    """

    n_nodes: int
    n_trials: int
    n_bins: int
    schedule: str
    kind: str
    bin_width: float

    @classmethod
    def of(cls, raster: SpikeRaster) -> Source:
        """Describe a raster."""
        return cls(*raster.shape, raster.schedule, raster.kind, float(raster.bin_width))


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
    half_bins : int
        Bins in each half; 0 if no half could be made.
    statistics : tuple of Comparison
        First those of the network, then those of each layer.
    notes : tuple of str
        What a reader should know.
    excerpt : Excerpt
        Material of the figures and of the table of nodes.
    """

    observed: Source
    simulated: Source
    windows: tuple[int, ...]
    layers: tuple[Layer, ...]
    half_bins: int
    statistics: tuple[Comparison, ...]
    notes: tuple[str, ...]
    excerpt: Excerpt

    @property
    def verdict(self) -> str:
        """Two sentences: which statistics the surrogate keeps, and which not."""
        return sentences(self.statistics)

    @property
    def passed(self) -> bool:
        """Whether something was judged, and nothing differs in the network or in a layer."""
        verdicts = {one.verdict for one in self.statistics}
        return "differs" not in verdicts and "indistinguishable" in verdicts

    def of(self, scope: str | None = None) -> tuple[Comparison, ...]:
        """Return the statistics of one layer, or of the network."""
        return tuple(one for one in self.statistics if one.scope == scope)

    def find(self, label: str, scope: str | None = None) -> Comparison | None:
        """Return one statistic by its label, for example ``"firing rate"``; None if not there."""
        return next((one for one in self.of(scope) if one.label == label), None)

    def summary_rows(self, scope: str | None = None) -> list[dict[str, Any]]:
        """Return one row a statistic of the network or of a layer, for tables.

        ``name``, the means ``observed`` and ``simulated``, the worst ``distance`` with its
        ``measure``, ``floor`` and ``ratio``, and the ``verdict``; None for what does not exist.
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
                "ratio": one.ratio,
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
            "observed": asdict(self.observed),
            "simulated": asdict(self.simulated),
            "windows": list(self.windows),
            "layers": [{"name": x.name, "kind": x.kind, "n_nodes": x.n_nodes} for x in self.layers],
            "half_bins": self.half_bins,
            "notes": list(self.notes),
            "statistics": [
                {
                    **asdict(one),
                    "distances": [
                        {**asdict(d), "ratio": d.ratio, "within": d.within} for d in one.distances
                    ],
                    "verdict": one.verdict,
                    "ratio": one.ratio,
                }
                for one in self.statistics
            ],
            "figures": figures(self.excerpt),
            "nodes": self.excerpt.table.to_dict(),
        }
        strict = _strict(found)
        return dict(strict)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers to a file of strict JSON."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    def to_html(self, path: str | os.PathLike[str], *, title: str = "Validation") -> None:
        """Write one HTML file with everything in it.

        Raises
        ------
        MissingExtraError
            matplotlib or jinja2 is not installed.
        """
        from stochnet.report import write_validation

        write_validation(self, path, title=title)


def _strict(value: Any) -> Any:
    """Replace numbers that JSON does not have by None, all the way down."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
