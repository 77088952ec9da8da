"""The application and its commands, each of which is imported when it is called."""

from __future__ import annotations

import importlib
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from stochnet._version import __version__

LOOP = "The loop"
FILES = "Files"
MORE = "Studies and benchmarks"

# Categories of characters: controls, formats and surrogates.
_OBEYED = ("Cc", "Cf", "Cs")


def shown(text: str) -> str:
    """Return a text without what a terminal would obey: names in files are anyone's.

    Control characters, marks of direction and halves of pairs are shown by their numbers.
    """
    return "".join(
        f"\\u{ord(c):04x}" if c not in "\n\t" and unicodedata.category(c) in _OBEYED else c
        for c in text
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A command in the list of `stochnet --help`: its module, its panel and what it does.

    The module has a function, or a `typer.Typer` with commands of its own, of the command's name.
    """

    module: str
    panel: str
    doc: str


COMMANDS = {
    "demo": Entry("demo.command", LOOP, "Run the whole loop on real digits and write a report."),
    "train": Entry("record", LOOP, "Train a network."),
    "record": Entry(
        "record",
        LOOP,
        "Record which nodes fire for which stimulus, or with --summary their statistics only.",
    ),
    "track": Entry(
        "record",
        LOOP,
        "Record every checkpoint and draw its indicators over the epochs, by layer.",
    ),
    "present": Entry(
        "present", LOOP, "Show the recorded stimuli again in trials, without running the network."
    ),
    "stats": Entry(
        "present", LOOP, "Show firing rates and Fano factors by layer, of a raster or of a summary."
    ),
    "fit": Entry("fit", LOOP, "Fit a process to every node, of a raster or of a summary."),
    "simulate": Entry(
        "simulate",
        LOOP,
        "Draw a surrogate network from a bundle, or with --summary its statistics only.",
    ),
    "generate": Entry(
        "simulate",
        LOOP,
        "Make a network with known parameters from a specification, without any recording.",
    ),
    "validate": Entry("validate", LOOP, "Compare a simulated raster with the observed one."),
    "assess": Entry(
        "validate",
        LOOP,
        "Test whether nodes are Poisson: dispersion, independence, stationarity, gaps.",
    ),
    "info": Entry("files", FILES, "Show what a file holds and where it comes from."),
    "verify": Entry("files", FILES, "Check every byte of a file; exit with 1 if it is damaged."),
    "merge": Entry(
        "record",
        FILES,
        "Merge the shards of a recording; the result is as if it had not been divided.",
    ),
    "rebin": Entry("present", FILES, "Make every window one bin that holds its number of spikes."),
    "summarize": Entry("present", FILES, "Keep of a raster what a fit needs, without its spikes."),
    "study": Entry("study", MORE, "Run a study; what an earlier run has finished is kept."),
    "benchmark": Entry(
        "benchmark",
        MORE,
        "Synthetic recordings with sealed truth, and scores of anyone's estimates.",
    ),
}


def load(name: str) -> Any:
    """Return a command from its module, with its options."""
    found = getattr(importlib.import_module(f"stochnet.cli.{COMMANDS[name].module}"), name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        found = alone
    return typer.main.get_command(found)


class Commands(TyperGroup):
    """The commands of `stochnet`: listed by their entries, loaded when they are called."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {
            name: TyperCommand(name, help=entry.doc, rich_help_panel=entry.panel)
            for name, entry in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return name, command and the words that are left for it."""
        name, known, rest = super().resolve_command(ctx, args)
        return name, None if known is None or name is None else load(name), rest


app = typer.Typer(
    name="stochnet",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Record which nodes of a network fire, fit stochastic processes to them, simulate "
    "surrogate networks and measure how faithful they are.",
)


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
