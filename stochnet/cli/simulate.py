"""simulate, generate: from a bundle to a surrogate network, and a bundle without a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import stochnet as sn
from stochnet.cli.console import note, progress, to_stderr_table
from stochnet.cli.options import (
    Config,
    Parts,
    PerCondition,
    Quiet,
    Scheduler,
    Seed,
    Summary,
    SummaryWindow,
    Workers,
    output_option,
    summary_options,
)
from stochnet.cli.tables import bundle_table
from stochnet.errors.publishing.publish import check_target
from stochnet.kernels.rng import resolve_seed
from stochnet.workers.pool import open_executor


def simulate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.h5", show_default=False)],
    output: Annotated[Path, output_option("SIM.h5")],
    trials: Annotated[
        int | None, typer.Option("--trials", help="Number of trials; as in the fitted raster.")
    ] = None,
    bins: Annotated[
        int | None, typer.Option("--bins", help="Bins per trial; as in the fitted raster.")
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes", help="Nodes of a network of another size, drawn with the seed; as fitted."
        ),
    ] = None,
    law: Annotated[
        Literal["empirical", "parametric"],
        typer.Option("--law", help="What --nodes draws parameters from."),
    ] = "empirical",
    seed: Seed = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", help="Threads; as many as cores by default, or one for each worker."
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    target: Annotated[
        str, typer.Option("--target", metavar="cpu|cuda", help="Where; the spikes are the same.")
    ] = "cpu",
    unlabelled: Annotated[
        str,
        typer.Option(
            "--unlabelled",
            metavar="error|silent|BUNDLE.h5",
            help="What nodes with parameters per class do in bins without one: refuse, not fire, "
            "or as in a bundle of the same nodes that was fitted without classes.",
        ),
    ] = "error",
    summary: Summary = False,
    window: SummaryWindow = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Draw a surrogate network from a bundle, or with --summary its statistics only.

    A run with --seed that was stopped or killed is continued by the same command. Without --seed
    every run has new spikes, so there is nothing to continue.
    """
    # Draws by compiled functions, and help is shown before they are loaded.
    from stochnet.simulation.unlabelled import WAYS

    check_target(output)
    kept = summary_options(summary, window=window, per_condition=per_condition, parts=part)
    sink = sn.SummarySink(**kept) if summary else None
    network = sn.read_bundle(bundle)
    if nodes is not None:
        seed = resolve_seed(seed)
        network = network.resample(nodes, rng=seed, law=law)
    with progress(quiet) as report, open_executor(workers, scheduler) as executor:
        drawn = sn.simulate(
            network,
            trials,
            bins,
            seed=seed,
            threads=threads,
            executor=executor,
            target=target,
            path=None if summary else output,
            sink=sink,
            progress=report,
            unlabelled=unlabelled if unlabelled in WAYS else sn.read_bundle(unlabelled),
        )
    if sink is not None:
        sn.write_summary(sink.summary, output)
    result = drawn if sink is None else sink.summary
    note(f"{output}: {result}, seed {drawn.provenance['seed']}", quiet)


def generate(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", show_default=False)],
    output: Annotated[Path, output_option("BUNDLE.h5")],
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Make a network with known parameters from a specification, without any recording."""
    check_target(output)
    bundle = sn.generate(spec, rng=seed)
    sn.write_bundle(bundle, output)
    if not quiet:
        to_stderr_table(bundle_table(bundle))
    note(f"{output}: {bundle.n_nodes:,} nodes, seed {bundle.provenance['seed']}", quiet)
