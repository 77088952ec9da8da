"""Record the sufficient statistics of a network while it runs; its spikes are kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import check_window
from stochnet.recording.networks.arguments import checked
from stochnet.recording.networks.collector import BUFFER_BYTES
from stochnet.recording.networks.inputs.images import Inputs, Normalize, prepare
from stochnet.recording.networks.inputs.label_arrays import per_stimulus
from stochnet.recording.networks.options import RecordingOptions
from stochnet.recording.networks.recorder import record_into
from stochnet.recording.networks.thresholds import Rule
from stochnet.recording.schedule import LABELS, Schedule, check_order, make_schedule, presented
from stochnet.statistics.summary.parts import check_parts
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.stream import WORDS_AT_ONCE, SummaryStream


@checked
def record_summary(
    model: nn.Module,
    images: Inputs,
    labels: ArrayLike | None = None,
    *,
    window: int | None = None,
    per_condition: bool = False,
    parts: Iterable[str] | None = None,
    schedule: str | Schedule | None = None,
    n_trials: int | None = None,
    n_bins: int | None = None,
    by: str = "label",
    schedule_seed: int | None = None,
    layers: str | Sequence[str] | None = None,
    threshold: float = 0.0,
    unit: Literal["position", "channel"] = "position",
    channel_rule: Literal["any", "mean"] = "any",
    batch_size: int = 256,
    device: str | torch.device = "cpu",
    training_labels: ArrayLike | None = None,
    normalize: Normalize | None = None,
    provenance: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    buffer_bytes: int = BUFFER_BYTES,
    strict: bool = False,
    trace: Literal["auto", "assume"] = "auto",
    channel_axis: int | Mapping[str, int] | None = None,
) -> RasterSummary:
    """Record what a fit needs of a network, and keep no spikes.

    The result is ``RasterSummary.of(record(...))``, or with a schedule
    ``RasterSummary.of(present(record(...), schedule, ...))``, to the last bit wherever the network
    computes the same activations in another batch. Memory: the network, a batch, a buffer, and the
    statistics of every node, however many stimuli are shown.

    Parameters
    ----------
    model, images, labels
        As for `record`.
    window : int, optional
        Bins per window; the whole trial by default. A fit can use this window only.
    per_condition : bool, default False
        Tell the conditions apart, for parameters per condition.
    parts : iterable of str, optional
        What to keep beyond totals, as for `RasterSummary.of`; by default what all processes need.
    schedule : str or Schedule, optional
        The order in which the network is shown the stimuli, as for `present`; by default each once,
        in the order of the data set, in one trial. A stimulus that a schedule shows twice is run
        twice.
    n_trials, n_bins : int, optional
        Needed with the name of a schedule.
    by : {"label", "training-label"}
        Which labels blocked and stratified go by; they become the conditions.
    schedule_seed : int, optional
        Of the schedule. None draws one, which is kept in ``provenance["seed"]``.
    layers, threshold, unit, channel_rule, batch_size, device, training_labels, normalize
        As for `record`.
    strict, trace, channel_axis
        As for `record`.
    provenance, progress, buffer_bytes
        As for `record`; at least 64 words of every node are buffered.

    Raises
    ------
    InvalidInputError
        As `record`, `make_schedule` and `RasterSummary.of`.
    RecordingError
        As `record`.

    Examples
    --------
    >>> import numpy as np, stochnet as sn, torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU())
    >>> images = np.zeros((100, 4, 4), np.uint8)
    >>> sn.record_summary(net, images, window=20).n_nodes
    8
    """
    kept = [part.name for part in check_parts(parts)]
    n = len(prepare(images))
    plan = None
    if schedule is None:
        if (n_trials, n_bins, schedule_seed, by) != (None, None, None, "label"):
            raise InvalidInputError(
                "trials, bins, a seed and labels of a schedule need a schedule: shuffled, blocked, "
                "stratified or sequential"
            )
    elif isinstance(schedule, Schedule):
        check_order(schedule, n)
        plan = schedule
    else:
        if n_trials is None or n_bins is None:
            raise InvalidInputError("give n_trials and n_bins: how many trials of how many bins")
        entrance.option("by", by, LABELS)
        chosen = labels if by == "label" else training_labels
        known = per_stimulus("labels", chosen, n, np.iinfo(np.int16).max, lowest=-1)
        plan = make_schedule(schedule, n, n_trials, n_bins, labels=known, seed=schedule_seed)
    check_window(window, n if plan is None else plan.order.shape[1])

    def opened(template: SpikeRaster, _: int) -> AbstractContextManager[SummaryStream]:
        shown = template if plan is None else presented(template, plan, by)
        return nullcontext(
            SummaryStream(shown, window=window, per_condition=per_condition, parts=kept)
        )

    return record_into(
        opened,
        model,
        images,
        labels,
        RecordingOptions(
            layers=layers,
            rule=Rule(threshold, unit, channel_rule),
            batch_size=batch_size,
            device=device,
            training_labels=training_labels,
            normalize=normalize,
            provenance=provenance,
            progress=progress,
            buffer_bytes=buffer_bytes,
            strict=strict,
            trace=trace,
            channel_axis=channel_axis,
        ),
        fewest_words=WORDS_AT_ONCE,
        order=None if plan is None else np.ascontiguousarray(plan.order.reshape(-1)),
    ).summary
