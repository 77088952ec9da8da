"""Reports as one self-contained HTML file; the only importer of matplotlib and jinja2."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stochnet.errors import MissingExtraError

if TYPE_CHECKING:
    from stochnet.demo.parts import DemoResult
    from stochnet.validation.outcome import Report

__all__ = ["write_demo", "write_validation"]


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


def _need() -> None:
    for package in ("matplotlib", "jinja2"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise MissingExtraError(package, "report") from error
