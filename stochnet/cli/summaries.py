"""summarize: a raster without its spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochnet.cli.app import Config, Quiet, app
from stochnet.cli.console import note
from stochnet.cli.summary_options import Parts, PerCondition, Window


@app.command()
def summarize(
    raster: Annotated[Path, typer.Argument(metavar="RASTER.h5", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SUMMARY.h5")],
    window: Window = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Keep of a raster what a fit needs, without its spikes."""
    from stochnet.statistics.summary.stored import RasterSummary
    from stochnet.storage import read_raster, write_summary
    from stochnet.storage.files.publish import check_target

    check_target(output)
    summary = RasterSummary.of(
        read_raster(raster), window=window, per_condition=per_condition, parts=part or None
    )
    write_summary(summary, output)
    note(f"{output}: {summary}", quiet)
