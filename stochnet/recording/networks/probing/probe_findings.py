"""What speaks against recording a layer, found by comparing forward passes of the same stimuli."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stochnet.errors import RecordingError
from stochnet.recording.networks.applications import Choice
from stochnet.recording.networks.notices import tell
from stochnet.recording.networks.probing.passes import Applied, Pass
from stochnet.recording.networks.thresholds import PLAIN, Handling

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Told:
    """The passes to compare.

    Attributes
    ----------
    first, repeated : Pass
        Of the same batch.
    other : Pass or None
        Of a batch of another size; None where the network takes no other size.
    rows : ndarray of int
        Which stimuli of the first batch are in the other one.
    changed : sequence of str
        Buffers that a pass leaves changed.
    """

    first: Pass
    repeated: Pass
    other: Pass | None
    rows: NDArray[np.int64]
    changed: Sequence[str]


@dataclass(slots=True)
class Findings:
    """How a network is recorded, and what to say of that.

    Attributes
    ----------
    recognised : dict of nn.Module to str
        Modules that compute a common activation.
    layers : dict of str to Handling
        How the output of each layer is taken.
    left_out : dict of str to str
        Layers that are not recorded, and why.
    restless : tuple of str
        Layers that are not the same when the same stimuli are shown again.
    batchwise : tuple of str
        Layers that depend on what else is in the batch.
    changed : tuple of str
        Buffers that the network changes in evaluation mode.
    not_recorded : tuple of str
        Activations that cannot be recorded.
    one_size : int or None
        The only size of batches that the network takes, if it takes no other.
    sites : list or None
        Where in the code each function is called, if that must be the same in every batch.
    """

    recognised: dict[nn.Module, str]
    layers: dict[str, Handling] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    restless: tuple[str, ...] = ()
    batchwise: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    not_recorded: tuple[str, ...] = ()
    one_size: int | None = None
    sites: list[Hashable] | None = None

    def handling(self, layer: str) -> Handling:
        """Return how a layer is taken."""
        return self.layers.get(layer, PLAIN)

    @property
    def facts(self) -> dict[str, Any]:
        """What the provenance says of it; nothing where there is nothing to say."""
        facts = {
            "left_out": self.left_out,
            "differs_when_repeated": list(self.restless),
            "depends_on_batch": list(self.batchwise),
            "buffers_changed_in_eval": list(self.changed),
            "not_recorded": list(self.not_recorded),
        }
        return {name: value for name, value in facts.items() if value}

    def tell(self, *, strict: bool, doubts: Sequence[str] = ()) -> None:
        """Warn of what was found, and of other doubts.

        Raises
        ------
        RecordingError
            There is something to warn of, and `strict`.
        """
        texts = [*doubts, *self._texts()]
        if texts and strict:
            raise RecordingError(f"{'; '.join(texts)} (refused because of strict=True, --strict)")
        for text in texts:
            tell(text)

    def _texts(self) -> list[str]:
        texts = []
        if self.restless:
            texts.append(
                f"not the same when the same stimuli are shown again: {_listed(self.restless)}; "
                "the recording is no function of the stimuli. Something draws random numbers or "
                "remembers in evaluation mode, such as functional.dropout without "
                "training=self.training"
            )
        if self.batchwise:
            texts.append(
                "not the same when the same stimuli are shown in another batch: "
                f"{_listed(self.batchwise)}; the recording is no function of the stimulus. "
                "Something is computed over the batch in evaluation mode, such as batch "
                "statistics (track_running_stats=False)"
            )
        if self.changed:
            texts.append(
                f"buffers that the network changes in evaluation mode: {_listed(self.changed)}; "
                "they are put back before every batch and at the end"
            )
        if self.left_out:
            by_reason: dict[str, list[str]] = {}
            for name, reason in self.left_out.items():
                by_reason.setdefault(reason, []).append(name)
            listed = [f"{_listed(names)} ({reason})" for reason, names in by_reason.items()]
            texts.append(f"left out, because it does not go by stimulus: {_listed(listed)}")
        if self.not_recorded:
            texts.append(f"activations that are not recorded: {_listed(self.not_recorded)}")
        if self.one_size is not None:
            texts.append(
                f"the network takes batches of {self.one_size} stimuli and of no other size tried, "
                "so it could not be checked whether its layers go by stimulus"
            )
        return texts


def judge(told: Told, choice: Choice, recognised: dict[nn.Module, str]) -> Findings:
    """Compare the passes, layer by layer.

    Raises
    ------
    RecordingError
        No layer goes stimulus by stimulus, or one that was asked for by its name does not.
    """
    found = Findings(recognised, changed=tuple(told.changed))
    found.one_size = told.first.size if told.other is None else None
    restless, batchwise = [], []
    known = {choice.names[module] for module, kind in recognised.items() if kind}
    by_hand, hidden = unseen(told.first, told.other, known)
    for name, one in told.first.layers.items():
        again = told.repeated.layers.get(name)
        if again is not None and not _same(one.values, again.values, exact=True):
            restless.append(name)
        other = None if told.other is None else told.other.layers.get(name)
        fold, reason, alike = _fold(one, other, told)
        if not reason and not one.origin.of_stimulus and not hidden:
            reason = "it does not depend on the stimuli"
        if reason:
            found.left_out[name] = reason
        else:
            found.layers[name] = Handling(fold)
            if not alike and name not in restless:
                batchwise.append(name)
    _check_left_out(found, choice, told.first)
    found.restless = tuple(name for name in restless if name in found.layers)
    found.batchwise = tuple(batchwise)
    found.not_recorded = (*by_hand, *hidden)
    return found


def _fold(one: Applied, other: Applied | None, told: Told) -> tuple[int, str, bool]:
    """Return the rows of a stimulus, why it has none, and whether another batch gives the same."""
    size = told.first.size
    shape = one.shape
    if not shape or shape[0] % size or not shape[0]:
        return 1, f"its shape is {shape} for {size} stimuli", True
    fold = shape[0] // size
    if other is None or told.other is None:
        return fold, "", True
    if other.shape != (fold * told.other.size, *shape[1:]):
        reason = f"its shape is {shape} for {size} stimuli and {other.shape} for {told.other.size}"
        return 1, reason, True
    mine, theirs = (x.values.reshape(-1, fold, x.values.shape[1]) for x in (one, other))
    alike = _same(mine[told.rows], theirs)
    if fold > 1 and not alike:
        turned, others = (x.values.reshape(fold, -1, x.values.shape[1]) for x in (one, other))
        if _same(turned[:, told.rows], others):
            return 1, f"its shape is {shape}: the stimuli are not outermost in its first axis", True
    return fold, "", alike


def _same(one: torch.Tensor, other: torch.Tensor, *, exact: bool = False) -> bool:
    """Whether values are equal, up to rounding in another order where they are not `exact`."""
    if one.shape != other.shape:
        return False
    if not one.is_floating_point() or (exact and one.device.type == "cpu"):
        return bool(torch.equal(one.nan_to_num(), other.nan_to_num()))
    finite = one[one.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 1.0
    tolerance = scale * torch.finfo(one.dtype).eps ** 0.5
    return bool(torch.isclose(one, other, rtol=0, atol=tolerance, equal_nan=True).all())


def unseen(first: Pass, other: Pass | None, known: Collection[str]) -> tuple[list[str], list[str]]:
    """Return activations put together by hand, and what is computed out of sight.

    Parameters
    ----------
    known : collection of str
        Modules that are recorded as a whole.
    """
    by_hand = [
        f"{kind} put together by hand in {place}"
        for place, kind in first.by_hand
        if place not in known
    ]
    # Tensors that grow with the batch and that nothing seen has computed.
    foreign = [
        {(place, shape[0] // one.size, shape[1:]): place for place, shape in one.foreign
         if shape[0] % one.size == 0}
        for one in (first, other) if one is not None
    ]  # fmt: skip
    places = [place for key, place in foreign[0].items() if key in foreign[-1]]
    hidden = [f"what another thread or code outside of torch computes for {one}" for one in places]
    return list(dict.fromkeys(by_hand)), list(dict.fromkeys(hidden)) if other else []


def _check_left_out(found: Findings, choice: Choice, first: Pass) -> None:
    named = [name for name in found.left_out if choice.by_name(name)]
    if named or not found.layers:
        name = named[0] if named else next(iter(found.left_out))
        raise RecordingError(
            f"layer {name!r} has an output of shape {first.layers[name].shape} for a batch of "
            f"{first.size} stimuli ({found.left_out[name]}): its first axis must be the stimuli; "
            "choose other layers with layers=PATTERN (--layers)"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
