"""The configuration of a study: config.toml, and what a scale lays over it."""

from __future__ import annotations

import hashlib
import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stochnet.errors import InvalidInputError
from stochnet.errors.entrance import option

SCALES = ("smoke", "cpu", "full")
CONFIG, CODE = "config.toml", "run.py"


def scalar(value: Any) -> Any:
    """Return a value that can stand in a cell.

    Raises
    ------
    ValueError
        It is neither text, a number nor a truth value.
    """
    if not isinstance(value, str | int | float) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise ValueError(
            f"values of axes are text, finite numbers, true or false, not {type(value).__name__} "
            f"{value!r}"
        )
    return value


class Tables(BaseModel):
    """How tables are written: ``[tables]``.

    Attributes
    ----------
    digits : int or None
        Significant digits of floats; None for as many as bring back the same float.
    axes : list of str or None
        Axes that stand in front of the columns; None for all.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    digits: Annotated[int, Field(ge=1, le=17)] | None = None
    axes: list[str] | None = None


class Settings(BaseModel):
    """What the runner itself reads of a configuration; all else is the study's own."""

    model_config = ConfigDict(extra="allow", strict=True)

    grid: dict[str, Annotated[list[Annotated[Any, BeforeValidator(scalar)]],
                              Field(min_length=1)]] = Field(default_factory=dict)  # fmt: skip
    tables: Tables = Field(default_factory=Tables)


class StudyConfig:
    """The configuration of a study at one scale.

    Attributes
    ----------
    merged : dict
        All of config.toml, the overlay of the scale laid over it; without the overlays.
    shared : dict
        What a cell sees, and its key depends on: `merged` without ``grid`` and ``tables``.
    grid : dict of str to list
        Axes and their values, in order.
    tables : Tables
        How tables are written.
    """

    def __init__(self, merged: dict[str, Any]) -> None:
        settings = Settings.model_validate(merged)
        self.merged = merged
        self.shared = {key: merged[key] for key in merged if key not in ("grid", "tables")}
        self.grid = settings.grid
        self.tables = settings.tables


def read_config(folder: Path, scale: str) -> StudyConfig:
    """Read the configuration of the study in `folder`.

    Raises
    ------
    InvalidInputError
        No study, no such scale, no TOML, or values of the wrong type.
    """
    option("scale", scale, SCALES)
    if not folder.is_dir():
        raise InvalidInputError(f"no folder {folder}; give the folder of a study")
    for name in (CONFIG, CODE):
        if not (folder / name).is_file():
            raise InvalidInputError(
                f"{folder} is not a study: it has no {name}; a study has {CONFIG} with a "
                f"[grid], and {CODE} with a function cell(cell, config)"
            )
    path = folder / CONFIG
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not TOML: {error}") from error
    overlays = {name: table.pop(name) for name in SCALES if name in table}
    for name, overlay in overlays.items():
        if not isinstance(overlay, dict):
            raise InvalidInputError(
                f"{path}: {name} is the name of a scale, so it must be a table [{name}]; rename it"
            )
    merged = laid_over(table, overlays.get(scale, {}), f"{path}: {scale}")
    try:
        return StudyConfig(merged)
    except ValidationError as error:
        raise InvalidInputError(f"{path}: {_first(error)}") from error


def laid_over(base: Mapping[str, Any], over: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return `base` with `over` over it: tables are merged, all else is replaced.

    Raises
    ------
    InvalidInputError
        One has a table where the other has a value.
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if key in merged and isinstance(old, dict) != isinstance(value, dict):
            raise InvalidInputError(
                f"{where}.{key} is {'a table' if isinstance(value, dict) else 'a value'}, and "
                f"{'a table' if isinstance(old, dict) else 'a value'} without the scale; make them "
                "alike"
            )
        if isinstance(value, dict):
            value = laid_over(old or {}, value, f"{where}.{key}")
        merged[key] = value
    return merged


def study_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a study, so that its name is that of its folder."""
    return Path(folder).resolve()


def code_digest(folder: Path) -> str:
    """Return a digest of the Python files that stand directly in a study."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(hashlib.sha256(path.name.encode() + b"\0" + path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _first(error: ValidationError) -> str:
    """Return what is wrong first, in one line."""
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg'].removeprefix('Value error, ')}"
