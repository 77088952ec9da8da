"""Collects the spikes of all layers, batch by batch, and writes them in words of all nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from stochnet.errors import RecordingError
from stochnet.kernels.counting.packing import pack_above, transpose_packed
from stochnet.raster.layers import Layer
from stochnet.raster.packing import WORD, n_words
from stochnet.recording.networks.thresholds import Handling, Rule, check_output, pack_nodes

BUFFER_BYTES = 1 << 26

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Pending:
    """Spikes of a layer that are still on another device."""

    layer: str
    packed: torch.Tensor
    bad: torch.Tensor
    words: Words


class Collector:
    """Node-major buffer of a few words of all nodes, filled stimulus by stimulus.

    The first batch decides which layers there are. Memory: the buffer, and the bits of a batch.

    Parameters
    ----------
    rule : Rule
        When a node spikes.
    n_stimuli : int
        Bins of the whole recording.
    buffer_bytes : int
        Size of the buffer; at least `fewest_words` words of every node are held, and a batch.
    first : int
        Number of the first stimulus in the data set, for messages.
    fewest_words : int, default 1
        Words of every node between two writes, or all there are.
    """

    def __init__(
        self,
        rule: Rule,
        n_stimuli: int,
        buffer_bytes: int = BUFFER_BYTES,
        first: int = 0,
        fewest_words: int = 1,
    ) -> None:
        self.layers: list[Layer] = []
        self._rule = rule
        self._n_stimuli = n_stimuli
        self._buffer_bytes = buffer_bytes
        self._first = first
        self._fewest_words = fewest_words
        self._first_words: dict[str, Words] = {}
        self._index: dict[str, Layer] = {}
        self._buffer = np.zeros((0, 0), np.uint64)
        self._start = self._stop = 0
        self._batch, self._rows = 0, slice(0, 0)
        self._flushed = 0
        self._done: set[str] = set()
        self._pending: list[_Pending] = []
        self.words_per_write = 0

    def begin(self, start: int, stop: int) -> None:
        """Expect stimuli `start` to `stop`, of which those before 0 or after the end are left out.

        Batches overlap the ends where a shard is cut from a recording within a batch.
        """
        self._start, self._stop = max(0, start), min(stop, self._n_stimuli)
        self._batch = stop - start
        self._rows = slice(self._start - start, self._stop - start)
        self._done.clear()
        self._pending.clear()

    def take(self, name: str, kind: str, output: torch.Tensor, handling: Handling) -> None:
        """Take the output of a layer for the stimuli of the batch; nothing of it is kept."""
        n = self._stop - self._start
        output = handling.unfolded(output.detach())
        check_output(name, output, self._batch)
        values = self._rule.nodes(name, output, handling)[self._rows]
        words = self._words_of(name, kind, tuple(values.shape[1:]))
        first_bit = self._start - WORD * self._flushed
        self._done.add(name)
        flat = values.reshape(n, -1)
        if flat.device.type == "cpu":
            threads = torch.get_num_threads()
            if flat.dtype == torch.float32:
                rows = flat.numpy()
                bad = pack_above(rows, self._rule.threshold, words, first_bit, threads=threads)
            else:
                rows = (flat > self._rule.threshold).numpy()
                pack_above(rows, 0, words, first_bit, threads=threads)
                bad = bool(flat.isnan().any())
            if bad:
                self._refuse_nan(name, flat.isnan().any(1))
        else:
            packed = pack_nodes(flat > self._rule.threshold)
            self._pending.append(_Pending(name, packed, flat.isnan().any(1), words))

    def end(self) -> None:
        """End a batch: every layer must have been applied.

        Raises
        ------
        RecordingError
            An activation is NaN, or a layer was not applied this time.
        """
        first_bit = self._start - WORD * self._flushed
        for one in self._pending:
            if bool(one.bad.any()):
                self._refuse_nan(one.layer, one.bad)
            transpose_packed(one.packed.cpu().numpy(), one.words, first_bit)
        self._pending.clear()
        missing = [layer.name for layer in self.layers if layer.name not in self._done]
        if missing:
            self._refuse_change(missing[0], "is not applied")
        if not self.words_per_write:
            self._allocate()

    def flush(self, write: Callable[[int, Words], None], *, last: bool = False) -> None:
        """Write the words that are complete; at the end, all there are."""
        while self._stop - WORD * self._flushed >= WORD * self.words_per_write:
            self._write(write, self.words_per_write)
        left = n_words(self._stop - WORD * self._flushed)
        if last and left > 0:
            self._write(write, left)

    def _write(self, write: Callable[[int, Words], None], n: int) -> None:
        write(self._flushed, self._buffer[:, None, :n])
        self._flushed += n
        rest = self._buffer.shape[1] - n
        self._buffer[:, :rest] = self._buffer[:, n:].copy()
        self._buffer[:, rest:] = 0

    def _words_of(self, name: str, kind: str, shape: tuple[int, ...]) -> Words:
        n_nodes = math.prod(shape)
        if not self.words_per_write:
            first = self.layers[-1].nodes.stop if self.layers else 0
            layer = Layer(name, kind, shape, first, n_nodes)
            self.layers.append(layer)
            self._index[name] = layer
            words = np.zeros((n_nodes, n_words(self._stop - self._start)), np.uint64)
            self._first_words[name] = words
            return words
        known = self._index.get(name)
        if known is None:
            self._refuse_change(name, "is applied, which it was not before,")
        if known.shape != shape:
            self._refuse_change(name, f"has shape {shape} after {known.shape}")
        return self._buffer[known.nodes]

    def _allocate(self) -> None:
        """Make the buffer, once the nodes are known, and move the first batch there."""
        n_nodes = self.layers[-1].nodes.stop
        total = n_words(self._n_stimuli)
        batch = n_words(self._batch) + 1
        fit = self._buffer_bytes // (8 * n_nodes)
        enough = max(self._fewest_words, fit - batch)
        self.words_per_write = total if fit >= total else min(total, enough)
        width = total if fit >= total else min(total, self.words_per_write + batch)
        self._buffer = np.zeros((n_nodes, width), np.uint64)
        for layer in self.layers:
            words = self._first_words.pop(layer.name)
            self._buffer[layer.nodes, : words.shape[1]] = words

    def _refuse_nan(self, layer: str, bad: torch.Tensor) -> NoReturn:
        stimulus = self._first + self._start + int(bad.to(torch.uint8).argmax())
        raise RecordingError(
            f"layer {layer!r} has NaN activations, first for stimulus {stimulus}; "
            "check the weights and the images"
        )

    def _refuse_change(self, layer: str, what: str) -> NoReturn:
        raise RecordingError(
            f"layer {layer!r} {what} for stimuli {self._first + self._start} to "
            f"{self._first + self._stop - 1}: the network does not do the same for every "
            "stimulus; choose layers that are always applied with layers=PATTERN (--layers)"
        )
