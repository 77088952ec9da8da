"""present, stats: spikes in trials, and their statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from stochnet.cli.app import By, Config, Quiet, Raster, ScheduleName, Seed, Windows, app
from stochnet.cli.console import note, progress, to_stdout
from stochnet.cli.summary_options import Parts, PerCondition, Window


@app.command()
def present(
    recording: Annotated[Path, typer.Argument(metavar="REC.h5", show_default=False)],
    schedule: Annotated[ScheduleName, typer.Option("--schedule", help="Order of the stimuli.")],
    trials: Annotated[int, typer.Option("--trials", help="Number of trials.")],
    bins: Annotated[int, typer.Option("--bins", help="Bins (stimuli) per trial.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RASTER.h5")],
    by: Annotated[By, typer.Option("--by", help="Labels for blocked and stratified.")] = By.label,
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Show the recorded stimuli again in trials, without running the network."""
    from stochnet.recording.schedule import present as apply
    from stochnet.storage import read_raster

    with progress(quiet) as report:
        shown = apply(
            read_raster(recording),
            schedule.value,
            n_trials=trials,
            n_bins=bins,
            by=by.value,
            seed=seed,
            path=output,
            progress=report,
        )
    note(f"{output}: {shown}, seed {shown.provenance['seed']}", quiet)


@app.command()
def stats(
    raster: Raster,
    window: Windows = None,
    per_node: Annotated[
        bool, typer.Option("--per-node", help="Every node, not only means.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Show firing rates and Fano factors by layer, of a raster or of a summary."""
    from stochnet.cli.tables import node_table, stats_table
    from stochnet.statistics.table import statistics_table
    from stochnet.storage import read_observed

    result = statistics_table(read_observed(raster), window or None, per_node=per_node)
    if as_json:
        typer.echo(json.dumps(result, allow_nan=False))
        return
    console = to_stdout()
    console.print(stats_table(result))
    if per_node:
        console.print(node_table(result))


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
