"""train, record, merge, track: from a network to its recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import stochnet as sn
from stochnet import recording
from stochnet.cli.console import note, plain_warnings, progress
from stochnet.cli.options import (
    BatchSize,
    By,
    ChannelAxis,
    ChannelRule,
    Config,
    Data,
    DataRoot,
    Device,
    Download,
    Layers,
    Limit,
    Normalize,
    Parts,
    PerCondition,
    Quiet,
    Schedule,
    Seed,
    Shard,
    Split,
    Strict,
    Summary,
    SummaryWindow,
    Threshold,
    Trace,
    Unit,
    Windows,
    output_option,
    parse_normalize,
    parse_shard,
    summary_options,
)
from stochnet.errors import InvalidInputError
from stochnet.errors.publishing.publish import check_target
from stochnet.kernels.rng import resolve_seed
from stochnet.recording.tracking import PAGE, TABLE


def train(
    architecture: Annotated[str, typer.Argument(metavar="ARCH", show_default=False)],
    data: Data,
    output: Annotated[Path, output_option("NET.pt")],
    labels: Annotated[
        str, typer.Option("--labels", help="true, random, or noise:FRACTION.")
    ] = "true",
    epochs: Annotated[int, typer.Option("--epochs", help="At most; ends at 100 % accuracy.")] = 100,
    limit: Limit = None,
    seed: Seed = None,
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", metavar="DIR", help="Keep every epoch here.")
    ] = None,
    batch_size: BatchSize = 64,
    lr: Annotated[float, typer.Option("--lr", help="Step size of Adam.")] = 1e-3,
    normalize: Normalize = None,
    data_root: DataRoot = None,
    download: Download = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train a network."""
    check_target(output)
    whole = recording.load_dataset(data, root=data_root, download=download)
    unseen = None
    if whole.split is not None:
        unseen = recording.load_dataset(data, "test", root=data_root, download=download)
    shown = whole.first(limit)
    # Torch takes seeds below 2**63.
    seed = resolve_seed(seed) >> (1 if seed is None else 0)
    model = recording.build_model(architecture, shown.image_shape, shown.n_classes, seed=seed)
    with progress(quiet) as report:
        result = recording.train(
            model,
            shown.images,
            shown.labels,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            seed=seed,
            labels_mode=labels,
            checkpoints=checkpoints,
            test=None if unseen is None else (unseen.images, unseen.labels),
            n_classes=shown.n_classes,
            normalize=parse_normalize(normalize),
            facts={"architecture": architecture, "dataset": shown.name, "limit": limit},
            progress=report,
        )
    recording.save_network(output, model, result.facts)
    last = result.history[-1]
    tested = "" if last.test_accuracy is None else f", test accuracy {last.test_accuracy:.3f}"
    note(
        f"{output}: {len(result.history)} epochs, loss {last.loss:.4f}, "
        f"training accuracy {last.train_accuracy:.3f}{tested}, seed {seed}",
        quiet,
    )


