"""Record which nodes of a network fire for which stimulus."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from stochnet.errors import RecordingError
from stochnet.errors.publishing.publish import check_target
from stochnet.kernels.threads import Progress
from stochnet.raster.packing import n_words
from stochnet.raster.provenance import provenance as facts_of
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.sinks import Shape, WordSink
from stochnet.recording.networks.applications import Choice, choose, nothing_chosen, unwrap
from stochnet.recording.networks.arguments import checked
from stochnet.recording.networks.collector import BUFFER_BYTES, Collector
from stochnet.recording.networks.hooks import watch
from stochnet.recording.networks.identity import data_sha256, settings_sha256, weights_sha256
from stochnet.recording.networks.inputs.feed import Feed
from stochnet.recording.networks.inputs.images import Inputs, Normalize, Stimuli, prepare
from stochnet.recording.networks.options import RecordingOptions
from stochnet.recording.networks.probing.passes import forward
from stochnet.recording.networks.probing.probe import probe
from stochnet.recording.networks.probing.probe_findings import Findings
from stochnet.recording.networks.shards import Share, cut_share
from stochnet.recording.networks.state import Buffers, find_device, input_type, recording_state
from stochnet.recording.networks.thresholds import Rule
from stochnet.storage import open_sink

_WORDS = np.dtype(np.uint64)
Sink = TypeVar("Sink", bound=WordSink)


@checked
def record(
    model: nn.Module,
    images: Inputs,
    labels: ArrayLike | None = None,
    *,
    layers: str | Sequence[str] | None = None,
    threshold: float = 0.0,
    unit: Literal["position", "channel"] = "position",
    channel_rule: Literal["any", "mean"] = "any",
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    path: str | os.PathLike[str] | None = None,
    shard: tuple[int, int] | None = None,
    stimuli: ArrayLike | None = None,
    training_labels: ArrayLike | None = None,
    normalize: Normalize | None = None,
    provenance: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    buffer_bytes: int = BUFFER_BYTES,
    strict: bool = False,
    trace: Literal["auto", "assume"] = "auto",
    channel_axis: int | Mapping[str, int] | None = None,
) -> SpikeRaster:
    """Record the spikes of a network: a bin is a stimulus, a node an output of a ReLU-like layer.

    The network runs in evaluation mode, without gradients, one batch after the other; afterwards
    its modes, buffers and device are what they were. Memory: the network, a batch and a buffer,
    however many stimuli there are (and the recording itself where no `path` is given).

    Before that it is shown five stimuli, the same five again, and three of them in another order.
    Layers that do not go by stimulus are left out, and what makes the recording no function of the
    stimulus is found, both with a `RecordingWarning` and in the provenance.

    Parameters
    ----------
    model : nn.Module
        Any network that takes a batch of images, or of something else.
    images : array_like, Tensor or mapping of these, shape (stimulus, ...)
        uint8 arrays are (n, height, width) or (n, height, width, channel); they become float32 in
        [0, 1], channels first. uint8 tensors are (n, channel, height, width) and become float32 in
        [0, 1]. Floating arrays and tensors are taken as they are, in any shape the network takes.
        A network in another floating type gets its images in that type. Integer tensors, such as
        token ids, pass as they are. A mapping is passed as keywords, and nothing in it is scaled.
    labels : array_like of int, shape (stimulus,), optional
        Class of each stimulus, from 0: the conditions of the raster.
    layers : str or sequence of str, optional
        Globs over the names of modules (``"layer1.*"``) and of activation functions
        (``"layer1.0.relu"``: the module that calls it, and the function). Every module that
        matches is recorded, whatever its class; ``"!*.cpb_mlp*"`` leaves layers out. By default
        all ReLU-like activations: modules and functions, and modules of any class that compute a
        common activation, which have the name of the module. The second application of ``relu`` is
        layer ``relu:1``.
    threshold : float, default 0.0
        A spike is an activation above it, compared in the type of the activation.
    unit : {"position", "channel"}, default "position"
        A node is one scalar of the output, or one channel. Which axis holds the channels is
        followed through the network: convolutions put them second, linear layers last, and
        permutations move them. Where that is not known, larger stimuli are tried, and else the
        layer is refused: see `channel_axis`. Where an output has two axes both units are the same.
    channel_rule : {"any", "mean"}, default "any"
        A channel spikes if any of its values, or their mean, is above the threshold.
    batch_size : int, default 256
        Stimuli per forward pass; multiples of 64 are fastest.
    device : str, default "cpu"
        Where the network runs.
    path : path-like, optional
        File to stream to; it appears only when it is whole.
    shard : tuple of int, optional
        (i, n): record only part i, from 1 to n, of the stimuli. All arguments are those of the
        whole recording, which `stochnet.merge` makes of the n files.
    stimuli : array_like of int, shape (stimulus,), optional
        Indices of the stimuli in their data set; 0, 1, 2, … by default.
    training_labels : array_like of int, shape (stimulus,), optional
        Labels the network was trained on, where these are not the true ones; -1 for a stimulus
        it was not trained on.
    normalize : tuple of (mean, std), optional
        Values per channel, or one for all: images become (image - mean) / std.
    provenance : mapping, optional
        Further facts to keep with the recording.
    progress : callable, optional
        Called with ("record", stimuli done, stimuli).
    buffer_bytes : int, optional
        Bytes of packed spikes to collect between two writes.
    strict : bool, default False
        Refuse what would be warned of.
    trace : {"auto", "assume"}, default "auto"
        Functions have no identity but the order in which they are called. "auto" records them
        where torch.fx can trace the network, so that this order cannot depend on the data. "assume"
        takes your word for it, and checks in every batch that they are called from the same places.
    channel_axis : int or mapping of str to int, optional
        For ``unit="channel"``: the axis of the channels, for all layers or by glob over their
        names; axis 0 are the stimuli.

    Returns
    -------
    SpikeRaster
        Packed spikes (node, 1 trial, stimulus), schedule "sequential", in memory or in the file.

    Raises
    ------
    InvalidInputError
        An argument, the images or the labels cannot be used.
    RecordingError
        The network fails on the images, has NaN activations, does not apply what was asked for, or
        does not do the same for every stimulus; the channels are not known; there is something to
        warn of, and `strict`. No file is left behind.

    Warns
    -----
    RecordingWarning
        Layers are left out or missed, or the recording is no function of the stimulus.

    Examples
    --------
    >>> import numpy as np, stochnet as sn, torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU())
    >>> images = np.zeros((100, 4, 4), np.uint8)
    >>> sn.record(net, images).shape
    (8, 1, 100)
    """
    if path is not None:
        check_target(Path(path))
    return record_into(
        lambda template, words: open_sink(path, template, words),
        model,
        images,
        labels,
        RecordingOptions(
            layers=layers,
            rule=Rule(threshold, unit, channel_rule),
            batch_size=batch_size,
            device=device,
            shard=shard,
            stimuli=stimuli,
            training_labels=training_labels,
            normalize=normalize,
            provenance=provenance,
            progress=progress,
            buffer_bytes=buffer_bytes,
            strict=strict,
            trace=trace,
            channel_axis=channel_axis,
        ),
    ).raster


def record_into(
    opened: Callable[[SpikeRaster, int], AbstractContextManager[Sink]],
    model: nn.Module,
    images: Inputs,
    labels: ArrayLike | None,
    options: RecordingOptions,
    *,
    fewest_words: int = 1,
    order: NDArray[np.int64] | None = None,
) -> Sink:
    """Run a network and give its spikes to a sink, a few words of all nodes at a time.

    Parameters
    ----------
    opened : callable
        ``(template, words per write) -> context of a sink``, called once the nodes are known;
        `template` is the recording without its data.
    model, images, labels
        As for `record`.
    options : RecordingOptions
        All else that `record` takes.
    fewest_words : int
        Words of every node between two writes, at least.
    order : ndarray of int64 (bin,), optional
        Which stimulus is shown in each bin; each once, in order, by default.
    """
    shown = prepare(images, options.normalize)
    n = len(shown)
    per_bin = options.per_bin(labels, n)
    share = cut_share(n if order is None else len(order), options.shard)
    target = find_device(options.device)
    network = unwrap(model)
    choice = choose(network, options.layers)
    with ExitStack() as stack:
        buffers = stack.enter_context(recording_state(network, target))
        feed = Feed(shown, target, input_type(network), order)
        findings = probe(network, choice, feed, options, buffers)
        findings.tell(strict=options.strict, doubts=shown.doubts)
        facts = _facts(network, choice, shown, per_bin["conditions"], options)
        facts["shard"] = None if options.shard is None else share.facts

        n_bins, own = n, per_bin
        if order is None:
            n_bins = len(share)
            own = {k: None if v is None else v[share.stimuli] for k, v in per_bin.items()}
        collector = Collector(
            options.rule, len(share), options.buffer_bytes, share.start, fewest_words
        )
        sink: Sink | None = None
        run = _run(network, choice, feed, findings, buffers, collector, share, options.batch_size)
        for stop in stack.enter_context(closing(run)):
            if sink is None:
                template = SpikeRaster(
                    Shape((collector.layers[-1].nodes.stop, 1, n_words(n_bins)), _WORDS),
                    n_bins=n_bins,
                    layers=tuple(collector.layers),
                    schedule="sequential",
                    provenance={**facts, **findings.facts, **(options.provenance or {})},
                    **own,
                )
                sink = stack.enter_context(opened(template, collector.words_per_write))
            collector.flush(sink.write_words, last=stop >= share.stop)
            if options.progress is not None:
                options.progress("record", min(stop, share.stop) - share.start, len(share))
    if sink is None:
        raise RecordingError("no stimulus was recorded")
    return sink


def _run(
    network: nn.Module,
    choice: Choice,
    feed: Feed,
    findings: Findings,
    buffers: Buffers,
    collector: Collector,
    share: Share,
    batch_size: int,
) -> Generator[int]:
    """Show all batches of a share, and yield where each one has ended."""

    def take(name: str, kind: str, output: torch.Tensor) -> None:
        if name not in findings.left_out:
            collector.take(name, kind, output, findings.handling(name))

    with watch(network, choice, take, findings.recognised) as seen:
        for start, stop in share.batches(batch_size):
            collector.begin(start - share.start, stop - share.start)
            if findings.changed:
                buffers.restore()
            seen.begin()
            forward(network, feed.batch(start, stop))
            seen.end()
            if findings.sites is not None and findings.sites != seen.sites:
                raise RecordingError(
                    f"{type(network).__name__} applies {', '.join(seen.functions[:8])} in another "
                    f"order for stimuli {start} to {stop - 1}, so trace='assume' (--trace assume) "
                    "does not hold; choose modules only with layers=PATTERN (--layers)"
                )
            if not collector.layers:
                raise nothing_chosen(network, choice, sorted(seen.unasked))
            collector.end()
            yield stop


def _facts(
    network: nn.Module,
    choice: Choice,
    shown: Stimuli,
    conditions: NDArray[np.int64] | None,
    options: RecordingOptions,
) -> dict[str, Any]:
    """Return what the provenance says of network, images and choices."""
    return facts_of(
        model=type(network).__name__,
        weights_sha256=weights_sha256(network),
        preprocessing=shown.settings,
        preprocessing_sha256=settings_sha256(shown.settings),
        dataset_sha256=data_sha256(shown.data, conditions),
        layer_selection=choice.selection,
        threshold=options.rule.threshold,
        unit=options.rule.unit,
        channel_rule=options.rule.channel_rule,
        mode="eval",
        device=str(find_device(options.device)),
        batch_size=options.batch_size,
    )
