"""Merge the shards of a recording into the recording that was divided."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.errors.publishing.publish import check_target
from stochnet.kernels.threads import Progress
from stochnet.raster.blocks import node_blocks
from stochnet.raster.packing import WORD, n_words
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.sinks import Shape
from stochnet.storage import raster_writer, read_raster, stored_digest, verify

# Facts of the provenance that all shards of a recording share.
ALIKE = {
    "weights_sha256": "the weights",
    "dataset_sha256": "the data set",
    "preprocessing_sha256": "the preprocessing",
    "layer_selection": "the selection of layers",
    "threshold": "the threshold",
    "unit": "the unit",
    "channel_rule": "the channel rule",
    "mode": "the mode of the network",
}
_PER_BIN = ("conditions", "training_labels", "stimuli")


@dataclass(frozen=True, slots=True)
class _Shard:
    """A shard: its file, what it says of itself, its raster."""

    path: Path
    index: int
    of: int
    first: int
    n_stimuli: int
    raster: SpikeRaster

    def __str__(self) -> str:
        return f"{self.path} (shard {self.index} of {self.of})"


def merge(
    paths: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
) -> SpikeRaster:
    """Merge the shards of a recording (`stochnet.record` with ``shard=``).

    The result has the content, and so the digest, of the recording that was not divided. Every
    shard is verified first. Memory: a block of nodes.

    Parameters
    ----------
    paths : sequence of path-like
        All shards, in any order.
    path : path-like
        File to write; it appears only when it is whole.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SpikeRaster
        Read lazily from the file.

    Raises
    ------
    InvalidInputError
        A file is no shard, one is missing or given twice, or they do not belong together; the
        message names it.
    FileFormatError
        A shard is damaged.

    Examples
    --------
    >>> sn.merge(["rec-1.h5", "rec-2.h5"], "rec.h5")  # doctest: +SKIP
    """
    entrance.progress(progress)
    check_target(entrance.path("path", path))
    files = [entrance.path("paths", one) for one in entrance.items("paths", paths, "paths")]
    shards = _in_order([_open(one) for one in files])
    for k, one in enumerate(shards):
        if progress is not None:
            progress("verify", k, len(shards))
        verify(one.path)
    template = _template(shards)
    with raster_writer(path, template) as writer:
        # A block of all shards, and the same once more, joined.
        for first, last in node_blocks(template.n_nodes, 2 * template.node_bytes):
            parts = [one.raster.data[first:last] for one in shards]
            writer.write(first, np.concatenate(parts, axis=2))
            if progress is not None:
                progress("merge", last, template.n_nodes)
    return writer.raster


def _open(path: Path) -> _Shard:
    """Open a shard and check that it is what it says.

    Raises
    ------
    InvalidInputError, FileFormatError
        It is no shard, or not of the size that it should have.
    """
    raster = read_raster(path)
    facts = raster.provenance.get("shard")
    names = ("index", "of", "first_stimulus", "n_stimuli")
    if not (isinstance(facts, Mapping) and all(isinstance(facts.get(n), int) for n in names)):
        raise InvalidInputError(
            f"{path} is no shard of a recording; record shards with `stochnet record --shard I/N`"
        )
    index, of, start, n_stimuli = (int(facts[name]) for name in names)
    shard = _Shard(path, index, of, start, n_stimuli, raster)
    end = shard.first + raster.n_bins
    whole_words = shard.first % WORD == 0 and (end % WORD == 0 or end == shard.n_stimuli)
    if raster.kind != "spikes" or raster.n_trials != 1 or not whole_words or end > shard.n_stimuli:
        raise FileFormatError(
            f"{shard} does not hold the stimuli that it says it holds; record it again"
        )
    return shard


def _in_order(shards: list[_Shard]) -> list[_Shard]:
    """Return the shards in order, each there once, and of one recording.

    Raises
    ------
    InvalidInputError
        The message names the shard.
    """
    if not shards:
        raise InvalidInputError("give the shards to merge, all of them")
    first = shards[0]
    found: dict[int, _Shard] = {}
    for one in shards:
        _check_together(first, one)
        if one.index in found:
            raise InvalidInputError(
                f"{found[one.index].path} and {one.path} are both shard {one.index} of {one.of}; "
                "give each shard once"
            )
        found[one.index] = one
    missing = [str(k) for k in range(1, first.of + 1) if k not in found]
    if missing:
        raise InvalidInputError(
            f"shard {', '.join(missing)} of {first.of} is missing; record it with "
            f"--shard {missing[0]}/{first.of}, or name its file"
        )
    ordered = [found[k] for k in range(1, first.of + 1)]
    end = 0
    for one in ordered:
        if one.first != end:
            raise InvalidInputError(
                f"{one} begins with stimulus {one.first} instead of {end}; record it again"
            )
        end += one.raster.n_bins
    if end != first.n_stimuli:
        raise InvalidInputError(
            f"{ordered[-1]} ends with stimulus {end - 1} instead of {first.n_stimuli - 1}; record "
            "it again"
        )
    return ordered


def _check_together(one: _Shard, other: _Shard) -> None:
    """Refuse two shards that are not of one recording.

    Raises
    ------
    InvalidInputError
        The message says what differs.
    """
    differ = [
        words
        for name, words in ALIKE.items()
        if one.raster.provenance.get(name) != other.raster.provenance.get(name)
    ]
    if (one.of, one.n_stimuli) != (other.of, other.n_stimuli):
        differ.insert(0, "the division")
    if one.raster.layers != other.raster.layers:
        differ.append("the layers")
    differ += [
        f"whether there are {name.replace('_', ' ')}"
        for name in _PER_BIN
        if (getattr(one.raster, name) is None) != (getattr(other.raster, name) is None)
    ]
    if differ:
        raise InvalidInputError(
            f"{one} and {other} differ in {', '.join(differ)}: record all shards with the same "
            "network, data and options"
        )


def _template(shards: Sequence[_Shard]) -> SpikeRaster:
    """Return the whole recording without its data."""
    rasters = [one.raster for one in shards]
    n_stimuli = shards[0].n_stimuli
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in rasters], axis=1)
        for name in _PER_BIN
        if getattr(rasters[0], name) is not None
    }
    return SpikeRaster(
        Shape((rasters[0].n_nodes, 1, n_words(n_stimuli)), np.dtype(np.uint64)),
        n_bins=n_stimuli,
        layers=rasters[0].layers,
        bin_width=rasters[0].bin_width,
        schedule=rasters[0].schedule,
        provenance=_provenance(shards),
        **joined,
    )


def _provenance(shards: Sequence[_Shard]) -> dict[str, Any]:
    """Return the facts that all shards share, and what is known of each."""
    each = [one.raster.provenance for one in shards]
    shared = {
        name: value
        for name, value in each[0].items()
        if name != "shard" and all(facts.get(name) == value for facts in each)
    }
    return {
        **shared,
        **provenance(
            shards=[
                {
                    "content_digest": stored_digest(one.path),
                    "time": facts.get("time", ""),
                    "device": facts.get("device", ""),
                }
                for one, facts in zip(shards, each, strict=True)
            ]
        ),
    }
