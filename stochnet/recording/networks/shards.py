"""Which stimuli a shard of a recording holds, and in which batches they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stochnet.errors import InvalidInputError
from stochnet.raster.packing import WORD, n_words
from stochnet.recording.networks.inputs.images import batches


@dataclass(frozen=True, slots=True)
class Share:
    """The stimuli `start` to `stop` of `n_stimuli`, shard `index` (from 1) of `of`."""

    index: int
    of: int
    start: int
    stop: int
    n_stimuli: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def stimuli(self) -> slice:
        """Its stimuli among all."""
        return slice(self.start, self.stop)

    @property
    def facts(self) -> dict[str, int]:
        """What the provenance of a shard says of it."""
        return {
            "index": self.index,
            "of": self.of,
            "first_stimulus": self.start,
            "n_stimuli": self.n_stimuli,
        }

    def batches(self, batch_size: int) -> Iterator[tuple[int, int]]:
        """Yield the batches of the undivided recording that show any of its stimuli.

        Sums in a network may round in another way in a batch of another size. So a batch in which
        a shard begins or ends is run whole.
        """
        for start, stop in batches(self.n_stimuli, batch_size):
            if start < self.stop and stop > self.start:
                yield start, stop


def cut_share(n_stimuli: int, shard: tuple[int, int] | None) -> Share:
    """Return the share of a shard (index from 1, number of shards); None is all stimuli.

    Shares are cut at multiples of 64 stimuli, so that only the last word of the last one has
    padding.

    Raises
    ------
    InvalidInputError
        There is no such shard, or there are more shards than words.
    """
    if shard is None:
        return Share(1, 1, 0, n_stimuli, n_stimuli)
    index, of = shard
    words = n_words(n_stimuli)
    if not 1 <= index <= of:
        raise InvalidInputError(
            f"shard {index}/{of}: the shards of {of} are numbered from 1 to {of}"
        )
    if of > words:
        raise InvalidInputError(
            f"{n_stimuli} stimuli make at most {words} shards of {WORD} or more, not {of}"
        )
    start, stop = (WORD * (words * k // of) for k in (index - 1, index))
    return Share(index, of, start, min(stop, n_stimuli), n_stimuli)
