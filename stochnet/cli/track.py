"""track: the indicators of every checkpoint of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stochnet.cli.app import Config, Quiet, ScheduleName, Windows, app
from stochnet.cli.console import note, progress
from stochnet.cli.record import (
    Data,
    DataRoot,
    Device,
    Download,
    Limit,
    Normalize,
    Rule,
    Split,
    Unit,
    parse_normalize,
)


@app.command()
def track(
    checkpoints: Annotated[
        list[Path], typer.Argument(metavar="CHECKPOINTS...", show_default=False)
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR")] = Path("tracking"),
    model: Annotated[
        str | None,
        typer.Option("--model", help="Architecture of checkpoints that do not name it."),
    ] = None,
    split: Annotated[Split | None, typer.Option("--split", help="train or test.")] = None,
    limit: Limit = None,
    window: Windows = None,
    schedule: Annotated[
        list[ScheduleName] | None,
        typer.Option(
            "--schedule",
            help="Order of the stimuli; can be given several times. By default shuffled and "
            "blocked.",
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option("--layers", help="Glob over names of layers; every ReLU by default."),
    ] = None,
    unit: Annotated[Unit, typer.Option("--unit", help="Node of a convolution.")] = Unit.position,
    channel_rule: Annotated[
        Rule, typer.Option("--channel-rule", help="A channel fires if any value does, or its mean.")
    ] = Rule.any,
    threshold: Annotated[float, typer.Option("--threshold")] = 0.0,
    nodes_per_layer: Annotated[
        int | None,
        typer.Option("--nodes-per-layer", help="At most so many of a layer, drawn once."),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size")] = 256,
    device: Annotated[Device, typer.Option("--device")] = Device.cpu,
    normalize: Normalize = None,
    seed: Annotated[int, typer.Option("--seed", help="Of schedules and samples of nodes.")] = 0,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Wait for new checkpoints until the training ends, or Ctrl-C."
        ),
    ] = False,
    poll: Annotated[
        float, typer.Option("--poll", help="Seconds between two looks, with --watch.")
    ] = 2.0,
    data_root: DataRoot = None,
    download: Download = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Record every checkpoint and draw its indicators over the epochs, by layer."""
    from stochnet.recording import load_dataset
    from stochnet.recording import track as run
    from stochnet.recording.tracking.log import PAGE, TABLE

    shown = load_dataset(
        data, None if split is None else split.value, root=data_root, download=download
    ).first(limit)
    options: dict[str, Any] = {
        "layers": layers or None,
        "threshold": threshold,
        "unit": unit.value,
        "channel_rule": channel_rule.value,
        "windows": window or None,
        "schedules": [one.value for one in schedule] if schedule else None,
        "nodes_per_layer": nodes_per_layer,
        "batch_size": batch_size,
        "seed": seed,
    }
    try:
        with progress(quiet) as report:
            rows = run(
                checkpoints,
                shown,
                folder=output,
                model=model or "",
                device=device.value,
                normalize=parse_normalize(normalize),
                poll=poll if watch else None,
                progress=report,
                **options,
            )
    except KeyboardInterrupt:
        note(f"stopped; what was recorded is in {output / TABLE}", quiet)
        raise typer.Exit(0 if watch else 130) from None
    epochs = len({row["epoch"] for row in rows})
    page = output / PAGE
    drawn = f", {page}" if page.exists() else " (the page needs stochnet[report])"
    note(f"{output / TABLE}: {epochs} epochs of {len(shown):,} images{drawn}", quiet)
