"""validate, assess: a raster against the observed one, and against the Poisson process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import stochnet as sn
from stochnet.cli.console import note, progress, to_stdout
from stochnet.cli.options import (
    Config,
    Json,
    Quiet,
    Raster,
    Scheduler,
    Verify,
    Windows,
    Workers,
    output_option,
)
from stochnet.cli.tables import columns, report_table
from stochnet.errors.publishing.publish import check_target
from stochnet.report import check_figure
from stochnet.workers.pool import open_executor


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
    output: Annotated[Path | None, output_option("REPORT.html", "Write a report.")] = None,
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
    workers: Workers = None,
    scheduler: Scheduler = None,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Compare a simulated raster with the observed one."""
    for target in (output, json_output):
        if target is not None:
            check_target(target)
    chosen: dict[str, Any] = {"windows": tuple(window)} if window else {}
    if statistic:
        chosen["statistics"] = tuple(statistic)
    if bundle is not None:
        chosen["bundle"] = sn.read_bundle(bundle)
    with open_executor(workers, scheduler) as executor:
        rasters = [sn.read_raster(one, verify=verify) for one in (observed, simulated)]
        report = sn.validate(*rasters, **chosen, executor=executor)
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


def assess(
    raster: Raster,
    window: Windows = None,
    level: Annotated[
        float, typer.Option("--level", help="A node fails where its q-value is below it.")
    ] = 0.05,
    surrogates: Annotated[
        int, typer.Option("--surrogates", help="Surrogates for each number of spikes.")
    ] = 2000,
    seed: Annotated[
        int, typer.Option("--seed", help="Of the surrogates; from 0 to 2**64 - 1.")
    ] = 0,
    per_node: Annotated[
        bool, typer.Option("--per-node", help="p-values of every node, not only fractions.")
    ] = False,
    as_json: Json = False,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE.png", help="Draw layers by tests; .png or .svg."),
    ] = None,
    verify: Verify = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Test whether nodes are Poisson: dispersion, independence, stationarity, gaps."""
    if figure is not None:
        check_figure(figure)
        check_target(figure)
    with progress(quiet) as report:
        found = sn.assess(
            sn.read_raster(raster, verify=verify),
            window or None,
            level=level,
            n_surrogates=surrogates,
            seed=seed,
            progress=report,
        )
    if figure is not None:
        found.to_figure(figure)
        note(f"{figure}: {len(found.layers)} layers × {len(found.tests)} tests", quiet)
    if as_json:
        typer.echo(json.dumps(found.to_dict(per_node), allow_nan=False))
        return
    console = to_stdout()
    for part in (_tests_table(found), _node_table(found) if per_node else None):
        if part is not None:
            console.print(part)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _tests_table(found: sn.Assessment) -> Table:
    """Return one row a layer and test."""
    table = Table(
        title=f"{found.n_nodes:,} nodes × {found.n_trials:,} trials × {found.n_bins:,} bins, "
        f"schedule {found.schedule}",
        caption=f"Passed: q-value of at least {found.level:g} (false discovery rate over the "
        f"tested nodes of a test; {found.n_surrogates:,} surrogates, seed {found.seed}). Effect: "
        "median over tested nodes, and the range of 90 % of them; docs/assessing.md says what it "
        "is.",
    )
    for name in ("layer", "test", "nodes", "tested", "passed", "fraction", "effect", "5–95 %"):
        left = name in ("layer", "test")
        table.add_column(name, justify="left" if left else "right", no_wrap=left)
    before = ""
    for row in found.table():
        if before not in ("", row["layer"]):
            table.add_section()
        name = "" if row["layer"] == before else row["layer"]
        before = row["layer"]
        test = row["test"] if row["window"] is None else f"{row['test']}, W={row['window']}"
        spread = "–" if row["low"] is None else f"{row['low']:.3g} – {row['high']:.3g}"
        numbers = (f"{row[key]:,}" for key in ("n_nodes", "testable", "passed"))
        table.add_row(
            name, test, *numbers, _number(row["fraction"]), _number(row["median"]), spread
        )
    return table


def _node_table(found: sn.Assessment) -> Table:
    """Return the p-values of every node."""
    table = Table(title="p-values (not corrected for the number of nodes)")
    columns(table, "layer", "node", *(test.label for test in found.tests))
    p_values: list[list[Any]] = [test.p_value.tolist() for test in found.tests]
    for layer in found.layers:
        for node in range(layer.first, layer.first + layer.n_nodes):
            values = (column[node] for column in p_values)
            texts = ("–" if value != value else f"{value:.2g}" for value in values)
            table.add_row(layer.name, str(node - layer.first), *texts)
    return table
