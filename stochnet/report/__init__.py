"""A toolkit for drawing: pages, figures and their parts. It knows no result of the library."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from stochnet.errors import InvalidInputError, MissingExtraError

FIGURE_ENDINGS = (".png", ".svg")

__all__ = ["check_figure", "check_page"]


def check_page() -> None:
    """Refuse a page that cannot be made, before anything is computed for it.

    Raises
    ------
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    _need("matplotlib", "jinja2")


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
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "report")
