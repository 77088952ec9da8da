"""train, record, merge: from a network to a recording."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochnet.cli.app import By, Config, Quiet, ScheduleName, Seed, app
from stochnet.cli.console import note, plain_warnings, progress
from stochnet.cli.summary_options import Keep, Parts, PerCondition, Window, keeping
from stochnet.errors import InvalidInputError
from stochnet.kernels.rng import resolve_seed

if TYPE_CHECKING:
    from stochnet.recording import Dataset

import re

from stochnet.cli.app import Windows

Data = Annotated[
    str,
    typer.Option(
        "--data", help="mnist-5k, mnist, fashion-mnist, cifar10 or a .npz of images and labels."
    ),
]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder of the data sets of torchvision.")
]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set if it is missing.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Only the first N images.")]
Normalize = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--normalize",
        metavar="MEAN STD",
        help="(image - MEAN) / STD; per channel, separated by commas.",
    ),
]


class Split(StrEnum):
    """Splits of a data set."""

    train = "train"
    test = "test"


class Unit(StrEnum):
    """What a node of a convolution is."""

    position = "position"
    channel = "channel"


class Rule(StrEnum):
    """When a channel fires."""

    any = "any"
    mean = "mean"


class TraceMode(StrEnum):
    """How it is known that functions are always called in the same order."""

    auto = "auto"
    assume = "assume"


Trace = Annotated[
    TraceMode,
    typer.Option(
        "--trace", help="assume: the order in which functions are called does not depend on images."
    ),
]
ChannelAxis = Annotated[
    int | None,
    typer.Option(
        "--channel-axis", help="Axis of the channels, where it is not known; 0 are the stimuli."
    ),
]


class Device(StrEnum):
    """Where the network runs."""

    cpu = "cpu"
    cuda = "cuda"


@app.command()
def train(
    architecture: Annotated[str, typer.Argument(metavar="ARCH", show_default=False)],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="NET.pt")],
    labels: Annotated[
        str, typer.Option("--labels", help="true, random, or noise:FRACTION.")
    ] = "true",
    epochs: Annotated[int, typer.Option("--epochs", help="At most; ends at 100 % accuracy.")] = 100,
    limit: Limit = None,
    seed: Seed = None,
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", metavar="DIR", help="Keep every epoch here.")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size")] = 64,
    lr: Annotated[float, typer.Option("--lr", help="Step size of Adam.")] = 1e-3,
    normalize: Normalize = None,
    data_root: DataRoot = None,
    download: Download = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train a network."""
    from stochnet.recording import build_model, save_network
    from stochnet.recording import train as fit_weights
    from stochnet.storage.files.publish import check_target

    check_target(output)
    shown, held_out = _splits(data, data_root, download)
    shown = shown.first(limit)
    # Torch takes seeds below 2**63.
    seed = resolve_seed(seed) >> (1 if seed is None else 0)
    model = build_model(architecture, shown.image_shape, shown.n_classes, seed=seed)
    with progress(quiet) as report:
        result = fit_weights(
            model,
            shown.images,
            shown.labels,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            seed=seed,
            labels_mode=labels,
            checkpoints=checkpoints,
            test=None if held_out is None else (held_out.images, held_out.labels),
            n_classes=shown.n_classes,
            normalize=parse_normalize(normalize),
            facts={"architecture": architecture, "dataset": shown.name, "limit": limit},
            progress=report,
        )
    save_network(output, model, result.facts)
    last = result.history[-1]
    tested = "" if last.test_accuracy is None else f", test accuracy {last.test_accuracy:.3f}"
    note(
        f"{output}: {len(result.history)} epochs, loss {last.loss:.4f}, "
        f"training accuracy {last.train_accuracy:.3f}{tested}, seed {seed}",
        quiet,
    )


