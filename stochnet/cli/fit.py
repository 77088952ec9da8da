"""fit: from a raster to a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import stochnet as sn
from stochnet import storage
from stochnet.cli.console import note, progress, to_stderr_table
from stochnet.cli.options import Config, Quiet, Raster, Scheduler, Verify, Workers, output_option
from stochnet.cli.tables import bundle_tables
from stochnet.errors import InvalidInputError
from stochnet.errors.publishing.publish import check_target
from stochnet.workers.pool import open_executor

if TYPE_CHECKING:
    from stochnet.estimation.latents.fit_latents import Rank
    from stochnet.estimation.window_choice import Window


def fit(
    raster: Raster,
    output: Annotated[Path, output_option("BUNDLE.h5")],
    process: Annotated[
        str, typer.Option("--process", "-p", help="Name of a process, or auto: the best of all.")
    ] = "auto",
    criterion: Annotated[
        Literal["aic", "bic", "held-out"],
        typer.Option("--criterion", help="What auto chooses by."),
    ] = "aic",
    by: Annotated[
        Literal["node", "layer"],
        typer.Option("--choose-by", help="One process a node, or one a layer."),
    ] = "node",
    per_condition: Annotated[
        bool, typer.Option("--per-condition", help="Parameters for every class.")
    ] = False,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            "-w",
            metavar="BINS|auto",
            help="Bins in which a gain is held; a trial. auto: the best of a few lengths.",
        ),
    ] = None,
    min_bins: Annotated[
        int | None,
        typer.Option(
            "--min-bins", help="With --per-condition: leave out classes with fewer bins than this."
        ),
    ] = None,
    shrink: Annotated[
        bool,
        typer.Option("--shrink", help="Draw parameters towards the layer (empirical Bayes)."),
    ] = False,
    population: Annotated[
        bool,
        typer.Option(
            "--population/--no-population", help="Fit the laws of the parameters over nodes too."
        ),
    ] = True,
    correlated: Annotated[
        str | None,
        typer.Option(
            "--correlated",
            metavar="RANK|auto",
            help="Let nodes share so many latents a layer; auto: as many as predict best.",
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Fit a process to every node, of a raster or of a summary."""
    check_target(output)
    with progress(quiet) as report, open_executor(workers, scheduler) as executor:
        bundle = sn.fit_bundle(
            storage.read_observed(raster, verify=verify),
            process,
            criterion=criterion.replace("-", "_"),
            by=by,
            per_condition=per_condition,
            window=_window(window),
            shrink=shrink,
            correlated=_rank(correlated),
            progress=report,
            executor=executor,
            min_bins=min_bins,
        )
        if population:
            bundle = replace(bundle, populations=sn.fit_populations(bundle, progress=report))
        sn.write_bundle(bundle, output)
    if not quiet:
        for table in bundle_tables(bundle):
            to_stderr_table(table)
    for what, bins in bundle.provenance.get("left_out", {}).items():
        note(f"left out: {what}, {bins:,} bins; they have no condition in the bundle", quiet)
    shared = "" if bundle.latents is None else f", {bundle.latents.rank} latents a layer"
    note(f"{output}: {bundle.n_nodes:,} nodes{shared}", quiet)


def _window(text: str | None) -> Window:
    """Read what --window says."""
    if text is None or text == "auto":
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise InvalidInputError(f"--window takes a number of bins or auto, got {text!r}")
    return int(text)


def _rank(text: str | None) -> Rank | None:
    """Read what --correlated says."""
    if text is None or text == "auto":
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise InvalidInputError(f"--correlated takes a number of latents or auto, got {text!r}")
    return int(text)
