"""The cells of a study: the product of its axes, their keys, and a choice among them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stochnet.errors import InvalidInputError
from stochnet.study.cell_rows import plain
from stochnet.study.config import StudyConfig, scalar

Cell = dict[str, Any]


def product(grid: Mapping[str, Sequence[Any]]) -> list[Cell]:
    """Return the cells of a grid; the last axis changes fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def cells_of(config: StudyConfig, given: list[Cell] | None, version: int) -> dict[str, Cell]:
    """Return all cells by their keys, in order.

    Parameters
    ----------
    config : StudyConfig
    given : list of dict or None
        What ``cells(config)`` of run.py returned, checked; None takes the product of the grid.
    version : int
        ``VERSION`` of run.py.

    Raises
    ------
    InvalidInputError
        No cells, two that are the same, or none with an axis that tables are to show.
    """
    if given is None:
        if not config.grid:
            raise InvalidInputError(
                "the study has no cells: write axes into [grid] of config.toml, such as "
                "size = [10, 20], or define cells(config) in run.py"
            )
        given = product(config.grid)
    found: dict[str, Cell] = {}
    for cell in given:
        key = key_of(cell, config, version)
        if key in found:
            raise InvalidInputError(f"the cell {label(cell)} is there twice; leave one out")
        found[key] = cell
    axes = axes_of(given)
    for axis in config.tables.axes or ():
        if axis not in axes:
            raise InvalidInputError(f"tables.axes: no axis {axis!r}; there are {', '.join(axes)}")
    return found


def axes_of(cells: Iterable[Cell]) -> list[str]:
    """Return the axes of cells, in the order in which they come."""
    return list(dict.fromkeys(axis for cell in cells for axis in cell))


def checked(given: Any) -> list[Cell]:
    """Return what ``cells(config)`` of run.py gave, with plain values.

    Raises
    ------
    InvalidInputError
        It is no list of cells.
    """
    if not isinstance(given, list) or not given:
        raise InvalidInputError(
            f"cells(config) of run.py must return a list of dicts with at least one, got {given!r}"
        )
    return [_checked(cell) for cell in given]


def _checked(cell: Any) -> Cell:
    if not isinstance(cell, dict) or not cell or not all(isinstance(name, str) for name in cell):
        raise InvalidInputError(f"a cell is a dict of axes and their values, got {cell!r}")
    found = {name: plain(value) for name, value in cell.items()}
    for name, value in found.items():
        try:
            if value is not None:
                scalar(value)
        except ValueError as error:
            raise InvalidInputError(f"axis {name}: {error}") from error
    return found


def key_of(cell: Cell, config: StudyConfig, version: int) -> str:
    """Return the key of a cell: a digest of all that its rows may depend on."""
    whole = {"cell": cell, "config": config.shared, "version": version}
    text = json.dumps(whole, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def label(cell: Cell) -> str:
    """Return a cell for people: ``size=10, noise=0.5``."""
    return ", ".join(f"{name}={text_of(value)}" for name, value in cell.items())


def text_of(value: Any) -> str:
    """Return a value of a cell as tables and ``--only`` write it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def chosen(cells: Mapping[str, Cell], only: Mapping[str, Any] | None) -> dict[str, Cell]:
    """Return the cells that have, on every axis in `only`, one of the values there.

    Raises
    ------
    InvalidInputError
        No such axis, or no such cell.
    """
    left = dict(cells)
    for axis, wanted in (only or {}).items():
        axes = axes_of(cells.values())
        if axis not in axes:
            raise InvalidInputError(f"no axis {axis!r}; the study has {', '.join(axes)}")
        values = wanted if isinstance(wanted, list | tuple) else (wanted,)
        there = dict.fromkeys(text_of(cell[axis]) for cell in cells.values() if axis in cell)
        for value in values:
            if not any(_is(cell[axis], value) for cell in cells.values() if axis in cell):
                raise InvalidInputError(
                    f"axis {axis} has no value {text_of(value)}; it has {', '.join(there)}"
                )
        left = {
            key: cell
            for key, cell in left.items()
            if axis in cell and any(_is(cell[axis], value) for value in values)
        }
    if not left:
        raise InvalidInputError("no cell has all of the values chosen; choose fewer")
    return left


def _is(have: Any, wanted: Any) -> bool:
    """Whether a value is the one asked for, as a value or as text."""
    if text_of(have) == text_of(wanted):
        return True
    if isinstance(have, bool) or not isinstance(have, int | float):
        return False
    try:
        return have == float(wanted)
    except (TypeError, ValueError):
        return False