@app.command()
def record(
    model: Annotated[str, typer.Argument(metavar="MODEL", show_default=False)],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="REC.h5")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Weights, or a checkpoint of stochnet.")
    ] = None,
    split: Annotated[Split | None, typer.Option("--split", help="train or test.")] = None,
    limit: Limit = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers", help="Glob over names of layers, !GLOB to leave out; every ReLU by default."
        ),
    ] = None,
    unit: Annotated[Unit, typer.Option("--unit", help="Node of a convolution.")] = Unit.position,
    channel_rule: Annotated[
        Rule, typer.Option("--channel-rule", help="A channel fires if any value does, or its mean.")
    ] = Rule.any,
    threshold: Annotated[float, typer.Option("--threshold")] = 0.0,
    batch_size: Annotated[int, typer.Option("--batch-size")] = 256,
    device: Annotated[Device, typer.Option("--device")] = Device.cpu,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what would be warned of.")
    ] = False,
    trace: Trace = TraceMode.auto,
    channel_axis: ChannelAxis = None,
    shard: ShardOption = None,
    normalize: Normalize = None,
    seed: Annotated[int, typer.Option("--seed", help="Of random weights.")] = 0,
    data_root: DataRoot = None,
    download: Download = False,
    summary: Keep = False,
    window: Window = None,
    per_condition: PerCondition = False,
    part: Parts = None,
    schedule: Annotated[
        ScheduleName | None,
        typer.Option("--schedule", help="Order in which stimuli are shown; with --summary."),
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="With --schedule.")] = None,
    bins: Annotated[int | None, typer.Option("--bins", help="Per trial; with --schedule.")] = None,
    by: Annotated[By, typer.Option("--by", help="Labels for blocked and stratified.")] = By.label,
    schedule_seed: Annotated[int | None, typer.Option("--schedule-seed")] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Record which nodes fire for which stimulus, or with --summary their statistics only."""
    from stochnet.recording import load_dataset, load_network, record_summary
    from stochnet.recording import record as run
    from stochnet.recording.networks.models.named import trained_on
    from stochnet.storage import write_summary
    from stochnet.storage.files.publish import check_target

    check_target(output)
    kept = keeping(
        summary,
        window=window,
        per_condition=per_condition,
        parts=part,
        schedule=None if schedule is None else schedule.value,
        n_trials=trials,
        n_bins=bins,
        by=None if by is By.label else by.value,
        schedule_seed=schedule_seed,
    )
    share = parse_shard(shard)
    if summary and share is not None:
        raise InvalidInputError("--shard and --summary do not go together: a summary needs no disk")
    shown = load_dataset(
        data, None if split is None else split.value, root=data_root, download=download
    ).first(limit)
    network = load_network(
        model, weights, image_shape=shown.image_shape, n_classes=shown.n_classes, seed=seed
    )
    options: dict[str, Any] = {
        "layers": layers or None,
        "threshold": threshold,
        "unit": unit.value,
        "channel_rule": channel_rule.value,
        "batch_size": batch_size,
        "device": device.value,
        "strict": strict,
        "trace": trace.value,
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
    recording: Any
    with plain_warnings(), progress(quiet) as report:
        options["progress"] = report
        if summary:
            recording = record_summary(network.model, shown.images, shown.labels, **options, **kept)
            write_summary(recording, output)
        else:
            recording = run(
                network.model, shown.images, shown.labels, path=output, shard=share, **options
            )
    note(f"{output}: {recording}", quiet)


@app.command()
def merge(
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD.h5...", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="REC.h5")],
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Merge the shards of a recording; the result is as if it had not been divided."""
    from stochnet.recording.merging import merge as join

    with progress(quiet) as report:
        recording = join(shards, output, progress=report)
    note(f"{output}: {recording}", quiet)


def _splits(data: str, root: Path | None, download: bool) -> tuple[Dataset, Dataset | None]:
    """Return the training images, and the test images where the data set is split."""
    from stochnet.recording import load_dataset

    shown = load_dataset(data, root=root, download=download)
    if shown.split is None:
        return shown, None
    return shown, load_dataset(data, "test", root=root, download=download)


def parse_normalize(texts: tuple[str, str] | None) -> Any:
    """Return the means and the standard deviations of two texts; None for none.

    Raises
    ------
    InvalidInputError
        They are no numbers.
    """
    if texts is None:
        return None
    try:
        mean, std = (tuple(float(value) for value in text.split(",")) for text in texts)
    except ValueError as error:
        raise InvalidInputError(
            f"--normalize takes two lists of numbers, such as 0.5 0.25 or 0.5,0.5,0.5 0.2,0.2,0.2; "
            f"got {' '.join(texts)}"
        ) from error
    return mean, std


ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="I/N", help="Only part I of N of the stimuli; see stochnet merge."
    ),
]


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Return (index, number) of ``"2/4"``.

    Raises
    ------
    InvalidInputError
        It does not read so.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None:
        raise InvalidInputError(f"--shard takes I/N, such as 1/4, got {text!r}")
    return int(found[1]), int(found[2])


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
        typer.Option(
            "--layers", help="Glob over names of layers, !GLOB to leave out; every ReLU by default."
        ),
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
    trace: Trace = TraceMode.auto,
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
        "trace": trace.value,
        "channel_axis": channel_axis,
    }
    try:
        with plain_warnings(), progress(quiet) as report:
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
