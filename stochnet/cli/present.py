"""present, stats, rebin, summarize: spikes in trials, and what is counted in them."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import Annotated, Literal

import typer

import stochnet as sn
from stochnet import storage
from stochnet.cli.console import note, progress, to_stdout
from stochnet.cli.options import (
    By,
    Config,
    Json,
    Parts,
    PerCondition,
    Quiet,
    Raster,
    Schedule,
    Seed,
    SummaryWindow,
    Verify,
    Windows,
    output_option,
)
from stochnet.cli.tables import node_table, stats_table
from stochnet.errors.publishing.publish import check_target


def present(
    recording: Annotated[Path, typer.Argument(metavar="REC.h5", show_default=False)],
    schedule: Annotated[Schedule, typer.Option("--schedule", help="Order of the stimuli.")],
    trials: Annotated[int, typer.Option("--trials", help="Number of trials.")],
    bins: Annotated[int, typer.Option("--bins", help="Bins (stimuli) per trial.")],
    output: Annotated[Path, output_option("RASTER.h5")],
    by: By = "label",
    unlabelled: Annotated[
        Literal["error", "omit"],
        typer.Option(
            "--unlabelled", help="Stimuli without a class, of blocked and stratified schedules."
        ),
    ] = "error",
    seed: Seed = None,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Show the recorded stimuli again in trials, without running the network."""
    with progress(quiet) as report:
        shown = sn.present(
            sn.read_raster(recording, verify=verify),
            schedule.value,
            n_trials=trials,
            n_bins=bins,
            by=by,
            seed=seed,
            path=output,
            progress=report,
            unlabelled=unlabelled,
        )
    if shown.provenance.get("omitted"):
        note(f"not shown: {shown.provenance['omitted']:,} stimuli without a class", quiet)
    note(f"{output}: {shown}, seed {shown.provenance['seed']}", quiet)


def stats(
    raster: Raster,
    window: Windows = None,
    per_node: Annotated[
        bool, typer.Option("--per-node", help="Every node, not only means.")
    ] = False,
    as_json: Json = False,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Show firing rates and Fano factors by layer, of a raster or of a summary."""
    # Computes with compiled functions, and help is shown before they are loaded.
    from stochnet.statistics.table import statistics_table

    observed = storage.read_observed(raster, verify=verify)
    result = statistics_table(observed, window or None, per_node=per_node)
    if as_json:
        typer.echo(json.dumps(result, allow_nan=False))
        return
    console = to_stdout()
    console.print(stats_table(result, "bin" if isnan(observed.bin_width) else "second"))
    if per_node:
        console.print(node_table(result))


def rebin(
    raster: Raster,
    window: Annotated[int, typer.Option("--window", "-w", help="Bins per window.")],
    output: Annotated[Path, output_option("OUT.h5")],
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Make every window one bin that holds its number of spikes."""
    with progress(quiet) as report:
        counted = sn.rebin(
            sn.read_raster(raster, verify=verify), window, path=output, progress=report
        )
    note(f"{output}: {counted}", quiet)


def summarize(
    raster: Raster,
    output: Annotated[Path, output_option("SUMMARY.h5")],
    window: SummaryWindow = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Keep of a raster what a fit needs, without its spikes."""
    check_target(output)
    summary = sn.RasterSummary.of(
        sn.read_raster(raster, verify=verify),
        window=window,
        per_condition=per_condition,
        parts=part or None,
    )
    sn.write_summary(summary, output)
    note(f"{output}: {summary}", quiet)
