"""study: a folder with a configuration and a function of one cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stochnet.cli.console import note, progress
from stochnet.cli.options import Config, Quiet, output_option
from stochnet.errors import InvalidInputError
from stochnet.study.cells import label
from stochnet.study.run_study import run_study

FAILURES_SHOWN = 5


def study(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)],
    scale: Annotated[
        Literal["smoke", "cpu", "full"],
        typer.Option("--scale", help="Which overlay of its configuration to take."),
    ] = "smoke",
    output: Annotated[Path | None, output_option("DIR", "FOLDER/results/SCALE by default.")] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", metavar="N", min=1, help="Processes that share the cells, a thread each."
        ),
    ] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="AXIS=VALUE", help="Run these cells only; can be given several times."
        ),
    ] = None,
    tables: Annotated[
        bool, typer.Option("--tables", help="Run no cells; write tables and figures again.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Write only the figures, from the tables as they are.")
    ] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Run a study; what an earlier run has finished is kept."""
    try:
        with progress(quiet) as report:
            result = run_study(
                folder,
                scale=scale,
                output=output,
                workers=workers,
                only=_parsed(only or []),
                start="finish" if finish else "tables" if tables else "cells",
                progress=report,
            )
    except KeyboardInterrupt:
        note("stochnet: stopped; finished cells are kept, and the same command goes on from there")
        raise typer.Exit(130) from None
    if result.n_stale:
        note(
            f"{result.n_stale:,} cells were finished by other code in {folder}; where that changes "
            "rows, raise VERSION in run.py and they are run again",
            quiet,
        )
    names = ", ".join(path.name for path in result.tables.values()) or "no tables"
    note(
        f"{result.folder}: {result.n_finished:,} of {result.n_cells:,} cells are finished, "
        f"{result.n_run:,} in this run; {names}",
        quiet,
    )
    if result.failures:
        for failure in result.failures[:FAILURES_SHOWN]:
            note(f"stochnet: {label(failure.cell) or 'finish'} failed: {failure.error}")
        note(
            f"stochnet: {len(result.failures):,} failed; tracebacks are in "
            f"{result.folder / 'failures.jsonl'}, and the same command runs only those again"
        )
        raise typer.Exit(1)


def _parsed(only: list[str]) -> dict[str, list[str]]:
    """Return the values chosen by axis, from ``["size=10", "size=20"]``."""
    found: dict[str, list[str]] = {}
    for text in only:
        axis, equals, value = text.partition("=")
        if not (axis and equals):
            raise InvalidInputError(f"--only takes AXIS=VALUE, such as size=10, got {text!r}")
        found.setdefault(axis.strip(), []).append(value.strip())
    return found
