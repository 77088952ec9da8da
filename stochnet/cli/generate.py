"""generate: a network from a specification alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stochnet.cli.app import Config, Quiet, Seed, app
from stochnet.cli.console import note


@app.command()
def generate(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="BUNDLE.h5")],
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Make a network with known parameters from a specification, without any recording."""
    from stochnet.cli.console import to_stderr_table
    from stochnet.cli.fit_tables import bundle_table
    from stochnet.simulation.generation import generate as make
    from stochnet.storage import write_bundle
    from stochnet.storage.files.publish import check_target

    check_target(output)
    bundle = make(spec, rng=seed)
    write_bundle(bundle, output)
    if not quiet:
        to_stderr_table(bundle_table(bundle))
    note(f"{output}: {bundle.n_nodes:,} nodes, seed {bundle.provenance['seed']}", quiet)
