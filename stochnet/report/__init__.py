"""Reports as one self-contained HTML file, and figures; imports matplotlib and jinja2 alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stochnet.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from stochnet.assumptions import Assessment
    from stochnet.demo.parts import DemoResult
    from stochnet.tracking import Log, Plan
    from stochnet.validation.outcome import Report

FIGURE_ENDINGS = (".png", ".svg")

__all__ = [
    "check_figure",
    "check_page",
    "write_assessment",
    "write_demo",
    "write_tracking",
    "write_validation",
]


def write_validation(
    report: Report, path: str | os.PathLike[str], *, title: str = "Validation"
) -> None:
    """Write the report of a validation as one HTML file.

    Raises
    ------
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    _need()
    from stochnet.report.validation_page import write

    write(report, path, title=title)


def write_demo(result: DemoResult, path: str | os.PathLike[str]) -> None:
    """Write the report of the demo as one HTML file.

    Raises
    ------
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    _need()
    from stochnet.report.demo_page import write

    write(result, path)


def write_tracking(
    log: Log, plan: Plan, path: str | os.PathLike[str], *, running: bool = False
) -> None:
    """Write the indicators of a training as one HTML file, which is whole at any time.

    Parameters
    ----------
    log : Log
        The table.
    plan : Plan
        Windows and schedules of its columns.
    path : path-like
        Target.
    running : bool, default False
        Whether more epochs may come: the page then loads itself again now and then.

    Raises
    ------
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    check_page()
    from stochnet.report.tracking_page import write

    write(log, plan, path, running=running)


def check_page() -> None:
    """Refuse a page that cannot be made, before anything is computed for it.

    Raises
    ------
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    _need()


def write_assessment(assessment: Assessment, path: str | os.PathLike[str]) -> None:
    """Write the figure of an assessment as PNG or SVG, by the ending of the name.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    InvalidInputError
        The name ends neither in .png nor in .svg.
    """
    check_figure(path)
    from stochnet.report.assessment import write

    write(assessment, path)


def check_figure(path: str | os.PathLike[str]) -> None:
    """Refuse a figure that cannot be drawn, before anything is computed for it.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    InvalidInputError
        The name ends neither in .png nor in .svg.
    """
    _need("matplotlib")
    if Path(path).suffix.lower() not in FIGURE_ENDINGS:
        raise InvalidInputError(
            f"{path}: a figure is written as PNG or SVG; end its name in .png or .svg"
        )


def _need(*packages: str) -> None:
    for package in packages or ("matplotlib", "jinja2"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise MissingExtraError(package, "report") from error