def record(
    model: Annotated[str, typer.Argument(metavar="MODEL", show_default=False)],
    data: Data,
    output: Annotated[Path, output_option("REC.h5")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Weights, or a checkpoint of stochnet.")
    ] = None,
    split: Split = None,
    limit: Limit = None,
    layers: Layers = None,
    unit: Unit = "position",
    channel_rule: ChannelRule = "any",
    threshold: Threshold = 0.0,
    batch_size: BatchSize = 256,
    device: Device = "cpu",
    strict: Strict = False,
    trace: Trace = "auto",
    channel_axis: ChannelAxis = None,
    shard: Shard = None,
    normalize: Normalize = None,
    seed: Annotated[int, typer.Option("--seed", help="Of random weights.")] = 0,
    data_root: DataRoot = None,
    download: Download = False,
    summary: Summary = False,
    window: SummaryWindow = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    schedule: Annotated[
        Schedule | None,
        typer.Option("--schedule", help="Order in which stimuli are shown; with --summary."),
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="With --schedule.")] = None,
    bins: Annotated[int | None, typer.Option("--bins", help="Per trial; with --schedule.")] = None,
    by: By = "label",
    schedule_seed: Annotated[int | None, typer.Option("--schedule-seed")] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Record which nodes fire for which stimulus, or with --summary their statistics only."""
    # Torch is an extra, and merge needs none.
    from stochnet.recording.networks.models.named import trained_on

    check_target(output)
    kept = summary_options(
        summary,
        window=window,
        per_condition=per_condition,
        parts=part,
        schedule=None if schedule is None else schedule.value,
        n_trials=trials,
        n_bins=bins,
        by=None if by == "label" else by,
        schedule_seed=schedule_seed,
    )
    share = parse_shard(shard)
    if summary and share is not None:
        raise InvalidInputError("--shard and --summary do not go together: a summary needs no disk")
    shown = recording.load_dataset(data, split, root=data_root, download=download).first(limit)
    network = recording.load_network(
        model, weights, image_shape=shown.image_shape, n_classes=shown.n_classes, seed=seed
    )
    options: dict[str, Any] = {
        "layers": layers or None,
        "threshold": threshold,
        "unit": unit,
        "channel_rule": channel_rule,
        "batch_size": batch_size,
        "device": device,
        "strict": strict,
        "trace": trace,
        "channel_axis": channel_axis,
        "training_labels": trained_on(network, shown),
        "normalize": parse_normalize(normalize) or network.normalize,
        "provenance": {
            "model": network.name,
            "weights_file": "" if weights is None else str(weights),
            "dataset": shown.name,
            "split": shown.split or "",
        },
    }
    seen = network.model, shown.images, shown.labels
    made: Any
    with plain_warnings(), progress(quiet) as report:
        if summary:
            made = recording.record_summary(*seen, **options, **kept, progress=report)
            sn.write_summary(made, output)
        else:
            made = recording.record(*seen, path=output, shard=share, **options, progress=report)
    note(f"{output}: {made}", quiet)


def merge(
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD.h5...", show_default=False)],
    output: Annotated[Path, output_option("REC.h5")],
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Merge the shards of a recording; the result is as if it had not been divided."""
    with progress(quiet) as report:
        merged = sn.merge(shards, output, progress=report)
    note(f"{output}: {merged}", quiet)


def track(
    checkpoints: Annotated[
        list[Path], typer.Argument(metavar="CHECKPOINTS...", show_default=False)
    ],
    data: Data,
    output: Annotated[Path, output_option("DIR")] = Path("tracking"),
    model: Annotated[
        str | None,
        typer.Option("--model", help="Architecture of checkpoints that do not name it."),
    ] = None,
    split: Split = None,
    limit: Limit = None,
    window: Windows = None,
    schedule: Annotated[
        list[Schedule] | None,
        typer.Option(
            "--schedule",
            help="Order of the stimuli; can be given several times. By default shuffled and "
            "blocked.",
        ),
    ] = None,
    layers: Layers = None,
    unit: Unit = "position",
    channel_rule: ChannelRule = "any",
    threshold: Threshold = 0.0,
    nodes_per_layer: Annotated[
        int | None,
        typer.Option("--nodes-per-layer", help="At most so many of a layer, drawn once."),
    ] = None,
    batch_size: BatchSize = 256,
    device: Device = "cpu",
    trace: Trace = "auto",
    channel_axis: ChannelAxis = None,
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
    shown = recording.load_dataset(data, split, root=data_root, download=download).first(limit)
    try:
        with plain_warnings(), progress(quiet) as report:
            rows = recording.track(
                checkpoints,
                shown,
                folder=output,
                model=model or "",
                layers=layers or None,
                threshold=threshold,
                unit=unit,
                channel_rule=channel_rule,
                windows=window or None,
                schedules=[one.value for one in schedule] if schedule else None,
                nodes_per_layer=nodes_per_layer,
                batch_size=batch_size,
                seed=seed,
                device=device,
                trace=trace,
                channel_axis=channel_axis,
                normalize=parse_normalize(normalize),
                poll=poll if watch else None,
                progress=report,
            )
    except KeyboardInterrupt:
        note(f"stopped; what was recorded is in {output / TABLE}", quiet)
        raise typer.Exit(0 if watch else 130) from None
    epochs = len({row["epoch"] for row in rows})
    page = output / PAGE
    drawn = f", {page}" if page.exists() else " (the page needs stochnet[report])"
    note(f"{output / TABLE}: {epochs} epochs of {len(shown):,} images{drawn}", quiet)
