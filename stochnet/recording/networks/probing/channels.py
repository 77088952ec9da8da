"""Which axes of a layer hold its channels."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch

from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording.networks.inputs.images import Batch
from stochnet.recording.networks.probing.passes import Pass
from stochnet.recording.networks.probing.probe_findings import Findings
from stochnet.recording.networks.thresholds import unknown_channels

ChannelAxis = int | Mapping[str, int] | None


def channel_axes(
    findings: Findings,
    first: Pass,
    asked: ChannelAxis,
    again: Callable[[Batch, int], Pass],
    batch: Batch,
) -> None:
    """Find the channels of every layer that is recorded: what the user says, or else its history.

    Where the history of a layer says nothing, the stimuli are shown in another size: the only axis
    that does not change holds the channels.

    Raises
    ------
    InvalidInputError
        A layer has no such axis, or a pattern matches no layer.
    RecordingError
        The channels of a layer are not known.
    """
    shapes = {
        name: one.shape if (k := findings.layers[name].fold) == 1
        else (one.shape[0] // k, k, *one.shape[1:])
        for name, one in first.layers.items() if name in findings.layers
    }  # fmt: skip
    deep = {name: shape for name, shape in shapes.items() if len(shape) > 2}
    known = _from_user(asked, shapes)
    for name, shape in deep.items():
        origin = first.layers[name].origin
        shift = len(shape) - len(first.layers[name].shape)
        if name not in known and origin.axes is not None and 0 not in origin.axes:
            known[name] = tuple(sorted(axis + shift for axis in origin.axes))
    unknown = [name for name in deep if name not in known]
    if unknown:
        known |= _from_another_size(unknown, first, findings, again, batch)
    unknown = [name for name in unknown if name not in known]
    if unknown:
        raise unknown_channels({name: deep[name][1:] for name in unknown})
    for name in deep:
        findings.layers[name] = replace(findings.layers[name], channel_axes=known[name])


def _from_user(
    asked: ChannelAxis, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    if asked is None:
        return {}
    by_pattern = {"*": asked} if isinstance(asked, int) else asked
    found: dict[str, tuple[int, ...]] = {}
    for pattern, axis in by_pattern.items():
        matched = [name for name in shapes if fnmatch.fnmatchcase(name, pattern)]
        if not matched:
            raise InvalidInputError(
                f"channel_axis: {pattern!r} matches no layer that is recorded; these are "
                f"{', '.join(list(shapes)[:8])}"
            )
        for name in matched:
            n_axes = len(shapes[name])
            if n_axes < 3:
                continue
            if axis == 0 or not -n_axes < axis < n_axes:
                raise InvalidInputError(
                    f"channel_axis: layer {name!r} has no axis {axis} beside that of the stimuli; "
                    f"its axes are (stimuli, {', '.join(map(str, shapes[name][1:]))}), so one of "
                    f"1 to {n_axes - 1}"
                )
            found.setdefault(name, (axis % n_axes,))
    return found


def _from_another_size(
    unknown: list[str],
    first: Pass,
    findings: Findings,
    again: Callable[[Batch, int], Pass],
    batch: Batch,
) -> dict[str, tuple[int, ...]]:
    for larger in _larger(batch):
        try:
            grown = again(larger, first.size)
        except RecordingError:
            continue
        found: dict[str, tuple[int, ...]] = {}
        for name in unknown:
            before, after = first.layers[name].shape, grown.layers.get(name)
            if after is None or len(after.shape) != len(before) or findings.layers[name].fold > 1:
                continue
            same = [k for k in range(1, len(before)) if before[k] == after.shape[k]]
            if len(same) == 1 and math.prod(after.shape) > math.prod(before):
                found[name] = (same[0],)
        if found:
            return found
    return {}


def _larger(batch: Batch) -> Iterator[Batch]:
    """Yield the batch with larger images, or longer sequences."""
    if not isinstance(batch, torch.Tensor):
        length = next((x.shape[1] for x in batch.values() if x.ndim > 1), 0)
        yield {
            k: torch.cat([x, x], 1) if x.ndim > 1 and x.shape[1] == length else x
            for k, x in batch.items()
        }
    elif batch.ndim == 4:
        yield batch.repeat(1, 1, 2, 2)
    elif batch.ndim in (2, 3):
        for axis in range(1, batch.ndim)[::-1]:
            yield torch.cat([batch, batch], axis)
