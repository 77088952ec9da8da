"""benchmark: synthetic recordings with sealed truth, and scores of anyone's estimates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import stochnet as sn
from stochnet.cli.console import note, progress, to_stdout
from stochnet.cli.options import Config, Json, Quiet, output_option
from stochnet.cli.tables import columns, number
from stochnet.errors.publishing.publish import check_target

benchmark = typer.Typer(
    name="benchmark",
    add_completion=False,
    no_args_is_help=True,
    help="Synthetic recordings with sealed truth, and scores of anyone's estimates.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", show_default=False)]
UNITS = {
    "relative": "error in units of the standard deviation to be expected of a good estimate",
    "absolute": "root mean square error in the unit of the quantity",
    "error rate": "fraction of labels that are wrong",
    "log score": "mean of -log(probability of what is true)",
}


@benchmark.command("list")
def suites(config: Config = None, quiet: Quiet = False) -> None:
    """Show the suites, and what they ask for."""
    table = Table()
    for name in ("suite", "version", "networks", "quantities", "description"):
        table.add_column(name, no_wrap=name == "suite")
    for suite in sn.benchmark.SUITES.values():
        asked = ", ".join(quantity.name for quantity in suite.quantities)
        networks = sum(cell.n_networks for cell in suite.cells)
        table.add_row(suite.name, str(suite.version), str(networks), asked, suite.doc)
        table.add_section()
    to_stdout().print(table)


@benchmark.command()
def generate(
    suite: Annotated[str, typer.Argument(metavar="SUITE", show_default=False)],
    output: Annotated[Path, output_option("DIR", "A new folder.")],
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help="From 0 to 2**64 - 1; that of the published edition by default."
        ),
    ] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write the rasters of a suite, and apart from them what is true of them."""
    with progress(quiet) as report:
        made = sn.benchmark.generate(suite, output, seed=seed, progress=report)
    note(
        f"{output}: {len(made.rasters)} rasters; suite.json says what is asked, "
        "sealed/ holds the truth",
        quiet,
    )


@benchmark.command()
def estimate(
    folder: Folder,
    output: Annotated[Path, output_option("ESTIMATES.csv")],
    estimator: Annotated[
        str, typer.Option("--estimator", help="One of the suite's own: stochnet, ….")
    ] = "stochnet",
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write the estimates of one of stochnet's own estimators, as an example of the format."""
    check_target(output)
    asked = sn.benchmark.read_benchmark(folder)
    with progress(quiet) as report:
        found = sn.benchmark.own_estimates(asked, estimator, progress=report)
    found.to_csv(output, asked)
    note(f"{output}: {', '.join(found.answers)}", quiet)


@benchmark.command()
def score(
    folder: Folder,
    estimates: Annotated[list[Path], typer.Argument(metavar="ESTIMATES...", show_default=False)],
    as_json: Json = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Score estimates (.csv or .parquet): error, bias, coverage and rank."""
    with progress(quiet) as report:
        scores = sn.benchmark.score(folder, estimates, progress=report)
    if as_json:
        typer.echo(json.dumps(scores.to_dict(), allow_nan=False))
        return
    console = to_stdout()
    for one in scores.entrants:
        if one.given:
            console.print(measures_table(scores, one))
    console.print(ranking_table(scores))


def measures_table(scores: sn.benchmark.Scores, one: sn.benchmark.Entrant) -> Table:
    """Return the measures of one entrant: a row for each quantity and cell."""
    kinds = {measure.kind for measure in one.measures.values()}
    caption = "; ".join(f"{kind}: {doc}" for kind, doc in UNITS.items() if kind in kinds)
    table = columns(
        Table(
            title=f"{one.name}: suite {scores.suite}, version {scores.version}",
            caption=f"{caption}. After ± and in brackets: 95 % intervals.",
        ),
        "quantity", "cell", "values", "error", "in", "bias", "coverage", "rank", "best",
    )  # fmt: skip
    for column in table.columns:
        column.no_wrap = column.header != "best"
        if column.header in ("cell", "in", "best"):
            column.justify = "left"
    rows = scores.table()
    before = ""
    for row in (row for row in rows if row["entrant"] == one.name):
        if before not in ("", row["quantity"]):
            table.add_section()
        first = "" if row["quantity"] == before else row["quantity"]
        before = row["quantity"]
        same = [r for r in rows if (r["quantity"], r["cell"]) == (before, row["cell"])]
        best = min(same, key=lambda r: float(r["loss"]))
        table.add_row(
            first,
            row["cell"],
            f"{row['n']:,}",
            number(row["error"]),
            row["kind"],
            _bias(row),
            _coverage(row),
            f"{row['rank']} of {row['of']}",
            f"{best['entrant']} {number(best['error'])}",
        )
    return table


def _bias(row: dict[str, Any]) -> str:
    if row["bias"] is None:
        return "–"
    return f"{row['bias']:.2g} ± {row['bias_high'] - row['bias']:.1g}"


def _coverage(row: dict[str, Any]) -> str:
    if row["coverage"] is None:
        return "–"
    return f"{row['coverage']:.3f} [{row['coverage_low']:.2f}, {row['coverage_high']:.2f}]"


def ranking_table(scores: sn.benchmark.Scores) -> Table:
    """Return the ranks of all entrants, overall and by quantity."""
    asked = list(dict.fromkeys(row["quantity"] for row in scores.table()))
    over = ", ".join(scores.quantities) or "no quantity that all files give"
    table = columns(
        Table(
            title="Ranks",
            caption=f"Loss: geometric mean of the errors over cells, lower is better; overall: "
            f"{over}.",
        ),
        "entrant", "rank", "loss", *asked,
    )  # fmt: skip
    places = {one.name: (str(rank), number(loss)) for rank, one, loss in scores.ranking()}
    order = [*places, *(one.name for one in scores.entrants if one.name not in places)]
    for name in order:
        losses = (number(scores.entrant(name).loss([quantity])) for quantity in asked)
        table.add_row(name, *places.get(name, ("–", "–")), *losses)
    return table
