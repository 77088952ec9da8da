"""Record which nodes of a network fire, fit stochastic processes, simulate and validate surrogates.

The loop: `record` a network, `present` its spikes in another order, `fit` a process to every node,
`simulate` a surrogate and `validate` it against what was observed. `record`, `present` and
`simulate` all return a `SpikeRaster`, so every statistic is the same function for all of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stochnet._version import __version__

# Where each public name lives; modules are imported when a name is first used.
_HOME = {
    "Assessment": "validation.assumptions.assessment",
    "PROCESSES": "processes",
    "Bundle": "bundle.bundle",
    "Flag": "process",
    "Latents": "bundle.latents",
    "Layer": "raster.layers",
    "Population": "bundle.populations.population",
    "Process": "process",
    "ProcessFit": "bundle.process_fit",
    "RasterSummary": "statistics.summary.stored",
    "Report": "validation.report",
    "Schedule": "recording.schedule",
    "SpikeRaster": "raster.raster",
    "StochnetError": "errors",
    "StudyResult": "study.result",
    "SummarySink": "statistics.summary.stored",
    "Workers": "workers.pool",
    "assess": "validation.assumptions.assess",
    "autocorrelation": "statistics.nodes",
    "cv2": "statistics.nodes",
    "cv_isi": "statistics.nodes",
    "dead": "statistics.nodes",
    "fano_factor": "statistics.nodes",
    "firing_rate": "statistics.nodes",
    "fit": "estimation.fit",
    "fit_bundle": "estimation.fit",
    "fit_populations": "bundle.bundle",
    "generate": "simulation.generation",
    "lv": "statistics.nodes",
    "make_schedule": "recording.schedule",
    "merge": "recording.merging",
    "pairwise_correlation": "statistics.pairs",
    "population_count": "statistics.pairs",
    "present": "recording.schedule",
    "rate_by_condition": "statistics.nodes",
    "read_bundle": "storage",
    "read_raster": "storage",
    "read_summary": "storage",
    "rebin": "recording.rebin",
    "record": "recording",
    "record_summary": "recording",
    "run_study": "study.run_study",
    "sample_pairs": "statistics.pairs",
    "saturated": "statistics.nodes",
    "select": "estimation.fit",
    "simulate": "simulation.simulate",
    "spike_count": "statistics.nodes",
    "split_trials": "recording.split",
    "validate": "validation.validate",
    "verify": "storage",
    "window_counts": "statistics.nodes",
    "write_bundle": "storage",
    "write_raster": "storage",
    "write_summary": "storage",
}
# Public modules: their names stand apart from those of the package.
_MODULES = ("benchmark",)
__all__ = sorted((*_HOME, *_MODULES))

# ruff: noqa: F401, PLE0605
# mypy: implicit-reexport
if TYPE_CHECKING:
    from stochnet import benchmark
    from stochnet.bundle.bundle import Bundle, fit_populations
    from stochnet.bundle.latents import Latents
    from stochnet.bundle.populations.population import Population
    from stochnet.bundle.process_fit import ProcessFit
    from stochnet.errors import StochnetError
    from stochnet.estimation.fit import fit, fit_bundle, select
    from stochnet.process import Flag, Process
    from stochnet.processes import PROCESSES
    from stochnet.raster.layers import Layer
    from stochnet.raster.raster import SpikeRaster
    from stochnet.recording import record, record_summary
    from stochnet.recording.merging import merge
    from stochnet.recording.rebin import rebin
    from stochnet.recording.schedule import Schedule, make_schedule, present
    from stochnet.recording.split import split_trials
    from stochnet.simulation.generation import generate
    from stochnet.simulation.simulate import simulate
    from stochnet.statistics.nodes import (
        autocorrelation,
        cv2,
        cv_isi,
        dead,
        fano_factor,
        firing_rate,
        lv,
        rate_by_condition,
        saturated,
        spike_count,
        window_counts,
    )
    from stochnet.statistics.pairs import pairwise_correlation, population_count, sample_pairs
    from stochnet.statistics.summary.stored import RasterSummary, SummarySink
    from stochnet.storage import (
        read_bundle,
        read_raster,
        read_summary,
        verify,
        write_bundle,
        write_raster,
        write_summary,
    )
    from stochnet.study.result import StudyResult
    from stochnet.study.run_study import run_study
    from stochnet.validation.assumptions.assess import assess
    from stochnet.validation.assumptions.assessment import Assessment
    from stochnet.validation.report import Report
    from stochnet.validation.validate import validate
    from stochnet.workers.pool import Workers


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"stochnet.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'stochnet' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"stochnet.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
