"""info and verify: what a file is, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import stochnet as sn
from stochnet.cli.console import note, to_stdout
from stochnet.cli.options import Config, Quiet
from stochnet.cli.tables import describe
from stochnet.errors import FileFormatError

AnyFile = Annotated[Path, typer.Argument(metavar="FILE.h5", show_default=False)]


def info(file: AnyFile, config: Config = None, quiet: Quiet = False) -> None:
    """Show what a file holds and where it comes from."""
    console = to_stdout()
    # All of it first: a file that is refused has no first line.
    for part in list(describe(file)):
        console.print(part)


def verify(file: AnyFile, config: Config = None, quiet: Quiet = False) -> None:
    """Check every byte of a file; exit with 1 if it is damaged."""
    try:
        digest, sealed = sn.verify(file)
    except FileFormatError as error:
        note(f"stochnet: {error}")
        raise typer.Exit(1) from None
    note(f"{file}: whole, content {digest}", quiet)
    if not sealed:
        note("It has no seal (other software wrote it), so only its content was checked.", quiet)
