"""Record which nodes of a network fire, fit stochastic processes, simulate and validate surrogates.

The loop: `record` a network, `present` its spikes in another order, `fit` a process to every node,
`simulate` a surrogate and `validate` it against what was observed. `record`, `present` and
`simulate` all return a `SpikeRaster`, so every statistic is the same function for all of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives; modules are imported when a name is first used.
_HOME = {
    "Assessment": "assumptions",
    "PROCESSES": "processes",
    "Bundle": "bundle",
    "Flag": "process",
    "Latents": "latents",
    "Layer": "layers",
    "Population": "populations.law",
    "Process": "process",
    "ProcessFit": "fits",
    "RasterSummary": "raster_summary",
    "Report": "validation",
    "Schedule": "schedule",
    "SpikeRaster": "raster",
    "StochnetError": "errors",
    "StudyResult": "study",
    "SummarySink": "summary_sink",
    "Workers": "workers",
    "assess": "assumptions",
    "autocorrelation": "statistics",
    "cv2": "local_variation",
    "cv_isi": "statistics",
    "dead": "statistics",
    "fano_factor": "statistics",
    "firing_rate": "statistics",
    "fit": "estimation",
    "fit_bundle": "estimation",
    "fit_populations": "resampling",
    "generate": "generation",
    "lv": "local_variation",
    "make_schedule": "schedule",
    "merge": "merging",
    "pairwise_correlation": "coactivity",
    "population_count": "coactivity",
    "present": "schedule",
    "rate_by_condition": "statistics",
    "read_bundle": "storage",
    "read_raster": "storage",
    "read_summary": "storage",
    "rebin": "rebinning",
    "record": "recording",
    "record_summary": "recording",
    "run_study": "study",
    "sample_pairs": "coactivity",
    "saturated": "statistics",
    "select": "estimation",
    "simulate": "simulation",
    "spike_count": "statistics",
    "split_trials": "splitting",
    "validate": "validation",
    "verify": "storage",
    "window_counts": "statistics",
    "write_bundle": "storage",
    "write_raster": "storage",
    "write_summary": "storage",
}
# Public modules: their names stand apart from those of the package.
_MODULES = ("benchmark",)
__all__ = sorted((*_HOME, *_MODULES))

# ruff: noqa: F401, PLE0605
if TYPE_CHECKING:
    from stochnet import benchmark
    from stochnet.assumptions import Assessment, assess
    from stochnet.bundle import Bundle
    from stochnet.coactivity import pairwise_correlation, population_count, sample_pairs
    from stochnet.errors import StochnetError
    from stochnet.estimation import fit, fit_bundle, select
    from stochnet.fits import ProcessFit
    from stochnet.generation import generate
    from stochnet.latents import Latents
    from stochnet.layers import Layer
    from stochnet.local_variation import cv2, lv
    from stochnet.merging import merge
    from stochnet.populations.law import Population
    from stochnet.process import Flag, Process
    from stochnet.processes import PROCESSES
    from stochnet.raster import SpikeRaster
    from stochnet.raster_summary import RasterSummary
    from stochnet.rebinning import rebin
    from stochnet.recording import record, record_summary
    from stochnet.resampling import fit_populations
    from stochnet.schedule import Schedule, make_schedule, present
    from stochnet.simulation import simulate
    from stochnet.splitting import split_trials
    from stochnet.statistics import (
        autocorrelation,
        cv_isi,
        dead,
        fano_factor,
        firing_rate,
        rate_by_condition,
        saturated,
        spike_count,
        window_counts,
    )
    from stochnet.storage import (
        read_bundle,
        read_raster,
        read_summary,
        verify,
        write_bundle,
        write_raster,
        write_summary,
    )
    from stochnet.study import StudyResult, run_study
    from stochnet.summary_sink import SummarySink
    from stochnet.validation import Report, validate
    from stochnet.workers import Workers


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
