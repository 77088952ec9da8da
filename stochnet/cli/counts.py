"""rebin: windows as bins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochnet.cli.app import Config, Quiet, app
from stochnet.cli.console import note, progress


@app.command()
def rebin(
    raster: Annotated[Path, typer.Argument(metavar="RASTER.h5", show_default=False)],
    window: Annotated[int, typer.Option("--window", "-w", help="Bins per window.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.h5")],
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Make every window one bin that holds its number of spikes."""
    from stochnet.recording.rebin import rebin as apply
    from stochnet.storage import read_raster

    with progress(quiet) as report:
        counted = apply(read_raster(raster), window, path=output, progress=report)
    note(f"{output}: {counted}", quiet)
