"""What the demo is made of: networks, schedules, surrogates, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.validation.report import Report


@dataclass(frozen=True, slots=True)
class Regime:
    """A network, by the labels that it was trained on, and its recording.

    Attributes
    ----------
    key, name : str
        For files and for people.
    labels : str or None
        Labels of the training (``"true"``, ``"random"``); None if it was not trained.
    epochs : int
        How long it was trained.
    train_accuracy, test_accuracy : float or None
        On the labels it was trained on, and on true labels of images it never saw.
    recording : SpikeRaster
        One bin per training image.
    """

    key: str
    name: str
    labels: str | None
    epochs: int
    train_accuracy: float | None
    test_accuracy: float | None
    recording: SpikeRaster


@dataclass(frozen=True, slots=True)
class Shown:
    """A recording under a schedule."""

    regime: Regime
    schedule: str
    by: str
    raster: SpikeRaster

    @property
    def title(self) -> str:
        """The schedule, in words."""
        return self.schedule if self.by == "label" else f"{self.schedule} by training label"

    @property
    def file(self) -> str:
        """Stem of its files."""
        suffix = "" if self.by == "label" else f"-by-{self.by}"
        return f"{self.regime.key}-{self.schedule}{suffix}"


@dataclass(frozen=True, slots=True)
class Model:
    """A way to fit: name of the process, pooled or per condition, with so many latents a layer."""

    key: str
    name: str
    process: str
    per_condition: bool
    latents: int | None = None


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A fitted and simulated network, judged on trials that the fit did not see."""

    shown: Shown
    model: Model
    bundle: Bundle
    report: Report
    page: str | None

    @property
    def file(self) -> str:
        """Stem of its files."""
        return f"{self.shown.file}-{self.model.key}"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found and wrote.

    Attributes
    ----------
    folder, report : Path
        Where everything is, and the page to open first.
    verdict : str
        The findings in a few sentences, made from the numbers.
    rows : tuple of dict
        The table: one row a regime, schedule and layer.
    windows : tuple of int
        Bins per window of its Fano factors.
    n_trials, n_bins, n_fitted : int
        Trials of a schedule, bins of a trial, and trials that were fitted; the rest was held out.
    regimes, shown, surrogates : tuple
        All of it.
    """

    folder: Path
    report: Path
    verdict: str
    rows: tuple[dict[str, Any], ...]
    windows: tuple[int, ...]
    n_trials: int
    n_bins: int
    n_fitted: int
    regimes: tuple[Regime, ...]
    shown: tuple[Shown, ...]
    surrogates: tuple[Surrogate, ...]
