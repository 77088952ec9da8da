"""present, stats, fit, simulate, validate: from a recording to a verdict."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stochnet.cli.app import By, Config, Quiet, ScheduleName, Seed, Windows, app
from stochnet.cli.console import note, progress, to_stdout
from stochnet.cli.places import SchedulerOption, WorkersOption
from stochnet.cli.summary_options import Keep, Parts, PerCondition, Window, keeping

Raster = Annotated[Path, typer.Argument(metavar="RASTER.h5", show_default=False)]


class Criterion(StrEnum):
    """Criteria of `fit --process auto`."""

    aic = "aic"
    bic = "bic"
    held_out = "held-out"


class ChooseBy(StrEnum):
    """What one process is chosen for."""

    node = "node"
    layer = "layer"


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
    from stochnet.schedule import present as apply
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
    from stochnet.storage import read_observed
    from stochnet.table import statistics_table

    result = statistics_table(read_observed(raster), window or None, per_node=per_node)
    if as_json:
        typer.echo(json.dumps(result, allow_nan=False))
        return
    console = to_stdout()
    console.print(stats_table(result))
    if per_node:
        console.print(node_table(result))


@app.command()
def fit(
    raster: Raster,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="BUNDLE.h5")],
    process: Annotated[
        str, typer.Option("--process", "-p", help="Name of a process, or auto: the best of all.")
    ] = "auto",
    criterion: Annotated[
        Criterion, typer.Option("--criterion", help="What auto chooses by.")
    ] = Criterion.aic,
    by: Annotated[
        ChooseBy, typer.Option("--choose-by", help="One process a node, or one a layer.")
    ] = ChooseBy.node,
    per_condition: Annotated[
        bool, typer.Option("--per-condition", help="Parameters for every class.")
    ] = False,
    window: Annotated[
        int | None, typer.Option("--window", "-w", help="Bins in which a gain is held; a trial.")
    ] = None,
    shrink: Annotated[
        bool,
        typer.Option("--shrink", help="Draw parameters towards the layer (empirical Bayes)."),
    ] = False,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Fit a process to every node, of a raster or of a summary."""
    from stochnet.cli.fit_tables import bundle_table, selection_table
    from stochnet.estimation import fit_bundle
    from stochnet.storage import read_observed, write_bundle
    from stochnet.storage.publish import check_target
    from stochnet.workers import open_executor

    check_target(output)
    with progress(quiet) as report, open_executor(workers, scheduler) as executor:
        bundle = fit_bundle(
            read_observed(raster),
            process,
            criterion=criterion.value.replace("-", "_"),
            by=by.value,
            per_condition=per_condition,
            window=window,
            shrink=shrink,
            progress=report,
            executor=executor,
        )
        write_bundle(bundle, output)
    if not quiet:
        to_stderr_table(bundle_table(bundle))
        if bundle.selection is not None:
            to_stderr_table(selection_table(bundle))
    note(f"{output}: {bundle.n_nodes:,} nodes", quiet)


@app.command()
def simulate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.h5", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SIM.h5")],
    trials: Annotated[
        int | None, typer.Option("--trials", help="Number of trials; as in the fitted raster.")
    ] = None,
    bins: Annotated[
        int | None, typer.Option("--bins", help="Bins per trial; as in the fitted raster.")
    ] = None,
    seed: Seed = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", help="Threads; as many as cores by default, or one for each worker."
        ),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    target: Annotated[
        str, typer.Option("--target", metavar="cpu|cuda", help="Where; the spikes are the same.")
    ] = "cpu",
    summary: Keep = False,
    window: Window = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Draw a surrogate network from a bundle, or with --summary its statistics only.

    A run with --seed that was stopped or killed is continued by the same command. Without --seed
    every run has new spikes, so there is nothing to continue.
    """
    from stochnet.simulation import simulate as draw
    from stochnet.storage import read_bundle, write_summary
    from stochnet.storage.publish import check_target
    from stochnet.summary_sink import SummarySink
    from stochnet.workers import open_executor

    check_target(output)
    kept = keeping(summary, window=window, per_condition=per_condition, parts=part)
    sink = SummarySink(**kept) if summary else None
    with progress(quiet) as report, open_executor(workers, scheduler) as executor:
        drawn = draw(
            read_bundle(bundle),
            trials,
            bins,
            seed=seed,
            threads=threads,
            executor=executor,
            target=target,
            path=None if summary else output,
            sink=sink,
            progress=report,
        )
    if sink is not None:
        write_summary(sink.summary, output)
    result = drawn if sink is None else sink.summary
    note(f"{output}: {result}, seed {drawn.provenance['seed']}", quiet)


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
    from stochnet.storage.publish import check_target
    from stochnet.validation import validate as compare
    from stochnet.workers import open_executor

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


def to_stderr_table(table: Any) -> None:
    """Print a table on stderr, so that stdout stays free for results."""
    from rich.console import Console

    Console(stderr=True, highlight=False).print(table)
