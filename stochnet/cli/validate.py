"""validate: a simulated raster against the observed one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stochnet.cli.app import Config, Quiet, Windows, app
from stochnet.cli.console import to_stdout
from stochnet.cli.places import SchedulerOption, WorkersOption


@app.command()
def validate(
    observed: Annotated[Path, typer.Argument(metavar="OBSERVED.h5", show_default=False)],
    simulated: Annotated[Path, typer.Argument(metavar="SIMULATED.h5", show_default=False)],
    window: Windows = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(
            "--statistic",
            metavar="NAME",
            help="Compare by this one only, for example fano_factor; can be given several times.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="REPORT.html", help="Write a report.")
    ] = None,
    json_output: Annotated[
        Path | None, typer.Option("--json", metavar="REPORT.json", help="Write the numbers.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 1 if a diagnostic fails or the quality is below --quality; without "
            "that, if any statistic differs.",
        ),
    ] = False,
    quality: Annotated[
        float | None,
        typer.Option(
            "--quality",
            metavar="BAR",
            min=0.0,
            max=1.0,
            help="What --strict asks of the mean quality: 1 is the split-half floor, 0 independent "
            "nodes.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="BUNDLE.h5",
            help="The bundle that was simulated: its fit is checked, and its error accounted for.",
        ),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Compare a simulated raster with the observed one."""
    from stochnet.cli.tables import report_table
    from stochnet.storage import read_bundle, read_raster
    from stochnet.storage.files.publish import check_target
    from stochnet.validation.validate import validate as compare
    from stochnet.workers.pool import open_executor

    for target in (output, json_output):
        if target is not None:
            check_target(target)
    chosen: dict[str, Any] = {"windows": tuple(window)} if window else {}
    if statistic:
        chosen["statistics"] = tuple(statistic)
    if bundle is not None:
        chosen["bundle"] = read_bundle(bundle)
    with open_executor(workers, scheduler) as executor:
        rasters = read_raster(observed), read_raster(simulated)
        report = compare(*rasters, **chosen, executor=executor)
    if output is not None:
        report.to_html(output)
    if json_output is not None:
        report.to_json(json_output)
    console = to_stdout()
    console.print(report_table(report))
    for one in report.diagnostics:
        if not one.passed:
            console.print(f"Diagnostic failed, {one.label}: {one.detail}")
    if report.quality is not None:
        console.print(f"Quality {report.quality:.2f}: 1 is the floor, 0 {report.baseline}.")
    console.print(report.notes[0])
    console.print(report.verdict)
    if strict and not report.meets(quality):
        raise typer.Exit(1)
