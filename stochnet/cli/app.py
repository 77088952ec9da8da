"""The application, the options that every command has, and the files that set options."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stochnet._version import __version__

app = typer.Typer(
    name="stochnet",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Record which nodes of a network fire, fit stochastic processes to them, simulate "
    "surrogate networks and measure how faithful they are.",
)


class ScheduleName(StrEnum):
    """Schedules of `present`."""

    shuffled = "shuffled"
    blocked = "blocked"
    stratified = "stratified"
    sequential = "sequential"


class By(StrEnum):
    """Labels that a schedule can go by."""

    label = "label"
    training_label = "training-label"


def _version(value: bool) -> None:
    if value:
        typer.echo(f"stochnet {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Run the commands."""


def _load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make the values of a TOML file the defaults of this command."""
    if path is None:
        return None
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"no file {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} is not TOML: {error}") from error
    known = {_key(option): parameter.name for parameter in context.command.params
             for option in (*parameter.opts, parameter.name or "")}  # fmt: skip
    mine = table.get(str(context.info_name), table)
    defaults = dict(context.default_map or {})
    for key, value in mine.items():
        if isinstance(value, dict):
            continue  # a table for another command
        if _key(key) not in known:
            raise typer.BadParameter(
                f"{path}: {context.info_name} has no option {key!r}; it has "
                f"{', '.join(sorted({str(name) for name in known.values() if name} - {'config'}))}"
            )
        defaults[str(known[_key(key)])] = value
    context.default_map = defaults
    return path


def _key(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        callback=_load_config,
        is_eager=True,
        help="TOML file with options; those on the command line win.",
        metavar="FILE.toml",
    ),
]
Raster = Annotated[Path, typer.Argument(metavar="RASTER.h5", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Seed = Annotated[
    int | None, typer.Option("--seed", help="From 0 to 2**64 - 1; drawn and recorded if not given.")
]
Windows = Annotated[
    list[int] | None,
    typer.Option("--window", "-w", help="Bins per window; can be given several times."),
]
