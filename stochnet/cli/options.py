"""Options that several commands have, each declared once, and what their texts mean."""

from __future__ import annotations

import pkgutil
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from stochnet.errors import InvalidInputError


class Schedule(StrEnum):
    """Schedules of `present`; an enumeration, for typer knows no lists of literals."""

    shuffled = "shuffled"
    blocked = "blocked"
    stratified = "stratified"
    sequential = "sequential"


def output_option(metavar: str, help: str | None = None) -> Any:  # noqa: A002
    """Return the option --output for a file or folder of this kind."""
    return typer.Option("--output", "-o", metavar=metavar, help=help)


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


# Of every command.
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Compare every byte of a raster with its seal before it is used."
    ),
]

# Rasters, and how they are shown.
Raster = Annotated[Path, typer.Argument(metavar="RASTER.h5", show_default=False)]
By = Annotated[
    Literal["label", "training-label"],
    typer.Option("--by", help="Labels for blocked and stratified."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="From 0 to 2**64 - 1; drawn and recorded if not given.")
]
Windows = Annotated[
    list[int] | None,
    typer.Option("--window", "-w", help="Bins per window; can be given several times."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]

# Images, and the network that sees them.
Data = Annotated[
    str,
    typer.Option(
        "--data", help="mnist-5k, mnist, fashion-mnist, cifar10 or a .npz of images and labels."
    ),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of the data sets of torchvision.")
]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set if it is missing.")]
Split = Annotated[Literal["train", "test"] | None, typer.Option("--split", help="train or test.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Only the first N images.")]
Normalize = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--normalize",
        metavar="MEAN STD",
        help="(image - MEAN) / STD; per channel, separated by commas.",
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layers", help="Glob over names of layers, !GLOB to leave out; every ReLU by default."
    ),
]
Unit = Annotated[
    Literal["position", "channel"], typer.Option("--unit", help="Node of a convolution.")
]
ChannelRule = Annotated[
    Literal["any", "mean"],
    typer.Option("--channel-rule", help="A channel fires if any value does, or its mean."),
]
Threshold = Annotated[float, typer.Option("--threshold")]
BatchSize = Annotated[int, typer.Option("--batch-size")]
Device = Annotated[Literal["cpu", "cuda"], typer.Option("--device")]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Only part I of N of the stimuli; see stochnet merge."
    ),
]

# Where work is done.
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Processes on this machine that share the nodes; the result is the same.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers share the nodes: tcp://host:8786.",
    ),
]

Strict = Annotated[bool, typer.Option("--strict", help="Refuse what would be warned of.")]
Trace = Annotated[
    Literal["auto", "assume"],
    typer.Option(
        "--trace", help="assume: the order in which functions are called does not depend on images."
    ),
]
ChannelAxis = Annotated[
    int | None,
    typer.Option(
        "--channel-axis", help="Axis of the channels, where it is not known; 0 are the stimuli."
    ),
]

# Summaries: sufficient statistics in place of spikes.
Summary = Annotated[
    bool, typer.Option("--summary", help="Write what a fit needs, and keep no spikes.")
]
SummaryWindow = Annotated[
    int | None,
    typer.Option("--window", "-w", help="Bins per window of a summary; a trial by default."),
]
PerCondition = Annotated[bool, typer.Option("--per-condition", help="Summarise every class apart.")]
# Files of parts are listed, not imported: help is shown before anything is loaded.
_FOLDER = Path(__file__).parents[1] / "statistics" / "summary" / "parts"
_PARTS = ", ".join(sorted(module.name for module in pkgutil.iter_modules([str(_FOLDER)])))
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        help=f"Keep only this beyond totals, of {_PARTS}; can be given several times. By default "
        "what all processes need.",
    ),
]


def summary_options(summary: bool, **options: Any) -> dict[str, Any]:
    """Return the options of a summary that were given; none may be without --summary.

    Raises
    ------
    InvalidInputError
        They are.
    """
    given = {name: value for name, value in options.items() if value not in (None, False, [])}
    if given and not summary:
        names = {"parts": "part", "n_trials": "trials", "n_bins": "bins"}
        flags = ", ".join(f"--{names.get(name, name).replace('_', '-')}" for name in given)
        raise InvalidInputError(
            f"{flags} go with --summary; without it this command writes spikes, and present, fit "
            "and stats take windows and schedules"
        )
    return given


def parse_normalize(texts: tuple[str, str] | None) -> Any:
    """Return the means and the standard deviations of two texts; None for none.

    Raises
    ------
    InvalidInputError
        They are no numbers.
    """
    if texts is None:
        return None
    try:
        mean, std = (tuple(float(value) for value in text.split(",")) for text in texts)
    except ValueError as error:
        raise InvalidInputError(
            f"--normalize takes two lists of numbers, such as 0.5 0.25 or 0.5,0.5,0.5 0.2,0.2,0.2; "
            f"got {' '.join(texts)}"
        ) from error
    return mean, std


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Return (index, number) of ``"2/4"``.

    Raises
    ------
    InvalidInputError
        It does not read so.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None:
        raise InvalidInputError(f"--shard takes I/N, such as 1/4, got {text!r}")
    return int(found[1]), int(found[2])
