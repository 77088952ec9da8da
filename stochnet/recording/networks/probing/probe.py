"""Run a network on a few stimuli, twice and in a batch of another size, before it is recorded."""

from __future__ import annotations

import numpy as np
from torch import nn

from stochnet.errors import RecordingError
from stochnet.recording.networks.applications import Choice, nothing_chosen, require_static
from stochnet.recording.networks.inputs.feed import Feed
from stochnet.recording.networks.inputs.images import Batch
from stochnet.recording.networks.options import RecordingOptions
from stochnet.recording.networks.probing.channels import channel_axes
from stochnet.recording.networks.probing.passes import Pass, show
from stochnet.recording.networks.probing.probe_findings import Findings, Told, judge, unseen
from stochnet.recording.networks.state import Buffers, untouched_random_state

SIZES = (5, 3)
"""Stimuli in the two batches."""
_AGAIN = np.array([4, 1, 2])


def probe(
    network: nn.Module, choice: Choice, feed: Feed, options: RecordingOptions, buffers: Buffers
) -> Findings:
    """Find out how each layer is to be recorded, and what speaks against recording it.

    The network is run on five stimuli, again on the same, and on three of them in another order.
    Its buffers and torch's random state are as before afterwards.

    Raises
    ------
    RecordingError
        It fails, nothing that was asked for is applied or goes stimulus by stimulus, the order of
        its functions cannot be relied on, or the channels of a layer are not known.
    """
    n = len(feed.shown)
    which = np.linspace(0, n - 1, SIZES[0]).round().astype(np.int64)
    recognised: dict[nn.Module, str] = {}

    def passed(batch: Batch, size: int, *, follow: bool = False) -> Pass:
        try:
            return show(network, choice, batch, size, recognised, follow=follow)
        finally:
            buffers.restore()

    with untouched_random_state(network):
        other: Pass | None = None
        batch = feed.pick(which)
        try:
            first = passed(batch, SIZES[0], follow=True)
            other = passed(feed.pick(which[_AGAIN]), SIZES[1], follow=True)
        except RecordingError:
            # The network may be made for batches of the size that is asked for.
            size = min(options.batch_size, len(feed))
            batch = feed.batch(0, size)
            first = passed(batch, size, follow=True)
        repeated = passed(batch, first.size)
    if not first.layers:
        by_hand, hidden = unseen(first, other, ())
        raise nothing_chosen(network, choice, sorted(first.unasked), [*by_hand, *hidden])
    if first.functions:
        if options.trace == "auto":
            require_static(network, first.functions)
        elif other is not None and other.sites != first.sites:
            raise RecordingError(
                f"{type(network).__name__} applies {', '.join(first.functions[:8])} in an order "
                "that depends on the data, so trace='assume' (--trace assume) does not hold; "
                "choose modules only with layers=PATTERN (--layers)"
            )
    findings = judge(Told(first, repeated, other, _AGAIN, buffers.changed), choice, recognised)
    findings.sites = first.sites if options.trace == "assume" else None
    if options.rule.unit == "channel":
        channel_axes(findings, first, options.channel_axis, passed, batch)
    return findings
